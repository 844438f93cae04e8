//! Requests on their way through the stack.

use std::{
    future::pending,
    net::{IpAddr, Ipv4Addr},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use axum::{
    http::StatusCode,
    response::Response,
    routing::{get, post},
};
use futures::FutureExt as _;
use prometheus_client::{encoding::text::encode, registry::Registry};
use remote::{Method, Priority};

use super::*;
use crate::ServerMetrics;

mod faults;
mod priorities;

const ANYBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
const ID: &str = "0af7651916cd43dd8448eb211c80319c";
const GRPC: (&str, &str) = ("content-type", "application/grpc");

fn metrics(server: &'static str) -> IngressMetrics {
    ServerMetrics::register(&mut Registry::default()).of(server)
}

/// Methods of each class that one can declare.
static METHODS: [Method; 3] = [
    method("/orders/suggest", "/lab.orders.v1.OrdersService/Suggest", Priority::Background),
    method("/orders/find", "/lab.orders.v1.OrdersService/Find", Priority::Normal),
    method("/orders/place", "/lab.orders.v1.OrdersService/Place", Priority::Critical),
];

const fn method(http_path: &'static str, grpc_path: &'static str, priority: Priority) -> Method {
    let (service, grpc_service) = ("orders", "lab.orders.v1.OrdersService");
    Method { service, name: "any", http_path, grpc_service, grpc_path, idempotent: true, priority }
}

/// The reply to a request with these header fields: a POST to a component's method, otherwise a GET.
async fn reply(ingress: &Ingress, path: &str, fields: &[(&str, &str)]) -> Response {
    let is_call = path == "/links/resolve"
        || METHODS.iter().any(|method| [method.http_path, method.grpc_path].contains(&path));
    let method = if is_call { "POST" } else { "GET" };
    let mut request = Request::builder().method(method).uri(path).header("host", "here");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).expect("a request");
    ingress.clone().answer(ANYBODY, request).await.expect("it cannot fail")
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().expect("visible ASCII"))
}

/// A `traceparent`.
fn traceparent(sampled: bool) -> String {
    format!("00-{ID}-b7ad6b7169203331-0{}", u8::from(sampled))
}

