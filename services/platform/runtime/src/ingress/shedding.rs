//! Load shedding: while permits are short, the least important requests are refused first, and none is queued.
//!
//! [`ShedLayer`] limits the requests in flight. Here is what it has to know of a request: its class, and the reply if
//! it is refused. A permit is returned when the head of the response is ready (the body is sent without one), or when
//! the client leaves.
//!
//! Not tower's `ConcurrencyLimit` under `LoadShed`: its permits have no class, and it refuses with an error, which
//! axum's `HandleError` has to turn back into a response, at the cost of a boxed future for every request.

use std::sync::Arc;

use axum::{extract::Request, response::Response};
use remote::{GRPC_PREVIOUS_ATTEMPTS, PREVIOUS_ATTEMPTS, Priority, is_grpc, overloaded};
use resilience::{
    LimitMetrics, ShedLayer,
    limit::Limit,
    settings::{LimitSettings, SHED_SHARES},
};

use super::{priorities::Priorities, request_context::context_of};
use crate::server_metrics::IngressMetrics;

/// The class of a request. A header can only lower it, so the header is trusted from any sender.
fn class_of(request: &Request) -> Priority {
    let (operation, headers) = (context_of(request).priority, request.headers());
    let is_retry = headers.contains_key(PREVIOUS_ATTEMPTS) || headers.contains_key(GRPC_PREVIOUS_ATTEMPTS);
    if is_retry { operation.min(Priority::Retry) } else { operation }
}

/// The shares of the permits. Nothing is held back for critical requests where none is declared.
fn shares(priorities: &Priorities) -> [f64; 4] {
    let mut shares = SHED_SHARES;
    if !priorities.has_critical() {
        shares[Priority::Normal as usize] = shares[Priority::Critical as usize];
    }
    shares
}

/// The layer with so many permits, which all services that it makes share.
pub(super) fn shedding(
    permits: LimitSettings,
    priorities: &Priorities,
    metrics: Arc<IngressMetrics>,
) -> ShedLayer<
    impl Fn(&Request) -> Priority + Clone + use<>,
    impl Fn(&Request, Priority) -> Response + Clone + use<>,
> {
    let limit = Limit::new(permits, LimitMetrics::default());
    metrics.permits(Arc::clone(&limit));
    let refuse = move |request: &Request, priority| {
        metrics.shed(priority);
        overloaded(is_grpc(request.headers()))
    };
    ShedLayer::new(limit, shares(priorities), class_of, refuse)
}
