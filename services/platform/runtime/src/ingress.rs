//! What every request passes before its handler: a place, a deadline, a trace, a count.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context as Poller, Poll},
    time::Duration,
};

use axum::{
    body::Body,
    extract::MatchedPath,
    http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode},
    response::Response,
};
use opentelemetry::{KeyValue, trace::SpanKind};
use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use remote::{
    Context, Trace, current, in_span, is_grpc, new_span_id, new_trace_id, overloaded, scope, too_late,
};
use tokio::time::{Instant, timeout_at};
use tower::{Layer, Service};

use crate::{Limits, counted::ByteCounts};

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
    pub(crate) fn bytes(&self) -> ByteCounts {
        self.bytes.clone()
    }

    fn count(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).min(5);
        self.answered[class].inc();
    }
}

/// The layer around every route of a server.
#[derive(Clone)]
pub struct Ingress {
    public: Option<Sampling>,
    in_flight: Arc<AtomicUsize>,
    places: usize,
    request: Duration,
    metrics: Arc<IngressMetrics>,
}

impl Ingress {
    /// Before the public API: whoever calls is believed nothing but a `traceparent`.
    pub fn public(limits: Limits, sampling: Sampling, metrics: IngressMetrics) -> Self {
        Self::new(Some(sampling), limits, metrics)
    }

    /// Before components: the caller is a process of the same wiring, its deadline and trace hold.
    pub fn internal(limits: Limits, metrics: IngressMetrics) -> Self {
        Self::new(None, limits, metrics)
    }

    fn new(public: Option<Sampling>, limits: Limits, metrics: IngressMetrics) -> Self {
        Self {
            public,
            in_flight: Arc::default(),
            places: limits.in_flight,
            request: limits.request(),
            metrics: Arc::new(metrics),
        }
    }

    fn context(&self, headers: &HeaderMap) -> Context {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let asked = text("traceparent").and_then(Trace::parse);
        let mut time = self.request;
        let trace = if let Some(sampling) = self.public {
            sampling.decide(asked)
        } else {
            let left = text("x-timeout-ms").and_then(|left| left.parse().ok());
            time = left.map_or(time, |left| time.min(Duration::from_millis(left)));
            asked.unwrap_or_else(Trace::unsampled)
        };
        Context { deadline: Instant::now() + time, trace }
    }

    /// A public reply says which operation it answers, and where its trace is found if it leaves one.
    fn signed(&self, mut response: Response, trace: Trace) -> Response {
        if self.public.is_some() {
            let headers = response.headers_mut();
            headers.extend(HeaderValue::try_from(format!("{:032x}", trace.id)).map(|id| (REQUEST_ID, id)));
            if trace.sampled {
                headers.extend(HeaderValue::try_from(trace.header()).map(|trace| (TRACERESPONSE, trace)));
            }
        }
        response
    }

    /// Takes a place, if one is free.
    fn enter(&self) -> Option<Place> {
        let place = Place(Arc::clone(&self.in_flight));
        (self.in_flight.fetch_add(1, Ordering::Relaxed) < self.places).then_some(place)
    }
}

/// A request that is under way; given back when it is over, however it ends.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<S> Layer<S> for Ingress {
    type Service = Entered<S>;

    fn layer(&self, inner: S) -> Entered<S> {
        Entered { ingress: self.clone(), inner }
    }
}

/// A route behind the ingress.
#[derive(Clone)]
pub struct Entered<S> {
    ingress: Ingress,
    inner: S,
}

impl<S> Service<Request<Body>> for Entered<S>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Poller<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Some(place) = self.ingress.enter() else {
            self.ingress.metrics.count(StatusCode::SERVICE_UNAVAILABLE);
            let refusal = self.ingress.signed(overloaded(is_grpc(request.headers())), Trace::unsampled());
            return Box::pin(std::future::ready(Ok(refusal)));
        };
        let context = self.ingress.context(request.headers());
        let (ingress, grpc) = (self.ingress.clone(), is_grpc(request.headers()));
        let name = context.trace.sampled.then(|| name_of(&request));
        let answer = self.inner.call(request);
        Box::pin(async move {
            let describe = || (name.unwrap_or_default(), SpanKind::Server, Vec::<KeyValue>::new());
            // The request's own span is known only within it.
            let answer = async { (current().map_or(context.trace, |inside| inside.trace), answer.await) };
            let answered = scope(context, in_span(describe, answer));
            let (trace, response) = match timeout_at(context.deadline, answered).await {
                Ok((trace, Ok(response))) => (trace, response),
                Err(_) => (context.trace, too_late(grpc)),
            };
            ingress.metrics.count(response.status());
            drop(place);
            Ok(ingress.signed(response, trace))
        })
    }
}

/// A span's name: the method and the route, never the path, of which there are too many.
fn name_of(request: &Request<Body>) -> String {
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str);
    format!("{} {route}", request.method())
}

#[cfg(test)]
mod tests {
    use axum::{Router, routing::get};
    use tower::ServiceExt as _;

    use super::*;

    const ID: &str = "0af7651916cd43dd8448eb211c80319c";

    /// The reply to a request with this `traceparent`.
    async fn reply(sampling: Sampling, traceparent: &str) -> Response {
        let metrics = ServerMetrics::register(&mut Registry::default()).of("public");
        let ingress = Ingress::public(Limits::default(), sampling, metrics);
        let router = Router::new().route("/", get(async || StatusCode::OK)).layer(ingress);
        let request = Request::get("/").header("traceparent", traceparent).body(Body::empty());
        router.oneshot(request.expect("a request")).await.expect("it cannot fail")
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
