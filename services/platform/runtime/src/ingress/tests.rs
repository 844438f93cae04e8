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
use crate::{ServerMetrics, fault_injection};

const ANYBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
const ID: &str = "0af7651916cd43dd8448eb211c80319c";
const GRPC: (&str, &str) = ("content-type", "application/grpc");

fn metrics(server: &'static str) -> IngressMetrics {
    ServerMetrics::register(&mut Registry::default()).of(server)
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

#[tokio::test]
async fn at_twice_the_permits_background_work_and_retries_are_refused_first() {
    for is_grpc in [false, true] {
        let mut registry = Registry::default();
        let metrics = ServerMetrics::register(&mut registry).of("internal");
        let paths =
            METHODS.each_ref().map(|method| if is_grpc { method.grpc_path } else { method.http_path });
        let components =
            paths.iter().fold(Router::new(), |routes, path| routes.route(path, post(pending::<StatusCode>)));
        let limits = Limits { in_flight: 10, ..Limits::default() };
        let admission = Admission { priorities: Priorities::of(&METHODS), ..limits.into() };
        let ingress = Ingress::internal(components, Router::new(), admission, metrics);
        let [background, normal, critical] = paths;
        let of_transport = if is_grpc { GRPC } else { ("a", "b") };
        let retry = if is_grpc { "grpc-previous-rpc-attempts" } else { "x-previous-attempts" };
        let (first, again) = (vec![of_transport], vec![of_transport, (retry, "1")]);
        // A retry of the most important method is a retry.
        let classes = [(background, &first), (critical, &again), (normal, &first), (critical, &first)];
        let (mut in_flight, mut served) = (Vec::new(), [0; 4]);
        for _ in 0..5 {
            for (class, (path, fields)) in classes.iter().enumerate() {
                let mut request = Box::pin(reply(&ingress, path, fields));
                match (&mut request).now_or_never() {
                    None => {
                        in_flight.push(request);
                        served[class] += 1;
                    }
                    Some(refusal) if is_grpc => assert_eq!(header(&refusal, "grpc-status"), Some("8")),
                    Some(refusal) => assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE),
                }
            }
        }
        // They come in turn, five of each: the permits of a class run out when 4, 6, 8 and 10 are taken by all.
        assert_eq!(served, [1, 2, 3, 4], "gRPC {is_grpc}");
        let mut text = String::new();
        encode(&mut text, &registry).expect("metrics");
        let taken = "requests_in_flight{server=\"internal\"} 10";
        assert!(text.lines().any(|one| one == taken), "no {taken} in {text}");
        for (class, times) in [("background", 4), ("retry", 3), ("normal", 2), ("critical", 1)] {
            let line = format!("requests_shed_total{{server=\"internal\",priority=\"{class}\"}} {times}");
            assert!(text.lines().any(|one| one == line), "no {line} in {text}");
        }
    }
}

#[tokio::test]
async fn without_a_critical_method_nothing_is_held_back() {
    let limits = Limits { in_flight: 10, ..Limits::default() };
    let ingress = never_done(limits, &Arc::default());
    let mut in_flight = Vec::new();
    for _ in 0..10 {
        let mut request = Box::pin(reply(&ingress, "/links/resolve", &[]));
        assert!((&mut request).now_or_never().is_none(), "there is a permit");
        in_flight.push(request);
    }
    assert_eq!(reply(&ingress, "/links/resolve", &[]).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    in_flight.truncate(5);
    let retry = [("x-previous-attempts", "1")];
    let mut request = Box::pin(reply(&ingress, "/links/resolve", &retry));
    assert!((&mut request).now_or_never().is_none(), "six permits are for retries as well");
    assert_eq!(reply(&ingress, "/links/resolve", &retry).await.status(), StatusCode::SERVICE_UNAVAILABLE);
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
async fn a_caller_from_outside_is_believed_no_deadline() {
    let routes = Router::new().route("/", get(async || tokio::time::sleep(Duration::from_millis(500)).await));
    let ingress = Ingress::public(routes, Limits::default(), Sampling::Off, metrics("public"));
    for fields in [&[("x-timeout-ms", "1")][..], &[GRPC, ("grpc-timeout", "1m")]] {
        assert_eq!(reply(&ingress, "/", fields).await.status(), StatusCode::OK, "{fields:?}");
    }
}

/// Orders the fault at the internal server, as the lab does.
async fn orders(ingress: &Ingress, method: &str, json: &'static str) -> StatusCode {
    let request = Request::builder().method(method).uri("/admin/faults/errors").header("host", "here");
    let request = request.header("content-type", "application/json").body(Body::from(json));
    let reply = ingress.clone().answer(ANYBODY, request.expect("a request")).await;
    reply.expect("it cannot fail").status()
}

#[tokio::test]
async fn a_process_fails_requests_to_all_its_servers_when_it_is_told_to() {
    let errors = InjectedErrors::default();
    let admission = Admission { errors: errors.clone(), ..Limits::default().into() };
    let ok = || get(async || StatusCode::OK).post(async || StatusCode::OK);
    let components = Router::new().route("/links/resolve", ok());
    let admin = Router::new().route("/health/live", ok()).merge(fault_injection::routes(errors));
    let internal = Ingress::internal(components, admin, admission.clone(), metrics("internal"));
    let routes = Router::new().route("/links", ok());
    let public = Ingress::public(routes, admission, Sampling::Off, metrics("public"));
    let calls = async |fields: &[(&str, &str)]| reply(&internal, "/links/resolve", fields).await;

    assert_eq!(calls(&[]).await.status(), StatusCode::OK);
    assert_eq!(orders(&internal, "PUT", r#"{"share":1,"for_ms":60000}"#).await, StatusCode::NO_CONTENT);
    for failed in [calls(&[]).await, reply(&public, "/links", &[]).await] {
        assert_eq!(failed.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(header(&failed, "retry-after"), Some("0"));
    }
    let failed = calls(&[GRPC]).await;
    assert_eq!(header(&failed, "grpc-status"), Some("14"), "UNAVAILABLE");
    assert_eq!(header(&failed, "grpc-retry-pushback-ms"), Some("0"));
    let live = reply(&internal, "/health/live", &[]).await.status();
    assert_eq!(live, StatusCode::OK, "the process is healthy");

    let internal_error = r#"{"share":1,"for_ms":60000,"reply":"internal"}"#;
    assert_eq!(orders(&internal, "PUT", internal_error).await, StatusCode::NO_CONTENT);
    assert_eq!(calls(&[]).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(header(&calls(&[GRPC]).await, "grpc-status"), Some("13"), "INTERNAL");
    assert_eq!(orders(&internal, "DELETE", "").await, StatusCode::NO_CONTENT);
    assert_eq!(calls(&[]).await.status(), StatusCode::OK);
}
