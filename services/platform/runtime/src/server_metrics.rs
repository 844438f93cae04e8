//! What the servers of a process count: requests, by OpenTelemetry's conventions for HTTP, and bytes.
//!
//! `http.server.request.duration` and its attributes, as Prometheus writes them:
//! <https://opentelemetry.io/docs/specs/semconv/http/http-metrics/>. The convention's own bounds begin at 5 ms, when most
//! replies have long been sent, so the bounds are those of calls ([`remote::DURATION_BOUNDS`]).

use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

use crate::counted::ByteCounts;

/// The metrics of all servers of a process.
pub struct ServerMetrics {
    requests: Requests,
    received: Family<ServerLabels, Counter>,
    sent: Family<ServerLabels, Counter>,
}

type Requests = Family<RequestLabels, Histogram, fn() -> Histogram>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServerLabels {
    server: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    server: &'static str,
    http_request_method: &'static str,
    /// Empty, which is absent to Prometheus, where a request came to no route.
    http_route: String,
    http_response_status_code: u16,
}

impl ServerMetrics {
    /// Registers them, each once: the servers differ in a label.
    pub fn register(registry: &mut Registry) -> Self {
        let requests = Requests::new_with_constructor(|| Histogram::new(remote::DURATION_BOUNDS));
        let (received, sent) = (Family::default(), Family::default());
        registry.register(
            "http_server_request_duration_seconds",
            "Duration of requests until their replies are made, by method, route and status",
            requests.clone(),
        );
        registry.register("http_received_bytes", "Bytes that came in", received.clone());
        registry.register("http_sent_bytes", "Bytes that went out", sent.clone());
        Self { requests, received, sent }
    }

    /// Those of one server: `public` or `internal`.
    pub fn of(&self, server: &'static str) -> IngressMetrics {
        let own = ServerLabels { server };
        let bytes = ByteCounts {
            received: self.received.get_or_create_owned(&own),
            sent: self.sent.get_or_create_owned(&own),
        };
        IngressMetrics { requests: self.requests.clone(), server, bytes }
    }
}

/// The metrics of one server.
#[derive(Clone, Debug)]
pub struct IngressMetrics {
    requests: Requests,
    server: &'static str,
    bytes: ByteCounts,
}

impl IngressMetrics {
    pub(crate) fn bytes(&self) -> ByteCounts {
        self.bytes.clone()
    }

    /// Notes a reply to a request, and how long it took; `method` is a [`method_label`].
    pub(crate) fn observe(&self, method: &'static str, route: &str, status: StatusCode, took: Duration) {
        let labels = RequestLabels {
            server: self.server,
            http_request_method: method,
            http_route: route.to_owned(),
            http_response_status_code: status.as_u16(),
        };
        self.requests.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Notes a reply to what could not be read as a request: it has no method, and took no time.
    pub(crate) fn unparsed(&self, status: StatusCode) {
        self.observe(OTHER, "", status, Duration::ZERO);
    }
}

/// What the convention has for any other method: a client may invent as many as it likes.
const OTHER: &str = "_OTHER";

/// A method as a label.
pub(crate) fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    #[test]
    fn requests_are_told_apart_by_server_method_route_and_status() {
        let mut registry = Registry::default();
        let metrics = ServerMetrics::register(&mut registry);
        let (public, internal) = (metrics.of("public"), metrics.of("internal"));
        let took = Duration::from_micros(100);
        let brew = Method::from_bytes(b"BREW").expect("a method");
        public.observe(method_label(&Method::GET), "/{code}", StatusCode::FOUND, took);
        public.observe(method_label(&Method::GET), "/{code}", StatusCode::FOUND, took);
        public.observe(method_label(&brew), "", StatusCode::NOT_FOUND, took);
        public.unparsed(StatusCode::BAD_REQUEST);
        internal.observe(method_label(&Method::POST), "/links/resolve", StatusCode::OK, took);
        let mut text = String::new();
        encode(&mut text, &registry).expect("metrics");
        let count = "http_server_request_duration_seconds_count";
        for (server, method, route, status, times) in [
            ("public", "GET", "/{code}", 302, 2),
            ("public", "_OTHER", "", 404, 1),
            ("public", "_OTHER", "", 400, 1),
            ("internal", "POST", "/links/resolve", 200, 1),
        ] {
            let line = format!(
                "{count}{{server=\"{server}\",http_request_method=\"{method}\",http_route=\"{route}\",\
                 http_response_status_code=\"{status}\"}} {times}\n"
            );
            assert!(text.contains(&line), "no {line}in\n{text}");
        }
        assert_eq!(text.matches("# TYPE http_server_request_duration_seconds histogram").count(), 1);
    }
}
