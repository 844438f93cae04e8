//! The promises of the shortener's public API, for every wiring of a scenario.
//!
//! Every wiring runs as a user runs it: as processes of the lab's own, reached through their public API only.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::time::Duration;

use design::Wiring;
use scenario::plan::ArmPlan;
use system_tests::{
    described,
    edge_client::EdgeClient,
    edge_suite,
    wirings::{Wirings, end},
};

/// The wirings of the shortener; this program is every service process.
fn shortener() -> Wirings {
    Wirings::of("shortener", env!("CARGO_BIN_EXE_hosted"))
}

/// Whether replicas have separate caches, so that one may miss another's writes.
fn has_caches_apart(wiring: &Wiring) -> bool {
    wiring.get("replicas") != "1" && ["local", "tiered"].contains(&wiring.get("cache"))
}

/// How long a wiring may serve a removed link: its caches' time to live, a tenth of random variation, and as
/// much again for a busy machine.
fn stale_for(name: &str, arms: &[ArmPlan]) -> Duration {
    let apart = arms.iter().any(|arm| arm.name == name && has_caches_apart(&arm.wiring));
    if apart { Duration::from_millis(2_200) } else { Duration::ZERO }
}

#[test]
fn the_public_api_keeps_its_promises_in_every_wiring_of_a_scenario() {
    let mut arms = shortener().of_scenarios();
    for arm in arms.iter_mut().filter(|arm| has_caches_apart(&arm.wiring)) {
        // The default is a minute, too long to wait for.
        arm.wiring.set("time-to-live", "1s").unwrap();
    }
    assert!(arms.len() >= 10, "the scenarios have many wirings, and only {} were found", arms.len());
    arms.extend(shortener().of_other_values(&arms));
    shortener().patient().with_each(&arms, |launch| {
        let edge = EdgeClient::new(launch.arms[0].public);
        edge_suite::behaves(&edge, stale_for(&launch.arms[0].name, &arms));
        assert_eq!(launch.death(), None);
    });
}

/// Two wirings in which every component has its own process, one for each transport.
fn split() -> Vec<ArmPlan> {
    let split = |transport| {
        let choices = [("placement", "microservices"), ("transport", transport), ("events", "memory")];
        ArmPlan::new(format!("split over {transport}"), Wiring::with(shortener().system, choices).unwrap())
    };
    ["http", "grpc"].map(split).to_vec()
}

#[test]
fn what_says_its_priority_is_a_route() {
    shortener().patient().with_each(&split(), |launch| {
        described::has_each_of(&EdgeClient::new(launch.arms[0].public), &shortener_app::edge::PRIORITIES);
    });
}

#[test]
fn no_link_leads_to_what_the_shortener_is_called() {
    let known = shortener().patient().known_as("https://Short.example");
    known.with_each(&split(), |launch| {
        let edge = EdgeClient::new(launch.arms[0].public);
        let shorten = |target: &str| edge.shorten(&serde_json::json!({ "target": target }));
        for host in ["short.example", "SHORT.EXAMPLE.:443", "short.example:80", "localhost:PORT"] {
            let host = host.replace("PORT", &edge.address().port().to_string());
            shorten(&format!("http://{host}/code")).is_problem(422, "leads-to-itself");
            shorten(&format!("https://{host}/")).is_problem(422, "leads-to-itself");
        }
        for host in ["short.example:8080", "a.short.example", "example"] {
            assert_eq!(shorten(&format!("http://{host}/")).status, 201, "{host}");
        }
    });
}

#[test]
fn what_needs_links_is_unavailable_at_once_while_links_are_away() {
    shortener().patient().with_each(&split(), |launch| {
        let edge = EdgeClient::new(launch.arms[0].public);
        let code = edge_suite::shortened(&edge, "https://example.com/away");
        assert_eq!(edge.follow(&code).status, 302);
        end(launch, "links");
        // Twice: the first call replaces the broken connection.
        for _ in 0..2 {
            let away = [
                edge.follow(&code),
                edge.show(&code),
                edge.remove(&code),
                edge.shorten(&serde_json::json!({ "target": "https://example.com/other" })),
            ];
            for reply in away {
                reply.is_problem(503, "unavailable");
                assert_eq!(reply.header("retry-after"), "1");
            }
        }
        assert_eq!(edge.get("/openapi.json").status, 200, "what needs no links is there");
        edge_suite::everything_that_was_seen_is_described(&edge);
    });
}

/// The same with another value of the axis `events`.
fn split_with(events: &str) -> Vec<ArmPlan> {
    let mut arms = split();
    for arm in &mut arms {
        arm.wiring.set("events", events).unwrap();
    }
    arms
}

#[test]
fn inline_fails_the_follow_while_clicks_are_away() {
    shortener().patient().with_each(&split_with("inline"), |launch| {
        let edge = EdgeClient::new(launch.arms[0].public);
        let code = edge_suite::shortened(&edge, "https://example.com/counted");
        assert_eq!(edge.follow(&code).status, 302);
        assert_eq!(edge.show(&code).json()["clicks"], 1, "it is counted when the redirect is sent");
        end(launch, "clicks");
        for _ in 0..2 {
            let reply = edge.follow(&code);
            reply.is_problem(503, "unavailable");
            assert!(reply.header("location").is_empty(), "nobody is sent on uncounted: {reply:?}");
        }
        assert_eq!(edge.get("/clicks/pending").json()["pending"], 0, "nothing is counted later");
    });
}

#[test]
fn links_are_followed_while_clicks_are_away() {
    shortener().patient().with_each(&split(), |launch| {
        let edge = EdgeClient::new(launch.arms[0].public);
        let code = edge_suite::shortened(&edge, "https://example.com/uncounted");
        end(launch, "clicks");
        assert_eq!(edge.follow(&code).status, 302, "nobody waits for the count");
        edge.show(&code).is_problem(503, "unavailable");
        assert_eq!(edge.remove(&code).status, 204);
    });
}
