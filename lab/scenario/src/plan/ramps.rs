//! The ramps that measure capacity (maximum throughput) at the end of each launch: their steps and their length.

use std::time::Duration;

use super::Plan;
use crate::scenario::Kind;

/// Operations in flight, step by step.
pub const RAMP_STEPS: [usize; 3] = [4, 16, 64];

/// The pause after a slice, so that an arm's work after its replies is attributed to it.
pub const RAMP_REST: Duration = Duration::from_millis(40);

/// The time of all ramps of a run, in the quick and in the full form.
const BUDGET: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(40)];
/// The shortest slice of one arm at one step; shorter ones end before processes and pools are in a steady
/// state.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);

impl Plan {
    /// The time of all ramps of a run. An episode has none, because it is about the changes over its own
    /// time.
    pub(super) fn ramps(&self) -> Duration {
        if self.scenario.kind == Kind::Episodes {
            return Duration::ZERO;
        }
        let slices = self.load.launches as usize * self.arms.len() * RAMP_STEPS.len();
        (self.ramp_slice() + RAMP_REST) * u32::try_from(slices).unwrap_or(u32::MAX)
    }

    /// The length of one arm's slice at one step of a ramp.
    pub fn ramp_slice(&self) -> Duration {
        let budget = BUDGET[usize::from(!self.quick)];
        let slices = self.load.launches.max(1) as usize * self.arms.len().max(1) * RAMP_STEPS.len();
        let slices = u32::try_from(slices).unwrap_or(u32::MAX);
        (budget / slices).saturating_sub(RAMP_REST).clamp(SHORTEST, LONGEST)
    }
}
