//! The answers to a scenario's question: its sentences with this run's figures.
//!
//! Counts are facts in any run. Figures of timing are known only if the run has a verdict.

use report::{
    caveats,
    model::{Answer, Arm, CauseCount, Comparison, PartKind},
    words::{count, mean_count, three_digits},
};
use scenario::{Answer as Stated, FigureOf, Metric, Piece};
use statistics::Verdict;

use super::{compare::Comparisons, over_time};

/// The answers of a scenario; one about an arm that did not run is left out.
pub(super) fn all(
    system: &str,
    stated: &[Stated],
    arms: &[Arm],
    comparisons: &Comparisons,
    verdict_possible: bool,
) -> Vec<Answer> {
    let run = Run { system, arms, comparisons, verdict_possible };
    stated.iter().filter_map(|answer| run.answer(answer)).collect()
}

/// The data for answers.
struct Run<'a> {
    /// The name of the system.
    system: &'a str,
    arms: &'a [Arm],
    comparisons: &'a Comparisons,
    verdict_possible: bool,
}

/// A figure in an answer.
#[derive(Clone, Debug)]
enum Figure {
    /// Known, as text: `higher by 21 % [3, 41]`, `1,480`.
    Known(String),
    /// A count that was not measured.
    Uncounted,
    /// Inconclusive, with an optional reason: `about 40 s more of measuring would be needed`.
    Untold(Option<String>),
}

impl Figure {
    fn counted(words: Option<String>) -> Self {
        words.map_or(Self::Uncounted, Self::Known)
    }

    fn timed(words: Option<String>) -> Self {
        words.map_or(Self::Untold(None), Self::Known)
    }
}

/// The nouns that may follow a count.
const NOUNS: [&str; 4] = ["requests", "decisions", "calls", "SQL statements"];

/// The words in place of an unknown figure that keep the sentence readable.
fn missing(figure: &Figure, before: &str, after: &str) -> String {
    let ends = after.is_empty() || after.starts_with([',', ';', '.']);
    let why = match figure {
        Figure::Untold(why) => why.as_deref(),
        Figure::Known(_) | Figure::Uncounted => None,
    };
    match (figure, why) {
        (Figure::Uncounted, _) if !ends => {
            let of = NOUNS.iter().any(|noun| after.trim_start().starts_with(noun));
            format!("an unknown number{}", if of { " of" } else { "" })
        }
        (_, Some(why)) if before.ends_with(": ") => format!("not known ({why})"),
        (_, None) if before.ends_with(": ") => "not known".to_owned(),
        (_, Some(why)) => format!("(not known: {why})"),
        (_, None) => "(not known)".to_owned(),
    }
}

/// The subject of an answer whose figures are all unknown and that says nothing else: a list of figures after
/// a colon.
fn of_nothing<'a>(figures: &[Option<Figure>], words: &'a str) -> Option<&'a str> {
    let topic = words.split_once(": ").map(|(topic, _)| topic).filter(|topic| !topic.contains(';'))?;
    let mut all = figures.iter().flatten();
    let none = all.clone().count() > 1 && all.all(|figure| matches!(figure, Figure::Untold(None)));
    none.then_some(topic)
}

