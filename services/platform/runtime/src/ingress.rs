//! What every request passes before its handler: a place, a deadline, a trace, a count.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::SocketAddr,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, MatchedPath},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode},
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
};
use opentelemetry::trace::SpanKind;
use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use remote::{
    Context, Methods, Served, TIMEOUT_MS, TRACEPARENT, Trace, current, in_span, is_grpc, new_span_id,
    new_trace_id, overloaded, scope, too_late,
};
use tokio::time::{Instant, timeout_at};
use tower::Service as _;

use crate::{
    Limits,
    counted::ByteCounts,
    head::{self, Fault},
    socket::ProblemReply,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// W3C Trace Context, level 2 (a draft): by which span of which trace the request was served.
const TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");

/// Which requests leave a trace: the values of the axis `tracing`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sampling {
    /// None.
    Off,
    /// Those whose caller asks with a sampled `traceparent`.
    Asked,
    /// Those, and this share of the others.
    Share(f64),
}

impl FromStr for Sampling {
    type Err = std::num::ParseFloatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            "asked" | "" => Ok(Self::Asked),
            "all" => Ok(Self::Share(1.0)),
            share => share.parse().map(Self::Share),
        }
    }
}

impl Sampling {
    fn decide(self, asked: Option<Trace>) -> Trace {
        let mut trace =
            asked.unwrap_or_else(|| Trace { id: new_trace_id(), span: new_span_id(), sampled: false });
        trace.sampled = match self {
            Self::Off => false,
            Self::Asked => trace.sampled,
            // By the id, so that whoever decides about this trace decides alike (OpenTelemetry's TraceIdRatioBased).
            Self::Share(share) => trace.sampled || (trace.id as u64) as f64 / u64::MAX as f64 <= share,
        };
        trace
    }
}

/// The metrics of all servers of a process.
pub struct ServerMetrics {
    requests: Labelled,
    received: Labelled,
    sent: Labelled,
}

type Labelled = Family<Vec<(&'static str, &'static str)>, Counter>;

/// The first digit of a status; what is none of HTTP's counts as 0.
const CLASSES: [&str; 6] = ["0", "1", "2", "3", "4", "5"];

impl ServerMetrics {
    /// Registers them, each once: the servers differ in a label.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics =
            Self { requests: Family::default(), received: Family::default(), sent: Family::default() };
        registry.register(
            "http_requests",
            "Requests by class of status, in hundreds",
            metrics.requests.clone(),
        );
        registry.register("http_received_bytes", "Bytes that came in", metrics.received.clone());
        registry.register("http_sent_bytes", "Bytes that went out", metrics.sent.clone());
        metrics
    }

    /// Those of one server: `public` or `internal`.
    pub fn of(&self, server: &'static str) -> IngressMetrics {
        let own = vec![("server", server)];
        let bytes = ByteCounts {
            received: self.received.get_or_create_owned(&own),
            sent: self.sent.get_or_create_owned(&own),
        };
        let answered = CLASSES
            .map(|class| self.requests.get_or_create_owned(&vec![("server", server), ("status", class)]));
        IngressMetrics { answered, bytes }
    }
}

/// Requests by status, and bytes.
#[derive(Clone, Debug)]
pub struct IngressMetrics {
    answered: [Counter; 6],
    bytes: ByteCounts,
}

impl IngressMetrics {
    fn count(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).min(5);
        self.answered[class].inc();
    }
}

/// The routes of a server, and what every request passes before them. Cheap to clone.
#[derive(Clone)]
pub struct Ingress(Arc<Routes>);

struct Routes {
    serves: Serves,
    in_flight: AtomicUsize,
    places: usize,
    request: Duration,
    metrics: IngressMetrics,
}

/// What a server serves.
enum Serves {
    /// The public API: whoever calls is believed nothing but a `traceparent`.
    Public {
        sampling: Sampling,
        plain: Router,
        /// The same, each route in a span: an operation that leaves no trace does not pass what it has no use for.
        traced: Router,
    },
    /// Components: the caller is a process of the same wiring, its deadline and trace hold.
    Internal {
        methods: HashMap<&'static str, Served>,
        /// What the process says of itself, outside the limits: an overloaded one still says that it is.
        own: Router,
    },
}

