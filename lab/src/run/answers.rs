//! The answer to a scenario's question: its sentences with this run's figures.
//!
//! What was counted is a fact in any run. What only timing decides is known where the run has a verdict.

use load::statistics::Verdict;

use super::compare::Comparisons;
use crate::{
    report::{
        caveats,
        model::{Answer, Arm, CauseCount, Comparison, PartKind},
        words::{count, mean_count, three_digits},
    },
    scenario::{Answer as Stated, FigureOf, Metric, Piece},
};

/// The answers of a scenario; one about an arm that is not in the run is left out.
pub(super) fn all(
    stated: &[Stated],
    arms: &[Arm],
    comparisons: &Comparisons,
    verdict_possible: bool,
) -> Vec<Answer> {
    let run = Run { arms, comparisons, verdict_possible };
    stated.iter().filter_map(|answer| run.answer(answer)).collect()
}

/// What answers are taken from.
struct Run<'a> {
    arms: &'a [Arm],
    comparisons: &'a Comparisons,
    verdict_possible: bool,
}

/// A figure in words, and whether it is known.
type Figure = (String, bool);

impl Run<'_> {
    fn answer(&self, stated: &Stated) -> Option<Answer> {
        let (mut sentence, mut certain) = (String::new(), true);
        for piece in &stated.0 {
            match piece {
                Piece::Words(words) => sentence.push_str(words),
                Piece::Figure(figure) => {
                    let (words, known) = self.figure(figure)?;
                    sentence.push_str(&words);
                    certain &= known;
                }
            }
        }
        Some(Answer { sentence, certain })
    }

    /// `None` if an arm is not in the run.
    fn figure(&self, figure: &FigureOf) -> Option<Figure> {
        let arm = self.arm(&figure.arm)?;
        let Some(against) = &figure.against else {
            return Some(self.alone(&figure.metric, arm));
        };
        let baseline = self.arm(against)?;
        let compared = self.compared(&figure.metric.name(), arm, baseline);
        Some(compared.unwrap_or_else(|| {
            let (one, known) = self.alone(&figure.metric, arm);
            let (other, other_known) = self.alone(&figure.metric, baseline);
            if !known && !other_known {
                return (one, false);
            }
            (format!("{one} against {other}"), known && other_known)
        }))
    }

    fn arm(&self, name: &str) -> Option<&Arm> {
        self.arms.iter().find(|arm| arm.label == name || arm.name == name)
    }

    /// The verdict on a metric that has an interval; `None` for what is counted.
    fn compared(&self, metric: &str, arm: &Arm, baseline: &Arm) -> Option<Figure> {
        let find = |a: &str, b: &str| {
            let same = |c: &&Comparison| c.metric == metric && c.arm == a && c.baseline == b;
            self.comparisons.list.iter().chain(&self.comparisons.for_claims).find(same)
        };
        let (comparison, turned) = find(&arm.label, &baseline.label)
            .map(|found| (found, false))
            .or_else(|| Some((find(&baseline.label, &arm.label)?, true)))?;
        let (interval, verdict) = (comparison.interval?, comparison.verdict?);
        if !self.verdict_possible {
            return Some(("not known".to_owned(), false));
        }
        let verdict = if turned { verdict.turned(&interval) } else { verdict };
        let known = !matches!(verdict, Verdict::CannotTell { .. });
        let caveat = caveats::meaningless(metric, arm, baseline).filter(|_| known);
        Some((verdict.short() + &caveat.map(|why| format!(" ({why})")).unwrap_or_default(), known))
    }

    /// The figure of one arm.
    fn alone(&self, metric: &Metric, arm: &Arm) -> Figure {
        let timed = |value: Option<f64>, unit: &str| {
            let known = value.filter(|_| self.verdict_possible);
            known.map(|value| format!("{} {unit}", three_digits(value)))
        };
        let words = match metric {
            Metric::Cpu => timed(arm.cpu_us_per_op.total.map(|total| total.estimate), "µs"),
            Metric::Capacity => {
                let known = arm.capacity.filter(|_| self.verdict_possible);
                known.map(|capacity| format!("{} operations per second", capacity.words()))
            }
            Metric::CpuOf(backing) => timed(Some(spent_on(arm, backing)), "µs"),
            Metric::P50 => timed(arm.latency_ms.p50, "ms"),
            Metric::P90 => timed(arm.latency_ms.p90, "ms"),
            Metric::P99 => timed(arm.latency_ms.p99, "ms"),
            Metric::Memory => arm.memory_mib.resident.map(|mib| format!("{} MiB", three_digits(mib))),
            Metric::Hops => arm.per_op.hops.map(|mean| mean_count(Some(mean))),
            Metric::Sql => arm.per_op.sql.map(|mean| mean_count(Some(mean))),
            Metric::Redis => Some(mean_count(Some(arm.per_op.redis.unwrap_or(0.0)))),
            counted => self::counted(counted, arm).map(count),
        };
        words.map_or_else(|| ("not known".to_owned(), false), |words| (words, true))
    }
}

