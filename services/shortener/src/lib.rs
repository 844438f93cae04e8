//! The URL shortener's business logic: two components, each behind its contract.
//!
//! | component | contract | logic | dependencies |
//! |---|---|---|---|
//! | `links` | [`Links`] | [`LinkService`] | a [`LinkStore`], a [`CodeSource`], a clock |
//! | `clicks` | [`Clicks`] | [`ClickService`] | a [`ClickStore`] |
//!
//! This crate is pure: no transport, no storage, no clock, no randomness, as its manifest shows.
//! Its ports to the outside are in [`ports`]; `shortener-app` has the adapters.
//!
//! Read in this order: `links` (contract), `link_service`, `codes`, `clicks`, `click_service`, `ports`;
//! `authority`, `target`, `code` and `id` are validated values, and `own_hosts` recognises targets that lead back to the
//! shortener.

mod authority;
mod click_service;
mod clicks;
mod code;
mod codes;
mod id;
mod link_service;
mod links;
mod own_hosts;
pub mod ports;
mod target;

pub use authority::Authority;
pub use click_service::ClickService;
pub use clicks::{ClickCount, ClickError, Clicked, Clicks, MAX_COUNTS, Recorded, Tallies, Tally};
pub use code::{Code, CodeError};
pub use codes::{CodeSource, CounterCodes, HashCodes, RandomCodes};
pub use id::{IdError, LinkId, TallyId};
pub use link_service::LinkService;
pub use links::{Link, LinkError, Links, Removed, RequestKey, RequestKeyError, Shorten};
pub use own_hosts::OwnHosts;
pub use ports::{ClickStore, Inserted, LinkStore, NewLink, Numbers};
pub use target::{Target, TargetError};
