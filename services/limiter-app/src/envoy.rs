//! Decisions for a proxy: the rate limit service of Envoy, version 3, by gRPC on the public port.
//!
//! <https://www.envoyproxy.io/docs/envoy/latest/api-v3/service/ratelimit/v3/rls.proto>
//!
//! A descriptor is one question, its entries are the facts of the request: `remote_address` is the fact `address`, a
//! name that is a fact's already stays, and any other is a header's.
//! The request passes if every descriptor does, and is counted for all of them or for none.
//! When decisions are away the call fails with `UNAVAILABLE`: then the proxy's own `failure_mode_deny` decides. Nothing
//! else does: who says too much is over the limit, for a client could choose to have no limit otherwise.

pub mod messages;

use std::sync::Arc;

use axum::{Router, extract::Request, routing::post};
use limiter::{Ask, Asks, Decision, DecisionError, Decisions, Verdict};
use remote::answer_grpc;

use messages::{RateLimitRequest, RateLimitResponse};

/// The path of the one method.
pub const SHOULD_RATE_LIMIT: &str = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

/// A request as a proxy asks about it: a question for each descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked(pub Vec<Ask>);

/// What was decided of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered(pub Vec<Decision>);

/// The service.
pub fn router(decisions: Arc<dyn Decisions>) -> Router {
    let method = post(move |request: Request| {
        let decisions = Arc::clone(&decisions);
        let ask = move |asked: Asked| decide(Arc::clone(&decisions), asked);
        answer_grpc::<RateLimitRequest, RateLimitResponse, messages::Failure, _, _, _, _, _>(request, ask)
    });
    Router::new().route(SHOULD_RATE_LIMIT, method)
}

async fn decide(decisions: Arc<dyn Decisions>, Asked(asks): Asked) -> Result<Answered, DecisionError> {
    match decisions.decide_all(Asks { asks }).await {
        Ok(decided) => Ok(Answered(decided)),
        Err(away @ DecisionError::Unavailable(_)) => Err(away),
        Err(_) => Ok(Answered(vec![says_too_much()])),
    }
}

/// Refused, however often it is asked, and counted nowhere.
fn says_too_much() -> Decision {
    Decision { verdict: Verdict::Refused(None), standings: Vec::new(), would_refuse: false, counted: true }
}
