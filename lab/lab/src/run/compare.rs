//! Compares each arm with its baseline, metric by metric.

use report::model::{Comparison, PartKind};
use scenario::{Answer, Kind, plan::Plan};
use statistics::{
    EQUIVALENCE_MARGIN, Interval, Metric, Verdict, are_enough_for, family_wise, mean, ratio_of_means,
    ratio_of_percentiles,
};

use super::{
    capacity, counters,
    gathered::{ArmData, Gathered},
    rounds::SEND_LAG_BOUND,
};

/// The confidence of all intervals of a report together.
pub(super) const CONFIDENCE: f64 = 0.95;

/// The compared percentiles: metric, name in sentences, quantile.
const PERCENTILES: [(&str, &str, f64); 4] = [
    ("p50", "p50 latency", 0.5),
    ("p90", "p90 latency", 0.9),
    ("p99", "p99 latency", 0.99),
    ("p999", "p99.9 latency", 0.999),
];

/// Every comparison of a run.
pub(super) struct Comparisons {
    /// The comparisons that the report lists.
    pub(super) list: Vec<Comparison>,
    /// The comparisons that only a claim uses.
    pub(super) for_claims: Vec<Comparison>,
    /// The number of intervals that share one allowance of false alarms.
    pub(super) family: usize,
    /// The interval of the first CPU comparison, which measures the run's precision.
    pub(super) cpu: Option<Interval>,
}

/// Two arms: the judged one, and its baseline.
type Pair<'a> = (&'a ArmData, &'a ArmData);

/// Compares every arm with the first; in a waterfall, with the previous step; and all further pairs that a
/// claim names.
pub(super) fn all(plan: &Plan, gathered: &Gathered) -> Comparisons {
    let walk = plan.scenario.kind == Kind::Waterfall;
    let listed: Vec<Pair<'_>> = (1..gathered.arms.len())
        .map(|at| (&gathered.arms[at], &gathered.arms[if walk { at - 1 } else { 0 }]))
        .collect();
    let claimed = claimed(plan, gathered, &listed);
    let every = || listed.iter().chain(&claimed);
    let enough = |pair: &Pair<'_>, quantile| {
        are_enough_for(&pair.0.total, &pair.1.total, quantile) && !is_generators(pair, quantile)
    };
    let percentiles: usize =
        every().map(|pair| PERCENTILES.iter().filter(|percentile| enough(pair, percentile.2)).count()).sum();
    let has_capacity = |arm: &ArmData| capacity::time_at_capacity(&arm.ramp).is_some();
    let capacities = every().filter(|pair| has_capacity(pair.0) && has_capacity(pair.1)).count();
    let family = every().count() + percentiles + capacities;
    let judge = Judge {
        confidence: family_wise(1.0 - (1.0 - CONFIDENCE) * gathered.share, family.max(1)),
        seed: plan.seed,
        seconds: measured_seconds(plan, gathered),
        forgets_counts: gathered.forgets_counts,
    };
    let judged =
        |pairs: &[Pair<'_>]| pairs.iter().flat_map(|(arm, baseline)| judge.pair(arm, baseline)).collect();
    let list: Vec<Comparison> = judged(&listed);
    let cpu =
        list.iter().find(|comparison| comparison.metric == "cpu").and_then(|comparison| comparison.interval);
    Comparisons { list, for_claims: judged(&claimed), family, cpu }
}

/// The metrics that must be conclusive before a run is decided.
const DECIDE: [&str; 3] = ["cpu", "p50", "p99"];

