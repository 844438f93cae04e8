//! A figure of what happens over the episodes of an arm, from its report: for claims and answers.

use report::{
    model::{Arm, FaultEffect, Spread},
    words::{count, mean_count, three_digits},
};
use scenario::OverTime;
use statistics::median_interval;

use crate::run::compare::CONFIDENCE;

/// The figure of an arm: the median over its episodes, and the ends of an interval of it. Infinite if it was never reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::run) struct OfArm {
    figure: OverTime,
    pub(in crate::run) median: f64,
    pub(in crate::run) low: f64,
    pub(in crate::run) high: f64,
}

/// The figure of an arm; `None` if it was not measured.
///
/// Of several faults it is what a user of the whole episode feels: the slowest time to detect and to recover, the sum of
/// what was lost.
pub(in crate::run) fn figure(figure: OverTime, arm: &Arm) -> Option<OfArm> {
    let whole = |spread: fn(&report::model::Timeline) -> &Option<Spread>| {
        let spread = spread(arm.timeline.as_ref()?).as_ref()?;
        Some(spread.episodes.iter().copied().flatten().collect::<Vec<f64>>())
    };
    let values = match figure {
        OverTime::DetectMs => slowest(&arm.effects, |effect| &effect.detect_ms),
        OverTime::RecoverMs => slowest(&arm.effects, |effect| &effect.recover_ms),
        OverTime::LostOperations => summed(&arm.effects, |effect| &effect.lost_operations),
        OverTime::Amplification => whole(|timeline| &timeline.amplification)?,
        OverTime::GoodputRatio => whole(|timeline| &timeline.goodput_ratio)?,
    };
    let [median, low, high] = median_interval(&values, CONFIDENCE)?;
    Some(OfArm { figure, median, low, high })
}

/// The greatest value of each episode; one that was never reached lies beyond all others.
fn slowest(effects: &[FaultEffect], of: fn(&FaultEffect) -> &Spread) -> Vec<f64> {
    by_episode(effects, of, |values| values.map(|value| value.unwrap_or(f64::INFINITY)).reduce(f64::max))
}

/// The sum of each episode in which all was measured.
fn summed(effects: &[FaultEffect], of: fn(&FaultEffect) -> &Spread) -> Vec<f64> {
    by_episode(effects, of, |values| values.sum())
}

fn by_episode(
    effects: &[FaultEffect],
    of: fn(&FaultEffect) -> &Spread,
    join: fn(&mut dyn Iterator<Item = Option<f64>>) -> Option<f64>,
) -> Vec<f64> {
    let episodes = effects.iter().map(|effect| of(effect).episodes.len()).max().unwrap_or(0);
    (0..episodes)
        // A fault that did not happen in an episode, because it was broken off, has no place there.
        .filter_map(|at| join(&mut effects.iter().filter_map(|effect| of(effect).episodes.get(at).copied())))
        .collect()
}

impl OfArm {
    /// The median as text: `305 ms`, or `never`.
    pub(in crate::run) fn median(&self) -> String {
        self.words(self.median)
    }

    /// With its interval: `305 ms [290, never]`.
    pub(in crate::run) fn with_interval(&self) -> String {
        format!("{} [{}, {}]", self.words(self.median), self.number(self.low), self.number(self.high))
    }

    /// A bound as its claim states it, with the unit: `5,000 ms`, `1.25`.
    pub(in crate::run) fn bound(&self, bound: f64) -> String {
        match self.figure {
            OverTime::Amplification | OverTime::GoodputRatio => bound.to_string(),
            _ => self.words(bound),
        }
    }

    fn words(&self, value: f64) -> String {
        let unit = match self.figure {
            OverTime::DetectMs | OverTime::RecoverMs if value.is_finite() => " ms",
            _ => "",
        };
        self.number(value) + unit
    }

    fn number(&self, value: f64) -> String {
        match self.figure {
            _ if value.is_infinite() => "never".to_owned(),
            OverTime::DetectMs | OverTime::RecoverMs => three_digits(value),
            OverTime::LostOperations => count(value.round() as u64),
            OverTime::Amplification | OverTime::GoodputRatio => mean_count(Some(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use report::Report;

    use super::*;

    #[test]
    fn of_several_faults_the_slowest_counts_and_what_was_lost_is_summed() {
        let json = include_str!("../../../../report/src/fixtures/faults.json");
        let report: Report = serde_json::from_str(json).expect("the fixture");
        let of = |name: &str, which: OverTime| {
            let arm = report.arm(name).expect("an arm");
            figure(which, arm).expect("a figure").with_interval()
        };
        assert_eq!(of("full", OverTime::RecoverMs), "305 ms [290, 340]");
        // In three of five episodes it never recovered from the second.
        assert_eq!(of("none", OverTime::RecoverMs), "never [1,980, never]");
        assert_eq!(of("full", OverTime::LostOperations), "878 [875, 889]");
        assert_eq!(of("naive-retry", OverTime::Amplification), "2.98 [2.96, 3.00]");
        assert_eq!(of("none", OverTime::GoodputRatio), "1.00 [0.98, 1.01]");
        let mut arm = report.arms[0].clone();
        arm.timeline = None;
        arm.effects.clear();
        assert_eq!(figure(OverTime::Amplification, &arm), None, "not measured");
        assert_eq!(figure(OverTime::RecoverMs, &arm), None);
    }
}
