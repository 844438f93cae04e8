//! Which requests a full server refuses first, here and in depth.

use super::*;

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

/// What a handler learns of its operation's class.
async fn class() -> &'static str {
    remote::current().map_or("none", |context| context.priority.name())
}

async fn text(reply: Response) -> String {
    let body = axum::body::to_bytes(reply.into_body(), 100).await.expect("a short body");
    String::from_utf8(body.to_vec()).expect("text")
}

#[tokio::test]
async fn at_a_public_server_routes_say_which_requests_are_refused_first() {
    let waits = || get(pending::<StatusCode>).post(pending::<StatusCode>);
    let routes = ["/orders", "/figures"].iter().fold(Router::new(), |all, path| all.route(path, waits()));
    let priorities = [("GET", "/figures", Priority::Background), ("POST", "/orders", Priority::Critical)];
    let priorities = priorities.map(|(method, path, class)| (method.parse().expect("a method"), path, class));
    let limits = Limits { in_flight: 10, ..Limits::default() };
    let admission = Admission { priorities: priorities.into_iter().collect(), ..limits.into() };
    let ingress = Ingress::public(routes, admission, Sampling::Off, metrics("public"));
    let mut in_flight = Vec::new();
    let mut served = Vec::new();
    // One class after the other, as many as there are permits; the client's word is worth nothing.
    for (method, path) in [("GET", "/figures"), ("GET", "/orders"), ("POST", "/orders")] {
        let before = in_flight.len();
        for _ in 0..10 {
            let request = Request::builder().method(method).uri(path).header("host", "here");
            let request = request.header("x-priority", "critical").body(Body::empty()).expect("a request");
            let mut request = Box::pin(ingress.clone().answer(ANYBODY, request));
            match (&mut request).now_or_never().transpose().expect("it cannot fail") {
                None => in_flight.push(request),
                Some(refusal) => assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE),
            }
        }
        served.push(in_flight.len() - before);
    }
    assert_eq!(served, [4, 4, 2], "background stops at 4 of 10, normal at 8");
}

/// Bug 12 in depth: what a background request calls crowds out what somebody waits for, because no process but the first
/// knows.
#[tokio::test]
async fn a_background_request_stays_one_in_depth_and_no_method_raises_it() {
    let classes: [(&str, [&str; 3]); 4] = [
        // The operation, and what becomes of it in methods that are background, normal and critical.
        ("background", ["background"; 3]),
        ("critical", ["background", "critical", "critical"]),
        ("", ["background", "normal", "critical"]),
        ("retry", ["background", "normal", "critical"]),
    ];
    let routes = METHODS.iter().fold(Router::new(), |all, method| all.route(method.http_path, post(class)));
    let admission = Admission { priorities: Priorities::of(&METHODS), ..Limits::default().into() };
    let ingress = Ingress::internal(routes, Router::new(), admission, metrics("internal"));
    for (operation, expected) in classes {
        for (method, expected) in METHODS.iter().zip(expected) {
            let reply = reply(&ingress, method.http_path, &[("x-priority", operation)]).await;
            assert_eq!(text(reply).await, expected, "{operation} calls {}", method.http_path);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_adapts_takes_what_it_answers_in_time() {
    let mut registry = Registry::default();
    let metrics = ServerMetrics::register(&mut registry).of("public");
    // With so many in flight a request takes as long as the server needs for all of them: 10 ms each.
    let in_flight = Arc::new(AtomicUsize::new(0));
    let work = async move || {
        let now = in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        tokio::time::sleep(Duration::from_millis(10 * now as u64)).await;
        in_flight.fetch_sub(1, Ordering::Relaxed);
        StatusCode::OK
    };
    let admission = Admission { adapts: true, ..Limits::default().into() };
    let ingress = Ingress::public(Router::new().route("/", get(work)), admission, Sampling::Off, metrics);
    for _ in 0..50 {
        let requests = (0..100).map(|_| reply(&ingress, "/", &[]));
        futures::future::join_all(requests).await;
    }
    let mut text = String::new();
    encode(&mut text, &registry).expect("metrics");
    let limit = text.lines().find_map(|line| line.strip_prefix("requests_limit{server=\"public\"} "));
    let limit: usize = limit.expect("it is there").parse().expect("a number");
    assert!((7..=11).contains(&limit), "10 are answered within 100 ms, and it takes {limit}");
}