/// The inconclusive metrics of [`DECIDE`], for each pair, as text. A percentile that is mostly the
/// generator's does not count.
pub(super) fn undecided(plan: &Plan, gathered: &Gathered) -> Vec<String> {
    let Comparisons { list, for_claims, .. } = all(plan, gathered);
    let all = || list.iter().chain(&for_claims);
    let spoiled = spoiled(gathered);
    let mut open = Vec::new();
    for pair in all().filter(|comparison| comparison.metric == "cpu") {
        for metric in DECIDE {
            let same = |other: &&Comparison| {
                other.metric == metric && other.arm == pair.arm && other.baseline == pair.baseline
            };
            let verdict = all().find(same).and_then(|comparison| comparison.verdict);
            let is_open = verdict.is_none_or(|verdict| matches!(verdict, Verdict::CannotTell { .. }));
            if is_open && !spoiled.iter().any(|name| *name == format!("{metric} latency")) {
                open.push(format!("{metric} of {} and {}", pair.arm, pair.baseline));
            }
        }
    }
    open
}

/// Whether a percentile of either arm is as much the generator's as the system's: the same percentile of its
/// send lag exceeds the bound, and a tenth of the latency.
fn is_generators(pair: &Pair<'_>, quantile: f64) -> bool {
    [pair.0, pair.1].into_iter().any(|arm| {
        let [lag, latency] =
            [&arm.record.send_lag, &arm.record.latency].map(|times| times.value_at_quantile(quantile));
        u128::from(lag) > SEND_LAG_BOUND.as_nanos() && lag > latency / 10
    })
}

/// The percentiles that are not compared in some pair because they are mostly the generator's.
pub(super) fn spoiled(gathered: &Gathered) -> Vec<&'static str> {
    let arms = &gathered.arms;
    let spoils = |quantile| arms.iter().any(|arm| is_generators(&(arm, arm), quantile));
    PERCENTILES.iter().filter(|percentile| spoils(percentile.2)).map(|percentile| percentile.1).collect()
}

/// The pairs in claims and answers that are not compared already, in either direction.
fn claimed<'a>(plan: &Plan, gathered: &'a Gathered, listed: &[Pair<'a>]) -> Vec<Pair<'a>> {
    let arm = |name: &str| gathered.arms.iter().find(|arm| arm.plan.label == name || arm.plan.name == name);
    let mut pairs: Vec<Pair<'a>> = Vec::new();
    let of_claims = plan.scenario.claims.iter().map(|claim| (&claim.arm, &claim.against));
    let figures = plan.scenario.answers.iter().flat_map(Answer::figures);
    let of_answers = figures.map(|figure| (&figure.arm, &figure.against));
    for (subject, against) in of_claims.chain(of_answers) {
        let Some((a, b)) = arm(subject).zip(against.as_deref().and_then(arm)) else { continue };
        let same = |pair: &Pair<'_>| {
            let labels = (&pair.0.plan.label, &pair.1.plan.label);
            labels == (&a.plan.label, &b.plan.label) || labels == (&b.plan.label, &a.plan.label)
        };
        if !listed.iter().chain(&pairs).any(same) {
            pairs.push((a, b));
        }
    }
    pairs
}

/// The measured time of each arm.
pub(super) fn measured_seconds(plan: &Plan, gathered: &Gathered) -> f64 {
    gathered.rounds as f64 * plan.load.slice.as_secs_f64()
}

struct Judge {
    confidence: f64,
    seed: u64,
    seconds: f64,
    forgets_counts: bool,
}

impl Judge {
    fn pair(&self, arm: &ArmData, baseline: &ArmData) -> Vec<Comparison> {
        let cpu = ratio_of_means(arm.total.as_slice(), baseline.total.as_slice(), self.confidence);
        let mut list =
            vec![self.judged("cpu", "us", arm, baseline, cpu, &Metric::spent("CPU per operation"))];
        for (name, noun, quantile) in PERCENTILES {
            // A percentile with too few operations, or that is mostly the generator's, is not compared.
            if is_generators(&(arm, baseline), quantile) {
                continue;
            }
            let ratio =
                ratio_of_percentiles(&arm.total, &baseline.total, quantile, self.confidence, self.seed);
            if ratio.is_some() {
                list.push(self.judged(name, "ms", arm, baseline, ratio, &Metric::shown(noun)));
            }
        }
        if let Some(ratio) = self.capacity(arm, baseline) {
            let words = Metric::shown("capacity");
            list.push(self.judged("capacity", "/s", arm, baseline, Some(ratio), &words));
        }
        list.push(plain("memory", "MiB", "of memory", arm, baseline, resident));
        if !self.forgets_counts {
            list.push(plain("hops", "", "calls between processes per operation", arm, baseline, hops));
        }
        list
    }

