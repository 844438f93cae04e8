//! What the shortener's public API promises, over every wiring that a scenario uses.
//!
//! The wirings are taken from the scenarios, so a new scenario is covered without a change here.
//! A value that no scenario uses is tried in an otherwise ordinary wiring.
//! Every wiring runs as it does for a user: as processes of the lab's own, reached by their public API alone.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{path::Path, thread, time::Duration};

use lab::{
    interrupt::Interrupt,
    plan::{ArmPlan, Budget, Choices, Plan},
    process::{BackingChoices, Installation, Launch, LaunchOptions, READY_WITHIN, Scratch},
    scenario::Library,
    systems,
};
use runtime::{BackingKind, System, Wiring};
use system_tests::{
    edge_client::EdgeClient,
    edge_suite::{self, eventually},
    redis_server::RedisServer,
    stores::POSTGRES,
};

/// The program that is every service process.
const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");

/// Wirings that are up at the same time: more would only wait for each other.
const AT_ONCE: usize = 4;

fn shortener() -> &'static System {
    systems::find("shortener").unwrap()
}

/// Every wiring of the shortener that some arm of some scenario has, once.
fn of_scenarios() -> Vec<ArmPlan> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let library = Library::find(Some(&root.join("scenarios"))).unwrap();
    let mut arms: Vec<ArmPlan> = Vec::new();
    for name in library.names() {
        let plan = Plan::new(&library.open(&name).unwrap(), &Choices::default()).unwrap();
        for arm in plan.arms {
            let is_new = arms.iter().all(|known| known.wiring != arm.wiring);
            if arm.wiring.system().name == shortener().name && is_new {
                arms.push(ArmPlan::new(format!("{name} {}", arm.label), arm.wiring));
            }
        }
    }
    arms
}

/// For each value of an axis that none of these has: a wiring with it, and the default of every other axis.
fn of_other_values(arms: &[ArmPlan]) -> Vec<ArmPlan> {
    let mut others = Vec::new();
    for axis in shortener().axis_names() {
        for value in shortener().values(axis) {
            if arms.iter().all(|arm| arm.wiring.get(axis) != value) {
                let alone = Wiring::with(shortener(), [(axis, value)]).unwrap();
                // What means nothing in one process is tried where each component has its own.
                let apart =
                    Wiring::with(shortener(), [("placement", "microservices"), (axis, value)]).unwrap();
                let wiring = if alone.check().is_ok() { alone } else { apart };
                others.push(ArmPlan::new(format!("{axis} {value}"), wiring));
            }
        }
    }
    others
}

/// Starts one wiring; `None`, said loudly, where its store cannot be had.
#[expect(clippy::disallowed_methods, reason = "a test's own configuration")]
fn start(arm: &ArmPlan, scratch: &Scratch) -> Option<Launch> {
    let given = std::env::var(POSTGRES).ok().map(|server| format!("{server}/postgres"));
    let needs_postgres = arm.backings.iter().any(|need| need.kind == BackingKind::Postgres);
    if needs_postgres && given.is_none() && Installation::find().is_none() {
        assert!(std::env::var("CI").is_err(), "CI has to provide PostgreSQL for `{}`", arm.label);
        eprintln!("SKIPPED: `{}`, because it needs PostgreSQL; {}", arm.label, lab::process::HOW_TO_GET);
        return None;
    }
    let needs_redis = arm.backings.iter().any(|need| need.kind == BackingKind::Redis);
    if needs_redis && !RedisServer::can_be_had() {
        eprintln!("SKIPPED: `{}`, because it needs Redis", arm.label);
        return None;
    }
    let backings = BackingChoices { postgres_url: given, ..BackingChoices::default() };
    let options = LaunchOptions {
        program: Path::new(PROGRAM),
        scratch,
        number: 1,
        backings: &backings,
        port: None,
        traces: true,
        interrupt: &Interrupt::never(),
        ready_within: READY_WITHIN,
    };
    let launch = Launch::start(std::slice::from_ref(arm), &Budget::of_this_machine(), &options);
    Some(launch.unwrap_or_else(|error| panic!("`{}` did not start: {error:#}", arm.label)))
}

