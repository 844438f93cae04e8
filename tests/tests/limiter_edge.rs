//! The promises of the limiter's public API, for every wiring of a scenario, and with a part of it
//! unavailable.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::time::Duration;

use design::Wiring;
use scenario::plan::ArmPlan;
use system_tests::{
    clock::Clock,
    described,
    edge_client::{EdgeClient, Reply},
    edge_suite::eventually,
    limiter_suite::{self, by_client, in_force, quote},
    wirings::{Wirings, end},
};

/// The time limit of a request while a part is unavailable: 100 ms for a decision, and a margin for a busy
/// machine.
const ANSWERED_WITHIN: Duration = Duration::from_millis(750);

/// The time limit for a request to be counted while everything is available.
const COUNTED_WITHIN: Duration = Duration::from_secs(20);

/// The wirings of the limiter; this program is every service process.
fn limiter() -> Wirings {
    Wirings::of("limiter", env!("CARGO_BIN_EXE_hosted"))
}

fn arm(label: &str, choices: &[(&str, &str)]) -> ArmPlan {
    ArmPlan::new(label.to_owned(), Wiring::with(limiter().system, choices.iter().copied()).unwrap())
}

#[test]
fn the_public_api_keeps_its_promises_in_every_wiring() {
    let mut arms = limiter().of_scenarios();
    arms.extend(limiter().of_other_values(&arms));
    let apart = [("placement", "microservices"), ("replicas", "2"), ("transport", "grpc")];
    for state in ["local", "service", "redis", "synced"] {
        arms.push(arm(&format!("two copies, {state}"), &[&apart[..], &[("state", state)]].concat()));
    }
    assert!(arms.len() >= 20, "every value of every axis, and only {} were found", arms.len());
    limiter().patient().with_each(&arms, |launch| {
        let wiring = &arms.iter().find(|arm| arm.name == launch.arms[0].name).unwrap().wiring;
        limiter_suite::behaves(&limiter_suite::client(launch.arms[0].public), wiring);
        assert_eq!(launch.death(), None);
    });
}

#[test]
fn what_says_its_priority_is_a_route() {
    limiter().patient().with_each(&[arm("default", &[])], |launch| {
        // The third is Envoy's, which no document of this API describes.
        let [quotes, decisions, _] = limiter_app::edge::PRIORITIES;
        described::has_each_of(&EdgeClient::new(launch.arms[0].public), &[quotes, decisions]);
    });
}

/// A reply in time.
fn quick(edge: &EdgeClient) -> Reply {
    let clock = Clock::start();
    let asked = clock.now();
    let reply = quote(edge, &[("x-client", "any")]);
    assert!(clock.since(asked) < ANSWERED_WITHIN, "it took {:?}", clock.since(asked));
    reply
}

/// Each failure mode, with counts a hop away over each transport.
fn split(state: &str) -> Vec<ArmPlan> {
    let arms = [("http", "open"), ("http", "closed"), ("grpc", "open"), ("grpc", "closed")];
    let of = |(transport, on_failure): (&str, &str)| {
        let choices = [
            ("placement", "microservices"),
            ("state", state),
            ("transport", transport),
            ("on-failure", on_failure),
        ];
        arm(&format!("{transport} {on_failure}"), &choices)
    };
    arms.map(of).to_vec()
}

fn is_uncounted(reply: &Reply, arms: &[ArmPlan], name: &str) {
    let wiring = &arms.iter().find(|arm| arm.name == name).unwrap().wiring;
    if wiring.get("on-failure") == "open" {
        assert_eq!((reply.status, reply.header("ratelimit")), (200, ""), "{reply:?}");
    } else {
        reply.is_problem(503, "not-counted");
        assert_eq!(reply.header("retry-after"), "1");
    }
}

#[test]
fn while_decisions_or_counts_are_away_requests_pass_or_do_not_as_the_wiring_says_and_in_time() {
    for (away, state) in [("decisions", "local"), ("counts", "service")] {
        let arms = split(state);
        limiter().with_each(&arms, |launch| {
            let edge = limiter_suite::client(launch.arms[0].public);
            in_force(&edge, &by_client("some", 5, 1_000));
            eventually(COUNTED_WITHIN, "it is counted", || {
                (!quick(&edge).header("ratelimit").is_empty()).then_some(())
            });
            end(launch, away);
            for _ in 0..10 {
                is_uncounted(&quick(&edge), &arms, &launch.arms[0].name);
            }
            assert_eq!(edge.get("/policies").status, 200, "what does not need it is there");
        });
    }
}

#[test]
fn the_last_policies_stay_in_force_while_policies_are_away() {
    limiter().with_each(&split("local")[..1], |launch| {
        let edge = limiter_suite::client(launch.arms[0].public);
        in_force(&edge, &by_client("kept", 1, 60_000));
        end(launch, "policies");
        eventually(COUNTED_WITHIN, "it refuses", || (quick(&edge).status == 429).then_some(()));
        edge.get("/policies").is_problem(503, "unavailable");
    });
}
