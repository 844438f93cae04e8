//! The circuit breaker: it stops calls to a callee that fails or is slow, and finds out when that is over.
//!
//! Nygard, "Release It!", 2007, and <https://martinfowler.com/bliki/CircuitBreaker.html>.
//! [`Machine`] decides and is pure: it is given the time and the outcomes. [`BreakerLayer`] is the tower layer
//! around it.
//!
//! Read in this order: `machine`, `window`, `layer`.

mod layer;
mod machine;
#[cfg(test)]
mod tests;
mod window;

pub use layer::{Breaker, BreakerLayer, BreakerSnapshot, Guarded, Moved, Permit};
pub use machine::{Machine, Outcome, Reason, State, Ticket, Transition};
pub use window::Counts;