impl Run<'_> {
    /// `None` if it is about an arm that did not run.
    fn answer(&self, stated: &Stated) -> Option<Answer> {
        let figures: Vec<Option<Figure>> = stated
            .0
            .iter()
            .map(|piece| match piece {
                Piece::Words(_) => Some(None),
                Piece::Figure(figure) => self.figure(figure).map(Some),
            })
            .collect::<Option<_>>()?;
        let words = |at: usize| match stated.0.get(at) {
            Some(Piece::Words(words)) => words.as_str(),
            _ => "",
        };
        if let Some(topic) = of_nothing(&figures, words(0)) {
            return Some(Answer { sentence: format!("{topic}: not known."), certain: false });
        }
        let is_uncounted = |at: usize| matches!(figures.get(at), Some(Some(Figure::Uncounted)));
        let (mut sentence, mut certain, mut at) = (String::new(), true, 0);
        while at < figures.len() {
            match &figures[at] {
                None => sentence.push_str(words(at)),
                Some(Figure::Known(figure)) => sentence.push_str(figure),
                Some(figure) => {
                    certain = false;
                    // A share with unknown parts: `{stale of redis} of {deleted of redis}`.
                    if is_uncounted(at) && words(at + 1) == " of " && is_uncounted(at + 2) {
                        at += 2;
                    }
                    sentence.push_str(&missing(figure, &sentence, words(at + 1)));
                }
            }
            at += 1;
        }
        Some(Answer { sentence, certain })
    }

    /// `None` if an arm did not run.
    fn figure(&self, figure: &FigureOf) -> Option<Figure> {
        let arm = self.arm(&figure.arm)?;
        let Some(against) = &figure.against else {
            return Some(self.alone(&figure.metric, arm));
        };
        let baseline = self.arm(against)?;
        let compared = self.compared(&figure.metric.name(), arm, baseline);
        Some(compared.unwrap_or_else(|| {
            match (self.alone(&figure.metric, arm), self.alone(&figure.metric, baseline)) {
                (Figure::Known(one), Figure::Known(other)) => Figure::Known(format!("{one} against {other}")),
                _ => Figure::Untold(None),
            }
        }))
    }

    fn arm(&self, name: &str) -> Option<&Arm> {
        self.arms.iter().find(|arm| arm.label == name || arm.name == name)
    }

    /// The verdict on a metric with an interval; `None` for a count.
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
            return Some(Figure::Untold(None));
        }
        let verdict = if turned { verdict.turned(&interval) } else { verdict };
        let words = verdict.short();
        if let Verdict::CannotTell { more_seconds } = verdict {
            let launches =
                "it differs from one start of the processes to the next, so more starts are needed";
            let more = words.strip_prefix("cannot tell: would need ").filter(|_| more_seconds.is_some());
            return Some(Figure::Untold(Some(more.map_or_else(|| launches.to_owned(), measuring))));
        }
        let caveat = caveats::meaningless(metric, arm, baseline);
        Some(Figure::Known(words + &caveat.map(|why| format!(" ({why})")).unwrap_or_default()))
    }

    /// The figure of a single arm.
    fn alone(&self, metric: &Metric, arm: &Arm) -> Figure {
        let timed = |value: Option<f64>, unit: &str| {
            let known = value.filter(|_| self.verdict_possible);
            Figure::timed(known.map(|value| format!("{} {unit}", three_digits(value))))
        };
        let mean = |mean: Option<f64>| Figure::counted(mean.map(|mean| mean_count(Some(mean))));
        match metric {
            Metric::Cpu => timed(arm.cpu_us_per_op.total.map(|total| total.estimate), "µs"),
            Metric::Capacity => {
                let known = arm.capacity.filter(|_| self.verdict_possible);
                Figure::timed(known.map(|capacity| format!("{} operations per second", capacity.words())))
            }
            Metric::CpuOf(backing) => timed(Some(spent_on(arm, backing)), "µs"),
            Metric::P50 => timed(arm.latency_ms.p50, "ms"),
            Metric::P90 => timed(arm.latency_ms.p90, "ms"),
            Metric::P99 => timed(arm.latency_ms.p99, "ms"),
            Metric::Memory => {
                Figure::timed(arm.memory_mib.resident.map(|mib| format!("{} MiB", three_digits(mib))))
            }
            Metric::Hops => mean(arm.per_op.hops),
            Metric::Sql => mean(arm.per_op.sql),
            Metric::Redis => mean(Some(arm.per_op.redis.unwrap_or(0.0))),
            Metric::OverTime(figure) => {
                let known = over_time::figure(*figure, arm).filter(|_| self.verdict_possible);
                Figure::timed(known.map(|found| found.median()))
            }
            counted => Figure::counted(self.counted(counted, arm).map(count)),
        }
    }

    /// A count; `None` if it was not measured.
    fn counted(&self, metric: &Metric, arm: &Arm) -> Option<u64> {
        let sum = |causes: &[CauseCount]| causes.iter().map(|cause| cause.count).sum::<u64>();
        match metric {
            Metric::Offered => Some(arm.operations + sum(&arm.refused) + sum(&arm.failed)),
            Metric::Failed => Some(sum(&arm.failed)),
            Metric::Refused => Some(sum(&arm.refused)),
            of_the_ledger => {
                let counted = arm.ledger.as_ref()?.verdict().told(&of_the_ledger.facts(self.system))?;
                counted.is_sure.then_some(counted.count)
            }
        }
    }
}

fn measuring(more: &str) -> String {
    format!("{more} of measuring would be needed")
}

fn spent_on(arm: &Arm, backing: &str) -> f64 {
    let parts = arm.cpu_us_per_op.parts.iter();
    parts.filter(|part| part.kind == PartKind::Backing && part.name == backing).map(|part| part.us).sum()
}