/// Starts each wiring and does something with it; a few at once, each in a thread that is named after it.
fn with_each(arms: &[ArmPlan], work: impl Fn(&mut Launch) + Sync) {
    let scratch = Scratch::create().unwrap();
    for some in arms.chunks(AT_ONCE) {
        thread::scope(|scope| {
            for arm in some {
                let one = || {
                    let Some(mut launch) = start(arm, &scratch) else { return };
                    work(&mut launch);
                    assert_eq!(
                        launch.stop(),
                        Vec::<String>::new(),
                        "each process ended when it was asked to"
                    );
                };
                thread::Builder::new().name(arm.label.clone()).spawn_scoped(scope, one).unwrap();
            }
        });
    }
}

/// Whether a copy may not hear of what another one was told: each has a cache of its own.
fn has_caches_apart(wiring: &Wiring) -> bool {
    wiring.get("replicas") != "1" && ["local", "tiered"].contains(&wiring.get("cache"))
}

/// For how long the promise of a wiring lets a removed link be served: its caches' time to live, a tenth more by
/// chance, and as much again for a busy machine.
fn stale_for(name: &str, arms: &[ArmPlan]) -> Duration {
    let apart = arms.iter().any(|arm| arm.name == name && has_caches_apart(&arm.wiring));
    if apart { Duration::from_millis(2_200) } else { Duration::ZERO }
}

#[test]
fn the_public_api_keeps_its_promises_in_every_wiring_of_a_scenario() {
    let mut arms = of_scenarios();
    for arm in arms.iter_mut().filter(|arm| has_caches_apart(&arm.wiring)) {
        // Its default, a minute, would have to be waited for.
        arm.wiring.set("time-to-live", "1s").unwrap();
    }
    assert!(arms.len() >= 10, "the scenarios have many wirings, and only {} were found", arms.len());
    arms.extend(of_other_values(&arms));
    with_each(&arms, |launch| {
        let edge = EdgeClient::new(launch.arms[0].public);
        edge_suite::behaves(&edge, stale_for(&launch.arms[0].name, &arms));
        assert_eq!(launch.death(), None);
    });
}

/// Two wirings in which every component has a process of its own, one for each transport.
fn split() -> Vec<ArmPlan> {
    let split = |transport| {
        let choices = [("placement", "microservices"), ("transport", transport), ("events", "memory")];
        ArmPlan::new(format!("split over {transport}"), Wiring::with(shortener(), choices).unwrap())
    };
    ["http", "grpc"].map(split).to_vec()
}

/// Ends one process of the wiring, and waits until it is gone.
fn end(launch: &mut Launch, name: &str) {
    let process = launch.arms[0].processes.iter().find(|process| process.name == name).unwrap();
    let pid = nix::unistd::Pid::from_raw(process.pid.cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    let death = eventually(Duration::from_secs(10), "the process ends", || launch.death());
    assert_eq!((death.ended.process.as_str(), death.ended.succeeded), (name, true), "{death:?}");
}

#[test]
fn what_needs_links_is_unavailable_at_once_while_links_are_away() {
    with_each(&split(), |launch| {
        let edge = EdgeClient::new(launch.arms[0].public);
        let code = edge_suite::shortened(&edge, "https://example.com/away");
        assert_eq!(edge.follow(&code).status, 302);
        end(launch, "links");
        // Twice: the second finds the broken connection out of the way.
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

#[test]
fn links_are_followed_while_clicks_are_away() {
    with_each(&split(), |launch| {
        let edge = EdgeClient::new(launch.arms[0].public);
        let code = edge_suite::shortened(&edge, "https://example.com/uncounted");
        end(launch, "clicks");
        assert_eq!(edge.follow(&code).status, 302, "nobody waits for the count");
        edge.show(&code).is_problem(503, "unavailable");
        assert_eq!(edge.remove(&code).status, 204);
    });
}
