//! A look at the machine before a run, and its meaning.

use std::time::{Duration, Instant};

use anyhow::Result;
use runtimes::{
    interrupt::Interrupt,
    measure::{Look, Quietness},
};
use scenario::plan::{Plan, about};

use crate::{output, run::RunOptions};

/// The interval of messages about the wait for a quiet machine, and of looks at it.
const SAY_EVERY: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The result of the look.
pub(super) enum Before {
    /// The run can begin; with a note about the machine for its report.
    Begin(Option<String>),
    /// The machine did not become quiet in time.
    NeverQuiet,
}

/// Looks at the machine, prints the result, and waits until it is quiet if requested.
pub(super) fn look(options: &RunOptions, interrupt: &Interrupt) -> Result<Before> {
    let mut look = Look::take(&options.plan.budget);
    if let Some(longest) = options.wait_quiet {
        let until = Instant::now() + longest;
        let mut say = Instant::now();
        while state(&options.plan, &look) != Quietness::Quiet {
            interrupt.check()?;
            let now = Instant::now();
            if now >= until {
                output::talk(&format!(
                    "error: the machine did not become quiet within {}: {}\nhint: {}, for longer, or measure on another machine",
                    exactly(longest),
                    look.seen(),
                    look.remedy(),
                ));
                return Ok(Before::NeverQuiet);
            }
            if now >= say {
                let left = about(until - now);
                output::talk(&format!("waiting for a quiet machine, {left} at most: {}", look.seen()));
                say = now + SAY_EVERY;
            }
            interrupt.sleep(LOOK_EVERY);
            look = Look::take(&options.plan.budget);
        }
    }
    interrupt.check()?;
    Ok(Before::Begin(told(&options.plan, &look)))
}

/// The machine's state for this plan.
fn state(plan: &Plan, look: &Look) -> Quietness {
    look.state((plan.load.rate * plan.load.slice.as_secs_f64()) as u64)
}

/// Prints the state; returns the note for the report.
fn told(plan: &Plan, look: &Look) -> Option<String> {
    let seen = look.seen();
    match state(plan, look) {
        Quietness::Quiet => {
            output::talk(&format!("the machine is quiet: {seen}"));
            None
        }
        Quietness::Busy => {
            output::talk(&format!(
                "note: the machine is busy, so that intervals get wider: {seen}\nhint: {}",
                look.remedy()
            ));
            Some(format!("the machine was busy before the run began: {seen}"))
        }
        Quietness::TooBusy => {
            output::talk(&format!(
                "note: the machine is too busy for a verdict as it is: a generator would be late for {:.0} % of its operations; {seen}\nhint: {}",
                look.late * 100.0,
                look.remedy()
            ));
            Some(format!("the machine was too busy before the run began: {seen}"))
        }
    }
}

/// Advice after a run without a verdict, from a fresh look.
pub(super) fn remedy(plan: &Plan, void_share: f64) -> String {
    let mut ways = vec![Look::take(&plan.budget).remedy()];
    if !plan.budget.generator_is_apart() {
        ways.push("give the lab a second processor: with one the arms delay the generator".to_owned());
    }
    if plan.arms.len() > 2 {
        ways.push("compare fewer arms, with `--arm`: each that is up disturbs the others".to_owned());
    }
    if plan.quick && void_share < 0.5 {
        ways.push("run the whole form, in which a busy moment weighs less".to_owned());
    }
    ways.join("; or ")
}

/// A duration as it was given.
fn exactly(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}
