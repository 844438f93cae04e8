//! The approximate duration of a run in wall-clock time.

use std::time::Duration;

use design::BackingKind;

use super::{LoadPlan, Plan};
use crate::scenario::Kind;

/// The time of each launch beside the measurement: processes, warm-up, and settling before the check.
const LAUNCH: Duration = Duration::from_secs(4);
/// The additional time of an own database server, which is initialised first, and of a Kafka node, a JVM that
/// forms a cluster.
const POSTGRES: Duration = Duration::from_secs(2);
const KAFKA: Duration = Duration::from_secs(7);
/// Things made per second before load begins.
const MADE_A_SECOND: u64 = 5_000;

impl Plan {
    /// The number of starts: all arms at once, or in episodes each alone.
    pub fn ups(&self) -> u32 {
        match self.scenario.kind {
            Kind::Paired | Kind::Waterfall => self.load.launches,
            Kind::Episodes => self.load.launches * u32::try_from(self.arms.len()).unwrap_or(1),
        }
    }

    /// The approximate duration of the run; within a factor of two on an idle machine with two processors.
    pub fn takes(&self) -> Duration {
        let LoadPlan { measured, launches, things, .. } = self.load;
        let has = |kind| self.arms.iter().flat_map(|arm| &arm.backings).any(|need| need.kind == kind);
        let extra = |kind, time| if has(kind) { time } else { Duration::ZERO };
        let up = LAUNCH + extra(BackingKind::Postgres, POSTGRES) + extra(BackingKind::Kafka, KAFKA);
        let made = Duration::from_millis(self.arms.len() as u64 * things * 1_000 / MADE_A_SECOND);
        measured + up * self.ups() + made * launches + self.ramps()
    }

    /// The same plan in its quick or full form.
    #[must_use]
    pub fn in_form(&self, quick: bool) -> Self {
        let load = super::make::load(&self.scenario, quick, self.arms.len());
        Self { quick, load, ..self.clone() }
    }
}

/// A duration rounded for planning: `30 s`, `1 min`, `1.5 min`, `20 min`, `3 h`.
pub fn about(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        _ if seconds < 45.0 => format!("{:.0} s", (seconds / 10.0).ceil() * 10.0),
        _ if seconds < 300.0 => {
            let halves = (seconds / 30.0).round();
            format!("{} min", halves / 2.0)
        }
        _ if seconds < 5_400.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3_600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_rounded_as_one_says_it() {
        let told = [3, 41, 52, 76, 200, 1_190, 10_000].map(|seconds| about(Duration::from_secs(seconds)));
        assert_eq!(told, ["10 s", "50 s", "1 min", "1.5 min", "3.5 min", "20 min", "2.8 h"]);
    }
}
