//! `lab load` against servers with known misdeeds.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use nix::sys::signal::Signal;
use serde_json::Value;
use system_tests::command::{Desk, Ended, has_redis};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");

/// A server's reply to the nth request, from 0; `None` closes the connection.
type Reply = Arc<dyn Fn(usize) -> Option<String> + Send + Sync>;

/// Starts a server on a free port and returns its URL; it runs until the test process ends.
fn serve(reply: impl Fn(usize) -> Option<String> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (reply, count): (Reply, _) = (Arc::new(reply), Arc::new(Mutex::new(0)));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (reply, count) = (Arc::clone(&reply), Arc::clone(&count));
            thread::spawn(move || converse(&stream, &reply, &count));
        }
    });
    url
}

fn converse(mut stream: &TcpStream, reply: &Reply, count: &Mutex<usize>) {
    stream.set_nodelay(true).unwrap();
    for line in BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok) {
        if !line.is_empty() {
            continue;
        }
        let nth = {
            let mut count = count.lock().unwrap();
            *count += 1;
            *count - 1
        };
        match reply(nth) {
            Some(reply) if stream.write_all(reply.as_bytes()).is_ok() => {}
            _ => return,
        }
    }
}

fn status(status: u16) -> String {
    format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n")
}

/// The sum over all labels of a monolith's metrics whose names begin with `name`.
fn counted(address: &str, name: &str) -> f64 {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("GET /metrics HTTP/1.0\r\nhost: {address}\r\n\r\n").as_bytes()).unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    let lines = page.lines().filter(|line| line.starts_with(name));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

