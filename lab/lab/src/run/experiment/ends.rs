//! The stopping rules: the end of a run before its last launch, when no verdict is possible (futility), or when it has decided
//! (early stopping, which [`statistics::Looks`] keeps honest).

use std::time::Duration;

use runtimes::measure::MOST_VOID;
use scenario::plan::Plan;

use super::Experiment;
use crate::{
    output,
    run::{compare, gathered::Gathered},
};

/// The most launches of a run that continues until it has decided.
const MOST_LAUNCHES: u32 = 1_000;

/// The most launches of a run: as planned, or as many as fit into its time limit.
pub(super) fn most_launches(plan: &Plan, at_most: Option<Duration>) -> u32 {
    let launches = plan.load.launches;
    let fit = |limit: Duration| limit.as_secs_f64() / plan.takes().as_secs_f64() * f64::from(launches);
    at_most.map_or(launches, |limit| (fit(limit) as u32).clamp(launches, MOST_LAUNCHES.max(launches)))
}

impl Experiment<'_> {
    /// Whether the run ends after this launch of all arms.
    pub(super) fn ends(&mut self, number: u32) -> bool {
        self.gathered.death.is_some()
            || self.has_acknowledged()
            || self.is_futile(number)
            || self.is_decided(number)
    }

    /// Whether a cell of a drill has acknowledged as many operations as it is to.
    fn has_acknowledged(&self) -> bool {
        let wanted = self.options.drill.as_ref().and_then(|cell| cell.operations);
        let acknowledged = self.gathered.arms.iter().map(|arm| arm.record.succeeded).sum();
        wanted.is_some_and(|wanted: u64| wanted <= acknowledged)
    }

    /// Whether a run that continues until it has decided is decided, or has no time for another launch.
    fn is_decided(&mut self, number: u32) -> bool {
        let Some(limit) = self.options.until_decided else { return false };
        let took = self.began.elapsed();
        // By the clock only, independent of the findings.
        let is_last = number >= self.launches || took + took / number > limit;
        let Some(share) = self.looks.after(number, is_last) else { return false };
        self.gathered.share = share;
        let open = compare::undecided(self.plan, &self.gathered);
        let note = match open.as_slice() {
            [] => format!("decided after {number} launches: CPU, p50 and p99 are told"),
            _ if is_last => format!("not decided in the time that it may take; open: {}", open.join(", ")),
            _ => {
                output::talk(&format!(
                    "not decided after {number} launches, so it goes on; open: {}",
                    open.join(", ")
                ));
                return false;
            }
        };
        output::talk(&note);
        self.gathered.notes.push(format!(
            "{note}. It was looked at more than once, so the looks share the allowance of false alarms: {:.0} % of it went to these intervals",
            share * 100.0
        ));
        true
    }

    /// Whether so many slices are void after this launch of all arms that no verdict is possible any more.
    fn is_futile(&mut self, number: u32) -> bool {
        let launches = self.launches;
        let Gathered { slices, void_slices, .. } = self.gathered;
        // A drill counts what was acknowledged, also where the generator was late.
        let is_whole = self.options.to_the_end || self.options.drill.is_some();
        if number == launches || is_whole || !futile(void_slices, slices, number, launches) {
            return false;
        }
        self.gathered.notes.push(format!(
            "stopped after launch {number} of {launches}: of {slices} slices {void_slices} are void, and no verdict could have come of the others"
        ));
        true
    }
}

/// Whether the run cannot have a verdict: the void slices already exceed the permitted share of all planned
/// slices. Or whether it is hopeless: more than half of the slices so far are void.
fn futile(void: u64, slices: u64, done: u32, launches: u32) -> bool {
    let planned = slices as f64 * f64::from(launches) / f64::from(done.max(1));
    void as f64 > MOST_VOID * planned || void * 2 > slices
}

#[cfg(test)]
mod tests {
    use super::futile;

    #[test]
    fn a_run_is_stopped_when_no_verdict_can_come_of_it() {
        assert!(
            !futile(0, 60, 1, 6) && !futile(30, 60, 1, 6),
            "half of the first of six launches is a twelfth of all"
        );
        assert!(futile(31, 60, 1, 6), "more than half: the machine is busy now");
        assert!(!futile(72, 180, 3, 6), "a fifth of all is allowed");
        assert!(futile(73, 180, 3, 6), "the rest cannot make up for it");
        assert!(!futile(0, 0, 1, 6));
    }
}
