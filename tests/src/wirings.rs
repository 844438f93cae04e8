//! The wirings of a system, each run as a user runs it: as processes of the lab's own.
//!
//! The wirings come from the scenarios, so a new scenario is covered without a change here.
//! A value that no scenario uses is tested in a default wiring.

use std::{path::Path, thread, time::Duration};

use design::{BackingKind, Limits, PublicUrl, System, Wiring};
use runtimes::{
    arm::{BackingChoices, LaunchOptions, READY_WITHIN},
    interrupt::Interrupt,
    launch::Launch,
    process::postgres::Installation,
    scratch::Scratch,
};
use scenario::{
    Library,
    plan::{ArmPlan, Budget, Choices, Plan},
    systems,
};

use crate::{command::has_redis, edge_suite::eventually, skip::skip, stores::POSTGRES, tree::root};

/// Wirings that are up at the same time; more would compete for the machine.
const AT_ONCE: usize = 4;

/// The wirings of a system.
pub struct Wirings {
    /// The system.
    pub system: &'static System,
    program: &'static str,
    limits: Limits,
    public_urls: Vec<PublicUrl>,
}

impl Wirings {
    /// The wirings of a system; `program` is the binary of every service process.
    pub fn of(system: &str, program: &'static str) -> Self {
        Self {
            system: systems::find(system).expect("a system"),
            program,
            limits: Limits::default(),
            public_urls: Vec::new(),
        }
    }

    /// With time limits that a busy machine does not reach, for tests of results, not of times.
    #[must_use]
    pub fn patient(self) -> Self {
        let limits = Limits { request_ms: 40_000, attempt_ms: 30_000, redis_ms: 10_000, ..Limits::default() };
        Self { limits, ..self }
    }

    /// With a public URL for each.
    #[must_use]
    pub fn known_as(self, url: &str) -> Self {
        Self { public_urls: vec![url.parse().expect("a public URL")], ..self }
    }

    /// With these limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Every distinct wiring of an arm of a scenario.
    pub fn of_scenarios(&self) -> Vec<ArmPlan> {
        let library = Library::find(Some(&root().join("scenarios"))).expect("scenarios");
        let mut arms: Vec<ArmPlan> = Vec::new();
        for name in library.names() {
            let scenario = library.open(&name).expect("a scenario");
            if scenario.system.name != self.system.name {
                continue;
            }
            let plan = Plan::new(&scenario, &Choices::default()).expect("a plan");
            for arm in plan.arms {
                if arms.iter().all(|known| known.wiring != arm.wiring) {
                    arms.push(ArmPlan::new(format!("{name} {}", arm.label), arm.wiring));
                }
            }
        }
        arms
    }

    /// For each axis value that none of these has: a wiring with it, and with the defaults of all other axes.
    pub fn of_other_values(&self, arms: &[ArmPlan]) -> Vec<ArmPlan> {
        let mut others = Vec::new();
        for axis in self.system.axis_names() {
            for value in self.system.values(axis) {
                if arms.iter().all(|arm| arm.wiring.get(axis) != value) {
                    let alone = Wiring::with(self.system, [(axis, value)]).expect("a listed value");
                    // A value without an effect in one process is tested with each component in its own.
                    let choices = [("placement", "microservices"), (axis, value)];
                    let apart = Wiring::with(self.system, choices).expect("a listed value");
                    let wiring = if alone.check().is_ok() { alone } else { apart };
                    others.push(ArmPlan::new(format!("{axis} {value}"), wiring));
                }
            }
        }
        others
    }

    /// Starts one wiring; `None`, with a message, if its store is not available.
    #[expect(clippy::disallowed_methods, reason = "a test's own configuration")]
    fn start(&self, arm: &ArmPlan, scratch: &Scratch) -> Option<Launch> {
        let given = std::env::var(POSTGRES).ok().map(|server| format!("{server}/postgres"));
        let needs_postgres = arm.backings.iter().any(|need| need.kind == BackingKind::Postgres);
        if needs_postgres && given.is_none() && Installation::find().is_none() {
            skip(&format!("PostgreSQL for `{}`", arm.label), runtimes::process::postgres::HOW_TO_GET);
            return None;
        }
        let needs_redis = arm.backings.iter().any(|need| need.kind == BackingKind::Redis);
        if needs_redis && !has_redis() {
            return None;
        }
        let backings = BackingChoices { postgres_url: given, ..BackingChoices::default() };
        let options = LaunchOptions {
            program: Path::new(self.program),
            scratch,
            number: 1,
            backings: &backings,
            port: None,
            public_urls: &self.public_urls,
            proxied: runtimes::arm::Proxied::Nothing,
            traces: true,
            interrupt: &Interrupt::never(),
            ready_within: READY_WITHIN,
            limits: self.limits,
        };
        let launch = Launch::start(std::slice::from_ref(arm), &Budget::of_this_machine(), &options);
        Some(launch.unwrap_or_else(|error| panic!("`{}` did not start: {error:#}", arm.label)))
    }

    /// Starts each wiring and calls `work` with it; a few at once, each in a thread with its name.
    pub fn with_each(&self, arms: &[ArmPlan], work: impl Fn(&mut Launch) + Sync) {
        let scratch = Scratch::create().expect("a folder");
        for some in arms.chunks(AT_ONCE) {
            thread::scope(|scope| {
                for arm in some {
                    let one = || {
                        let Some(mut launch) = self.start(arm, &scratch) else { return };
                        work(&mut launch);
                        let killed = launch.stop();
                        assert_eq!(killed, [""; 0], "each process ended when it was asked to");
                    };
                    let thread = thread::Builder::new().name(arm.label.clone());
                    thread.spawn_scoped(scope, one).expect("a thread");
                }
            });
        }
    }
}

/// Stops one process of a wiring, and waits until it has ended.
pub fn end(launch: &mut Launch, name: &str) {
    let process =
        launch.arms[0].processes.iter().find(|process| process.name == name).expect("such a process");
    let pid = nix::unistd::Pid::from_raw(process.pid.cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("it runs");
    let death = eventually(Duration::from_secs(10), "the process ends", || launch.death());
    assert_eq!((death.ended.process.as_str(), death.ended.succeeded), (name, true), "{death:?}");
}
