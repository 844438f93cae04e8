//! The metrics of a process's servers: requests and gRPC calls, by OpenTelemetry's conventions, and bytes.
//!
//! `http.server.request.duration` and `rpc.server.call.duration` and their attributes, under their Prometheus
//! names:
//! <https://opentelemetry.io/docs/specs/semconv/http/http-metrics/>,
//! <https://opentelemetry.io/docs/specs/semconv/rpc/rpc-metrics/>. A gRPC call is in both: its HTTP status is
//! always 200. The convention's bounds begin at 5 ms, longer than most replies take, so the bounds are those
//! of calls ([`remote::DURATION_BOUNDS`]).

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::http::{Method, StatusCode};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _},
    metrics::{MetricType, counter::Counter, family::Family, gauge::ConstGauge, histogram::Histogram},
    registry::Registry,
};
use resilience::{Priority, limit::Limit};
use tonic::Code;

use crate::counted::ByteCounts;

/// The metrics of all servers of a process.
pub struct ServerMetrics {
    requests: Requests,
    calls: Calls,
    received: Family<ServerLabels, Counter>,
    sent: Family<ServerLabels, Counter>,
    shed: Family<ShedLabels, Counter>,
    in_flight: InFlight,
}

type Requests = Family<RequestLabels, Histogram, fn() -> Histogram>;
type Calls = Family<CallLabels, Histogram, fn() -> Histogram>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServerLabels {
    server: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ShedLabels {
    server: &'static str,
    priority: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    server: &'static str,
    http_request_method: &'static str,
    /// Empty if no route matched; Prometheus treats an empty label as absent.
    http_route: String,
    http_response_status_code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    server: &'static str,
    rpc_system_name: &'static str,
    rpc_method: String,
    rpc_response_status_code: &'static str,
}

impl ServerMetrics {
    /// Registers each metric once; the servers are a label.
    pub fn register(registry: &mut Registry) -> Self {
        let histogram = || Histogram::new(remote::DURATION_BOUNDS);
        let requests = Requests::new_with_constructor(histogram);
        let calls = Calls::new_with_constructor(histogram);
        let (received, sent, shed) = (Family::default(), Family::default(), Family::default());
        let in_flight = InFlight::default();
        registry.register(
            "http_server_request_duration_seconds",
            "Duration of requests until their replies are made, by method, route and status",
            requests.clone(),
        );
        registry.register(
            "rpc_server_call_duration_seconds",
            "Duration of gRPC calls until their replies are made, by method and status",
            calls.clone(),
        );
        registry.register("http_received_bytes", "Bytes that came in", received.clone());
        registry.register("http_sent_bytes", "Bytes that went out", sent.clone());
        registry.register(
            "requests_shed",
            "Requests that were refused because the permits of their class were taken, by class",
            shed.clone(),
        );
        registry.register_collector(Box::new(in_flight.clone()));
        Self { requests, calls, received, sent, shed, in_flight }
    }

    /// The metrics of one server: `public` or `internal`.
    pub fn of(&self, server: &'static str) -> IngressMetrics {
        let own = ServerLabels { server };
        let bytes = ByteCounts {
            received: self.received.get_or_create_owned(&own),
            sent: self.sent.get_or_create_owned(&own),
        };
        let (requests, calls, shed) = (self.requests.clone(), self.calls.clone(), self.shed.clone());
        IngressMetrics { requests, calls, shed, in_flight: self.in_flight.clone(), server, bytes }
    }
}

/// The metrics of one server.
#[derive(Clone, Debug)]
pub struct IngressMetrics {
    requests: Requests,
    calls: Calls,
    shed: Family<ShedLabels, Counter>,
    in_flight: InFlight,
    server: &'static str,
    bytes: ByteCounts,
}

impl IngressMetrics {
    pub(crate) fn bytes(&self) -> ByteCounts {
        self.bytes.clone()
    }

    /// Publishes how many of a server's permits are taken.
    pub(crate) fn permits(&self, limit: Arc<Limit>) {
        self.in_flight.add(self.server, limit);
    }

    /// Counts a request of this class that was refused for lack of a permit.
    pub(crate) fn shed(&self, priority: Priority) {
        let labels = ShedLabels { server: self.server, priority: priority.name() };
        self.shed.get_or_create(&labels).inc();
    }

    /// Counts a reply to a request, and its duration; `method` is a [`method_label`].
    pub(crate) fn observe(&self, method: &'static str, route: &str, status: StatusCode, took: Duration) {
        let labels = RequestLabels {
            server: self.server,
            http_request_method: method,
            http_route: route.to_owned(),
            http_response_status_code: status.as_u16(),
        };
        self.requests.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Counts a reply to a gRPC call of the method at that path; `path` is empty if no method matched.
    pub(crate) fn observe_call(&self, path: &str, status: Code, took: Duration) {
        let method = path.trim_start_matches('/');
        let labels = CallLabels {
            server: self.server,
            rpc_system_name: "grpc",
            rpc_method: if method.is_empty() { OTHER } else { method }.to_owned(),
            rpc_response_status_code: status_label(status),
        };
        self.calls.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Counts a reply to bytes that are not a request: no method, no duration.
    pub(crate) fn unparsed(&self, status: StatusCode) {
        self.observe(OTHER, "", status, Duration::ZERO);
    }
}

/// `requests_in_flight` and `requests_limit`: the taken permits of each server and how many it has, read on each scrape,
/// so that a request pays nothing for it.
#[derive(Clone, Debug, Default)]
struct InFlight(Arc<Mutex<Vec<ServerLimit>>>);

/// A server by name, and its permits.
type ServerLimit = (&'static str, Arc<Limit>);

/// Reads a figure of a server's permits.
type Reads = fn(&Limit) -> usize;

impl InFlight {
    fn add(&self, server: &'static str, limit: Arc<Limit>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((server, limit));
    }
}

impl Collector for InFlight {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let gauges: [(&str, &str, Reads); 2] = [
            (
                "requests_in_flight",
                "Requests that have a permit: those that are being answered",
                Limit::in_flight,
            ),
            ("requests_limit", "Requests that may have one, which an adaptive limit changes", Limit::limit),
        ];
        for (name, help, value) in gauges {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (server, limit) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                let gauge = ConstGauge::new(value(limit) as u64);
                gauge.encode(metric.encode_family(&[("server", *server)])?)?;
            }
        }
        Ok(())
    }
}

/// The convention's label for any other method: a client may invent any number of them.
const OTHER: &str = "_OTHER";

/// The name of a gRPC status: <https://github.com/grpc/grpc/blob/master/doc/statuscodes.md>.
const fn status_label(status: Code) -> &'static str {
    match status {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

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

    #[test]
    fn grpc_calls_are_told_apart_by_server_method_and_status() {
        let mut registry = Registry::default();
        let internal = ServerMetrics::register(&mut registry).of("internal");
        let (resolve, took) = ("/lab.shortener.v1.LinksService/Resolve", Duration::from_micros(100));
        internal.observe_call(resolve, Code::Ok, took);
        internal.observe_call(resolve, Code::NotFound, took);
        internal.observe_call("", Code::Unimplemented, took);
        let mut text = String::new();
        encode(&mut text, &registry).expect("metrics");
        for (method, status) in
            [(&resolve[1..], "OK"), (&resolve[1..], "NOT_FOUND"), (OTHER, "UNIMPLEMENTED")]
        {
            let line = format!(
                "rpc_server_call_duration_seconds_count{{server=\"internal\",rpc_system_name=\"grpc\",\
                 rpc_method=\"{method}\",rpc_response_status_code=\"{status}\"}} 1\n"
            );
            assert!(text.contains(&line), "no {line}in\n{text}");
        }
    }
}
