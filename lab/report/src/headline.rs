//! The beginning of a report: the answer to the scenario's question, and then the costs.

use statistics::Verdict;

use super::{
    caveats,
    figures::metric_name,
    model::{Answer, Arm, ClaimVerdict, Comparison, Report},
};

/// The most claims that replace the answers of a scenario without any.
const MOST_CLAIMS: usize = 4;

/// The beginning of a report, in this order.
pub(super) struct Headline<'a> {
    /// The answers to the question.
    pub(super) answers: Vec<Answer>,
    /// The conclusive and meaningful comparisons: CPU at this load, capacity, the median and the tail.
    pub(super) cards: Vec<&'a Comparison>,
    /// The other comparisons, as sentences without full stops.
    pub(super) folded: Vec<String>,
}

/// The headline of a report.
pub(super) fn of(report: &Report) -> Headline<'_> {
    let first = ["cpu", "capacity", "p50", "p99"];
    let picked = report.comparisons.iter().filter(|comparison| first.contains(&comparison.metric.as_str()));
    let (mut cards, mut undecided, mut meaningless) = (Vec::new(), Vec::new(), Vec::new());
    for comparison in picked {
        let arms = report.arm(&comparison.arm).zip(report.arm(&comparison.baseline));
        match arms.and_then(|(arm, baseline)| caveats::meaningless(&comparison.metric, arm, baseline)) {
            Some(why) => meaningless.push((comparison, why)),
            None if is_decided(report, comparison) => cards.push(comparison),
            None => undecided.push(comparison),
        }
    }
    let mut folded = not_compared(&meaningless);
    if !undecided.is_empty() {
        let why = if report.validity.verdict_possible {
            ""
        } else {
            ", because this run has no verdict on what was timed"
        };
        folded.push(format!("Cannot tell whether these differ{why}: {}", listed(&undecided)));
    }
    Headline { answers: answers(report), cards, folded }
}

fn is_decided(report: &Report, comparison: &Comparison) -> bool {
    let is_known = |verdict: Verdict| !matches!(verdict, Verdict::CannotTell { .. });
    report.validity.verdict_possible && comparison.verdict.is_some_and(is_known)
}

/// The answers, certain ones first; for a scenario without answers, the results of its claims.
fn answers(report: &Report) -> Vec<Answer> {
    let mut answers = if report.answers.is_empty() { of_claims(report) } else { report.answers.clone() };
    answers.sort_by_key(|answer| !answer.certain);
    answers
}

fn of_claims(report: &Report) -> Vec<Answer> {
    let of_claim = |claim: &super::model::Claim| Answer {
        sentence: format!("{} – {}: {}.", claim.text.trim_end_matches('.'), claim.verdict, claim.because),
        certain: claim.verdict != ClaimVerdict::CannotTell,
    };
    report.claims.iter().take(MOST_CLAIMS).map(of_claim).collect()
}

/// Comparisons that another figure makes meaningless, one sentence for each reason.
fn not_compared(meaningless: &[(&Comparison, String)]) -> Vec<String> {
    let mut reasons: Vec<&str> = Vec::new();
    for (_, why) in meaningless {
        if !reasons.contains(&why.as_str()) {
            reasons.push(why);
        }
    }
    let sentence = |why: &&str| {
        let same: Vec<&Comparison> =
            meaningless.iter().filter(|(_, other)| other == why).map(|(comparison, _)| *comparison).collect();
        format!("Not comparable: {} ({why})", listed(&same))
    };
    reasons.iter().map(sentence).collect()
}

/// Comparisons grouped by their arms:
/// `CPU per operation, median latency (p50) of local, redis against none; ...`.
fn listed(comparisons: &[&Comparison]) -> String {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for Comparison { metric, baseline, arm, .. } in comparisons {
        match groups.iter_mut().find(|group| group.metrics == [metric.as_str()] && group.baseline == baseline)
        {
            Some(group) => group.arms.push(arm),
            None => groups.push(Group { metrics: vec![metric], baseline, arms: vec![arm] }),
        }
    }
    let mut merged: Vec<Group<'_>> = Vec::new();
    for group in groups {
        match merged.iter_mut().find(|other| other.baseline == group.baseline && other.arms == group.arms) {
            Some(other) => other.metrics.extend(group.metrics),
            None => merged.push(group),
        }
    }
    let words = |group: &Group<'_>| {
        let metrics: Vec<String> = group.metrics.iter().map(|metric| metric_name(metric)).collect();
        format!("{} of {} against {}", metrics.join(", "), group.arms.join(", "), group.baseline)
    };
    merged.iter().map(words).collect::<Vec<_>>().join("; ")
}

/// Metrics of the same arms against the same baseline.
struct Group<'a> {
    metrics: Vec<&'a str>,
    baseline: &'a str,
    arms: Vec<&'a str>,
}