#[tokio::test]
async fn a_reply_says_where_its_trace_is_found_if_it_leaves_one() {
    let asks = async |sampling, sampled| {
        let routes = Router::new().route("/", get(async || StatusCode::OK));
        let ingress = Ingress::public(routes, Limits::default(), sampling, metrics("public"));
        reply(&ingress, "/", &[("traceparent", &traceparent(sampled))]).await
    };
    let traced = asks(Sampling::Asked, true).await;
    assert_eq!(header(&traced, "x-request-id"), Some(ID));
    let trace = header(&traced, "traceresponse").and_then(Trace::parse).expect("it is in the reply");
    assert_eq!((format!("{:032x}", trace.id).as_str(), trace.sampled), (ID, true));

    for (sampling, sampled) in [(Sampling::Asked, false), (Sampling::Off, true)] {
        let untraced = asks(sampling, sampled).await;
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
    for (path, sampled) in [("/links/a", false), ("/links/b", true), ("/never-was", false)] {
        reply(&ingress, path, &[("traceparent", &traceparent(sampled))]).await;
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

/// A server of components whose one method never ends; it counts the method's calls.
fn never_done(limits: Limits, begun: &Arc<AtomicUsize>) -> Ingress {
    let begun = Arc::clone(begun);
    let resolve = async move || {
        begun.fetch_add(1, Ordering::Relaxed);
        pending::<StatusCode>().await
    };
    let components = Router::new().route("/links/resolve", post(resolve));
    let own = Router::new().route("/health/live", get(async || StatusCode::OK));
    Ingress::internal(components, own, limits, metrics("internal"))
}

#[tokio::test]
async fn one_request_more_than_there_are_permits_for_is_refused_at_once() {
    let begun = Arc::default();
    let ingress = never_done(Limits { in_flight: 1, ..Limits::default() }, &begun);
    for _ in 0..3 {
        let mut first = Box::pin(reply(&ingress, "/links/resolve", &[]));
        assert!((&mut first).now_or_never().is_none(), "it has the permit");
        let http = reply(&ingress, "/links/resolve", &[]).await;
        assert_eq!(
            (http.status(), header(&http, "retry-after")),
            (StatusCode::SERVICE_UNAVAILABLE, Some("1"))
        );
        let grpc = reply(&ingress, "/links/resolve", &[GRPC]).await;
        assert_eq!(header(&grpc, "grpc-status"), Some("8"), "RESOURCE_EXHAUSTED");
        let own = reply(&ingress, "/health/live", &[]).await;
        assert_eq!(own.status(), StatusCode::OK, "what the process says of itself needs no permit");
    }
    assert_eq!(begun.load(Ordering::Relaxed), 3, "who gave up gave the permit back");
}

#[tokio::test]
async fn a_refusal_has_the_id_of_its_operation() {
    let routes = Router::new().route("/", get(async || StatusCode::OK));
    let limits = Limits { in_flight: 0, ..Limits::default() };
    let ingress = Ingress::public(routes, limits, Sampling::Asked, metrics("public"));
    let long = "x".repeat(head::FIELDS_BYTES);
    for (field, status) in
        [("a", StatusCode::SERVICE_UNAVAILABLE), (&long, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)]
    {
        let refused = reply(&ingress, "/", &[("traceparent", &traceparent(true)), ("a", field)]).await;
        assert_eq!((refused.status(), header(&refused, "x-request-id")), (status, Some(ID)));
        assert_eq!(header(&refused, "traceresponse"), None, "it leaves no span");
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_of_the_same_wiring_is_believed_its_deadline() {
    let begun = Arc::default();
    let ingress = never_done(Limits::default(), &begun);
    let asks = async |fields: &[(&str, &str)]| {
        let start = tokio::time::Instant::now();
        let response = reply(&ingress, "/links/resolve", fields).await;
        let said = (response.status().as_u16(), header(&response, "grpc-status").map(str::to_owned));
        (said, start.elapsed().as_millis())
    };
    let (http, grpc) = ((504, None), (200, Some("4".to_owned())));
    let request_timeout = Limits::default().request_timeout().as_millis();
    for (fields, told, ms) in [
        (&[("x-timeout-ms", "70")][..], &http, 70),
        (&[("x-timeout-ms", "999999")], &http, request_timeout),
        (&[GRPC, ("grpc-timeout", "70m")], &grpc, 70),
        (&[GRPC, ("grpc-timeout", "70000u"), ("x-timeout-ms", "1")], &grpc, 70),
        (&[GRPC, ("grpc-timeout", "1H")], &grpc, request_timeout),
        (&[GRPC, ("grpc-timeout", "soon")], &grpc, request_timeout),
    ] {
        let (said, after) = asks(fields).await;
        assert_eq!(&said, told, "{fields:?}");
        assert!((ms..=ms + 2).contains(&after), "{fields:?}: {after} ms");
    }
    let so_far = begun.load(Ordering::Relaxed);
    assert_eq!(asks(&[("x-timeout-ms", "0")]).await, (http, 0));
    assert_eq!(asks(&[GRPC, ("grpc-timeout", "0n")]).await, (grpc, 0));
    assert_eq!(begun.load(Ordering::Relaxed), so_far, "what is too late already is not begun");
}

#[tokio::test(start_paused = true)]
async fn a_caller_from_outside_is_believed_the_deadline_of_a_grpc_call_and_no_other() {
    let routes = Router::new().route("/", get(async || tokio::time::sleep(Duration::from_millis(500)).await));
    let ingress = Ingress::public(routes, Limits::default(), Sampling::Off, metrics("public"));
    for (fields, told) in [
        (&[("x-timeout-ms", "1")][..], None),
        (&[GRPC, ("grpc-timeout", "1m")], Some("4")),
        (&[GRPC, ("grpc-timeout", "900m")], None),
    ] {
        let response = reply(&ingress, "/", fields).await;
        assert_eq!(
            (response.status(), header(&response, "grpc-status")),
            (StatusCode::OK, told),
            "{fields:?}"
        );
    }
}
