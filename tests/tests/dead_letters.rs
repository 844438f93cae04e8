//! The dead letters of a wiring that is up, as its operator meets them: counted, listed with `lab events`, and replayed.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{net::SocketAddr, path::Path, time::Duration};

use nix::sys::signal::Signal;
use rdkafka::{
    ClientConfig,
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer},
};
use runtimes::measure::Scrape;
use system_tests::{
    command::{Desk, Running, refused},
    edge_client::EdgeClient,
    edge_suite::{eventually, shortened},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");

/// How long events may take: a consumer group alone takes three seconds to form.
const ARRIVED_WITHIN: Duration = Duration::from_secs(30);

/// A wiring that is up; a process that is killed stays away.
fn starts<'a>(desk: &'a Desk, wiring: &[&str]) -> Running<'a> {
    let mut up = desk.start(&[&["up", "shortener", "--no-restart"], wiring].concat());
    up.says("up; Ctrl-C stops it");
    up
}

fn api(up: &Running<'_>) -> EdgeClient {
    let out = up.out();
    let line = out.lines().find_map(|line| line.strip_prefix("public API")).unwrap();
    let address: SocketAddr = line.trim().trim_start_matches("http://").parse().unwrap();
    EdgeClient::new(address)
}

/// Where the broker of a wiring is, by the process configuration of its first process.
fn broker(up: &Running<'_>) -> String {
    let out = up.out();
    let file = out.lines().find_map(|line| line.trim().strip_prefix("wiring ")).unwrap();
    runtime::read_process_config(Path::new(file)).unwrap().backings["events"].clone()
}

/// Sends a message that says to be a click, and is none.
fn poison(broker: &str) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.trim_start_matches("kafka://"));
    let stranger: ThreadedProducer<DefaultProducerContext> = config.create().unwrap();
    let headers = OwnedHeaders::new()
        .insert(Header { key: "event-id", value: Some(&7_u128.to_be_bytes()) })
        .insert(Header { key: "event-type", value: Some("lab.shortener.v1.Clicked") });
    let record = BaseRecord::<str, str>::to("clicks").key("poison").payload("").headers(headers);
    stranger.send(record).unwrap();
    stranger.flush(Duration::from_secs(5)).unwrap();
}

/// The sum of a metric over all processes.
fn total(up: &Running<'_>, name: &str) -> f64 {
    let servers = up.internal_servers();
    servers.iter().map(|(_, address)| Scrape::of(*address).unwrap().total(name, &[])).sum()
}

#[test]
fn a_poison_message_is_listed_and_replayed_and_holds_up_no_click() {
    let desk = Desk::new(PROGRAM);
    let wiring = [
        "--set",
        "placement=microservices",
        "--set",
        "replicas=2",
        "--set",
        "events=kafka",
        "--embedded-kafka",
    ];
    let up = starts(&desk, &wiring);
    let edge = api(&up);
    let code = shortened(&edge, "https://example.com/");
    assert_eq!(desk.lab(&["events", "dead"]).err, "there are no dead letters\n");
    for _ in 0..3 {
        assert_eq!(edge.follow(&code).status, 302);
        poison(&broker(&up));
    }
    eventually(ARRIVED_WITHIN, "every click is counted", || {
        (edge.show(&code).json()["clicks"] == 3).then_some(())
    });
    let reason = "its payload is not a valid `lab.shortener.v1.Clicked`: `link_id`: a UUID is 16 bytes";
    eventually(ARRIVED_WITHIN, "each is a dead letter", || {
        (desk.lab(&["events", "dead"]).out.matches(reason).count() >= 3).then_some(())
    });
    assert!(total(&up, "events_dead_total") > 2.5);
    let listed = desk.lab(&["events", "dead"]);
    assert_eq!(listed.code, Some(0), "{listed:?}");
    assert_eq!(listed.out.matches(reason).count(), 3, "once, although both members tell: {listed:?}");
    assert_eq!(listed.out.matches("clicks.tallying ").count(), 3, "{listed:?}");
    // They are poison still, and so they come back.
    let replayed = desk.lab(&["events", "replay", "clicks"]);
    assert!(replayed.out.starts_with("3 replayed"), "{replayed:?}");
    eventually(ARRIVED_WITHIN, "each is a dead letter again", || {
        (desk.lab(&["events", "dead"]).out.matches(reason).count() == 3).then_some(())
    });
    let (_, clicks) = up.internal_servers().into_iter().find(|(name, _)| name == "clicks-1").unwrap();
    let at = desk.lab(&["events", "dead", "--at", &clicks.to_string()]);
    assert_eq!(at.out.matches(reason).count(), 3, "{at:?}");
    let unknown = desk.lab(&["events", "replay", "orders"]);
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    let what = "error: no process stores dead letters of a topic `orders`\nhint: ";
    assert!(unknown.err.starts_with(what), "{unknown:?}");
    up.signal(Signal::SIGINT);
    assert_eq!(up.end().code, Some(0));
    desk.is_tidy();
}

#[test]
fn a_buffer_keeps_what_its_group_did_not_take_and_the_request_keeps_nothing() {
    let desk = Desk::new(PROGRAM);
    for (events, dead) in [("memory", 1), ("inline", 0)] {
        let up = starts(&desk, &["--set", "placement=microservices", "--set", &format!("events={events}")]);
        let edge = api(&up);
        let code = shortened(&edge, "https://example.com/");
        up.kill_service("clicks");
        assert_eq!(edge.follow(&code).status, if dead == 1 { 302 } else { 503 }, "{events}");
        if dead == 1 {
            let is_dead = || (total_of(&up, "gateway", "events_dead_total") > 0.5).then_some(());
            eventually(ARRIVED_WITHIN, "the click is a dead letter", is_dead);
            let (_, gateway) = up.internal_servers().into_iter().find(|(name, _)| name == "gateway").unwrap();
            let listed = desk.lab(&["events", "dead", "--at", &gateway.to_string()]);
            assert!(listed.out.contains("clicks.tallying ") && listed.out.contains("`clicks`"), "{listed:?}");
        }
        up.signal(Signal::SIGINT);
        up.end();
        desk.is_tidy();
    }
}

/// A metric of one process.
fn total_of(up: &Running<'_>, process: &str, name: &str) -> f64 {
    let (_, address) = up.internal_servers().into_iter().find(|(known, _)| known == process).unwrap();
    Scrape::of(address).unwrap().total(name, &[])
}

#[test]
fn without_a_wiring_that_is_up_the_command_says_how_to_start_one() {
    let desk = Desk::new(PROGRAM);
    for arguments in [&["events", "dead"][..], &["events", "replay", "clicks"]] {
        let told = refused(&desk, &desk.lab(arguments));
        assert!(told.contains("no `lab up` is running") && told.contains("--at HOST:PORT"), "{told}");
    }
}