/// The explanation of brackets, if the headline contains any.
pub(super) fn brackets(headline: &Headline<'_>) -> Option<&'static str> {
    let sentences = headline.answers.iter().map(|answer| &answer.sentence);
    let cards = headline.cards.iter().map(|comparison| &comparison.sentence);
    sentences.chain(cards).any(|sentence| sentence.contains('[')).then_some(
        "Brackets hold the interval in which the true figure lies, as far as this run can tell: all of them together are right in 95 of 100 runs.",
    )
}

/// Problems that outweigh the answers: an arm that died, or a broken ledger without a negative control.
pub(super) fn outweighs(arm: &Arm) -> bool {
    let is_broken = arm.ledger.as_ref().is_some_and(|ledger| !ledger.holds);
    arm.died.is_some() || (is_broken && arm.negative_control.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{html, markdown, model::CauseCount, terminal};

    const PLACEMENT: &str = include_str!("fixtures/placement.json");
    const TROUBLE: &str = include_str!("fixtures/trouble.json");

    fn fixture(json: &str) -> Report {
        serde_json::from_str(json).unwrap()
    }

    /// All forms, each on one line.
    fn forms(report: &Report) -> [String; 3] {
        let terminal = anstream::adapter::strip_str(&terminal::render(report)).to_string();
        [terminal, markdown::render(report), html::render(report)]
            .map(|form| form.replace('\u{a0}', " ").split_whitespace().collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn what_an_arm_refused_is_said_beside_whatever_leaves_it_out() {
        let mut report = fixture(PLACEMENT);
        assert!(of(&report).cards.iter().any(|card| card.metric == "cpu"));
        report.arms[1].operations = 3_875;
        report.arms[1].refused = vec![CauseCount { cause: "unavailable".to_owned(), count: 1_480 }];
        report.arms[1].failed.clear();
        let headline = of(&report);
        assert!(headline.cards.iter().all(|card| card.metric == "capacity"), "{:?}", headline.cards);
        let why =
            "only of operations that ended well: microservices refused or failed 1,480 of 5,355, monolith";
        for form in forms(&report) {
            let first =
                form.find("Not comparable: CPU per operation, median latency (p50), tail latency (p99) of microservices against monolith").unwrap();
            assert!(form[first..].contains(why), "{form}");
            let note = "* 1,480 of 5,355 operations of microservices were refused or failed".to_owned();
            assert!(form.contains(&note), "{form}");
        }
        for form in &forms(&report)[1..] {
            assert!(form.matches(why).count() >= 4, "beside every difference too: {form}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_one_line() {
        let mut report = fixture(PLACEMENT);
        let cpu = report.comparisons[0].clone();
        report.comparisons = (0..15)
            .map(|at| Comparison {
                metric: ["cpu", "p50", "p99"][at % 3].to_owned(),
                arm: format!("arm-{}", at / 3),
                verdict: Some(Verdict::CannotTell { more_seconds: Some(40.0) }),
                ..cpu.clone()
            })
            .collect();
        let line = "Cannot tell whether these differ: CPU per operation, median latency (p50), tail latency (p99) of arm-0, arm-1, arm-2, arm-3, arm-4 against monolith";
        for form in forms(&report) {
            assert_eq!(form.matches(line).count(), 1, "{form}");
        }
        assert!(!html::render(&report).contains("class=\"card "));
    }

    #[test]
    fn the_answer_stands_above_a_missing_verdict_and_below_what_outweighs_it() {
        let mut report = fixture(PLACEMENT);
        report.validity.verdict_possible = false;
        report.answers.reverse();
        assert!(!report.answers[0].certain);
        let answer = report.answers[1].sentence.clone();
        assert_eq!(of(&report).answers[0].sentence, answer, "what could be told comes first");
        for form in forms(&report) {
            assert!(form.find(&answer[..40]) < form.find("Nothing that depends on timing"), "{form}");
        }
        let mut report = fixture(TROUBLE);
        report.arms.iter_mut().for_each(|arm| arm.negative_control = None);
        report.answers = vec![Answer { sentence: "This is the answer.".to_owned(), certain: true }];
        for form in forms(&report) {
            assert!(form.find("acknowledged and gone") < form.find("This is the answer."), "{form}");
        }
    }

    #[test]
    fn a_scenario_without_answers_is_answered_by_its_claims() {
        let mut report = fixture(PLACEMENT);
        report.answers.clear();
        let first = &report.claims[0];
        let sentence =
            format!("{} – {}: {}.", first.text.trim_end_matches('.'), first.verdict, first.because);
        assert_eq!(of(&report).answers[0].sentence, sentence);
        assert!(of(&report).answers.len() <= MOST_CLAIMS);
    }

    #[test]
    fn what_was_offered_stands_beside_what_was_planned_and_its_chance() {
        let mut report = fixture(PLACEMENT);
        (report.load.rate, report.load.measured_seconds_per_arm) = (1_500.0, 6.0);
        for form in forms(&report) {
            assert!(form.contains("offered per second (planned 1,500 ± 31.6)"), "{form}");
        }
        report.load.arrivals = "constant".to_owned();
        assert!(forms(&report).iter().all(|form| !form.contains("± 31.6")));
    }
}
