//! The promises of the chain's public API, for every wiring of a scenario and every value, while a component is away,
//! and under more load than its capacity.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use design::Wiring;
use scenario::plan::ArmPlan;
use system_tests::{
    chain_suite::{self, client, page},
    wirings::{Wirings, end},
};

/// The wirings of the chain; this program is every service process.
fn chain() -> Wirings {
    Wirings::of("chain", env!("CARGO_BIN_EXE_hosted"))
}

fn arm(label: &str, choices: &[(&str, &str)]) -> ArmPlan {
    ArmPlan::new(label.to_owned(), Wiring::with(chain().system, choices.iter().copied()).unwrap())
}

const APART: (&str, &str) = ("placement", "microservices");

#[test]
fn the_public_api_keeps_its_promises_in_every_wiring() {
    let mut arms = chain().of_scenarios();
    arms.extend(chain().of_other_values(&arms));
    for transport in ["http", "grpc"] {
        for resilience in chain().system.values("resilience") {
            let deep = [APART, ("depth", "3"), ("transport", transport), ("resilience", resilience)];
            arms.push(arm(&format!("three deep, {transport}, {resilience}"), &deep));
        }
    }
    assert!(arms.len() >= 20, "every value of every axis, and only {} were found", arms.len());
    chain().patient().with_each(&arms, |launch| {
        let wiring = &arms.iter().find(|arm| arm.name == launch.arms[0].name).unwrap().wiring;
        chain_suite::behaves(&client(launch.arms[0].public), wiring);
        assert_eq!(launch.death(), None);
    });
}

#[test]
fn a_page_needs_every_component_of_the_chain_and_no_review() {
    for away in ["reviews", "front", "middle", "back"] {
        let deep = [APART, ("depth", "3"), ("fanout", "1")];
        chain().with_each(&[arm(away, &deep)], |launch| {
            let edge = client(launch.arms[0].public);
            end(launch, away);
            let (read, review) = (edge.get("/pages/1"), edge.get("/pages/1/reviews"));
            if away == "reviews" {
                assert_eq!((read.status, read.json()), (200, page(1, 1)));
                review.is_problem(503, "unavailable");
            } else {
                read.is_problem(503, "unavailable");
                assert_eq!(review.status, 200, "{review:?}");
            }
        });
    }
}

/// How many replies of each status a wiring gives to requests that come all at once, and how long all of them take.
fn at_once(
    choices: &[(&str, &str)],
    path: &'static str,
    requests: usize,
) -> (BTreeMap<u16, usize>, Duration) {
    let seen = std::sync::Mutex::new((BTreeMap::new(), Duration::ZERO));
    chain().with_each(&[arm("crowd", choices)], |launch| {
        let address = launch.arms[0].public;
        let began = Instant::now();
        let ask = move || client(address).get(path).status;
        let asked: Vec<_> = (0..requests).map(|_| thread::spawn(ask)).collect();
        let mut found = seen.lock().unwrap();
        for reply in asked {
            *found.0.entry(reply.join().unwrap()).or_default() += 1;
        }
        found.1 = began.elapsed();
    });
    seen.into_inner().unwrap()
}

#[test]
fn what_is_more_than_a_bounded_line_holds_is_refused_at_once() {
    // 14 at once have a worker or a place in line. A busy machine spreads the crowd, so more may get one in time.
    let (replies, _) = at_once(&[APART], "/pages/1", 100);
    assert!(replies[&200] >= 14 && replies.contains_key(&503), "{replies:?}");
    assert_eq!(replies.values().sum::<usize>(), 100, "{replies:?}");
    assert!(replies.keys().all(|status| [200, 503].contains(status)), "{replies:?}");
}

#[test]
fn in_an_unbounded_line_all_wait_and_whoever_comes_last_waits_in_vain() {
    // 100 a second within the 2 s of a request, where attempts have no limit of their own.
    let unbounded = [APART, ("queue", "unbounded"), ("resilience", "none")];
    let (replies, took) = at_once(&unbounded, "/pages/1", 300);
    assert!(replies.contains_key(&200) && replies.contains_key(&504), "{replies:?}");
    assert!(took >= Duration::from_secs(2), "{took:?}");
}
