//! The chat while its processes are killed at random, and while its gateways restart one after the other: by the ledger, every
//! acknowledged message is at every member once and in order, and everybody is back soon. The negative controls lose.
//!
//! `LAB_TEST_LONG=1` sends a hundred times as many messages: over a million deliveries in each wiring.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::time::Duration;

use design::Wiring;
use load::journeys::chat::facts;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use runtimes::launch::Launch;
use scenario::{
    Fault, FaultKind, ProcessName, Target,
    plan::{ArmPlan, ProcessPlan},
};
use system_tests::{
    crashes::{Crashing, Found, Load},
    wirings::Wirings,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");

/// The wirings of the chat; this program is every service process.
fn chat() -> Wirings {
    Wirings::of("chat", PROGRAM)
}

/// Whether this is the long mode of the gate.
#[expect(clippy::disallowed_methods, reason = "a test's own configuration")]
fn is_long() -> bool {
    std::env::var("LAB_TEST_LONG").is_ok()
}

fn arm(label: &str, choices: &[(&str, &str)]) -> ArmPlan {
    ArmPlan::new(label.to_owned(), Wiring::with(chat().system, choices.iter().copied()).unwrap())
}

const APART: (&str, &str) = ("placement", "microservices");
const IN_POSTGRES: (&str, &str) = ("database", "postgres");
const TWICE: (&str, &str) = ("replicas", "2");
const BY_REDIS: (&str, &str) = ("fanout", "redis");
const BY_KAFKA: (&str, &str) = ("fanout", "kafka");

/// Members of twenty rooms of ten. With a user's patience for a message, what fails fails at the generator and is not
/// acknowledged.
const ROOMS: Load = Load { system: "chat", mix: "rooms", few: None, rate: 50, seconds: 0, seed: 0 };
/// The pause between two kills, in milliseconds.
const PAUSES: std::ops::Range<u64> = 2_000..6_000;
/// How long a process stays down.
const DOWN: Duration = Duration::from_millis(300);

/// How many messages have to be acknowledged; each is delivered ten times.
fn wanted() -> u64 {
    if is_long() { 100_000 } else { 1_000 }
}

#[test]
fn random_kills_lose_nothing_and_deliver_nothing_twice() {
    let arms = [
        arm("redis", &[APART, IN_POSTGRES, TWICE, BY_REDIS]),
        arm("kafka", &[APART, IN_POSTGRES, TWICE, BY_KAFKA]),
    ];
    chat().with_each(&arms, |launch| {
        let arm = arms.iter().find(|arm| arm.name == launch.arms[0].name).unwrap();
        let mut crashing = Crashing::new(launch, PROGRAM);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        let (mut acknowledged, mut deliveries, mut kills) = (0, 0, 0);
        // What comes while a process is down is not acknowledged, so that it takes more than one load.
        for seed in 0.. {
            let seconds = wanted().saturating_sub(acknowledged).div_ceil(u64::from(ROOMS.rate)).clamp(10, 600);
            let load = Load { seconds: u32::try_from(seconds).unwrap(), seed, ..ROOMS };
            let mut due = Duration::from_millis(random.random_range(PAUSES));
            let found = crashing.load(&load, |crashing, elapsed| {
                if elapsed >= due && elapsed.as_secs() < seconds {
                    kill_hard(crashing.launch(), &arm.processes[random.random_range(0..arm.processes.len())]);
                    kills += 1;
                    due = elapsed + Duration::from_millis(random.random_range(PAUSES));
                }
            });
            assert!(found.is_whole(), "{}, after {kills} kills: {found}", arm.name);
            acknowledged += found.count(facts::ACKNOWLEDGED);
            deliveries += found.count(facts::DELIVERIES);
            if acknowledged >= wanted() {
                break;
            }
        }
        println!(
            "{}: {acknowledged} messages, {deliveries} deliveries and {kills} kills: nothing lost, nothing doubled",
            arm.name
        );
        assert!(kills > 0 && deliveries > 5 * acknowledged, "{deliveries} deliveries");
        assert_eq!(crashing.ended, [""; 0], "nothing ended but what was killed");
    });
}

/// Kills a process as `lab fault` does it, and starts it again.
fn kill_hard(launch: &Launch, process: &ProcessPlan) {
    let target = Target::Process(ProcessName { shape: process.shape, replica: None });
    let fault = Fault { at: Duration::ZERO, lasts: DOWN, what: FaultKind::Kill, target };
    let victim = launch.arms[0].runtime.victim(&fault).unwrap().unwrap();
    victim.begin().unwrap();
    victim.complete().unwrap();
    std::thread::sleep(DOWN);
    victim.end().unwrap();
}

#[test]
fn gateways_that_restart_one_after_the_other_lose_nothing() {
    let arms = [arm("redis", &[APART, IN_POSTGRES, TWICE, BY_REDIS])];
    chat().with_each(&arms, |launch| {
        let gateways = ["gateway-1", "gateway-2"];
        let mut crashing = Crashing::new(launch, PROGRAM);
        let mut told = 0;
        let load = Load { seconds: 14, ..ROOMS };
        let found = crashing.load(&load, |crashing, elapsed| {
            // What has ended is started again, as by a supervisor.
            if told < gateways.len() && elapsed >= Duration::from_secs(3 + 5 * told as u64) {
                ask_to_end(crashing.launch(), gateways[told]);
                told += 1;
            }
        });
        assert!(found.is_whole(), "{found}");
        assert_eq!(crashing.ended, gateways, "both have ended");
        // Each time the half of those who are at it; at the second there may be all.
        assert!(found.count(facts::RECONNECTS) >= 200, "{found}");
    });
}

/// Behind the store, and behind the delivery; what follows is the acknowledgement.
const POINTS: [&str; 2] = ["message.unsent", "message.sent"];

#[test]
fn a_log_that_ends_between_two_effects_loses_nothing_and_delivers_nothing_twice() {
    let arms = [
        arm("call", &[APART, IN_POSTGRES]),
        arm("redis", &[APART, IN_POSTGRES, TWICE, BY_REDIS]),
        arm("monolith", &[]),
    ];
    chat().with_each(&arms, |launch| {
        let mut crashing = Crashing::new(launch, PROGRAM);
        for (seed, point) in POINTS.into_iter().enumerate() {
            let found = crashing.crash(&[point], &Load { seconds: 4, seed, ..ROOMS }).unwrap();
            assert!(found.is_whole(), "{point}: {found}");
        }
    });
}

/// Asks a process to end.
fn ask_to_end(launch: &Launch, name: &str) {
    let process = launch.arms[0].processes.iter().find(|process| process.name == name).unwrap();
    kill(Pid::from_raw(process.pid.cast_signed()), Signal::SIGTERM).unwrap();
}

/// What the ledger says after a gateway was killed twice.
fn found_after_kills(launch: &mut Launch, arm: &ArmPlan) -> Found {
    let process = arm.processes.iter().find(|process| process.shape == "gateway").unwrap();
    let mut crashing = Crashing::new(launch, PROGRAM);
    let mut kills = 0;
    crashing.load(&Load { rate: 100, seconds: 8, ..ROOMS }, |crashing, elapsed| {
        if kills < 2 && elapsed >= Duration::from_secs(2 + 3 * kills) {
            kill_hard(crashing.launch(), process);
            kills += 1;
        }
    })
}

#[test]
fn the_controls_lose_where_they_must() {
    let arms = [
        arm("none", &[APART, TWICE, BY_REDIS, IN_POSTGRES, ("recovery", "none")]),
        arm("deliver-then-store", &[APART, BY_REDIS, IN_POSTGRES, ("write", "deliver-then-store")]),
    ];
    chat().with_each(&arms, |launch| {
        let arm = arms.iter().find(|arm| arm.name == launch.arms[0].name).unwrap();
        if arm.name == "none" {
            let found = found_after_kills(launch, arm);
            assert!(
                found.count(facts::MESSAGES_LOST) + found.count(facts::DELIVERIES_MISSING) > 0,
                "{found}"
            );
        } else {
            let shown = POINTS[1];
            let found =
                Crashing::new(launch, PROGRAM).crash(&[shown], &Load { seconds: 4, ..ROOMS }).unwrap();
            assert!(found.count(facts::DELIVERIES_UNKNOWN) > 0, "{found}");
        }
    });
}
