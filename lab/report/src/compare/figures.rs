//! The figures of two runs side by side.

use statistics::{EQUIVALENCE_MARGIN, Interval, Verdict};

use super::{Agreement, Difference, Figure};
use crate::{
    model::{Arm, Comparison, Report},
    words::{NO_FIGURE, maybe, mean_count, three_digits},
};

/// Each arm against its baseline, if both runs made the comparison.
pub(super) fn differences(first: &Report, second: &Report) -> Vec<Difference> {
    let decided = first.validity.verdict_possible && second.validity.verdict_possible;
    let mut all = Vec::new();
    for one in first.comparisons.iter().filter(|one| one.verdict.is_some() || one.interval.is_some()) {
        let same = |other: &&Comparison| {
            (&other.metric, &other.arm, &other.baseline) == (&one.metric, &one.arm, &one.baseline)
        };
        let Some(other) = second.comparisons.iter().find(same) else { continue };
        let apart = other.interval.zip(one.interval).and_then(|(other, one)| other.over(&one));
        let agreement = match apart {
            Some(apart) if decided => Agreement::of(&apart),
            _ => Agreement::NoVerdict,
        };
        all.push(Difference {
            metric: one.metric.clone(),
            arm: one.arm.clone(),
            baseline: one.baseline.clone(),
            ratios: [one.interval, other.interval],
            apart,
            agreement,
        });
    }
    all
}

/// An arm's figure as text, with its interval if it has one.
type Said = fn(&Arm) -> (String, Option<Interval>);

/// The figures of each arm in both runs; a figure that neither has is left out.
pub(super) fn figures(first: &Report, second: &Report) -> Vec<Figure> {
    let named: [(&str, Said); 7] = [
        ("CPU per operation, µs", |arm| (maybe_interval(arm.cpu_us_per_op.total), arm.cpu_us_per_op.total)),
        ("capacity, operations per second", |arm| {
            let capacity = arm.capacity.map(|capacity| capacity.words());
            (capacity.unwrap_or_else(|| NO_FIGURE.to_owned()), None)
        }),
        ("latency p50, ms", |arm| (maybe(arm.latency_ms.p50), None)),
        ("latency p99, ms", |arm| (maybe(arm.latency_ms.p99), None)),
        ("memory, MiB", |arm| (maybe(arm.memory_mib.resident), None)),
        ("calls between processes per operation", |arm| (mean_count(arm.per_op.hops), None)),
        ("SQL statements per operation", |arm| (mean_count(arm.per_op.sql), None)),
    ];
    let mut all = Vec::new();
    for (name, said) in named {
        for one in &first.arms {
            let Some(other) = second.arm(&one.label) else { continue };
            let [(first_said, first_interval), (second_said, second_interval)] = [said(one), said(other)];
            if [&first_said, &second_said].iter().all(|said| *said == NO_FIGURE) {
                continue;
            }
            all.push(Figure {
                name: name.to_owned(),
                arm: one.label.clone(),
                values: [first_said, second_said],
                apart: second_interval.zip(first_interval).and_then(|(second, first)| second.over(&first)),
            });
        }
    }
    all
}

fn maybe_interval(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || NO_FIGURE.to_owned(),
        |it| format!("{} [{}, {}]", three_digits(it.estimate), three_digits(it.low), three_digits(it.high)),
    )
}

/// A ratio as text: `2.09x [1.95, 2.23]`.
pub(super) fn ratio(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || NO_FIGURE.to_owned(),
        |it| format!("{}x [{}, {}]", three_digits(it.estimate), three_digits(it.low), three_digits(it.high)),
    )
}

/// The second run's figure relative to the first's.
pub(super) fn apart(interval: &Interval) -> String {
    match Verdict::of(interval, EQUIVALENCE_MARGIN, 0.0) {
        Verdict::CannotTell { .. } => {
            format!("between {}x and {}x", three_digits(interval.low), three_digits(interval.high))
        }
        verdict => verdict.short(),
    }
}
