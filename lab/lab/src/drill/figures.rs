//! From the report of a cell to its figures.

use load::ledger::Breach;
use report::{
    Report,
    model::{Arm, CauseCount, Spread, Timeline},
};
use scenario::systems;
use serde::{Deserialize, Serialize};
use statistics::numbers::count;

/// The figures of a cell over all its episodes; times are medians.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Figures {
    pub(super) episodes: u32,
    /// Operations that ended well for their user.
    pub(super) acknowledged: u64,
    /// Operations that were refused or failed.
    pub(super) failed: u64,
    /// By the ledger: acknowledged and missing.
    pub(super) lost: u64,
    /// By the ledger: more than once, or without a request.
    pub(super) doubled: u64,
    /// By the ledger: not as promised.
    pub(super) wrong: u64,
    /// Of the operations due during the fault, the share of those that ended well in that time.
    pub(super) goodput_percent: Option<f64>,
    /// From the beginning of the fault until a caller noticed it.
    pub(super) detect_ms: Option<f64>,
    /// From its end until goodput was back.
    pub(super) recover_ms: Option<f64>,
    /// From its end until what was killed served again.
    pub(super) back_ms: Option<f64>,
    /// Whether the machine kept the generator waiting, so that these times may be its own.
    pub(super) late: bool,
}

impl Figures {
    pub(super) fn of(system: &str, report: &Report, arm: &Arm) -> Self {
        let of = |kind| {
            let verdict = arm.ledger.as_ref().map(report::model::Ledger::verdict);
            let told = verdict.and_then(|verdict| verdict.told(&systems::breaches_of(system, kind)));
            told.map_or(0, |told| told.count)
        };
        let sum = |causes: &[CauseCount]| causes.iter().map(|cause| cause.count).sum::<u64>();
        let detect = arm.effects.iter().filter_map(|effect| effect.detect_ms.median());
        Self {
            episodes: report.load.launches,
            acknowledged: arm.operations,
            failed: sum(&arm.refused) + sum(&arm.failed),
            lost: of(Breach::Lost),
            doubled: of(Breach::Duplicated),
            wrong: of(Breach::Wrong),
            goodput_percent: arm.timeline.as_ref().and_then(|timeline| goodput(report, timeline)),
            // Of several faults at once: the first that was noticed, and the last that was over.
            detect_ms: detect.min_by(f64::total_cmp),
            recover_ms: last(arm.effects.iter().map(|effect| effect.recover_ms.median())),
            back_ms: back(report),
            late: super::was_late(report),
        }
    }
}

/// The latest time; `None` if any is missing, or without times.
fn last(times: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let times: Option<Vec<f64>> = times.collect();
    times?.into_iter().max_by(f64::total_cmp)
}

/// Over the buckets that lie within the first fault.
fn goodput(report: &Report, timeline: &Timeline) -> Option<f64> {
    let fault = report.load.faults.first()?;
    let first = (fault.at_ms / timeline.bucket_ms).ceil() as usize;
    let end = ((fault.at_ms + fault.for_ms) / timeline.bucket_ms).floor() as usize;
    let within =
        |counts: &[f64]| counts.get(first..end.min(counts.len())).map(|some| some.iter().sum::<f64>());
    let (good, offered) = (within(&timeline.good)?, within(&timeline.offered)?);
    (offered > 0.0).then(|| good / offered * 100.0)
}

/// The median over the episodes of when the last of what was killed served again.
fn back(report: &Report) -> Option<f64> {
    let episodes = (1..=report.load.launches).map(|launch| {
        let made = report.load.faults.iter().flat_map(|fault| &fault.made);
        let made = made.filter(|made| made.launch == launch);
        last(made.map(|made| Some(made.back_ms? - made.ended_ms)))
    });
    Spread { episodes: episodes.collect() }.median()
}

/// The broken promises of a cell in words, if there are any.
pub(super) fn breaches(system: &str, arm: &Arm) -> Option<String> {
    let verdict = arm.ledger.as_ref()?.verdict();
    let facts = load::journeys::find(system)?.facts().iter().filter(|fact| fact.breaks.is_some());
    let broken = facts.filter_map(|fact| match verdict.count(fact.name) {
        0 => None,
        found => Some(format!("{} {}", count(found), fact.words)),
    });
    let broken: Vec<String> = broken.collect();
    (!broken.is_empty()).then(|| broken.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        serde_json::from_str(include_str!("../../../report/src/fixtures/faults.json")).unwrap()
    }

    #[test]
    fn goodput_is_of_the_time_of_the_fault() {
        let mut report = report();
        let fault = report.load.faults.first_mut().unwrap();
        (fault.at_ms, fault.for_ms) = (150.0, 350.0);
        let timeline = Timeline {
            bucket_ms: 100.0,
            offered: vec![10.0; 6],
            good: vec![10.0, 10.0, 0.0, 3.0, 3.0, 10.0],
            ..Timeline::default()
        };
        // From 200 ms to 500 ms.
        assert!((goodput(&report, &timeline).unwrap() - 20.0).abs() < 1e-9);
        report.load.faults.clear();
        assert_eq!(goodput(&report, &timeline), None);
    }

    #[test]
    fn of_several_parts_the_last_decides_and_one_that_did_not_come_back_has_no_time() {
        assert_eq!(last([Some(2.0), Some(7.0)].into_iter()), Some(7.0));
        assert_eq!(last([Some(2.0), None].into_iter()), None);
        assert_eq!(last([].into_iter()), None);
    }
}
