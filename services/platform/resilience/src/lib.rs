//! The tower layers that a client wears, between a component's caller and the wire.
//!
//! A wiring names a [`Policy`]; [`wear`] puts its layers around a transport, outermost first.
//! A layer learns what it needs of a call by [`Budgeted`]: when it must be over, and whether it may be repeated.
//!
//! Not here: what a call is, or how it travels (`remote`).

mod time_limit;

use std::{str::FromStr, time::Duration};

use contract::Unavailable;
use tokio::time::Instant;
use tower::{Service, ServiceBuilder, util::BoxCloneSyncService};

pub use time_limit::{TimeLimit, TimeLimited};

/// What a layer may know of a call.
pub trait Budgeted {
    /// When the caller stops waiting.
    fn deadline(&self) -> Instant;
    /// Whether sending it twice has the effect of sending it once.
    fn repeatable(&self) -> bool;
    /// The callee's name, for the error.
    fn service(&self) -> &'static str;
}

/// How a caller protects itself: the values of the axis `resilience`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The request's own deadline is the only limit.
    None,
    /// Every attempt has a limit of its own within the deadline.
    Timeout,
}

/// The policy's name is not known.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{0}` is not a resilience policy: there is `none`, `timeout`")]
pub struct UnknownPolicy(String);

impl FromStr for Policy {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        match text {
            "none" => Ok(Self::None),
            "timeout" => Ok(Self::Timeout),
            other => Err(UnknownPolicy(other.to_owned())),
        }
    }
}

/// A transport in its layers.
pub type Worn<C, R> = BoxCloneSyncService<C, R, Unavailable>;

/// Puts the policy's layers around a transport; `attempt` limits one attempt.
pub fn wear<C, R, S>(policy: Policy, attempt: Duration, transport: S) -> Worn<C, R>
where
    C: Budgeted + Send + 'static,
    R: Send + 'static,
    S: Service<C, Response = R, Error = Unavailable> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    let limit = match policy {
        Policy::None => TimeLimit::deadline_only(),
        Policy::Timeout => TimeLimit::per_attempt(attempt),
    };
    let stack = ServiceBuilder::new()
        // Next to the transport, so that it limits one attempt; no attempt outlives the caller's deadline either way.
        .layer(limit)
        .service(transport);
    BoxCloneSyncService::new(stack)
}
