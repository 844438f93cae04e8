//! The rate limiter's business logic: may this request pass, now, for this key, under this policy?
//!
//! | component | contract | what it answers for |
//! |---|---|---|
//! | `policies` | [`Policies`] | which limits apply to whom; may change at any time |
//! | `decisions` | [`Decisions`] | whether a request passes, by the policies and the counts |
//! | `counts` | [`Counts`] | what each key has used, where one process keeps that for all |
//!
//! This crate is pure: no transport, storage, clock or randomness. Its manifest shows it.
//!
//! Read in this order: `limit`, `policies`, `decisions`, `counts` (contracts).

mod counts;
mod decisions;
mod limit;
mod policies;

pub use counts::{Charge, CountError, CountKey, Counts, MAX_CHARGES, Standing, Take, Taken};
pub use decisions::{
    Ask, Decision, DecisionError, Decisions, Fact, MAX_COST, MAX_FACT_BYTES, MAX_FACTS, PolicyStanding,
    Verdict,
};
pub use limit::{Limit, LimitError};
pub use policies::{
    KeySource, Known, MAX_EXEMPT, MAX_LIMITS, MAX_POLICIES, Mode, Policies, Policy, PolicyError, PolicyFault,
    PolicySet, Replacement,
};
