//! Decisions for a proxy: version 3 of Envoy's rate limit service, by gRPC on the public port.
//!
//! <https://www.envoyproxy.io/docs/envoy/latest/api-v3/service/ratelimit/v3/rls.proto>
//!
//! A descriptor is one question, and its entries are the facts of the request: `remote_address` is the fact
//! `address`, a name that is already a fact's stays, and any other name is a header's.
//! The request passes if every descriptor passes; it is counted for all of them or for none.
//! While decisions are unavailable, the call fails with `UNAVAILABLE`, and the proxy's `failure_mode_deny`
//! decides. In no other case does it: an unreadable or oversized request is over the limit, because otherwise
//! a client could choose to have no limit.

mod messages;
mod metrics;
mod proto;
mod undecidable;
mod wire;

use std::sync::Arc;

use axum::{Router, extract::Request, response::Response, routing::post};
use limiter::{Ask, Asks, Decision, DecisionError, Decisions, Verdict};
use metrics::ProxyMetrics;
use prometheus_client::registry::Registry;
use proto::{RateLimitDescriptor, RateLimitRequest, RateLimitResponse};
use undecidable::{Undecidable, Why};
pub use wire::MAX_REQUEST_BYTES;

/// The path of the service's one method.
pub const SHOULD_RATE_LIMIT: &str = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

/// The routes of the service.
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

/// Decides each descriptor.
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

/// Counts the fields of a descriptor that this service ignores.
fn note(metrics: &ProxyMetrics, descriptor: &RateLimitDescriptor) {
    metrics.limit.inc_by(u64::from(descriptor.limit.is_some()));
    metrics.negative.inc_by(u64::from(descriptor.is_negative_hits));
}

/// The decision for a descriptor that returns hits.
fn passes() -> Decision {
    let verdict = Verdict::Admitted(std::time::Duration::ZERO);
    Decision { verdict, standings: Vec::new(), would_refuse: false, counted: true }
}

/// A refusal that counts nowhere and never expires.
fn over_the_limit() -> Decision {
    Decision { verdict: Verdict::Refused(None), ..passes() }
}
