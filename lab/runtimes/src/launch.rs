//! All arms of a plan running at the same time, on any runtime.

use std::thread;

use anyhow::Result;
use design::BackingKind;
use scenario::{
    diagnostic::Diagnostic,
    plan::{ArmPlan, Budget},
};

use crate::{
    arm::{BackingChoices, Ended, LaunchOptions, RunningArm, StartError},
    compose::{self, Engine},
    interrupt::Interrupt,
    process::{self, ports},
};

/// The runtime of an arm's processes.
#[derive(Clone, Debug)]
pub enum Runtime {
    /// Children of the lab on this machine.
    Process,
    /// Containers: a compose project per arm.
    Compose(Engine),
}

impl Runtime {
    /// The port at which people reach an arm: the requested one if it is free; for containers, which publish
    /// no port by default, a free one.
    pub fn port(&self, wanted: Option<u16>) -> Result<Option<u16>> {
        // 0 means any free port, as for a socket.
        match (self, wanted.filter(|port| *port > 0)) {
            (Self::Process, wanted) => Ok(wanted),
            (Self::Compose(_), Some(wanted)) => Ok(Some(ports::wanted(wanted)?.port())),
            (Self::Compose(_), None) => Ok(Some(ports::free()?.port())),
        }
    }

    /// Registers the removal of everything for a second Ctrl-C.
    pub fn leave_nothing(&self, interrupt: &Interrupt) {
        if matches!(self, Self::Compose(_)) {
            interrupt.at_end(compose::remove_own);
        }
    }

    /// The name on the command line and in a report.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Compose(_) => "compose",
        }
    }
}

/// Running arms. Dropping it stops them.
pub struct Launch {
    /// The running arms, in the plan's order.
    pub arms: Vec<RunningArm>,
    /// The arms that could not be started.
    pub skipped: Vec<Skipped>,
}

/// An arm that could not be started while others go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The arm's name.
    pub arm: String,
    /// What is missing.
    pub why: String,
    /// How to get it.
    pub hint: String,
}

/// A process that ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// The arm's name.
    pub arm: String,
    /// The process, its end, the time, and its last log lines.
    pub ended: Ended,
}

impl Launch {
    /// Starts every arm as children of the lab, all at once; returns when all are ready.
    ///
    /// An arm whose backing is not available is skipped; it is an error if fewer than two are left of two or
    /// more.
    /// A process that ends during its start is an error with its last log lines.
    /// On an error everything that was started is stopped.
    pub fn start(arms: &[ArmPlan], budget: &Budget, options: &LaunchOptions<'_>) -> Result<Self> {
        Self::start_on(&Runtime::Process, arms, budget, options)
    }

    /// The same on any runtime.
    pub fn start_on(
        runtime: &Runtime,
        arms: &[ArmPlan],
        budget: &Budget,
        options: &LaunchOptions<'_>,
    ) -> Result<Self> {
        let launch = Self::start_some(runtime, arms, budget, options)?;
        enough(launch.arms.len(), arms.len(), &launch.skipped)?;
        Ok(launch)
    }

    /// The same with any number of available arms.
    ///
    /// An arm that was available in the first launch must be available in all: from the second one on,
    /// skipping is an error.
    pub fn start_some(
        runtime: &Runtime,
        arms: &[ArmPlan],
        budget: &Budget,
        options: &LaunchOptions<'_>,
    ) -> Result<Self> {
        one_arm_a_broker(arms, options.backings)?;
        let one = |arm| match runtime {
            Runtime::Process => process::start(arm, budget, options),
            Runtime::Compose(engine) => compose::start(engine, arm, budget, options),
        };
        let outcomes: Vec<_> = thread::scope(|scope| {
            let starting: Vec<_> = arms.iter().map(|arm| scope.spawn(move || one(arm))).collect();
            starting
                .into_iter()
                .map(|thread| {
                    thread.join().unwrap_or_else(|_| {
                        Err(StartError::Fail(
                            Diagnostic::new("the lab panicked while it started an arm").into(),
                        ))
                    })
                })
                .collect()
        });
        // An arm interrupted by Ctrl-C is not missing.
        options.interrupt.check()?;
        let mut launch = Self { arms: Vec::new(), skipped: Vec::new() };
        for (arm, outcome) in arms.iter().zip(outcomes) {
            match outcome {
                Ok(running) => launch.arms.push(running),
                Err(StartError::Skip { why, hint }) if options.number > 1 => {
                    let what = format!("`{}` could be had before, and now it cannot: {why}", arm.label);
                    return Err(Diagnostic::new(what).hint(hint).into());
                }
                Err(StartError::Skip { why, hint }) => {
                    launch.skipped.push(Skipped { arm: arm.name.clone(), why, hint });
                }
                Err(StartError::Fail(error)) => return Err(error),
            }
        }
        Ok(launch)
    }

    /// The arm with this name.
    pub fn arm(&self, name: &str) -> Option<&RunningArm> {
        self.arms.iter().find(|arm| arm.name == name)
    }

    /// The processes that ended by themselves. Cheap: one system call per process.
    pub fn deaths(&mut self) -> Vec<Death> {
        let of = |arm: &mut RunningArm| {
            let name = arm.name.clone();
            arm.runtime.ended().into_iter().map(move |ended| Death { arm: name.clone(), ended })
        };
        self.arms.iter_mut().flat_map(of).collect()
    }

    /// The first of them.
    pub fn death(&mut self) -> Option<Death> {
        self.deaths().into_iter().next()
    }

    /// Starts a process of an arm again that ended by itself.
    pub fn restart(&mut self, arm: &str, process: &str) -> Result<()> {
        let arm = self.arms.iter_mut().find(|running| running.name == arm);
        arm.map_or(Ok(()), |arm| arm.runtime.restart(process))
    }

    /// Stops every arm: processes drain and end, then the backings. Returns the names of those that had to be
    /// killed.
    pub fn stop(mut self) -> Vec<String> {
        // All at once, because containers take time to stop.
        thread::scope(|scope| {
            let stopping: Vec<_> =
                self.arms.iter_mut().map(|arm| scope.spawn(|| arm.runtime.stop())).collect();
            stopping.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
        })
    }
}

/// Fails if fewer than two of two or more arms run, or not the only one.
pub fn enough(there: usize, wanted: usize, skipped: &[Skipped]) -> Result<()> {
    if there >= wanted.min(2) {
        return Ok(());
    }
    let why: Vec<_> = skipped.iter().map(|skipped| format!("`{}`: {}", skipped.arm, skipped.why)).collect();
    let what = format!("too few arms can be had here\n  {}", why.join("\n  "));
    let hint = skipped.first().map(|skipped| skipped.hint.clone());
    Err(Diagnostic::new(what).maybe_hint(hint).into())
}

/// A given broker serves one arm: two would receive each other's events from the same topics.
pub fn one_arm_a_broker(arms: &[ArmPlan], backings: &BackingChoices) -> Result<()> {
    let users =
        arms.iter().filter(|arm| arm.backings.iter().any(|need| need.kind == BackingKind::Kafka)).count();
    if backings.kafka_url.is_some() && users > 1 {
        return Err(Diagnostic::new(format!(
            "{users} arms would read each other's events from the given broker"
        ))
        .hint("leave `--kafka-url` out: each arm then has an embedded broker of its own")
        .into());
    }
    Ok(())
}
