//! The cart's logic over stores in memory, and its saga over a network that loses, repeats and delays.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has nothing to say")]

mod abandoned;
mod carts;
mod checkout;
mod controls;
mod goods;
mod ground;
mod memory;
mod network;
mod orders;
mod payments;
mod payments_in_any_order;
mod provider;
mod saga;
mod shop;
mod stores;
mod support;
