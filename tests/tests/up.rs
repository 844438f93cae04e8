//! `lab up` and `lab load` as a user runs them: one wiring, up until Ctrl-C, loaded and checked.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use http::Method;
use nix::sys::signal::Signal;
use system_tests::{
    command::{Desk, refused},
    edge_client::EdgeClient,
    edge_suite::{eventually, shortened},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");

/// The time limit for a trace to be complete: exporters send every half second, and an event waits a second
/// for its batch.
const TRACED_WITHIN: Duration = Duration::from_secs(30);

/// The time limit for a process to serve after it was started again.
const AGAIN_WITHIN: Duration = Duration::from_secs(10);

#[test]
fn a_system_that_is_up_answers_where_it_says_and_ends_cleanly() {
    for (arguments, processes) in [
        (&["--set", "cache=none"][..], 1),
        (&["--set", "placement=microservices", "--set", "events=kafka", "--embedded-kafka"], 4),
    ] {
        let desk = Desk::new(PROGRAM);
        let mut up = desk.start(&[&["up", "shortener"][..], arguments].concat());
        up.says("up; Ctrl-C stops it");
        let out = up.out();
        let address = api(&out);
        let edge = EdgeClient::new(address);
        assert_eq!(edge.follow(&shortened(&edge, "https://example.com/up")).status, 302);
        assert_eq!(edge.get("/openapi.json").status, 200);
        assert!(out.contains(&format!("curl -i http://{address}/links")), "{out}");
        assert_eq!(desk.processes().len(), processes + 1, "{:?}", desk.processes());
        // Twice: the loads are independent, and neither finds the other's clicks.
        loaded_and_checked(&desk, address);
        loaded_and_checked(&desk, address);
        up.signal(Signal::SIGINT);
        let ended = up.end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(!ended.err.contains("warning"), "{ended:?}");
        assert!(TcpStream::connect(address).is_err());
        desk.is_tidy();
    }
}

#[test]
fn port_0_is_a_free_port_and_the_one_that_every_hint_names() {
    let desk = Desk::new(PROGRAM);
    let mut up = desk.start(&["up", "shortener", "--port", "0"]);
    up.says("up; Ctrl-C stops it");
    let out = up.out();
    let address = api(&out);
    assert_ne!(address.port(), 0);
    assert!(!out.contains("127.0.0.1:0"), "{out}");
    assert_eq!(EdgeClient::new(address).get("/openapi.json").status, 200);
    up.signal(Signal::SIGINT);
    assert_eq!(up.end().code, Some(0));
}

/// `lab load` at a running system, followed by a check.
fn loaded_and_checked(desk: &Desk, address: SocketAddr) {
    let url = format!("http://{address}");
    let ended = desk.lab(&[
        "load",
        "--system",
        "shortener",
        "--url",
        &url,
        "--rate",
        "100",
        "--for",
        "1s",
        "--links",
        "50",
        "--check",
        "--json",
    ]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let figures: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert!(figures.is_object(), "{figures}");
}

#[test]
fn a_service_that_dies_while_it_is_up_is_told_and_the_rest_stays_until_nobody_serves() {
    let desk = Desk::new(PROGRAM);
    let mut up = desk.start(&["up", "shortener", "--set", "placement=microservices", "--no-restart"]);
    up.says("up; Ctrl-C stops it");
    up.kill_service("links");
    up.says("the rest stays up");
    up.kill_service("gateway");
    let complaint = refused(&desk, &up.end());
    assert!(complaint.contains("`gateway`") && complaint.contains("SIGKILL"), "{complaint}");
}

#[test]
fn a_service_that_dies_while_it_is_up_is_started_again_where_it_was() {
    let desk = Desk::new(PROGRAM);
    let mut up = desk.start(&["up", "shortener", "--set", "placement=microservices"]);
    up.says("up; Ctrl-C stops it");
    let edge = EdgeClient::new(api(&up.out()));
    let code = shortened(&edge, "https://example.com/again");
    for name in ["links", "gateway"] {
        up.kill_service(name);
        up.says(&format!("`{name}` was started again"));
        eventually(AGAIN_WITHIN, "it listens", || TcpStream::connect(edge.address()).ok().map(drop));
        eventually(AGAIN_WITHIN, "it is followed", || (edge.follow(&code).status == 302).then_some(()));
    }
    up.signal(Signal::SIGINT);
    let ended = up.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    desk.is_tidy();
}

/// What `lab fault` says, from another terminal.
fn fault(desk: &Desk, words: &[&str]) -> String {
    let ended = desk.lab(&[&["fault"][..], words].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.is_empty() || ended.out.ends_with('\n'), "{ended:?}");
    ended.out + &ended.err
}

#[test]
fn a_part_of_what_is_up_is_broken_by_hand_for_a_while() {
    let desk = Desk::new(PROGRAM);
    let mut up = desk.start(&["up", "shortener", "--set", "placement=microservices", "--proxy"]);
    up.says("up; Ctrl-C stops it");
    let edge = EdgeClient::new(api(&up.out()));
    let code = shortened(&edge, "https://example.com/broken");
    let follows = |status: u16| (edge.follow(&code).status == status).then_some(());
    assert!(fault(&desk, &["list"]).contains("no fault is in force"));

    fault(&desk, &["reset", "links", "--for", "10m"]);
    eventually(AGAIN_WITHIN, "`links` is out of reach", || follows(503));
    assert!(fault(&desk, &["list"]).contains("links is reset, for another"));
    let twice = desk.lab(&["fault", "slow", "gateway -> links"]);
    assert!(twice.code == Some(2) && twice.err.contains("not over yet"), "{twice:?}");
    assert!(fault(&desk, &["clear"]).contains("over: links is reset"));
    eventually(AGAIN_WITHIN, "it is followed", || follows(302));

    // The process fails its calls itself, until it is told otherwise, and half of them if asked to.
    fault(&desk, &["errors", "links", "--for", "10m"]);
    assert_eq!(edge.follow(&code).status, 503);
    assert!(fault(&desk, &["list"]).contains("links is failing all calls to it as `unavailable`"));
    assert!(fault(&desk, &["clear"]).contains("over: links is failing"));
    assert_eq!(edge.follow(&code).status, 302);
    fault(&desk, &["errors", "links", "--with", "share=0.5", "--for", "1s"]);
    let mut statuses: Vec<_> = (0..40).map(|_| edge.follow(&code).status).collect();
    statuses.sort_unstable();
    statuses.dedup();
    assert_eq!(statuses, [302, 503], "none of one kind in 40: once in 10^12");
    up.says("over: links is failing 50 % of calls to it");
    eventually(AGAIN_WITHIN, "it is followed", || follows(302));

    fault(&desk, &["kill", "links", "--for", "500ms"]);
    eventually(AGAIN_WITHIN, "`links` is gone", || follows(503));
    up.says("over: links is down after a kill");
    eventually(AGAIN_WITHIN, "it is followed", || follows(302));
    assert!(!up.out().contains("was started again"), "a planned end is for nobody to mend");

    for (words, told) in [
        (&["kill", "lings"][..], "did you mean `links`"),
        (&["kill", "redis"], "the wiring has no `redis`"),
        (&["slow", "gateway"], "`client -> gateway`"),
        (&["kill"], "needs a target"),
        (&["list", "links"], "takes no target"),
        (&["kill", "links", "--for", "2h"], "at most 30 minutes"),
    ] {
        let ended = desk.lab(&[&["fault"][..], words].concat());
        assert!(
            ended.code == Some(2) && ended.err.contains(told) && ended.err.contains("hint:"),
            "{ended:?}"
        );
    }
    fault(&desk, &["freeze", "gateway", "--for", "10m"]);
    up.signal(Signal::SIGINT);
    let ended = up.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    desk.is_tidy();
    let alone = refused(&desk, &desk.lab(&["fault", "kill", "links"]));
    assert!(alone.contains("nothing to break"), "{alone}");
}

/// The traces of a running wiring, from another terminal.
#[test]
fn the_last_traces_are_listed_and_drawn_again_for_as_long_as_a_wiring_is_up() {
    const ID: &str = "0af7651916cd43dd8448eb211c80319c";
    let desk = Desk::new(PROGRAM);
    let mut up = desk.start(&["up", "shortener", "--set", "events=memory"]);
    up.says("up; Ctrl-C stops it");
    let out = up.out();
    let said = out.lines().find(|line| line.starts_with("traces")).unwrap();
    assert!(
        said.contains("sampled `traceparent`") && said.contains("`lab trace` shows the last 100"),
        "{said}"
    );
    let address: SocketAddr = api(&out);
    let edge = EdgeClient::new(address);
    let code = shortened(&edge, "https://example.com/traced");
    for (id, path) in
        [(ID, format!("/{code}")), ("4bf92f3577b34da6a3ce929d0e0e4736", "/none-of-this".to_owned())]
    {
        let parent = format!("00-{id}-b7ad6b7169203331-01");
        edge.ask(&Method::GET, &path, &[("traceparent", parent.as_str())], "");
    }
    // Drawn where it runs, with its consumer, which follows a second later.
    up.says(&format!("a trace: {ID}"));
    let listed = eventually(TRACED_WITHIN, "both traces are listed, the event delivered", || {
        let ended = desk.lab(&["trace"]);
        (ended.code == Some(0) && ended.out.contains("3 spans") && ended.out.contains("4bf92f35"))
            .then_some(ended.out)
    });
    assert!(listed.contains(&format!("http://{address}")) && listed.contains("GET /{code}"), "{listed}");

    let page = desk.path("traces.html");
    let ended = desk.lab(&["trace", "0AF7", "slowest", "--page", page.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains(ID) && ended.out.contains("sqlite SELECT links"), "{ended:?}");
    let after = ended.out.split_once("after the reply").unwrap().1;
    assert!(after.contains("memory process clicks") && after.contains("sqlite INSERT tallies"), "{ended:?}");
    let drawn = std::fs::read_to_string(page).unwrap();
    assert!(drawn.contains("<svg") && drawn.contains("sqlite SELECT links") && drawn.contains(ID), "{drawn}");

    for (arguments, what) in [(&["trace", "beef"][..], "`beef`"), (&["trace", "--up", "1"], "process id 1")] {
        let ended = desk.lab(arguments);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.err.contains(what) && ended.err.contains("hint:"), "{ended:?}");
    }
    up.signal(Signal::SIGINT);
    assert_eq!(up.end().code, Some(0));
    refused(&desk, &desk.lab(&["trace", ID]));
}

#[test]
fn of_several_wirings_that_are_up_one_has_to_be_named_to_show_its_traces() {
    let desk = Desk::new(PROGRAM);
    let alone = refused(&desk, &desk.lab(&["trace"]));
    assert!(alone.contains("no `lab up` is running") && alone.contains("lab up shortener"), "{alone}");
    let mut up = desk.start(&["up", "limiter"]);
    up.says("up; Ctrl-C stops it");
    let none_yet = desk.lab(&["trace"]);
    assert_eq!(none_yet.code, Some(2), "{none_yet:?}");
    assert!(
        none_yet.err.contains("has left no traces yet") && none_yet.err.contains("traceparent"),
        "{none_yet:?}"
    );
    let mut off = desk.start(&["up", "limiter", "--set", "tracing=off"]);
    off.says("none are left (`tracing=off`)");
    off.says("up; Ctrl-C stops it");
    let which = desk.lab(&["trace"]).err;
    assert!(which.contains("2 wirings are up") && which.contains(&format!("--up {}", up.id())), "{which}");
    let named = desk.lab(&["trace", "--up", &off.id().to_string()]).err;
    assert!(named.contains("started with `tracing=off`"), "{named}");
    for running in [up, off] {
        running.signal(Signal::SIGINT);
        assert_eq!(running.end().code, Some(0));
    }
}

#[test]
fn the_flags_that_are_printed_lead_a_load_to_each_process_that_clients_call() {
    let desk = Desk::new(PROGRAM);
    let mut up = desk.start(&["up", "cart", "--set", "placement=checkout-apart", "--set", "routing=direct"]);
    up.says("up; Ctrl-C stops it");
    let out = up.out();
    let (_, printed) = out.split_once("  lab load ").unwrap();
    let (printed, _) = printed.split_once("\n\n").unwrap();
    let words = printed.split_whitespace().filter(|word| *word != "\\").map(|word| word.trim_matches('\''));
    let mut load: Vec<_> = ["load"].into_iter().chain(words).collect();
    let also = load.iter().filter(|word| **word == "--also").count();
    assert_eq!(also, 12, "the paths of both processes: {printed}");
    let url = |prefix: &str| load.iter().find_map(|word| word.strip_prefix(&format!("{prefix}="))).unwrap();
    assert_eq!(url("/orders"), url("/stock"));
    assert_ne!(url("/orders"), url("/orders/{order}/notices"));
    assert!(out.contains(&format!("curl -i {}/checkouts", url("/checkouts"))), "{out}");
    assert!(out.contains(&format!("curl -i '{}/products?search=tea'", url("/products"))), "{out}");
    load.extend(["--links", "20", "--check"]);
    for (long, short) in [("20s", "1s"), ("50", "20")] {
        load.iter_mut().filter(|word| **word == long).for_each(|word| *word = short);
    }
    let ended = desk.lab(&load);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // Without them every request goes to the first process, which has no orders.
    let first = load.iter().position(|word| *word == "--also").unwrap();
    let alone = desk.lab(&[&load[..first], &["--links", "20"]].concat());
    assert_eq!(alone.code, Some(2), "{alone:?}");
    up.signal(Signal::SIGINT);
    assert_eq!(up.end().code, Some(0));
    desk.is_tidy();
}

/// The address of the public API in the output of `lab up`.
fn api(out: &str) -> SocketAddr {
    let url = out.lines().find_map(|line| line.strip_prefix("public API")).unwrap();
    url.trim().trim_start_matches("http://").parse().unwrap()
}