impl Ingress {
    /// Before the public API, whose handlers learn by `ConnectInfo` who is on the other side of the connection.
    pub fn public(routes: Router, limits: Limits, sampling: Sampling, metrics: IngressMetrics) -> Self {
        // Handlers become routes here, and not with every request.
        let plain = routes.with_state(());
        let traced = plain.clone().layer(from_fn(in_server_span));
        Self::new(Serves::Public { sampling, plain, traced }, limits, metrics)
    }

    /// Before the methods of components, and beside what the process says of itself.
    pub fn internal(methods: Methods, own: Router, limits: Limits, metrics: IngressMetrics) -> Self {
        let own = own.fallback(remote::unknown_method).with_state(());
        Self::new(Serves::Internal { methods: methods.into_iter().collect(), own }, limits, metrics)
    }

    /// Before what a process says of itself while it starts; what else it will serve is not there yet.
    pub(crate) fn starting(own: Router, limits: Limits, metrics: IngressMetrics) -> Self {
        let own = own.fallback(remote::not_started).with_state(());
        Self::new(Serves::Internal { methods: HashMap::new(), own }, limits, metrics)
    }

    fn new(serves: Serves, limits: Limits, metrics: IngressMetrics) -> Self {
        let (places, request) = (limits.in_flight, limits.request());
        Self(Arc::new(Routes { serves, in_flight: AtomicUsize::new(0), places, request, metrics }))
    }

    pub(crate) fn bytes(&self) -> ByteCounts {
        self.0.metrics.bytes.clone()
    }

    /// What is written in place of a bare reply that hyper makes by itself, to what is no request.
    pub(crate) fn problem_reply(&self) -> ProblemReply {
        let routes = Arc::clone(&self.0);
        Arc::new(move |status, date| {
            let fault = head::unparsed(status);
            routes.metrics.count(fault.status);
            let id = routes.is_public().then(|| Trace::unsampled().id_text());
            fault.into_text(id, date).into()
        })
    }

    /// Answers a request of a peer.
    pub(crate) async fn answer(
        self,
        peer: SocketAddr,
        mut request: Request<Body>,
    ) -> Result<Response, Infallible> {
        if let Err(fault) = head::check(&request) {
            return Ok(self.0.refuse(request.headers(), fault));
        }
        match &self.0.serves {
            Serves::Public { plain, traced, .. } => {
                request.extensions_mut().insert(ConnectInfo(peer));
                let route = |sampled| if sampled { traced.clone() } else { plain.clone() };
                self.0.within_limits(request, |request, trace| route(trace.sampled).call(request)).await
            }
            Serves::Internal { methods, own } => {
                let asked = methods.get_key_value(request.uri().path());
                let Some((path, method)) = asked.filter(|_| request.method() == Method::POST) else {
                    return own.clone().call(request).await;
                };
                let describe = || (format!("POST {path}"), SpanKind::Server, Vec::new());
                let ask = |request, _| async { Ok(in_span(describe, method(request)).await) };
                self.0.within_limits(request, ask).await
            }
        }
    }
}

impl Routes {
    /// Lets a request be answered if there is a place for it, and by its deadline.
    async fn within_limits<A>(
        &self,
        request: Request<Body>,
        ask: impl FnOnce(Request<Body>, Trace) -> A,
    ) -> Result<Response, Infallible>
    where
        A: Future<Output = Result<Response, Infallible>>,
    {
        let grpc = is_grpc(request.headers());
        let Some(_place) = Place::take(self) else {
            self.metrics.count(StatusCode::SERVICE_UNAVAILABLE);
            return Ok(self.signed(overloaded(grpc), Trace::unsampled()));
        };
        let context = self.context(request.headers());
        let answer = scope(context, ask(request, context.trace));
        let response = match timeout_at(context.deadline, answer).await {
            Ok(answer) => answer?,
            Err(_) => too_late(grpc),
        };
        self.metrics.count(response.status());
        Ok(self.signed(response, context.trace))
    }

    fn is_public(&self) -> bool {
        matches!(self.serves, Serves::Public { .. })
    }

