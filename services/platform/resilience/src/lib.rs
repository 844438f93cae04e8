//! The tower layers that a client wears, between a component's caller and the wire.
//!
//! A wiring names a [`Policy`]; [`wear`] puts its layers around a transport, outermost first.
//! A layer learns what it needs of a call by [`Budgeted`]: when it must be over, and whether it may be repeated.
//!
//! Not here: what a call is, or how it travels (`remote`).

mod time_limit;

use std::{str::FromStr, sync::Arc, time::Duration};

use contract::Unavailable;
use futures::future::BoxFuture;
use tokio::time::Instant;
use tower::{Service, ServiceBuilder, ServiceExt as _};

pub use time_limit::{InTime, TimeLimit, TimeLimited};

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

/// A transport in its layers; cheap to clone, and called without a copy of its own.
pub struct Worn<C, R>(Arc<dyn Fn(C) -> BoxFuture<'static, Result<R, Unavailable>> + Send + Sync>);

impl<C, R> Worn<C, R> {
    /// Sends a call through the layers.
    pub async fn call(&self, call: C) -> Result<R, Unavailable> {
        (self.0)(call).await
    }
}

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
        // Next to the transport, which may be several copies and move a call once, so that it limits one attempt; no attempt outlives the caller's deadline either way.
        .layer(limit)
        .service(transport);
    Worn(Arc::new(move |call| Box::pin(stack.clone().oneshot(call))))
}
