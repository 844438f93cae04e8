//! The claims of textbooks, compared with this run.
//!
//! Read in this order: this file, `over_time` (claims on what happens over an episode).

mod over_time;

use report::{
    caveats::Ended,
    facts,
    model::{Arm, Claim, ClaimVerdict},
    words::{self, mean_count, three_digits},
};
use scenario::{Claim as Stated, Expectation, Metric, Relation};
use statistics::sum_of_counts;

use super::{
    compare::{self, Comparisons},
    counters,
    gathered::{ArmData, Gathered, LaunchCounts},
};

/// The claims of a scenario with this run's verdicts; claims about arms that did not run say so.
pub(super) fn all(
    stated: &[Stated],
    gathered: &Gathered,
    arms: &[Arm],
    comparisons: &Comparisons,
    ground: Ground,
) -> Vec<Claim> {
    stated
        .iter()
        .map(|stated| {
            let (verdict, because) = match stated.metric {
                Metric::OverTime(figure) => over_time::judge(stated, figure, arms, ground),
                _ => judge(stated, gathered, comparisons, ground),
            };
            Claim {
                text: stated.text.clone(),
                source: Some(stated.source.clone()),
                verdict,
                expected: match stated.expect {
                    Expectation::Holds => ClaimVerdict::Holds,
                    Expectation::DoesNotHold => ClaimVerdict::DoesNotHoldHere,
                },
                because,
                fact: match &stated.metric {
                    Metric::Ledger(fact) => Some(fact.clone()),
                    _ => None,
                },
            }
        })
        .collect()
}

/// The quality of a run's figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    /// Everything.
    Whole,
    /// The generator was late: counts are facts, figures of timing are not.
    Late,
    /// The run was interrupted: the counts so far are facts, but further events may have been missed.
    Unfinished,
}

impl Ground {
    /// The reason why the figures do not support a claim, if they do not. Failures and refusals, which a slow
    /// machine can cause by itself, are facts of a late run only if they are zero.
    fn lacks(self, stated: &Stated, found: Option<u64>) -> Option<&'static str> {
        let counts = stated.metric.is_counted() || matches!(stated.metric, Metric::Sql | Metric::Redis);
        let by_slowness = matches!(stated.metric, Metric::Failed | Metric::Refused);
        match self {
            Self::Whole => None,
            _ if !counts => Some("this run has no verdict on anything that timing decides"),
            Self::Late if by_slowness && found != Some(0) => Some(
                "this run has no verdict: a machine that is too busy causes refusals and failures by itself",
            ),
            Self::Late => None,
            Self::Unfinished if stated.is == Relation::AboveZero && found.is_some_and(|found| found > 0) => {
                None
            }
            Self::Unfinished => Some("this run broke off before its end"),
        }
    }
}

fn judge(
    stated: &Stated,
    gathered: &Gathered,
    comparisons: &Comparisons,
    ground: Ground,
) -> (ClaimVerdict, String) {
    let arm = |name: &str| gathered.arms.iter().find(|arm| arm.plan.label == name || arm.plan.name == name);
    let Some(subject) = arm(&stated.arm) else {
        return (ClaimVerdict::CannotTell, format!("`{}` is not in this run", stated.arm));
    };
    if gathered.forgets_counts && matches!(stated.metric, Metric::Hops | Metric::Sql | Metric::Redis) {
        return (ClaimVerdict::CannotTell, "a process that was killed forgot what it had counted".to_owned());
    }
    let found = counted(&stated.metric, subject).map(|counted| counted.sum());
    if let Some(lacking) = ground.lacks(stated, found) {
        return (ClaimVerdict::CannotTell, lacking.to_owned());
    }
    let Some(against) = &stated.against else {
        return alone(stated, subject);
    };
    match arm(against) {
        Some(baseline) => {
            let (verdict, because) = pair(stated, subject, baseline, comparisons);
            (verdict, because + &asked(stated))
        }
        None => (ClaimVerdict::CannotTell, format!("`{against}` is not in this run")),
    }
}

/// The required distance of the two figures, if not any difference suffices.
fn asked(stated: &Stated) -> String {
    let which = if stated.is == Relation::Lower { "lower" } else { "higher" };
    let factor = stated.by_at_least.map(words::trimmed);
    factor
        .map(|factor| format!("; to hold, it has to be {which} by a factor of at least {factor}"))
        .unwrap_or_default()
}

/// The count of a metric in an arm.
struct Counted {
    /// For each launch.
    launches: Vec<u64>,
    /// Whether everything could be checked.
    complete: bool,
}

impl Counted {
    fn sum(&self) -> u64 {
        self.launches.iter().sum()
    }
}

