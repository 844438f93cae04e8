//! Decisions for a proxy: the rate limit service of Envoy, version 3, by gRPC on the public port.
//!
//! <https://www.envoyproxy.io/docs/envoy/latest/api-v3/service/ratelimit/v3/rls.proto>
//!
//! A descriptor is one question, its entries are the facts of the request: `remote_address` is the fact `address`, a
//! name that is a fact's already stays, and any other is a header's.
//! The request passes if every descriptor does; each that passes is counted, also when another one does not.
//! When decisions are away the call fails with `UNAVAILABLE`: then the proxy's own `failure_mode_deny` decides.

pub mod messages;

use std::sync::Arc;

use axum::{Router, extract::Request, routing::post};
use contract::{Kind, RemoteError, Unavailable};
use limiter::{Ask, Decision, DecisionError, Decisions};
use remote::answer_grpc;
use serde::{Deserialize, Serialize};

use messages::{RateLimitRequest, RateLimitResponse};

/// The path of the one method.
pub const SHOULD_RATE_LIMIT: &str = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

/// Descriptors of one request.
const MAX_DESCRIPTORS: usize = 16;

/// A request as a proxy asks about it: a question for each descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked(pub Vec<Ask>);

/// What was decided of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered(pub Vec<Decision>);

/// What can go wrong with a proxy's question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum AskError {
    /// More than 16.
    #[error("a request has at most {MAX_DESCRIPTORS} descriptors")]
    TooManyDescriptors,
    /// One of them cannot be decided.
    #[error(transparent)]
    Decision(#[from] DecisionError),
}

impl From<Unavailable> for AskError {
    fn from(unavailable: Unavailable) -> Self {
        Self::Decision(unavailable.into())
    }
}

impl RemoteError for AskError {
    fn kind(&self) -> Kind {
        match self {
            Self::TooManyDescriptors => Kind::Invalid,
            Self::Decision(error) => error.kind(),
        }
    }
}

/// The service.
pub fn router(decisions: Arc<dyn Decisions>) -> Router {
    let method = post(move |request: Request| {
        let decisions = Arc::clone(&decisions);
        let ask = move |asked: Asked| decide(Arc::clone(&decisions), asked);
        answer_grpc::<RateLimitRequest, RateLimitResponse, messages::Failure, _, _, _, _, _>(request, ask)
    });
    Router::new().route(SHOULD_RATE_LIMIT, method)
}

async fn decide(decisions: Arc<dyn Decisions>, Asked(asks): Asked) -> Result<Answered, AskError> {
    if asks.len() > MAX_DESCRIPTORS {
        return Err(AskError::TooManyDescriptors);
    }
    let mut decided = Vec::with_capacity(asks.len());
    for ask in asks {
        decided.push(decisions.decide(ask).await?);
    }
    Ok(Answered(decided))
}
