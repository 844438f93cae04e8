//! `lab up` and `lab load` as a person uses them: one wiring, up until Ctrl-C, loaded and checked.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::net::{SocketAddr, TcpStream};

use nix::sys::signal::Signal;
use system_tests::{
    command::{Desk, refused},
    edge_client::EdgeClient,
    edge_suite::shortened,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");

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
        let after =
            |word: &str| out.lines().find_map(|line| line.strip_prefix(word)).unwrap().trim().to_owned();
        let address: SocketAddr = after("public API").trim_start_matches("http://").parse().unwrap();
        let edge = EdgeClient::new(address);
        assert_eq!(edge.follow(&shortened(&edge, "https://example.com/up")).status, 302);
        assert_eq!(edge.get("/openapi.json").status, 200);
        assert!(out.contains(&format!("curl -i http://{address}/links")), "{out}");
        assert_eq!(desk.processes().len(), processes + 1, "{:?}", desk.processes());
        // Twice, for each load is another one, and neither finds the other's clicks.
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
    let address = out.lines().find_map(|line| line.strip_prefix("public API")).unwrap().trim().to_owned();
    let address: SocketAddr = address.trim_start_matches("http://").parse().unwrap();
    assert_ne!(address.port(), 0);
    assert!(!out.contains("127.0.0.1:0"), "{out}");
    assert_eq!(EdgeClient::new(address).get("/openapi.json").status, 200);
    up.signal(Signal::SIGINT);
    assert_eq!(up.end().code, Some(0));
}

/// `lab load` at a system that is up, with its promises checked afterwards.
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
    let mut up = desk.start(&["up", "shortener", "--set", "placement=microservices"]);
    up.says("up; Ctrl-C stops it");
    up.kill_service("links");
    up.says("the rest stays up");
    up.kill_service("gateway");
    let complaint = refused(&desk, &up.end());
    assert!(complaint.contains("`gateway`") && complaint.contains("SIGKILL"), "{complaint}");
}
