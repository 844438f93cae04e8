//! The first screen: the question, and the answer in plain words.

use maud::{Markup, html};
use statistics::{Verdict, factor};

use super::{arm_name, prose, unbroken};
use crate::{
    caveats, figures, headline,
    model::{Arm, Comparison, Report},
    words::trimmed,
};

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
            @if let Some(asks) = &scenario.asks {
                p class="asks" { "What differs between the systems compared is " code { (scenario.axis) } ": " (asks) }
            }
        }
    }
}

pub(super) fn answer(report: &Report) -> Markup {
    let headline = headline::of(report);
    html! {
        section id="answer" aria-label="The answer" {
            @for arm in report.arms.iter().filter(|arm| headline::outweighs(arm)) { (in_trouble(report, arm)) }
            @for answer in &headline.answers {
                p class={"answer" @if !answer.certain { " unsure" }} { (unbroken(&answer.sentence)) }
            }
            @if let Some(sentence) = figures::void_sentence(report) {
                (alarm("No verdict", &sentence, &[]))
            }
            @for arm in report.arms.iter().filter(|arm| !headline::outweighs(arm)) { (in_trouble(report, arm)) }
            @if !headline.cards.is_empty() {
                @if !headline.answers.is_empty() { h2 class="costs" { "What it costs" } }
                div class="cards" {
                    @for comparison in &headline.cards { (card(report, comparison)) }
                }
            }
            @for folded in &headline.folded { p class="soft folded" { (unbroken(folded)) "." } }
            @if let Some(brackets) = headline::brackets(&headline) { p class="soft small brackets" { (brackets) } }
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

/// The problems of an arm.
fn in_trouble(report: &Report, arm: &Arm) -> Markup {
    html! {
        @if let (Some(sentence), Some(death)) = (figures::death_sentence(arm), &arm.died) {
            @let last = if death.last_log_lines.is_empty() { "." } else { ". The last that it logged:" };
            (alarm("Died", &format!("{sentence}{last}"), &death.last_log_lines))
        }
        @if let Some(sentence) = caveats::saturated(report, arm) {
            (alarm("Saturated", &format!("{sentence}."), &[]))
        }
        @if arm.ledger.as_ref().is_some_and(|ledger| !ledger.holds) {
            (alarm("Ledger broken", &broken(report, arm), &[]))
        }
    }
}

fn broken(report: &Report, arm: &Arm) -> String {
    let verdict = format!("{}: {}", arm.label, figures::violations_in_words(report, arm));
    match &arm.negative_control {
        Some(why) => format!("{verdict}. It is a negative control, here to be caught: {why}."),
        None => format!("{verdict}. Its other figures do not count: it is fast at being wrong."),
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
            p class="card-metric" { (arm_name(report, &comparison.arm)) " " span class="metric" { (figures::metric_name(&comparison.metric)) } }
            p class="card-figure" { (figure(comparison)) }
            p class="card-sentence" { (unbroken(&comparison.sentence)) "." }
            @if let Some(caveat) = caveats::of_comparison(report, comparison) {
                p class="card-sentence soft" { (unbroken(&caveat)) "." }
            }
        }
    }
}

fn mood(comparison: &Comparison) -> &'static str {
    match comparison.verdict {
        Some(Verdict::Higher { .. } | Verdict::Lower { .. }) => "differs",
        Some(Verdict::NoDifference { .. }) => "equal",
        _ => "unknown",
    }
}

/// The verdict as a headline: `2.41×`, `+18 %`, `÷2.56`, `equal`, `cannot tell`.
fn figure(comparison: &Comparison) -> String {
    match comparison.verdict {
        Some(Verdict::Higher { by, .. }) if by >= 1.0 => {
            format!("{}×", factor(1.0 + by).replace("about ", "≈"))
        }
        Some(Verdict::Higher { by, .. }) => format!("+{} %", per_cent(by)),
        // As in its sentence: lower by a factor.
        Some(Verdict::Lower { by, .. }) if by >= 0.5 => {
            format!("÷{}", factor(1.0 / (1.0 - by)).replace("about ", "≈"))
        }
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
