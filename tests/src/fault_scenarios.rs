//! Scenarios with faults, for tests that make them and look at the report.

use std::fs;

use report::Report;

use crate::command::{Desk, SCENARIO};

/// Episodes during which Redis is frozen most of the time; only Redis holds links that were read before.
pub const FROZEN: &str = r#"question = "What does a frozen cache cost?"
why = "A cache that does not answer is worse than none."
look_for = ["that it ends"]
kind = "episodes"
axis = "placement"
arms = ["monolith", "microservices"]

[hold]
cache = "redis"

[load]
mix = "follow-only"
rate = 150
slice_ms = 1500
quick_seconds = 15
quick_launches = 5
links = 50

[[faults]]
at_ms = 100
for_ms = 1300
what = "freeze"
backing = "redis"
"#;

/// A desk with this scenario.
pub fn frozen_desk(program: &'static str) -> Desk {
    let desk = Desk::new(program);
    desk.write(SCENARIO, FROZEN);
    desk
}

/// A desk with an episode and a fault that are long enough to be disturbed.
pub fn long_desk(program: &'static str) -> Desk {
    let desk = Desk::new(program);
    let text =
        FROZEN.replace("slice_ms = 1500", "slice_ms = 60000").replace("for_ms = 1300", "for_ms = 50000");
    desk.write(SCENARIO, &text);
    desk
}

/// The only run that a desk kept: its report, and what is drawn of it.
///
/// # Panics
///
/// If there is another number of runs.
pub fn kept(desk: &Desk) -> (Report, String) {
    let names = desk.names("runs");
    let [name] = names.as_slice() else { panic!("one run is kept, and not {names:?}") };
    let read =
        |file: &str| fs::read_to_string(desk.path(&format!("runs/{name}/{file}"))).expect("it is there");
    (
        serde_json::from_str(&read("report.json")).expect("it is there"),
        read("report.html") + &read("report.md"),
    )
}

/// Fails unless every arm had its fault in every episode, in time, and survived.
///
/// # Panics
///
/// If one had not.
pub fn happened_as_planned(report: &Report, episodes: usize) {
    let [fault] = report.load.faults.as_slice() else { panic!("{:?}", report.load.faults) };
    assert_eq!((fault.target.as_str(), fault.what.as_str()), ("redis", "freeze"));
    for arm in &report.arms {
        let made = fault.made.iter().filter(|made| made.arm == arm.label).count();
        assert_eq!(made, episodes, "{}: {:?}", arm.label, fault.made);
        assert!(arm.died.is_none(), "what stands still has not died: {:?}", arm.died);
        let ledger = arm.ledger.as_ref().expect("it is there");
        assert!(ledger.holds && ledger.complete, "{}: {ledger:?}", arm.label);
        let hits = arm.per_op.cache_hits.expect("it is there");
        assert!(hits < 0.5, "{}: {hits} of what it serves comes from a cache that is frozen", arm.label);
    }
    for made in &fault.made {
        assert!(made.began_ms >= 100.0 && made.ended_ms >= 1_400.0, "never before its time: {made:?}");
        assert!(made.began_ms < made.ended_ms, "{made:?}");
    }
}

/// A desk with the frozen scenario and other faults; its arms differ in their transport, and Redis is their cache.
pub fn desk_with(program: &'static str, slice_ms: u64, faults: &[&str]) -> Desk {
    let desk = Desk::new(program);
    let (head, _) = FROZEN.split_once("[[faults]]").expect("it has a fault");
    let head = head
        .replace("axis = \"placement\"", "axis = \"transport\"")
        .replace("[\"monolith\", \"microservices\"]", "[\"http\", \"grpc\"]")
        .replace("cache = \"redis\"", "cache = \"redis\"\nplacement = \"microservices\"")
        .replace("slice_ms = 1500", &format!("slice_ms = {slice_ms}"));
    let faults: String = faults.iter().map(|fault| ["[[faults]]\n", fault, "\n"].concat()).collect();
    desk.write(SCENARIO, &(head + &faults));
    desk
}

/// A process that is killed, links that are cut and slow, and a store that is killed, one after the other.
pub const DRILL: [&str; 4] = [
    "at_ms = 200\nfor_ms = 300\nwhat = \"kill\"\nprocess = \"links\"",
    "at_ms = 900\nfor_ms = 300\nwhat = \"partition\"\nlink = \"client -> gateway\"",
    "at_ms = 1300\nfor_ms = 200\nwhat = \"slow\"\nlatency_ms = 20\nprocess = \"links\"",
    "at_ms = 1600\nfor_ms = 400\nwhat = \"kill\"\nbacking = \"redis\"",
];

/// A process that fails half of the calls to it for half of an episode.
pub const ERRORS: &str = "at_ms = 300\nfor_ms = 500\nwhat = \"errors\"\nshare = 0.5\nprocess = \"links\"";
