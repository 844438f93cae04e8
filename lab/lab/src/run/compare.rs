//! Each arm against its baseline, a metric at a time.

use report::model::{Comparison, PartKind};
use scenario::{Answer, Kind, plan::Plan};
use statistics::{
    EQUIVALENCE_MARGIN, Interval, Metric, Verdict, are_enough_for, family_wise, mean, ratio_of_means,
    ratio_of_percentiles,
};

use super::{
    capacity,
    gathered::{ArmData, Gathered},
    rounds::SEND_LAG_BOUND,
};

/// The confidence of all intervals of a report together.
pub(super) const CONFIDENCE: f64 = 0.95;

/// The percentiles that are compared: the name, how it is said, the quantile.
const PERCENTILES: [(&str, &str, f64); 4] = [
    ("p50", "p50 latency", 0.5),
    ("p90", "p90 latency", 0.9),
    ("p99", "p99 latency", 0.99),
    ("p999", "p99.9 latency", 0.999),
];

/// Every comparison of a run.
pub(super) struct Comparisons {
    /// Those that the report lists.
    pub(super) list: Vec<Comparison>,
    /// Those that only a claim asks for.
    pub(super) for_claims: Vec<Comparison>,
    /// How many intervals share one allowance of false alarms.
    pub(super) family: usize,
    /// The interval of the first CPU comparison: what the validity of the run is told by.
    pub(super) cpu: Option<Interval>,
}

/// Two arms: the one that is judged, and its baseline.
type Pair<'a> = (&'a ArmData, &'a ArmData);

/// Compares every arm with the first; in a waterfall, with the step before; and whatever pair a claim names besides.
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
    let has_capacity = |arm: &ArmData| capacity::time(&arm.ramp).is_some();
    let capacities = every().filter(|pair| has_capacity(pair.0) && has_capacity(pair.1)).count();
    let family = every().count() + percentiles + capacities;
    let judge = Judge {
        confidence: family_wise(1.0 - (1.0 - CONFIDENCE) * gathered.share, family.max(1)),
        seed: plan.seed,
        seconds: measured_seconds(plan, gathered),
    };
    let judged =
        |pairs: &[Pair<'_>]| pairs.iter().flat_map(|(arm, baseline)| judge.pair(arm, baseline)).collect();
    let list: Vec<Comparison> = judged(&listed);
    let cpu =
        list.iter().find(|comparison| comparison.metric == "cpu").and_then(|comparison| comparison.interval);
    Comparisons { list, for_claims: judged(&claimed), family, cpu }
}

/// The metrics that are told before a run is decided.
const DECIDE: [&str; 3] = ["cpu", "p50", "p99"];

/// What a run cannot tell yet: of each pair the metrics of [`DECIDE`], in words. What is the generator's own is not
/// waited for.
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

/// Whether a percentile of either arm is as much the generator's as the system's: the same percentile of its send lag is
/// over the bound, and over a tenth of the latency.
fn is_generators(pair: &Pair<'_>, quantile: f64) -> bool {
    [pair.0, pair.1].into_iter().any(|arm| {
        let [lag, latency] =
            [&arm.record.send_lag, &arm.record.latency].map(|times| times.value_at_quantile(quantile));
        u128::from(lag) > SEND_LAG_BOUND.as_nanos() && lag > latency / 10
    })
}

/// The percentiles that are not compared because they are the generator's own, of whichever pair.
pub(super) fn spoiled(gathered: &Gathered) -> Vec<&'static str> {
    let arms = &gathered.arms;
    let spoils = |quantile| arms.iter().any(|arm| is_generators(&(arm, arm), quantile));
    PERCENTILES.iter().filter(|percentile| spoils(percentile.2)).map(|percentile| percentile.1).collect()
}

/// The pairs that claims and answers name and that are not listed either way round.
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

/// Measured time of each arm.
pub(super) fn measured_seconds(plan: &Plan, gathered: &Gathered) -> f64 {
    gathered.rounds as f64 * plan.load.slice.as_secs_f64()
}

struct Judge {
    confidence: f64,
    seed: u64,
    seconds: f64,
}

impl Judge {
    fn pair(&self, arm: &ArmData, baseline: &ArmData) -> Vec<Comparison> {
        let cpu = ratio_of_means(arm.total.as_slice(), baseline.total.as_slice(), self.confidence);
        let mut list =
            vec![self.judged("cpu", "us", arm, baseline, cpu, &Metric::spent("CPU per operation"))];
        for (name, noun, quantile) in PERCENTILES {
            // A percentile that too few operations carry, or that is the generator's own, is not compared at all.
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
        list.push(plain("hops", "", "calls between processes per operation", arm, baseline, hops));
        list
    }

    /// The capacity of one arm against the other's; none where the generator could not do more in either.
    fn capacity(&self, arm: &ArmData, baseline: &ArmData) -> Option<Interval> {
        // The less time an operation takes, the higher the capacity.
        let [arm, baseline] = [capacity::time(&arm.ramp)?, capacity::time(&baseline.ramp)?];
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

/// Figures that are counted, not estimated.
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

/// MiB resident in all processes and backings.
pub(super) fn resident(arm: &ArmData) -> f64 {
    arm.parts.iter().map(|part| part.resident).sum()
}

/// Calls between processes, an operation.
pub(super) fn hops(arm: &ArmData) -> f64 {
    arm.counters[0] / arm.counted.max(1) as f64
}

/// SQL statements, an operation.
pub(super) fn sql(arm: &ArmData) -> f64 {
    arm.counters[2] / arm.counted.max(1) as f64
}

/// Redis commands, an operation.
pub(super) fn redis(arm: &ArmData) -> f64 {
    arm.counters[6] / arm.counted.max(1) as f64
}

/// CPU microseconds an operation of the backings of that name: the estimate, and its interval's ends.
/// Zero for an arm without one; none where too little was measured.
pub(super) fn spent_on(arm: &ArmData, backing: &str) -> Option<[f64; 3]> {
    let part = arm.parts.iter().find(|part| part.kind == PartKind::Backing && part.name == backing);
    part.map_or(Some([0.0; 3]), |part| {
        let spent = mean(part.cpu.as_slice(), CONFIDENCE)?;
        Some([spent.estimate, spent.low, spent.high].map(|nanoseconds| nanoseconds / 1_000.0))
    })
}