/// `None` if the metric was not counted.
fn counted(metric: &Metric, arm: &ArmData) -> Option<Counted> {
    let in_each = |of: &dyn Fn(&LaunchCounts) -> u64| arm.by_launch.values().map(of).collect();
    // If every slice was void, nothing that slices count was counted.
    let in_slices = |of: &dyn Fn(&LaunchCounts) -> u64| {
        let any = arm.by_launch.values().any(|launch| launch.offered > 0);
        any.then(|| Counted { launches: in_each(of), complete: true })
    };
    match metric {
        Metric::Offered => in_slices(&|launch| launch.offered),
        Metric::Failed => in_slices(&|launch| launch.failed),
        Metric::Refused => in_slices(&|launch| launch.refused),
        Metric::Hops => {
            Some(Counted { launches: vec![arm.counters.get(counters::HOPS) as u64], complete: true })
        }
        of_the_ledger => {
            let facts = of_the_ledger.facts(arm.plan.wiring.system().name);
            let ledger = arm.ledger.as_ref()?;
            ledger.told(&facts)?;
            let launches = in_each(&|launch| launch.ledger.told(&facts).map_or(0, |told| told.count));
            Some(Counted { launches, complete: ledger.complete })
        }
    }
}

/// Judges a count that is to be zero or above zero.
fn alone(stated: &Stated, arm: &ArmData) -> (ClaimVerdict, String) {
    let label = &arm.plan.label;
    let name = counted_name(&stated.metric, arm);
    let Some(counted) = counted(&stated.metric, arm) else {
        return (ClaimVerdict::CannotTell, format!("{label}: nothing counted how many were {name}"));
    };
    let (count, complete) = (counted.sum(), counted.complete);
    let because = format!("{label}: {} {name}", words::count(count));
    let holds = match stated.is {
        Relation::AboveZero => count > 0,
        _ => count == 0,
    };
    match (holds, complete || count > 0) {
        (true, true) => (ClaimVerdict::Holds, because),
        (false, true) => (ClaimVerdict::DoesNotHoldHere, because),
        (_, false) => (ClaimVerdict::CannotTell, format!("{because}, but not everything could be asked for")),
    }
}

/// The metric's name for use after a count: `let through beyond the limit`.
fn counted_name(metric: &Metric, arm: &ArmData) -> String {
    match (metric, metric.of_ledger()) {
        (Metric::Hops, _) => "calls between processes".to_owned(),
        (_, Some(fact)) => facts::words(arm.plan.wiring.system().name, fact).to_owned(),
        (other, None) => other.name(),
    }
}

fn pair(
    stated: &Stated,
    arm: &ArmData,
    baseline: &ArmData,
    comparisons: &Comparisons,
) -> (ClaimVerdict, String) {
    let factor = stated.by_at_least.unwrap_or(1.0);
    let exact = |what: &str, unit: &str, of: fn(&ArmData) -> f64| {
        let (a, b) = (of(arm), of(baseline));
        let (label, other) = (&arm.plan.label, &baseline.plan.label);
        let because = format!(
            "{what} of {label}: {}{unit}, of {other}: {}{unit}",
            mean_count(Some(a)),
            mean_count(Some(b))
        );
        (verdict(stated.is, factor, a, a, b, b), because)
    };
    match &stated.metric {
        Metric::Memory => exact("memory", " MiB", compare::resident),
        Metric::Hops => exact("calls between processes per operation", "", compare::hops),
        Metric::Sql => exact("SQL statements per operation", "", compare::sql),
        Metric::Redis => exact("Redis commands per operation", "", compare::redis),
        Metric::CpuOf(backing) => parts(stated, factor, arm, baseline, backing),
        metric if metric.is_counted() => counts(stated, factor, arm, baseline),
        _ => estimated(stated, factor, arm, baseline, comparisons),
    }
}

/// The CPU costs of one kind of backing in two arms, with intervals; zero for an arm without it.
fn parts(
    stated: &Stated,
    factor: f64,
    arm: &ArmData,
    baseline: &ArmData,
    backing: &str,
) -> (ClaimVerdict, String) {
    let spent = |arm: &ArmData| compare::spent_on(arm, backing);
    let (Some(a), Some(b)) = (spent(arm), spent(baseline)) else {
        return (ClaimVerdict::CannotTell, format!("too little was measured of the CPU of {backing}"));
    };
    let words = |arm: &ArmData, [estimate, low, high]: [f64; 3]| {
        format!("{}: {estimate:.1} µs [{low:.1}, {high:.1}]", arm.plan.label)
    };
    let because = format!("CPU of {backing} per operation: {}, {}", words(arm, a), words(baseline, b));
    (verdict(stated.is, factor, a[1], a[2], b[1], b[2]), because)
}

