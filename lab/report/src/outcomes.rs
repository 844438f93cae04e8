//! Latency by outcome: let through, refused, unavailable, failed.

use load::journeys::{self, KindShape, SystemUnderTest};

use super::{
    model::{Arm, OutcomeLatency, Report},
    words::{count, maybe},
};

/// The columns of a table of outcomes, after those of the arm and the outcome.
pub(super) const COLUMNS: [&str; 5] = ["operations", "p50, ms", "p90, ms", "p99, ms", "max, ms"];

/// The kinds of a report's system.
fn kinds(report: &Report) -> &'static [KindShape] {
    journeys::find(&report.scenario.system).map(SystemUnderTest::kinds).unwrap_or_default()
}

/// An outcome's name for readers: a kind of the system's, or what any system may reply.
pub(super) fn name<'a>(report: &Report, outcome: &'a str) -> &'a str {
    match (kinds(report).iter().find(|kind| kind.name == outcome), outcome) {
        (Some(kind), _) => kind.words,
        (None, "unavailable") => "unavailable (503)",
        (None, "rate-limited") => "too many requests (429)",
        (None, other) => other,
    }
}

/// Whether a single latency of an arm says little, because some operations were refused or failed.
pub(super) fn matter(report: &Report) -> bool {
    let refusals = || kinds(report).iter().filter(|kind| kind.is_refusal);
    let is_no = |outcome: &OutcomeLatency| refusals().any(|kind| kind.name == outcome.outcome);
    let any = |arm: &Arm| !arm.refused.is_empty() || !arm.failed.is_empty() || arm.outcomes.iter().any(is_no);
    report.arms.iter().any(any) && report.arms.iter().any(|arm| !arm.outcomes.is_empty())
}

/// The cells of an outcome, in the order of [`COLUMNS`].
pub(super) fn cells(outcome: &OutcomeLatency) -> [String; 5] {
    let latency = &outcome.latency_ms;
    let times = [latency.p50, latency.p90, latency.p99, latency.max].map(maybe);
    let [p50, p90, p99, max] = times;
    [count(outcome.count), p50, p90, p99, max]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{html, markdown, model::Latency, terminal};

    fn report() -> Report {
        let mut report: Report = serde_json::from_str(include_str!("fixtures/placement.json")).unwrap();
        report.scenario.system = "limiter".to_owned();
        let outcome = |outcome: &str, count, p50| OutcomeLatency {
            outcome: outcome.to_owned(),
            count,
            latency_ms: Latency { p50: Some(p50), ..Latency::default() },
        };
        report.arms[0].outcomes = vec![
            outcome("admitted", 1_975, 1.25),
            outcome("refused", 1_800, 0.75),
            outcome("unavailable", 1_580, 90.5),
        ];
        report
    }

    #[test]
    fn what_was_let_through_and_what_was_not_have_latencies_of_their_own_in_every_form() {
        let report = report();
        let terminal = anstream::adapter::strip_str(&terminal::render(&report)).to_string();
        for form in [terminal, markdown::render(&report), html::render(&report)] {
            for (name, count, p50) in [
                ("let through", "1,975", "1.25"),
                ("refused by the limit", "1,800", "0.750"),
                ("unavailable (503)", "1,580", "90.5"),
            ] {
                let from = form.find(name).unwrap_or_else(|| panic!("no {name}: {form}"));
                let (count, p50) = (form[from..].find(count).unwrap(), form[from..].find(p50).unwrap());
                assert!(count < p50, "{form}");
            }
        }
    }

    #[test]
    fn a_report_of_an_earlier_lab_has_no_outcomes_and_says_nothing_of_them() {
        let mut report = report();
        report.arms[0].outcomes.clear();
        assert!(!html::render(&report).contains("what became of"));
        assert!(!markdown::render(&report).contains("Latency by outcome"));
        assert!(!matter(&report));
    }
}
