//! The cart's behaviours over its stores in SQLite and PostgreSQL: the files of the pure crate's own suite; and what only a
//! database shows, because there calls run at the same time.

#![expect(clippy::duplicate_mod, reason = "each behaviour is there once for each database")]
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has nothing to say")]

mod at_the_same_time;
mod ground;
mod mail;
mod one_after_the_other;
mod postgres;
mod sqlite;

#[path = "../../../services/cart/tests/suite/provider.rs"]
mod provider;
#[path = "../../../services/cart/tests/suite/stores.rs"]
mod stores;
#[path = "../../../services/cart/tests/suite/support.rs"]
mod support;
