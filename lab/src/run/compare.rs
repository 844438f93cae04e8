//! Each arm against its baseline, a metric at a time.

use load::statistics::{
    EQUIVALENCE_MARGIN, Interval, Metric, Verdict, enough_for, family_wise, ratio_of_means,
    ratio_of_percentiles,
};

use super::gathered::{ArmData, Gathered};
use crate::{plan::Plan, report::model::Comparison, scenario::Kind};

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
    pub(super) list: Vec<Comparison>,
    /// How many intervals share one allowance of false alarms.
    pub(super) family: usize,
    /// The interval of the first CPU comparison: what the validity of the run is told by.
    pub(super) cpu: Option<Interval>,
}

/// Compares every arm with the first; in a waterfall, with the step before.
pub(super) fn all(plan: &Plan, gathered: &Gathered) -> Comparisons {
    let walk = plan.scenario.kind == Kind::Waterfall;
    let pairs: Vec<(&ArmData, &ArmData)> = (1..gathered.arms.len())
        .map(|at| (&gathered.arms[at], &gathered.arms[if walk { at - 1 } else { 0 }]))
        .collect();
    let enough = |pair: &(&ArmData, &ArmData), quantile| {
        enough_for(quantile, pair.0.total.operations()) && enough_for(quantile, pair.1.total.operations())
    };
    let percentiles =
        pairs.iter().map(|pair| PERCENTILES.iter().filter(|p| enough(pair, p.2)).count()).sum::<usize>();
    let family = pairs.len() + percentiles;
    let judge = Judge {
        confidence: family_wise(CONFIDENCE, family.max(1)),
        seed: plan.seed,
        seconds: measured_seconds(plan, gathered),
    };
    let list: Vec<Comparison> = pairs.iter().flat_map(|(arm, baseline)| judge.pair(arm, baseline)).collect();
    let cpu =
        list.iter().find(|comparison| comparison.metric == "cpu").and_then(|comparison| comparison.interval);
    Comparisons { list, family, cpu }
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
        let mut list = vec![self.judged("cpu", "us", arm, baseline, cpu, &Metric::spent("CPU an operation"))];
        for (name, noun, quantile) in PERCENTILES {
            let ratio =
                ratio_of_percentiles(&arm.total, &baseline.total, quantile, self.confidence, self.seed);
            // A percentile that too few operations carry is not compared at all.
            if ratio.is_some() {
                list.push(self.judged(name, "ms", arm, baseline, ratio, &Metric::shown(noun)));
            }
        }
        list.push(plain("memory", "MiB", "of memory", arm, baseline, resident));
        list.push(plain("hops", "", "hops an operation", arm, baseline, hops));
        list
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
    let sentence = format!("{a} has {:.2}{unit_after} {noun}, {b} {:.2}", of(arm), of(baseline));
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
