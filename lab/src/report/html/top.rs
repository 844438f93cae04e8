//! What a stranger reads in ten seconds: the question, and the answer in plain words.

use load::statistics::Verdict;
use maud::{Markup, html};

use super::{prose, unbroken};
use crate::report::figures;
use crate::report::model::{Comparison, Report};
use crate::report::words::trimmed;

pub(super) fn question(report: &Report) -> Markup {
    let scenario = &report.scenario;
    html! {
        header {
            p class="kicker" {
                "System Design Lab" span class="dot-between" { "·" } (scenario.name)
                @if report.quick { " " span class="badge" { "quick form" } }
            }
            h1 { (scenario.question) }
            p class="why" { (prose(&scenario.why)) }
        }
    }
}

pub(super) fn answer(report: &Report) -> Markup {
    let (told, not_told): (Vec<_>, Vec<_>) = figures::headlines(report)
        .into_iter()
        .partition(|comparison| report.answers.is_empty() || figures::is_told(comparison));
    html! {
        section id="answer" aria-label="The answer" {
            @if let Some(sentence) = figures::void_sentence(report) {
                (alarm("No verdict", &sentence, &[]))
            }
            @for arm in &report.arms {
                @if let (Some(sentence), Some(death)) = (figures::death_sentence(arm), &arm.died) {
                    (alarm("Died", &sentence, &death.last_log_lines))
                }
                @if let Some(sentence) = figures::saturated_sentence(report, arm) {
                    (alarm("Saturated", &sentence, &[]))
                }
                @if arm.ledger.as_ref().is_some_and(|ledger| !ledger.holds) {
                    (alarm("Ledger broken", &broken(report, &arm.label), &[]))
                }
            }
            @for answer in &report.answers {
                p class={"answer" @if !answer.certain { " unsure" }} { (unbroken(&answer.sentence)) }
            }
            @if !told.is_empty() {
                @if !report.answers.is_empty() { h2 class="costs" { "What it costs" } }
                div class={"cards" @if !report.validity.verdict_possible { " doubtful" }} {
                    @for comparison in told { (card(report, comparison)) }
                }
            }
            @if !not_told.is_empty() {
                p class="soft" { "Cannot be told apart here: " (listed(&not_told)) "." }
            }
            @for skipped in &report.skipped_arms {
                p class="skipped" {
                    span class="badge" { "skipped" } " " b { (skipped.name) } ": " (prose(&skipped.why)) ". "
                    span class="soft" { "Hint: " (prose(&skipped.hint)) "." }
                }
            }
            @if !report.scenario.look_for.is_empty() {
                div class="look" {
                    b { "Look for" }
                    ul {
                        @for hint in &report.scenario.look_for { li { (prose(hint)) } }
                    }
                }
            }
        }
    }
}

fn broken(report: &Report, label: &str) -> String {
    let Some(arm) = report.arm(label) else {
        return String::new();
    };
    let verdict = figures::violations(arm);
    match &arm.negative_control {
        Some(why) => {
            format!("{label}: {verdict}. It is a negative control, here to be caught: {why}.")
        }
        None => format!("{label}: {verdict}. Its other figures do not count: it is fast at being wrong."),
    }
}

fn alarm(mark: &str, sentence: &str, lines: &[String]) -> Markup {
    html! {
        div class="alarm" role="alert" {
            p { strong { (mark) ". " } (prose(sentence)) }
            @if !lines.is_empty() {
                pre { @for line in lines { (line) "\n" } }
            }
        }
    }
}

fn card(report: &Report, comparison: &Comparison) -> Markup {
    html! {
        article class={"card " (mood(comparison))} {
            p class="card-metric" { (metric_name(&comparison.metric)) }
            p class="card-figure" { (figure(comparison)) }
            p class="card-sentence" { (unbroken(&figures::sentence(report, comparison))) "." }
            @if let Some(caveat) = figures::caveat(report, comparison) {
                p class="card-sentence soft" { (unbroken(&caveat)) "." }
            }
        }
    }
}

/// Comparisons by metric: `median latency (p50) of local and redis; ...`.
fn listed(comparisons: &[&Comparison]) -> String {
    let mut metrics: Vec<&str> = Vec::new();
    for comparison in comparisons {
        if !metrics.contains(&comparison.metric.as_str()) {
            metrics.push(&comparison.metric);
        }
    }
    let of = |metric: &str| {
        let pairs = comparisons.iter().filter(|comparison| comparison.metric == metric);
        let arms: Vec<_> = pairs.map(|pair| format!("{} against {}", pair.arm, pair.baseline)).collect();
        format!("{}: {}", metric_name(metric), arms.join(", "))
    };
    metrics.into_iter().map(of).collect::<Vec<_>>().join("; ")
}

/// A metric as a reader says it.
pub(super) fn metric_name(metric: &str) -> String {
    match metric {
        "cpu" => "CPU an operation".to_owned(),
        "p50" => "median latency (p50)".to_owned(),
        "p90" => "latency, p90".to_owned(),
        "p99" => "tail latency (p99)".to_owned(),
        "p999" => "latency, p99.9".to_owned(),
        "sql" => "SQL an operation".to_owned(),
        "hops" => "hops an operation".to_owned(),
        "bytes" => "bytes an operation".to_owned(),
        other => other.to_owned(),
    }
}

fn mood(comparison: &Comparison) -> &'static str {
    match comparison.verdict {
        Some(Verdict::Higher { .. } | Verdict::Lower { .. }) => "differs",
        Some(Verdict::NoDifference { .. }) => "equal",
        _ => "unknown",
    }
}

/// The verdict as large as a headline: `2.41x`, `+18 %`, `equal`, `cannot tell`.
fn figure(comparison: &Comparison) -> String {
    match comparison.verdict {
        Some(Verdict::Higher { by, .. }) if by >= 1.0 => format!("{by:.2}×", by = by + 1.0),
        Some(Verdict::Higher { by, .. }) => format!("+{} %", per_cent(by)),
        Some(Verdict::Lower { by, .. }) => format!("−{} %", per_cent(by)),
        Some(Verdict::NoDifference { .. }) => "equal".to_owned(),
        Some(Verdict::CannotTell { .. }) => "cannot tell".to_owned(),
        None => "counted".to_owned(),
    }
}

fn per_cent(share: f64) -> String {
    let per_cent = share * 100.0;
    if per_cent >= 10.0 { format!("{per_cent:.0}") } else { trimmed((per_cent * 10.0).round() / 10.0) }
}