    /// The ratio of two arms' capacities; `None` if the generator was the bottleneck in either.
    fn capacity(&self, arm: &ArmData, baseline: &ArmData) -> Option<Interval> {
        // The less time an operation takes, the higher the capacity.
        let [arm, baseline] =
            [capacity::time_at_capacity(&arm.ramp)?, capacity::time_at_capacity(&baseline.ramp)?];
        ratio_of_means(baseline.as_slice(), arm.as_slice(), self.confidence)
    }

    fn judged(
        &self,
        metric: &str,
        unit: &str,
        arm: &ArmData,
        baseline: &ArmData,
        interval: Option<Interval>,
        words: &Metric,
    ) -> Comparison {
        let verdict = interval.map(|interval| Verdict::of(&interval, EQUIVALENCE_MARGIN, self.seconds));
        let (a, b) = (&arm.plan.label, &baseline.plan.label);
        let sentence = verdict.map_or_else(
            || format!("{a} and {b}, {metric}: too little was measured to compare"),
            |verdict| verdict.sentence(a, b, words),
        );
        Comparison {
            metric: metric.to_owned(),
            unit: unit.to_owned(),
            arm: a.clone(),
            baseline: b.clone(),
            interval,
            verdict,
            sentence,
            where_flips: None,
        }
    }
}

/// Compares figures that are counted, not estimated.
fn plain(
    metric: &str,
    unit: &str,
    noun: &str,
    arm: &ArmData,
    baseline: &ArmData,
    of: fn(&ArmData) -> f64,
) -> Comparison {
    let (a, b) = (&arm.plan.label, &baseline.plan.label);
    let unit_after = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    let sentence = format!("{a} has {:.2}{unit_after} {noun}, {b} has {:.2}", of(arm), of(baseline));
    Comparison {
        metric: metric.to_owned(),
        unit: unit.to_owned(),
        arm: a.clone(),
        baseline: b.clone(),
        interval: None,
        verdict: None,
        sentence,
        where_flips: None,
    }
}

/// Resident memory of all processes and backings, in MiB.
pub(super) fn resident(arm: &ArmData) -> f64 {
    arm.parts.iter().map(|part| part.resident).sum()
}

/// Calls between processes per operation.
pub(super) fn hops(arm: &ArmData) -> f64 {
    arm.counters.get(counters::HOPS) / arm.counted.max(1) as f64
}

/// SQL statements per operation.
pub(super) fn sql(arm: &ArmData) -> f64 {
    arm.counters.get(counters::SQL) / arm.counted.max(1) as f64
}

/// Redis commands per operation.
pub(super) fn redis(arm: &ArmData) -> f64 {
    arm.counters.get(counters::REDIS) / arm.counted.max(1) as f64
}

/// The CPU microseconds per operation of the backings with this name: the estimate, and the interval's ends.
/// Zero for an arm without one; `None` if too little was measured.
pub(super) fn spent_on(arm: &ArmData, backing: &str) -> Option<[f64; 3]> {
    let part = arm.parts.iter().find(|part| part.kind == PartKind::Backing && part.name == backing);
    part.map_or(Some([0.0; 3]), |part| {
        let spent = mean(part.cpu.as_slice(), CONFIDENCE)?;
        Some([spent.estimate, spent.low, spent.high].map(|nanoseconds| nanoseconds / 1_000.0))
    })
}
