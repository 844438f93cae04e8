//! The rate limiter's business logic: does a request pass, now, for this key, under this policy?
//!
//! | component | contract | logic | dependencies |
//! |---|---|---|---|
//! | `policies` | [`Policies`]: the limits and their keys; replaceable at any time | [`PolicyService`] | a [`PolicyStore`] |
//! | `decisions` | [`Decisions`]: decides requests by the policies and the counts | [`DecisionService`] | [`Counts`] |
//! | `counts` | [`Counts`]: what each key has used | [`LocalCounts`] by an [`Algorithm`] | [`Ticks`](contract::Ticks), a secret |
//!
//! This crate is pure: no transport, storage, clock or randomness, as its manifest shows.
//! Its ports to the outside are in [`ports`]; `limiter-app` has the adapters.
//!
//! Read in this order: `limit`, `policies`, `decisions`, `counts` (contracts); `algorithm` and the files in it, beginning
//! with `fixed_window`; `client`, `local_counts`, `decision_service`, `policy_service`, `ports`, `rehearsal`.

pub mod algorithm;
mod client;
mod counts;
mod decision_service;
mod decisions;
mod limit;
mod local_counts;
mod policies;
mod policy_service;
pub mod ports;
mod rehearsal;

pub use algorithm::{Algorithm, Fields, Floor, State};
pub use client::{IPV6_PREFIX, MAX_KEY_BYTES};
pub use counts::{Charge, CountError, CountKey, Counts, MAX_CHARGES, Standing, Take, Taken};
pub use decision_service::{DecisionService, Keying, OnFailure, RETRY_UNCOUNTED};
pub use decisions::{
    Ask, Asks, Decision, DecisionError, Decisions, Fact, MAX_ASKS, MAX_COST, MAX_FACTS, PolicyStanding,
    Verdict,
};
pub use limit::{Limit, LimitError};
pub use local_counts::{Capacity, Held, LocalCounts};
pub use policies::{
    KeySource, Known, MAX_EXEMPT, MAX_EXEMPT_CHARS, MAX_EXPECTED, MAX_LIMITS, MAX_POLICIES, Mode, Policies,
    Policy, PolicyError, PolicyFault, PolicySet, Replacement,
};
pub use policy_service::PolicyService;
pub use ports::{PolicyStore, Stored};
pub use rehearsal::rehearse;
