//! Load shedding: while permits are short, the least important requests are refused first, and none is queued.
//!
//! [`ShedLayer`] limits the requests in flight. Here is what it has to know of a request: its class, and the reply if
//! it is refused. A permit is returned when the head of the response is ready (the body is sent without one), or when
//! the client leaves.
//!
//! Not tower's `ConcurrencyLimit` under `LoadShed`: its permits have no class, and it refuses with an error, which
//! axum's `HandleError` has to turn back into a response, at the cost of a boxed future for every request.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{MatchedPath, Request},
    response::Response,
};
use remote::{GRPC_PREVIOUS_ATTEMPTS, Method, PREVIOUS_ATTEMPTS, Priority, is_grpc, overloaded};
use resilience::{
    LimitMetrics, ShedLayer,
    limit::Limit,
    settings::{LimitSettings, SHED_SHARES},
};

use crate::server_metrics::IngressMetrics;

/// The priorities that methods declare, by route; every other route is [`Priority::Normal`]. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Priorities(Arc<BTreeMap<&'static str, Priority>>);

impl Priorities {
    /// What these methods declare, over either transport.
    pub fn of(methods: impl IntoIterator<Item = &'static Method>) -> Self {
        let declared = methods.into_iter().filter(|method| method.priority != Priority::Normal);
        let routes =
            |method: &Method| [method.http_path, method.grpc_path].map(|path| (path, method.priority));
        Self(Arc::new(declared.flat_map(routes).collect()))
    }

    /// The class of a request. A header can only lower it, so it counts whoever sent it.
    fn of_request(&self, request: &Request) -> Priority {
        let route = request.extensions().get::<MatchedPath>().filter(|_| !self.0.is_empty());
        let declared =
            route.and_then(|route| self.0.get(route.as_str())).copied().unwrap_or(Priority::Normal);
        let headers = request.headers();
        let is_retry =
            headers.contains_key(PREVIOUS_ATTEMPTS) || headers.contains_key(GRPC_PREVIOUS_ATTEMPTS);
        if is_retry { declared.min(Priority::Retry) } else { declared }
    }

    /// The shares of the permits. Nothing is held back for critical requests where none is declared.
    fn shares(&self) -> [f64; 4] {
        let mut shares = SHED_SHARES;
        if !self.0.values().any(|priority| *priority == Priority::Critical) {
            shares[Priority::Normal as usize] = shares[Priority::Critical as usize];
        }
        shares
    }
}

/// The layer with so many permits, which all services that it makes share.
pub(super) fn shedding(
    permits: usize,
    priorities: Priorities,
    metrics: Arc<IngressMetrics>,
) -> ShedLayer<impl Fn(&Request) -> Priority + Clone, impl Fn(&Request, Priority) -> Response + Clone> {
    let limit = Limit::new(LimitSettings::Fixed(permits), LimitMetrics::default());
    metrics.permits(Arc::clone(&limit));
    let shares = priorities.shares();
    let classify = move |request: &Request| priorities.of_request(request);
    let refuse = move |request: &Request, priority| {
        metrics.shed(priority);
        overloaded(is_grpc(request.headers()))
    };
    ShedLayer::new(limit, shares, classify, refuse)
}
