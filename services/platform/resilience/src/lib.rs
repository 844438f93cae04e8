//! The tower layers that stand between a caller and the wire.
//!
//! A wiring names a [`Policy`]; [`stack`] puts its layers around a transport, outermost first.
//! A layer learns what it needs of a call by [`Budgeted`]: when it must be over, and whether it is idempotent.
//!
//! Not here: what a call is, or how it travels (`remote`).

mod failure;
mod retry;
mod time_limit;

use std::{str::FromStr, time::Duration};

use tokio::time::Instant;
use tower::{Service, ServiceBuilder, retry::RetryLayer, util::BoxCloneSyncService};

pub use failure::Failure;
pub use retry::{Again, Retries};
pub use time_limit::{InTime, TimeLimit, TimeLimited};

/// What a layer may know of a call.
pub trait Budgeted {
    /// When the caller stops waiting.
    fn deadline(&self) -> Instant;
    /// Whether sending it twice has the effect of sending it once.
    fn idempotent(&self) -> bool;
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
pub type Stack<C, R> = BoxCloneSyncService<C, R, Failure>;

/// Puts the policy's layers around a transport; `attempt` limits one attempt, and `retries` counts further ones.
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
        // Outermost, because no number of attempts outlives the caller's deadline.
        .layer(TimeLimit::deadline_only())
        // Within the deadline and around the limit of an attempt, so that each attempt has one of its own.
        .layer(RetryLayer::new(Again::new(retries)))
        // Next to the transport, because it limits one attempt; the choice of a replica is a part of that.
        .option_layer(attempt);
    BoxCloneSyncService::new(layers.service(transport))
}
