//! The layers between the network and a handler: one stack of tower layers, in [`behind_the_stack`].
//!
//! Read in this order: `metrics`, `request_context` (with `time_left` and `priorities`), `head_check`, `shedding`,
//! `server_span`, `fail_on_purpose`, `deadline`, `context_scope`: the layers from the outermost to the innermost.
//!
//! Each is a service of its own and not axum's `from_fn`, which boxes a future for every layer that a request passes.

mod context_scope;
mod deadline;
mod fail_on_purpose;
mod head_check;
mod metrics;
mod priorities;
mod request_context;
mod server_span;
mod shedding;
mod time_left;

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request, routing::future::RouteFuture};
use design::Limits;
use remote::Trace;
use resilience::settings::{AdaptiveSettings, LimitSettings};
use tower::{Service as _, ServiceBuilder};

pub use self::priorities::{Priorities, RoutePriority};
use self::{
    context_scope::ContextScope,
    deadline::Deadline,
    fail_on_purpose::FailOnPurpose,
    head_check::HeadCheck,
    metrics::Metrics,
    request_context::{RequestContext, Trust},
    server_span::ServerSpan,
    shedding::shedding,
};
use crate::{
    Sampling, counted::ByteCounts, fault_injection::InjectedErrors, head, live::Live,
    server_metrics::IngressMetrics, socket::ProblemReply,
};

/// The routes of a server behind the stack. Cheap to clone.
#[derive(Clone)]
pub struct Ingress {
    routes: Router,
    is_public: bool,
    metrics: Arc<IngressMetrics>,
    /// The long-lived connections of these handlers, if they have any.
    live: Option<Live>,
}

/// Which requests a server admits, and which it fails.
#[derive(Clone, Default)]
pub struct Admission {
    /// How many requests are in flight, and how long they may take.
    pub limits: Limits,
    /// Whether fewer requests are in flight where they take long.
    pub adapts: bool,
    /// Which are refused first when the server is full.
    pub priorities: Priorities,
    /// Which fail because a fault was made.
    pub errors: InjectedErrors,
}

/// Within these limits, without priorities, and without a fault.
impl From<Limits> for Admission {
    fn from(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }
}

/// Puts the stack in front of each route and of the fallbacks.
///
/// In front of each route and not of the router, because axum's router sets `MatchedPath` before it calls a
/// route: so the layers know the route.
fn behind_the_stack(
    routes: Router,
    trust: Trust,
    admission: Admission,
    metrics: &Arc<IngressMetrics>,
) -> Router {
    let Admission { limits, adapts, priorities, errors } = admission;
    let permits = if adapts {
        LimitSettings::Adaptive(AdaptiveSettings::of_server(limits.in_flight))
    } else {
        LimitSettings::Fixed(limits.in_flight)
    };
    // Walkthrough. `ServiceBuilder` puts its first layer outermost: a request passes the layers from top to
    // bottom, its response from bottom to top. A layer that refuses a request replies at once, and that reply
    // passes only the layers above it. So the order decides which layers see a refusal, and what it costs.
    // `with_state` turns handlers into routes once, instead of on every request.
    routes.with_state(()).layer(
        ServiceBuilder::new()
            // Outermost: it counts and times every response, refusals included.
            .layer(Metrics::new(Arc::clone(metrics)))
            // Above every layer that refuses: refusals have a request id, too. It sets deadline, trace and class.
            .layer(RequestContext::new(trust, limits.request_timeout(), priorities.clone()))
            // Before the shedding: a malformed request takes no permit.
            .layer(HeadCheck)
            // Before the span and the deadline: a refused request costs neither a span nor a timer, which is what a
            // server under overload has to save.
            .layer(shedding(permits, &priorities, Arc::clone(metrics)))
            // Around the deadline: a request that exceeds it still has its span.
            .layer(ServerSpan)
            // Within the shedding and the span, as if the handler failed: a server that is full refuses such a request,
            // and a trace shows it.
            .layer(FailOnPurpose(errors))
            // Within the shedding: a request that exceeds the deadline returns its permit.
            .layer(Deadline)
            // Innermost: the handler's calls and log lines belong to the span that was begun above.
            .layer(ContextScope),
    )
}

impl Ingress {
    /// In front of the public API, whose handlers learn by `ConnectInfo` who is on the other side of the connection.
    pub fn public(
        routes: Router,
        admission: impl Into<Admission>,
        sampling: Sampling,
        metrics: IngressMetrics,
    ) -> Self {
        let metrics = Arc::new(metrics);
        let routes = behind_the_stack(routes, Trust::Anybody(sampling), admission.into(), &metrics);
        Self { routes, is_public: true, metrics, live: None }
    }

    /// In front of the methods of components, and beside the administrative routes of the process: health and metrics.
    pub fn internal(
        components: Router,
        admin: Router,
        admission: impl Into<Admission>,
        metrics: IngressMetrics,
    ) -> Self {
        let components = components
            .fallback(remote::unknown_method)
            .method_not_allowed_fallback(remote::method_not_allowed);
        Self::beside(admin, components, admission.into(), metrics)
    }

    /// In front of the administrative routes of a process that starts; what else it will serve is not there yet.
    pub(crate) fn starting(admin: Router, limits: Limits, metrics: IngressMetrics) -> Self {
        let components = Router::new().fallback(remote::not_started);
        Self::beside(admin, components, limits.into(), metrics)
    }

    /// The administrative routes stand outside the limits: an overloaded process still reports that it is.
    fn beside(admin: Router, components: Router, admission: Admission, metrics: IngressMetrics) -> Self {
        let metrics = Arc::new(metrics);
        let components = behind_the_stack(components, Trust::SameWiring, admission, &metrics);
        let routes = components.merge(admin.with_state(()).layer(HeadCheck));
        Self { routes, is_public: false, metrics, live: None }
    }

    /// The same, for handlers with long-lived connections: a stopping server drains them.
    ///
    /// Their handshakes pass the stack like other requests; their messages do not.
    #[must_use]
    pub fn with_live(self, live: Live) -> Self {
        Self { live: Some(live), ..self }
    }

    pub(crate) fn live(&self) -> Option<Live> {
        self.live.clone()
    }

    pub(crate) fn bytes(&self) -> ByteCounts {
        self.metrics.bytes()
    }

    /// What is written in place of a bare reply that hyper makes by itself, to what is no request.
    pub(crate) fn problem_reply(&self) -> ProblemReply {
        let (metrics, is_public) = (Arc::clone(&self.metrics), self.is_public);
        Arc::new(move |status, date| {
            let fault = head::unparsed(status);
            metrics.unparsed(fault.status);
            let id = is_public.then(|| Trace::unsampled().id_text());
            fault.into_text(id, date).into()
        })
    }

    /// Answers a request of a peer.
    pub(crate) fn answer(&mut self, peer: SocketAddr, mut request: Request<Body>) -> RouteFuture<Infallible> {
        request.extensions_mut().insert(ConnectInfo(peer));
        self.routes.call(request)
    }
}

#[cfg(test)]
mod tests;