#[test]
fn a_cold_cache_is_cold_in_every_tier() {
    if !has_redis() {
        return;
    }
    let desk = Desk::new(PROGRAM);
    for (cache, tiers) in [("local", &["local"][..]), ("redis", &["redis"]), ("tiered", &["local", "redis"])]
    {
        let mut up = desk.start(&["up", "shortener", "--set", &format!("cache={cache}")]);
        up.says("Ctrl-C stops it");
        let out = up.out();
        let url = out.lines().find_map(|line| line.strip_prefix("public API")).unwrap().trim();
        let metrics = out.lines().find_map(|line| line.split_once("metrics http://")).unwrap().1;
        let metrics = metrics.strip_suffix("/metrics").unwrap();
        let mix = ["--mix", "cold-cache", "--rate", "500", "--for", "2s", "--json"];
        let ended = desk.lab(&[&["load", "--system", "shortener", "--url", url][..], &mix].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let figures = figures(&ended);
        let kinds = figures["by_kind"].as_array().unwrap();
        assert!(kinds.iter().all(|kind| kind["name"] == "follow"), "each link was followed once: {ended:?}");
        let follows = figures["succeeded"].as_f64().unwrap();
        for tier in tiers {
            let of = |name: &str| {
                counted(metrics, &format!("cache_{name}_total{{cache=\"links\",tier=\"{tier}\""))
            };
            let (hits, misses) = (of("hits"), of("misses"));
            assert!(misses >= follows, "{cache}, {tier}: {misses} misses of {follows} follows");
            // The remaining hits are reads of the links that end.
            assert!(hits < follows / 2.0, "{cache}, {tier}: {hits} hits of {follows} follows");
        }
        up.signal(Signal::SIGINT);
        assert_eq!(up.end().code, Some(0));
    }
}

#[test]
fn a_flag_that_has_no_meaning_is_refused() {
    let desk = Desk::new(PROGRAM);
    let url = serve(|_| Some(status(200)));
    for (system, flags) in [
        ("shortener", &["--path", "/"][..]),
        ("limiter", &["--status", "200"]),
        ("plain", &["--links", "10"]),
        ("plain", &["--check"]),
    ] {
        let wanted = ["load", "--system", system, "--url", &url, "--rate", "50", "--for", "100ms"];
        let ended = desk.lab(&[&wanted[..], flags].concat());
        assert_eq!(ended.code, Some(2), "{flags:?}: {ended:?}");
        let words = format!("`{}` has no meaning with `--system {system}`", flags[0]);
        assert!(ended.err.contains(&words) && ended.err.contains("hint: leave"), "{ended:?}");
    }
    let scenarios = load(&desk, &url, &["--rate", "50", "--scenarios", "."]);
    assert!(
        scenarios.code == Some(2) && scenarios.err.contains("`--scenarios` has no meaning"),
        "{scenarios:?}"
    );
    let closed = load(&desk, &url, &["--closed", "1", "--arrivals", "constant", "--for", "100ms"]);
    assert!(closed.code == Some(2) && closed.err.contains("cannot be used with"), "{closed:?}");
    let neither = load(&desk, &url, &["--for", "100ms"]);
    assert!(neither.code == Some(2) && neither.err.contains("--rate <N>|--closed <N>"), "{neither:?}");
}

/// A server with a constant reply, and its number of requests.
fn says(reply: &'static str) -> (String, Arc<Mutex<usize>>) {
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    let url = serve(move |_| {
        *count.lock().unwrap() += 1;
        Some(reply.to_owned())
    });
    (url, asked)
}

#[test]
fn a_load_on_something_else_says_what_answered() {
    let desk = Desk::new(PROGRAM);
    let systems = ["shortener", "limiter"];
    for (other, system) in [(systems[0], systems[1]), (systems[1], systems[0])] {
        let mut up = desk.start(&["up", other]);
        up.says("Ctrl-C stops it");
        let out = up.out();
        let url = out.lines().find_map(|line| line.strip_prefix("public API")).unwrap().trim();
        let ended = desk.lab(&["load", "--system", system, "--url", url, "--rate", "50"]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        let words = format!("`{url}` is a `{other}`, and the load is one for a `{system}`");
        assert!(ended.err.contains(&words) && ended.err.contains(&format!("--system {other}")), "{ended:?}");
        up.signal(Signal::SIGINT);
        assert_eq!(up.end().code, Some(0));
    }
    let (no_api, _) = says("HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n");
    let (another, _) = says("HTTP/1.1 200 x\r\ncontent-length: 24\r\n\r\n{\"paths\":{\"/pets\":{}}}\n\n");
    let (no_http, asked) = says("220 ready\r\n");
    for system in systems {
        for (url, words) in [
            (&no_api, &["does not look like a", "`GET /openapi.json` was answered with 404"][..]),
            (&another, &["does not look like a", "answered with 200 and describes another API"]),
            (&no_http, &["does not speak HTTP/1.1"]),
        ] {
            let ended = desk.lab(&["load", "--system", system, "--url", url, "--rate", "50"]);
            assert_eq!(ended.code, Some(2), "{ended:?}");
            for word in words.iter().chain(&[&*format!("hint: `lab up {system}`")]) {
                assert!(ended.err.contains(word), "no {word} in {ended:?}");
            }
            assert_eq!(ended.err.matches("hint: ").count(), 1, "{ended:?}");
        }
    }
    assert_eq!(*asked.lock().unwrap(), systems.len(), "what speaks no HTTP is asked once a load");
}

/// `lab load --system plain` at a URL.
fn load(desk: &Desk, url: &str, arguments: &[&str]) -> Ended {
    desk.lab(&[&["load", "--system", "plain", "--url", url][..], arguments].concat())
}

fn figures(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// Serves one request at a time, each after 20 ms: 50 a second.
fn one_at_a_time() -> String {
    let turn = Mutex::new(());
    serve(move |_| {
        let _turn = turn.lock().unwrap();
        thread::sleep(Duration::from_millis(20));
        Some(status(200))
    })
}

#[test]
fn buyers_speak_what_the_edge_of_a_cart_speaks_and_it_keeps_its_promises() {
    let desk = Desk::new(PROGRAM);
    for (edge, mixes) in [("grpc", &["shop", "browse", "vouchers", "page"][..]), ("graphql", &["page"])] {
        let mut up = desk.start(&["up", "cart", "--set", &format!("edge={edge}")]);
        up.says("Ctrl-C stops it");
        let out = up.out();
        let url = out.lines().find_map(|line| line.strip_prefix("public API")).unwrap().trim();
        let metrics = out.lines().find_map(|line| line.split_once("metrics http://")).unwrap().1;
        let metrics = metrics.strip_suffix("/metrics").unwrap();
        let by_edge = |route: &str| {
            let labels = format!("server=\"public\",http_request_method=\"POST\",http_route=\"{route}");
            counted(metrics, &format!("http_server_request_duration_seconds_count{{{labels}"))
        };
        let route = if edge == "grpc" { "/lab.cart.shop.v1.ShopService/" } else { "/graphql" };
        for mix in mixes {
            let before = by_edge(route);
            let option = format!("edge={edge}");
            let load =
                ["load", "--system", "cart", "--url", url, "--mix", mix, "--option", &option, "--json"];
            let ended =
                desk.lab(&[&load[..], &["--links", "50", "--rate", "40", "--for", "2s", "--check"]].concat());
            assert_eq!(ended.code, Some(0), "{edge}, {mix}: {ended:?}");
            let figures = figures(&ended);
            assert_eq!(figures["failed"], serde_json::json!({}), "{edge}, {mix}: {ended:?}");
            let (requests, succeeded) = (by_edge(route) - before, figures["succeeded"].as_f64().unwrap());
            if *mix == "page" {
                let each = if edge == "grpc" { 4 } else { 1 };
                let pages = figures["succeeded"].as_u64().unwrap();
                assert_eq!(figures["requests"].as_u64(), Some(each * pages), "{edge}: {ended:?}");
            }
            assert!(succeeded > 0.0 && requests >= succeeded, "{edge}, {mix}: {requests} requests");
        }
        up.signal(Signal::SIGINT);
        assert_eq!(up.end().code, Some(0));
    }
}

#[test]
fn a_rate_is_that_of_the_server_and_not_of_the_operations_that_wait_for_it() {
    let desk = Desk::new(PROGRAM);
    let closed = load(&desk, &one_at_a_time(), &["--closed", "200", "--for", "1s", "--json"]);
    assert_eq!(closed.code, Some(0), "{closed:?}");
    let rate = figures(&closed)["succeeded_per_second"].as_f64().unwrap();
    assert!((25.0..=51.0).contains(&rate), "{closed:?}");
    assert_eq!(figures(&closed)["offered_per_second"], Value::Null);

    let open =
        load(&desk, &one_at_a_time(), &["--rate", "200", "--arrivals", "constant", "--for", "1s", "--json"]);
    let figures = figures(&open);
    assert!((25.0..=51.0).contains(&figures["succeeded_per_second"].as_f64().unwrap()), "{open:?}");
    assert!((figures["offered_per_second"].as_f64().unwrap() - 200.0).abs() < 2.0, "{open:?}");
    assert_eq!(figures["saturated"], true);

    let told = load(&desk, &one_at_a_time(), &["--rate", "200", "--for", "1s"]);
    assert!(
        told.out.contains("offered a second") && told.out.contains("warning: the system is saturated"),
        "{told:?}"
    );
    // Repeated if the machine paused at the end of it.
    let idle = || load(&desk, &serve(|_| Some(status(200))), &["--rate", "200", "--for", "1s"]);
    assert!((0..10).any(|_| !idle().out.contains("saturated")), "a server that keeps up is not saturated");
}

#[test]
fn the_exit_code_is_that_of_what_was_expected() {
    let desk = Desk::new(PROGRAM);
    let (good, bad) = (serve(|_| Some(status(200))), serve(|_| Some(status(500))));
    let third = serve(|nth| Some(status(if nth % 3 == 0 { 500 } else { 200 })));
    let short = ["--rate", "100", "--arrivals", "constant", "--for", "300ms"];
    for (url, expected, code) in [
        (&good, &[][..], 0),
        (&good, &["--expect", "p50 < 2s", "--expect", "failed < 1%"], 0),
        (&good, &["--expect", "p50 < 2s", "--expect", "p50<1us"], 1),
        // With 30 operations.
        (&good, &["--expect", "p99.9 < 2s"], 1),
        (&bad, &[], 1),
        (&bad, &["--expect", "failed >= 30"], 0),
        (&bad, &["--expect", "p99 < 50ms"], 1),
        (&third, &[], 0),
        (&third, &["--expect", "failed < 1%"], 1),
        (&third, &["--expect", "failed <= 34%", "--expect", "succeeded >= 20"], 0),
    ] {
        let ended = load(&desk, url, &[&short[..], expected].concat());
        assert_eq!(ended.code, Some(code), "{expected:?}: {ended:?}");
        assert_eq!(ended.out.contains("FAILED"), code == 1, "{ended:?}");
    }
    let json = figures(&load(&desk, &third, &[&short[..], &["--json", "--expect", "failed < 1%"]].concat()));
    assert_eq!(json["expected"][0]["condition"], "failed < 1%");
    assert_eq!(json["expected"][0]["holds"], false);
    let few = ["--expect", "p99.9 < 2s"];
    let told = "too few operations to tell p99.9: 30 of at least 10000";
    let table = load(&desk, &good, &[&short[..], &few].concat());
    assert!(table.out.contains(&format!("expected p99.9 < 2s: FAILED, {told}")), "{table:?}");
    let json = figures(&load(&desk, &good, &[&short[..], &["--json"], &few].concat()));
    assert_eq!(
        (&json["expected"][0]["holds"], json["expected"][0]["found"].as_str()),
        (&false.into(), Some(told))
    );
}

#[test]
fn nothing_to_send_is_no_success() {
    let desk = Desk::new(PROGRAM);
    let url = serve(|_| Some(status(200)));
    for expected in [&[][..], &["--expect", "failed < 1%"]] {
        let ended = load(&desk, &url, &[&["--rate", "0.001", "--for", "100ms"][..], expected].concat());
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.out.contains("nothing was due") && ended.out.contains("`--rate`"), "{ended:?}");
    }
}

#[test]
fn a_condition_that_says_nothing_is_refused_with_a_hint() {
    let desk = Desk::new(PROGRAM);
    for (condition, word) in
        [("faild < 1%", "did you mean `failed`"), ("p99 < 50", "needs a unit"), ("p99", "such as")]
    {
        let ended = load(&desk, "http://127.0.0.1:9", &["--rate", "1", "--expect", condition]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.err.contains(word), "{ended:?}");
    }
}

#[test]
fn a_request_that_is_lost_on_a_closing_connection_is_sent_once_more_and_shown() {
    let desk = Desk::new(PROGRAM);
    // Every second request finds its connection closed.
    let url = serve(|nth| (nth % 3 != 1).then(|| status(200)));
    let one_by_one = ["--rate", "100", "--arrivals", "constant", "--for", "300ms", "--connections", "1"];
    let ended = load(&desk, &url, &[&one_by_one[..], &["--expect", "failed < 1", "--json"]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(figures(&ended)["resent"].as_u64().unwrap() >= 10, "{ended:?}");
    let ended = load(&desk, &url, &one_by_one);
    assert!(ended.out.contains("sent once more: "), "{ended:?}");
}

#[test]
fn close_in_a_list_of_options_resets_nothing() {
    let desk = Desk::new(PROGRAM);
    let url = serve(|_| {
        Some("HTTP/1.1 200 OK\r\nConnection: Keep-Alive, Close\r\nContent-Length: 0\r\n\r\n".to_owned())
    });
    let ended = load(&desk, &url, &["--rate", "100", "--for", "300ms", "--expect", "failed < 1", "--json"]);
    assert_eq!((ended.code, figures(&ended)["resent"].as_u64()), (Some(0), Some(0)), "{ended:?}");
}

#[test]
fn a_url_and_a_path_are_checked_before_anything_is_sent() {
    let desk = Desk::new(PROGRAM);
    let short = ["--rate", "50", "--arrivals", "constant", "--for", "200ms"];
    let url = serve(|_| Some(status(200)));
    for right in [url.replace("http://", "HTTP://"), format!("{url}/")] {
        let ended = load(&desk, &right, &[&short[..], &["--expect", "succeeded >= 10"]].concat());
        assert_eq!(ended.code, Some(0), "{right}: {ended:?}");
    }
    for (wrong, words) in [
        ("http://127.0.0.1:99999", &["`http://127.0.0.1:99999` is not a target", "port"][..]),
        ("http://127.0.0.1:0", &["port 0"]),
        ("https://127.0.0.1:1", &["`https`", "TLS"]),
        ("http://127.0.0.1:1\r\nX: y", &["'\\r'"]),
    ] {
        let ended = load(&desk, wrong, &short);
        assert_eq!(ended.code, Some(2), "{wrong}: {ended:?}");
        for word in words.iter().chain(&["hint: "]) {
            assert!(ended.err.contains(word), "{wrong}: no {word} in {ended:?}");
        }
    }
    for wrong in ["/a b", "/a\r\nX-Smuggled: 1", "/\t", "a", "/#a", "/é"] {
        let ended = load(&desk, &url, &[&short[..], &["--path", wrong]].concat());
        assert_eq!(ended.code, Some(2), "{wrong:?}: {ended:?}");
        assert!(ended.err.contains("hint: "), "{wrong:?}: {ended:?}");
    }
}