/// Compares two counts of one load, which differ only if they are further apart than counts, or launches,
/// vary by chance.
fn counts(stated: &Stated, factor: f64, arm: &ArmData, baseline: &ArmData) -> (ClaimVerdict, String) {
    let (label, other) = (&arm.plan.label, &baseline.plan.label);
    let name = counted_name(&stated.metric, arm);
    let of = |arm: &ArmData| counted(&stated.metric, arm);
    let (Some(a), Some(b)) = (of(arm), of(baseline)) else {
        return (
            ClaimVerdict::CannotTell,
            format!("nothing counted in both {label} and {other} how many were {name}"),
        );
    };
    let because = format!("{label}: {} {name}, {other}: {}", words::count(a.sum()), words::count(b.sum()));
    if !a.complete || !b.complete {
        return (ClaimVerdict::CannotTell, format!("{because}, but not everything could be asked for"));
    }
    let [[a_low, a_high], [b_low, b_high]] =
        [a, b].map(|counted| sum_of_counts(&counted.launches, compare::CONFIDENCE));
    (verdict(stated.is, factor, a_low, a_high, b_low, b_high), because)
}

/// Compares a metric with an interval, in whichever direction the run has it.
fn estimated(
    stated: &Stated,
    factor: f64,
    arm: &ArmData,
    baseline: &ArmData,
    comparisons: &Comparisons,
) -> (ClaimVerdict, String) {
    let (a, b) = (&arm.plan.label, &baseline.plan.label);
    let metric = stated.metric.name();
    let find = |a: &str, b: &str| {
        let same = |c: &&report::model::Comparison| c.metric == metric && c.arm == a && c.baseline == b;
        comparisons.list.iter().chain(&comparisons.for_claims).find(same)
    };
    let compared = find(a, b).and_then(|c| Some((c, c.interval?, false)));
    let Some((comparison, interval, turned)) =
        compared.or_else(|| find(b, a).and_then(|c| Some((c, c.interval?, true))))
    else {
        return (
            ClaimVerdict::CannotTell,
            format!("too little was measured to compare the {metric} of {a} and {b}"),
        );
    };
    let (low, high) =
        if turned { (1.0 / interval.high, 1.0 / interval.low) } else { (interval.low, interval.high) };
    let verdict = verdict(stated.is, factor, low, high, 1.0, 1.0);
    (verdict, format!("{}{}", comparison.sentence, caveats(&stated.metric, arm, baseline)))
}

/// Notes for a comparison: latencies of a saturated arm grow with the run's length, and figures of successful
/// operations mean little if many failed.
fn caveats(metric: &Metric, arm: &ArmData, baseline: &ArmData) -> String {
    let queue = |arm: &ArmData| {
        let rates = arm.record.rates();
        let offered = rates.offered.filter(|_| rates.is_saturated())?;
        let (achieved, offered) = (three_digits(rates.achieved), three_digits(offered));
        Some(format!("; {} was saturated: it completed {achieved} of {offered} per second", arm.plan.label))
    };
    let ended = |arm: &ArmData| {
        let badly = arm.record.refused.total() + arm.record.failed.total();
        Ended { badly, all: arm.record.succeeded + badly }
    };
    let others = || {
        let (of_arm, of_baseline) = (ended(arm), ended(baseline));
        let others =
            Ended::differ((arm.plan.label.as_str(), &of_arm), (baseline.plan.label.as_str(), &of_baseline));
        others.map(|others| format!("; {others}"))
    };
    let found = match metric {
        Metric::P50 | Metric::P90 | Metric::P99 => [queue(arm), queue(baseline), others()],
        Metric::Cpu => [others(), None, None],
        _ => [None, None, None],
    };
    found.into_iter().flatten().collect()
}

/// Judges whether `a` in `[low, high]` relates to `b` as stated; `factor` is the least distance.
fn verdict(is: Relation, factor: f64, low: f64, high: f64, b_low: f64, b_high: f64) -> ClaimVerdict {
    let margin = 1.0 + statistics::EQUIVALENCE_MARGIN;
    let (certainly, certainly_not) = match is {
        Relation::Higher => (low > b_high * factor, high < b_low * factor || high <= b_low),
        Relation::Lower => (high * factor < b_low, low * factor > b_high || low >= b_high),
        _ => {
            (low >= b_high / margin && high <= b_low * margin, high < b_low / margin || low > b_high * margin)
        }
    };
    match (certainly, certainly_not) {
        (true, _) => ClaimVerdict::Holds,
        (_, true) => ClaimVerdict::DoesNotHoldHere,
        _ => ClaimVerdict::CannotTell,
    }
}

#[cfg(test)]
mod tests;