#[cfg(test)]
mod tests {
    use report::Report;

    use super::*;

    const PLACEMENT: &str = include_str!("../../../report/src/fixtures/placement.json");

    fn answers(pieces: Vec<Piece>, verdict_possible: bool) -> Vec<Answer> {
        let report: Report = serde_json::from_str(PLACEMENT).unwrap();
        let comparisons =
            Comparisons { list: report.comparisons, for_claims: Vec::new(), family: 1, cpu: None };
        all("shortener", &[Stated(pieces)], &report.arms, &comparisons, verdict_possible)
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
        assert_eq!(without.sentence, "it failed 3 times, and takes (not known)");
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
            all("shortener", &[Stated(pieces)], &report.arms, &comparisons, true).remove(0).sentence
        };
        assert!(answer(Metric::P50).ends_with("(saturated, so that a queue grew: microservices)"));
        assert!(!answer(Metric::Cpu).contains("saturated"));
    }

    #[test]
    fn what_is_known_of_neither_arm_is_said_once() {
        let pieces = vec![figure(Metric::CpuOf("redis".to_owned()), "microservices", Some("monolith"))];
        assert_eq!(answers(pieces, false), [Answer { sentence: "(not known)".to_owned(), certain: false }]);
    }

    #[test]
    fn a_sentence_stays_one_where_figures_are_missing() {
        let mut report: Report = serde_json::from_str(PLACEMENT).unwrap();
        report.arms[1].ledger = None;
        let comparisons =
            Comparisons { list: report.comparisons, for_claims: Vec::new(), family: 1, cpu: None };
        let words = |words: &str| Piece::Words(words.to_owned());
        let lost = || figure(Metric::Ledger("lost".to_owned()), "microservices", None);
        let checked = || figure(Metric::Ledger("checked".to_owned()), "microservices", None);
        let told = |pieces: Vec<Piece>| {
            all("shortener", &[Stated(pieces)], &report.arms, &comparisons, true).remove(0)
        };
        for (pieces, sentence) in [
            (vec![words("it let "), lost(), words(" through.")], "it let an unknown number through."),
            (
                vec![words("it let "), lost(), words(" requests through.")],
                "it let an unknown number of requests through.",
            ),
            (vec![words("lost: split "), lost(), words(".")], "lost: split (not known)."),
            (vec![words("lost: "), lost(), words(".")], "lost: not known."),
            (
                vec![words("lost: "), lost(), words(" of "), checked(), words(" by the services.")],
                "lost: an unknown number by the services.",
            ),
        ] {
            assert_eq!(told(pieces), Answer { sentence: sentence.to_owned(), certain: false });
        }
    }

    #[test]
    fn a_difference_that_cannot_be_told_says_why_behind_what_it_is_of() {
        let mut report: Report = serde_json::from_str(PLACEMENT).unwrap();
        for comparison in &mut report.comparisons {
            comparison.verdict = Some(Verdict::CannotTell { more_seconds: Some(40.0) });
        }
        let comparisons =
            Comparisons { list: report.comparisons, for_claims: Vec::new(), family: 1, cpu: None };
        let words = |words: &str| Piece::Words(words.to_owned());
        let cpu = || figure(Metric::Cpu, "microservices", Some("monolith"));
        let pieces = vec![words("CPU: "), cpu(), words("; split "), cpu(), words(".")];
        let sentence =
            all("shortener", &[Stated(pieces)], &report.arms, &comparisons, true).remove(0).sentence;
        let why = "about 40 s more of measuring would be needed";
        assert_eq!(sentence, format!("CPU: not known ({why}); split (not known: {why})."));
    }

    #[test]
    fn a_list_of_which_nothing_is_known_is_said_once() {
        let cpu = || figure(Metric::Cpu, "microservices", Some("monolith"));
        let words = |words: &str| Piece::Words(words.to_owned());
        let list = vec![words("CPU, against one: split "), cpu(), words("; apart "), cpu(), words(".")];
        assert_eq!(answers(list, false)[0].sentence, "CPU, against one: not known.");
        let two = vec![words("Split; CPU: "), cpu(), words("; median: "), cpu(), words(".")];
        assert_eq!(answers(two, false)[0].sentence, "Split; CPU: not known; median: not known.");
    }

    #[test]
    fn an_arm_that_is_not_in_the_run_has_no_answer() {
        assert_eq!(answers(vec![figure(Metric::Cpu, "links-apart", None)], true), []);
    }
}