fn spent_on(arm: &Arm, backing: &str) -> f64 {
    let parts = arm.cpu_us_per_op.parts.iter();
    parts.filter(|part| part.kind == PartKind::Backing && part.name == backing).map(|part| part.us).sum()
}

/// A count; `None` if nothing counted it.
fn counted(metric: &Metric, arm: &Arm) -> Option<u64> {
    let sum = |causes: &[CauseCount]| causes.iter().map(|cause| cause.count).sum::<u64>();
    match metric {
        Metric::Offered => Some(arm.operations + sum(&arm.refused) + sum(&arm.failed)),
        Metric::Failed => Some(sum(&arm.failed)),
        Metric::Refused => Some(sum(&arm.refused)),
        of_the_ledger => {
            let counted = arm.ledger.as_ref()?.verdict().told(&of_the_ledger.facts())?;
            counted.is_sure.then_some(counted.count)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;

    const PLACEMENT: &str = include_str!("../report/fixtures/placement.json");

    fn answers(pieces: Vec<Piece>, verdict_possible: bool) -> Vec<Answer> {
        let report: Report = serde_json::from_str(PLACEMENT).unwrap();
        let comparisons =
            Comparisons { list: report.comparisons, for_claims: Vec::new(), family: 1, cpu: None };
        all(&[Stated(pieces)], &report.arms, &comparisons, verdict_possible)
    }

    fn figure(metric: Metric, arm: &str, against: Option<&str>) -> Piece {
        Piece::Figure(FigureOf { metric, arm: arm.to_owned(), against: against.map(str::to_owned) })
    }

    #[test]
    fn what_was_counted_is_known_in_any_run_and_what_was_timed_only_with_a_verdict() {
        let pieces = vec![
            Piece::Words("it failed ".to_owned()),
            figure(Metric::Failed, "microservices", None),
            Piece::Words(" times, and takes ".to_owned()),
            figure(Metric::Cpu, "microservices", Some("monolith")),
        ];
        let [with, without] = [true, false].map(|possible| answers(pieces.clone(), possible).remove(0));
        assert!(with.certain && with.sentence.starts_with("it failed 3 times, and takes 2."), "{with:?}");
        assert_eq!(without.sentence, "it failed 3 times, and takes not known");
        assert!(!without.certain);
    }

    #[test]
    fn a_comparison_reads_from_either_side() {
        let from = |arm: &str, other: &str| {
            answers(vec![figure(Metric::Cpu, arm, Some(other))], true).remove(0).sentence
        };
        assert!(from("microservices", "monolith").contains('x'));
        assert!(
            from("monolith", "microservices").starts_with("lower by "),
            "{}",
            from("monolith", "microservices")
        );
    }

    #[test]
    fn a_latency_of_an_arm_that_was_saturated_says_so_in_the_answer() {
        let mut report: Report = serde_json::from_str(PLACEMENT).unwrap();
        report.arms[1].saturated = true;
        let comparisons =
            Comparisons { list: report.comparisons, for_claims: Vec::new(), family: 1, cpu: None };
        let answer = |metric| {
            let pieces = vec![figure(metric, "microservices", Some("monolith"))];
            all(&[Stated(pieces)], &report.arms, &comparisons, true).remove(0).sentence
        };
        assert!(answer(Metric::P50).ends_with("(saturated, so that a queue grew: microservices)"));
        assert!(!answer(Metric::Cpu).contains("saturated"));
    }

    #[test]
    fn what_is_known_of_neither_arm_is_said_once() {
        let pieces = vec![figure(Metric::CpuOf("redis".to_owned()), "microservices", Some("monolith"))];
        assert_eq!(answers(pieces, false), [Answer { sentence: "not known".to_owned(), certain: false }]);
    }

    #[test]
    fn an_arm_that_is_not_in_the_run_has_no_answer() {
        assert_eq!(answers(vec![figure(Metric::Cpu, "links-apart", None)], true), []);
    }
}
