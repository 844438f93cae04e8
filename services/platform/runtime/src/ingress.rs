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
use remote::{
    Context, Methods, Served, TIMEOUT_MS, TRACEPARENT, Trace, current, in_span, is_grpc, new_span_id,
    new_trace_id, overloaded, scope, too_late,
};
use tokio::time::{Instant, timeout_at};
use tower::{Service as _, util::MapRequestLayer};

use crate::{
    Limits,
    counted::ByteCounts,
    head::{self, Fault},
    server_metrics::{IngressMetrics, Matched},
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
        let plain = routes.with_state(()).layer(MapRequestLayer::new(Matched::note));
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
        self.0.metrics.bytes()
    }

    /// What is written in place of a bare reply that hyper makes by itself, to what is no request.
    pub(crate) fn problem_reply(&self) -> ProblemReply {
        let routes = Arc::clone(&self.0);
        Arc::new(move |status, date| {
            let fault = head::unparsed(status);
            routes.metrics.unparsed(fault.status);
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
            return Ok(self.0.refuse(&request, fault));
        }
        match &self.0.serves {
            Serves::Public { plain, traced, .. } => {
                let matched = Matched::default();
                request.extensions_mut().insert(ConnectInfo(peer));
                request.extensions_mut().insert(matched.clone());
                let routes = |sampled| if sampled { traced.clone() } else { plain.clone() };
                let ask = |request: Request<Body>, trace: Trace| routes(trace.sampled).call(request);
                self.0.within_limits(request, || matched.route(), ask).await
            }
            Serves::Internal { methods, own } => {
                let asked = methods.get_key_value(request.uri().path());
                let Some((path, method)) = asked.filter(|_| request.method() == Method::POST) else {
                    return own.clone().call(request).await;
                };
                let describe = || (format!("POST {path}"), SpanKind::Server, Vec::new());
                let ask = |request, _| async { Ok(in_span(describe, method(request)).await) };
                self.0.within_limits(request, || *path, ask).await
            }
        }
    }
}

impl Routes {
    /// Lets a request be answered if there is a place for it, and by its deadline. `route` is known when it is.
    async fn within_limits<'a, A>(
        &self,
        request: Request<Body>,
        route: impl FnOnce() -> &'a str,
        ask: impl FnOnce(Request<Body>, Trace) -> A,
    ) -> Result<Response, Infallible>
    where
        A: Future<Output = Result<Response, Infallible>>,
    {
        let (began, method, grpc) = (Instant::now(), request.method().clone(), is_grpc(request.headers()));
        let Some(_place) = Place::take(self) else {
            self.metrics.observe(&method, "", StatusCode::SERVICE_UNAVAILABLE, began.elapsed());
            return Ok(self.signed(overloaded(grpc), Trace::unsampled()));
        };
        let context = self.context(request.headers());
        let answer = scope(context, ask(request, context.trace));
        let response = match timeout_at(context.deadline, answer).await {
            Ok(answer) => answer?,
            Err(_) => too_late(grpc),
        };
        self.metrics.observe(&method, route(), response.status(), began.elapsed());
        Ok(self.signed(response, context.trace))
    }

    fn is_public(&self) -> bool {
        matches!(self.serves, Serves::Public { .. })
    }

    fn refuse(&self, request: &Request<Body>, fault: Fault) -> Response {
        self.metrics.observe(request.method(), "", fault.status, Duration::ZERO);
        // It leaves no span.
        let trace = Trace { sampled: false, ..self.context(request.headers()).trace };
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
    use prometheus_client::{encoding::text::encode, registry::Registry};

    use super::*;
    use crate::ServerMetrics;

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

    #[tokio::test]
    async fn a_request_is_counted_by_its_route_and_never_by_its_path() {
        let mut registry = Registry::default();
        let metrics = ServerMetrics::register(&mut registry).of("public");
        let routes = Router::new().route("/links/{code}", get(async || StatusCode::OK));
        let ingress = Ingress::public(routes, Limits::default(), Sampling::Share(0.5), metrics);
        for (path, sampled) in [("/links/a", "00"), ("/links/b", "01"), ("/never-was", "00")] {
            let request = Request::get(path).header("host", "here");
            let request = request.header("traceparent", format!("00-{ID}-b7ad6b7169203331-{sampled}"));
            let answer = ingress.clone().answer(ANYBODY, request.body(Body::empty()).expect("a request"));
            answer.await.expect("it cannot fail");
        }
        let mut text = String::new();
        encode(&mut text, &registry).expect("metrics");
        let counts: Vec<_> = text.lines().filter(|line| line.contains("_seconds_count{")).collect();
        assert_eq!(counts.len(), 2, "{text}");
        for (route, status, times) in [("/links/{code}", 200, 2), ("", 404, 1)] {
            let end = format!("http_route=\"{route}\",http_response_status_code=\"{status}\"}} {times}");
            assert!(counts.iter().any(|line| line.ends_with(&end)), "no {end} in {counts:?}");
        }
    }
}
