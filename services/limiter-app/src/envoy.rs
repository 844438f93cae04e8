//! Decisions for a proxy: the rate limit service of Envoy, version 3, by gRPC on the public port.
//!
//! <https://www.envoyproxy.io/docs/envoy/latest/api-v3/service/ratelimit/v3/rls.proto>
//!
//! A descriptor is one question, its entries are the facts of the request: `remote_address` is the fact `address`, a
//! name that is a fact's already stays, and any other is a header's.
//! The request passes if every descriptor does, and is counted for all of them or for none.
//! When decisions are away the call fails with `UNAVAILABLE`: then the proxy's own `failure_mode_deny` decides. Nothing
//! else does: what cannot be read, or says too much, is over the limit, for a client could choose to have no limit
//! otherwise.

mod messages;
mod metrics;
mod proto;
mod undecidable;
mod wire;

use std::sync::Arc;

use axum::{Router, extract::Request, response::Response, routing::post};
use limiter::{Ask, Asks, Decision, DecisionError, Decisions, Verdict};
use prometheus_client::registry::Registry;

use metrics::ProxyMetrics;
use proto::{RateLimitDescriptor, RateLimitRequest, RateLimitResponse};
use undecidable::{Undecidable, Why};
pub use wire::MAX_REQUEST_BYTES;

/// The path of the one method.
pub const SHOULD_RATE_LIMIT: &str = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

/// The service.
pub fn router(decisions: Arc<dyn Decisions>, registry: &mut Registry) -> Router {
    let (metrics, undecidable) =
        (ProxyMetrics::register(registry), Arc::new(Undecidable::register(registry)));
    let method = post(move |request: Request| {
        answer(Arc::clone(&decisions), metrics.clone(), Arc::clone(&undecidable), request)
    });
    Router::new().route(SHOULD_RATE_LIMIT, method)
}

async fn answer(
    decisions: Arc<dyn Decisions>,
    metrics: ProxyMetrics,
    undecidable: Arc<Undecidable>,
    request: Request,
) -> Response {
    let why = match wire::read::<RateLimitRequest>(request.into_body()).await {
        Ok(asked) => match decide(&*decisions, &metrics, asked).await {
            Ok(decided) => return wire::reply(&RateLimitResponse::of(&decided)),
            Err(DecisionError::Unavailable(unavailable)) => {
                tracing::debug!(%unavailable, "a proxy's request is not decided");
                return wire::unavailable();
            }
            Err(error @ (DecisionError::TooManyAsks | DecisionError::TooManyFacts | DecisionError::Cost)) => {
                Why::TooMuch(error)
            }
        },
        Err(unread) => Why::Unread(unread),
    };
    undecidable.note(&why);
    wire::reply(&RateLimitResponse::of(&[over_the_limit()]))
}

/// A decision for each descriptor.
async fn decide(
    decisions: &dyn Decisions,
    metrics: &ProxyMetrics,
    asked: RateLimitRequest,
) -> Result<Vec<Decision>, DecisionError> {
    let asks: Vec<Option<Ask>> = asked.asks(|descriptor| note(metrics, descriptor));
    let gives_back: Vec<bool> = asks.iter().map(Option::is_none).collect();
    let mut decided =
        decisions.decide_all(Asks { asks: asks.into_iter().flatten().collect() }).await?.into_iter();
    let each =
        gives_back.into_iter().map(|gives_back| if gives_back { Some(passes()) } else { decided.next() });
    Ok(each.flatten().collect())
}

/// Counts what a descriptor says and nobody follows.
fn note(metrics: &ProxyMetrics, descriptor: &RateLimitDescriptor) {
    metrics.limit.inc_by(u64::from(descriptor.limit.is_some()));
    metrics.negative.inc_by(u64::from(descriptor.is_negative_hits));
}

/// Of a descriptor that asks for nothing.
fn passes() -> Decision {
    let verdict = Verdict::Admitted(std::time::Duration::ZERO);
    Decision { verdict, standings: Vec::new(), would_refuse: false, counted: true }
}

/// Refused, however often it is asked, and counted nowhere.
fn over_the_limit() -> Decision {
    Decision { verdict: Verdict::Refused(None), ..passes() }
}
