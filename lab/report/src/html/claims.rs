//! The claims of textbooks, compared with this run.

use maud::{Markup, html};

use super::{prose, titled};
use crate::model::{Claim, ClaimVerdict, Report};

pub(super) fn section(report: &Report) -> Markup {
    if report.claims.is_empty() {
        return html! {};
    }
    titled(
        "claims",
        "What textbooks say",
        "Statements from books and papers: whether each held in this run, and the figures that decide it.",
        &html! { ul class="claims" { @for claim in &report.claims { (one(report, claim)) } } },
    )
}

fn one(report: &Report, claim: &Claim) -> Markup {
    let class = match claim.verdict {
        ClaimVerdict::Holds => "badge good-badge",
        ClaimVerdict::DoesNotHoldHere => "badge bad-badge",
        ClaimVerdict::CannotTell => "badge",
    };
    html! {
        li {
            span class=(class) { (sign(claim.verdict)) (claim.verdict) }
            div {
                p class="claim" { (prose(&claim.text)) }
                p class="soft" {
                    (prose(&because(report, claim))) "."
                    @if !claim.is_as_expected() {
                        " " b class=[(claim.verdict != ClaimVerdict::CannotTell).then_some("bad")] { "Expected: “" (claim.expected) "”." }
                    }
                    @if let Some(source) = &claim.source { " " cite { (source) "." } }
                }
            }
        }
    }
}

/// Capitalises a sentence, unless it begins with an arm's name.
fn because(report: &Report, claim: &Claim) -> String {
    let mut letters = claim.because.chars();
    match letters.next() {
        Some(first) if !report.arms.iter().any(|arm| claim.because.starts_with(&arm.label)) => {
            first.to_uppercase().chain(letters).collect()
        }
        _ => claim.because.clone(),
    }
}

fn sign(verdict: ClaimVerdict) -> &'static str {
    match verdict {
        ClaimVerdict::Holds => "✓ ",
        ClaimVerdict::DoesNotHoldHere => "✗ ",
        ClaimVerdict::CannotTell => "? ",
    }
}