    fn refuse(&self, headers: &HeaderMap, fault: Fault) -> Response {
        self.metrics.count(fault.status);
        // It leaves no span.
        let trace = Trace { sampled: false, ..self.context(headers).trace };
        self.signed(fault.into_response(), trace)
    }

    fn context(&self, headers: &HeaderMap) -> Context {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let asked = text(TRACEPARENT).and_then(Trace::parse);
        let mut time = self.request;
        let trace = match self.serves {
            Serves::Public { sampling, .. } => sampling.decide(asked),
            Serves::Internal { .. } => {
                let left = text(TIMEOUT_MS).and_then(|left| left.parse().ok());
                time = left.map_or(time, |left| time.min(Duration::from_millis(left)));
                asked.unwrap_or_else(Trace::unsampled)
            }
        };
        Context { deadline: Instant::now() + time, trace }
    }

    /// A public reply says which operation it answers, and where its trace is found if it leaves one.
    fn signed(&self, mut response: Response, trace: Trace) -> Response {
        if self.is_public() {
            // The request's own span is known only within it.
            let trace = response.extensions_mut().remove::<Trace>().unwrap_or(trace);
            let headers = response.headers_mut();
            headers.extend(HeaderValue::try_from(trace.id_text()).map(|id| (REQUEST_ID, id)));
            if trace.sampled {
                headers.extend(HeaderValue::try_from(trace.header()).map(|trace| (TRACERESPONSE, trace)));
            }
        }
        response
    }
}

/// The place of a request that is under way; given back when it is over, however it ends.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    /// Takes a place, if one is free.
    fn take(routes: &'a Routes) -> Option<Self> {
        let place = Place(&routes.in_flight);
        (routes.in_flight.fetch_add(1, Ordering::Relaxed) < routes.places).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves a request as a span, and notes it with the reply.
async fn in_server_span(request: Request<Body>, next: Next) -> Response {
    let name = name_of(&request);
    let answer = async { (current(), next.run(request).await) };
    let (inside, mut response) = in_span(|| (name, SpanKind::Server, Vec::new()), answer).await;
    if let Some(inside) = inside {
        response.extensions_mut().insert(inside.trace);
    }
    response
}

/// A span's name: the method and the route, never the path, of which there are too many.
fn name_of(request: &Request<Body>) -> String {
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str);
    format!("{} {route}", request.method())
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use axum::routing::get;

    use super::*;

    const ANYBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
    const ID: &str = "0af7651916cd43dd8448eb211c80319c";

    /// The reply to a request with this `traceparent`.
    async fn reply(sampling: Sampling, traceparent: &str) -> Response {
        let metrics = ServerMetrics::register(&mut Registry::default()).of("public");
        let routes = Router::new().route("/", get(async || StatusCode::OK));
        let ingress = Ingress::public(routes, Limits::default(), sampling, metrics);
        let request =
            Request::get("/").header("host", "here").header("traceparent", traceparent).body(Body::empty());
        ingress.answer(ANYBODY, request.expect("a request")).await.expect("it cannot fail")
    }

    fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
        response.headers().get(name).map(|value| value.to_str().expect("visible ASCII"))
    }

    #[tokio::test]
    async fn a_reply_says_where_its_trace_is_found_if_it_leaves_one() {
        let asked = format!("00-{ID}-b7ad6b7169203331-01");
        let traced = reply(Sampling::Asked, &asked).await;
        assert_eq!(header(&traced, "x-request-id"), Some(ID));
        let trace = header(&traced, "traceresponse").and_then(Trace::parse).expect("it is in the reply");
        assert_eq!((format!("{:032x}", trace.id).as_str(), trace.sampled), (ID, true));

        let not_asked = format!("00-{ID}-b7ad6b7169203331-00");
        for (sampling, traceparent) in [(Sampling::Asked, &not_asked), (Sampling::Off, &asked)] {
            let untraced = reply(sampling, traceparent).await;
            assert_eq!(header(&untraced, "x-request-id"), Some(ID));
            assert_eq!(header(&untraced, "traceresponse"), None, "{sampling:?}");
        }
    }
}
