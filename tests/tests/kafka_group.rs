//! A consumer group whose member is killed without leaving: its clicks are late, and none is lost.
//!
//! With a real Kafka if one is installed or `KAFKA_HOME` names it, otherwise with the embedded broker.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{net::SocketAddr, time::Duration};

use nix::sys::signal::Signal;
use runtimes::measure::Scrape;
use serde_json::Value;
use system_tests::{
    command::{Desk, Ended},
    edge_suite::eventually,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");
/// The two members of the group.
const MEMBERS: [&str; 2] = ["clicks-1", "clicks-2"];

#[test]
fn a_member_that_is_killed_without_goodbye_costs_no_click() {
    let desk = Desk::new(PROGRAM);
    let wiring = ["--set", "placement=microservices", "--set", "events=kafka", "--set", "replicas=2"];
    let mut up = desk.start(&[&["up", "shortener", "--no-restart"], &wiring[..]].concat());
    up.says("up; Ctrl-C stops it");
    let out = up.out();
    let url = after(&out, "public API").to_owned();
    let metrics = MEMBERS.map(|member| -> SocketAddr {
        let line = after(&out, member);
        line.rsplit_once("http://").unwrap().1.trim_end_matches("/metrics").parse().unwrap()
    });
    // After both have received events, each has its own partitions.
    eventually(Duration::from_mins(1), "both members receive", || {
        assert_eq!(loaded_and_checked(&desk, &url)["ledger"]["complete"], true);
        let received = |member| Scrape::of(member).unwrap().total("events_received_total", &[]);
        metrics.iter().all(|&member| received(member) > 0.0).then_some(())
    });
    up.kill_service(MEMBERS[0]);
    let figures = loaded_and_checked(&desk, &url);
    let facts = figures["ledger"]["facts"].as_array().unwrap();
    let count = |name: &str| facts.iter().find(|fact| fact["name"] == name).unwrap()["count"].as_u64();
    assert_eq!(figures["ledger"]["complete"], true, "{figures}");
    assert_eq!((count("clicks-lost"), count("clicks-not-settled")), (Some(0), Some(0)), "{figures}");
    assert!(count("clicks-expected-low") > Some(100), "{figures}");
    up.signal(Signal::SIGINT);
    assert_eq!(up.end().code, Some(0));
    desk.is_tidy();
}

/// The rest of a line that begins with this word.
fn after<'a>(out: &'a str, word: &str) -> &'a str {
    out.lines().find_map(|line| line.strip_prefix(word)).unwrap().trim()
}

/// A second of load, followed by a check.
fn loaded_and_checked(desk: &Desk, url: &str) -> Value {
    let load = ["load", "--system", "shortener", "--rate", "200", "--for", "1s", "--links", "50"];
    let ended: Ended = desk.lab(&[&load[..], &["--url", url, "--check", "--json"]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.out).unwrap()
}
