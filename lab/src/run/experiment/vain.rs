//! A run of which no verdict can come is stopped.

use super::Experiment;
use crate::{measure::MOST_VOID, run::gathered::Gathered};

impl Experiment<'_> {
    /// Whether so many slices were void that no verdict can come of the rest, once this launch of all arms is over.
    pub(super) fn is_in_vain(&mut self, number: u32) -> bool {
        let launches = self.plan.load.launches;
        let Gathered { slices, void_slices, .. } = self.gathered;
        if number == launches || self.options.to_the_end || !vain(void_slices, slices, number, launches) {
            return false;
        }
        self.gathered.notes.push(format!(
            "stopped after launch {number} of {launches}: of {slices} slices {void_slices} are void, and no verdict could have come of the others"
        ));
        true
    }
}

/// Whether a run has no verdict whatever follows: more than the share of all its slices that may be void are void
/// already. And whether it is so bad that nobody would wait for that: more than half of those so far.
fn vain(void: u64, slices: u64, done: u32, launches: u32) -> bool {
    let planned = slices as f64 * f64::from(launches) / f64::from(done.max(1));
    void as f64 > MOST_VOID * planned || void * 2 > slices
}

#[cfg(test)]
mod tests {
    use super::vain;

    #[test]
    fn a_run_is_stopped_when_no_verdict_can_come_of_it() {
        assert!(
            !vain(0, 60, 1, 6) && !vain(30, 60, 1, 6),
            "half of the first of six launches is a twelfth of all"
        );
        assert!(vain(31, 60, 1, 6), "more than half: the machine is busy now");
        assert!(!vain(72, 180, 3, 6), "a fifth of all is allowed");
        assert!(vain(73, 180, 3, 6), "the rest cannot make up for it");
        assert!(!vain(0, 0, 1, 6));
    }
}
