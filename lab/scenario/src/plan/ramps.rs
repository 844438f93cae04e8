//! The ramps at the end of each launch, by which capacity is measured: their steps, and how long they take.

use std::time::Duration;

use super::Plan;
use crate::scenario::Kind;

/// Operations in flight, step by step.
pub const RAMP_STEPS: [usize; 3] = [4, 16, 64];

/// How long nothing is sent after a turn, so that what an arm does after its replies is its own.
pub const RAMP_REST: Duration = Duration::from_millis(40);

/// How long all ramps of a run take, in the quick form and in the whole one.
const BUDGET: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(40)];
/// One arm's turn at one step. Shorter ones end before processes and pools have settled.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);

impl Plan {
    /// How long all ramps of a run take. An episode has none: it is about what happens over its own time.
    pub(super) fn ramps(&self) -> Duration {
        if self.scenario.kind == Kind::Episodes {
            return Duration::ZERO;
        }
        let turns = self.load.launches as usize * self.arms.len() * RAMP_STEPS.len();
        (self.ramp_turn() + RAMP_REST) * u32::try_from(turns).unwrap_or(u32::MAX)
    }

    /// How long one arm's turn at one step of a ramp is.
    pub fn ramp_turn(&self) -> Duration {
        let budget = BUDGET[usize::from(!self.quick)];
        let turns = self.load.launches.max(1) as usize * self.arms.len().max(1) * RAMP_STEPS.len();
        let turns = u32::try_from(turns).unwrap_or(u32::MAX);
        (budget / turns).saturating_sub(RAMP_REST).clamp(SHORTEST, LONGEST)
    }
}
