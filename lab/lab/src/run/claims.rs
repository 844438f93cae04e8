//! What textbooks say, held against this run.

use report::{
    caveats::Ended,
    facts,
    model::{Claim, ClaimVerdict},
    words::{self, mean_count, three_digits},
};
use scenario::{Claim as Stated, Expectation, Metric, Relation};
use statistics::sum_of_counts;

use super::{
    compare::{self, Comparisons},
    gathered::{ArmData, Gathered, LaunchCounts},
};

/// The claims of a scenario with this run's verdicts; those about arms that could not be had say so.
pub(super) fn all(
    stated: &[Stated],
    gathered: &Gathered,
    comparisons: &Comparisons,
    ground: Ground,
) -> Vec<Claim> {
    stated
        .iter()
        .map(|stated| {
            let (verdict, because) = judge(stated, gathered, comparisons, ground);
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

/// What a run's figures can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    /// Everything.
    Whole,
    /// The generator was late: what was counted is a fact, and what only timing decides is not.
    Late,
    /// The run broke off: what was counted until then happened, and what was not counted may have come later.
    Unfinished,
}

impl Ground {
    /// Why this ground does not carry a claim, if it does not. Counts that a slow machine can cause by itself, failures
    /// and refusals, are facts of a late run only while they are zero.
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

/// How far apart the two have to be, where any difference is not enough.
fn asked(stated: &Stated) -> String {
    let which = if stated.is == Relation::Lower { "lower" } else { "higher" };
    let factor = stated.by_at_least.map(words::trimmed);
    factor
        .map(|factor| format!("; to hold, it has to be {which} by a factor of at least {factor}"))
        .unwrap_or_default()
}

/// What an arm counted under a name.
struct Counted {
    /// In each launch.
    launches: Vec<u64>,
    /// Whether everything could be asked.
    complete: bool,
}

impl Counted {
    fn sum(&self) -> u64 {
        self.launches.iter().sum()
    }
}

/// None if nothing counts it.
fn counted(metric: &Metric, arm: &ArmData) -> Option<Counted> {
    let in_each = |of: &dyn Fn(&LaunchCounts) -> u64| arm.by_launch.values().map(of).collect();
    // Where every slice was void nothing was counted of what slices count.
    let in_slices = |of: &dyn Fn(&LaunchCounts) -> u64| {
        let any = arm.by_launch.values().any(|launch| launch.offered > 0);
        any.then(|| Counted { launches: in_each(of), complete: true })
    };
    match metric {
        Metric::Offered => in_slices(&|launch| launch.offered),
        Metric::Failed => in_slices(&|launch| launch.failed),
        Metric::Refused => in_slices(&|launch| launch.refused),
        Metric::Hops => Some(Counted { launches: vec![arm.counters[0] as u64], complete: true }),
        of_the_ledger => {
            let facts = of_the_ledger.facts();
            let ledger = arm.ledger.as_ref()?;
            ledger.told(&facts)?;
            let launches = in_each(&|launch| launch.ledger.told(&facts).map_or(0, |told| told.count));
            Some(Counted { launches, complete: ledger.complete })
        }
    }
}

/// A count that is zero or is not.
fn alone(stated: &Stated, arm: &ArmData) -> (ClaimVerdict, String) {
    let label = &arm.plan.label;
    let name = counted_name(&stated.metric);
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

/// What is counted, as it is read after its count: `let through beyond the limit`.
fn counted_name(metric: &Metric) -> String {
    match metric {
        Metric::Ledger(fact) => facts::words(fact).to_owned(),
        Metric::Hops => "calls between processes".to_owned(),
        // Of a limiter these are the requests about which it could not decide.
        Metric::Refused => "refused".to_owned(),
        other => facts::words(&other.name()).to_owned(),
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

/// The CPU of one kind of backing in two arms, each with its interval; an arm without it spends nothing on it.
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

/// Two counts of one load, which differ only if they lie further apart than counts, or launches, do by chance.
fn counts(stated: &Stated, factor: f64, arm: &ArmData, baseline: &ArmData) -> (ClaimVerdict, String) {
    let (label, other) = (&arm.plan.label, &baseline.plan.label);
    let name = counted_name(&stated.metric);
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

/// A metric with an interval, in whichever direction the run compared the two.
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

/// What has to be said beside a comparison: latencies of an arm that was saturated grow with the run, and what is
/// measured of operations that ended well says little where many did not.
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

/// Whether `a` in `[low, high]` stands to `b` as stated; factors below tell how far at least.
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
