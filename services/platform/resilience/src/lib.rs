//! The tower layers between a caller and the transport.
//!
//! A wiring names a [`Policy`]; [`stack`] puts its layers around a transport, outermost first.
//! A layer reads a call through [`Budgeted`]: its deadline, and whether it is idempotent.
//!
//! Not here: what a call is, or how it travels (`remote`).

mod failure;
mod retry;
mod time_limit;

use std::time::Duration;

pub use failure::Failure;
pub use retry::{Again, Retries};
pub use time_limit::{InTime, TimeLimit, TimeLimited};
use tokio::time::Instant;
use tower::{Service, ServiceBuilder, retry::RetryLayer, util::BoxCloneSyncService};

/// The facts about a call that a layer may use.
pub trait Budgeted {
    /// The time at which the caller stops waiting.
    fn deadline(&self) -> Instant;
    /// Whether sending the call twice has the effect of sending it once.
    fn idempotent(&self) -> bool;
    /// The callee's name, for the error message.
    fn service(&self) -> &'static str;
}

/// A caller's protection against a slow callee, as the axis `resilience` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Only the request's own deadline limits a call.
    None,
    /// Each attempt has a time limit of its own within the deadline.
    Timeout,
}

/// A transport inside its layers.
pub type Stack<C, R> = BoxCloneSyncService<C, R, Failure>;

/// Puts the policy's layers around a transport: `attempt` is the time limit of one attempt, and `retries`
/// counts retries.
pub fn stack<C, R, S>(policy: Policy, attempt: Duration, retries: Retries, transport: S) -> Stack<C, R>
where
    C: Budgeted + Clone + Send + Sync + 'static,
    R: Send + 'static,
    S: Service<C, Response = R, Error = Failure> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    let attempt = match policy {
        Policy::None => None,
        Policy::Timeout => Some(TimeLimit::per_attempt(attempt)),
    };
    let layers = ServiceBuilder::new()
        // Outermost, because all attempts together end at the caller's deadline.
        .layer(TimeLimit::deadline_only())
        // Inside the deadline and outside the attempt's limit, so that each attempt gets a limit of its own.
        .layer(RetryLayer::new(Again::new(retries)))
        // Next to the transport, because it limits one attempt; choosing a replica is part of an attempt.
        .option_layer(attempt);
    BoxCloneSyncService::new(layers.service(transport))
}
