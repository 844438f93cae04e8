//! The ledger: was everything that was acknowledged still there?

use load::ledger::Kept;
use maud::{Markup, html};

use super::{arm_name, prose, row_name, titled};
use crate::{
    facts, figures,
    model::{Arm, Report},
    words::{NO_FIGURE, count},
};

pub(super) fn section(report: &Report) -> Markup {
    if report.arms.iter().all(|arm| arm.ledger.is_none()) {
        return html! {};
    }
    let (there, nowhere) = names(report);
    let body = html! {
        div class="scroll" tabindex="0" role="group" aria-label="The facts of each ledger" { (facts(report, &there)) }
        @if !nowhere.is_empty() {
            p class="soft small" { "Zero in every ledger: " @for (at, name) in nowhere.iter().enumerate() { @if at > 0 { "; " } (row_name(&facts::with_name(&report.scenario.system, name))) } "." }
        }
        @for arm in &report.arms { (examples(report, arm)) }
    };
    titled(
        "ledger",
        "The ledger: is everything that was acknowledged still there?",
        "After the load the lab asked each system, through its public API, for everything that it had acknowledged, while it warmed up too. Whatever is lost, doubled or wrong breaks the ledger, however fast the system was.",
        &body,
    )
}

/// The facts that occurred in some arm, and those that are zero in every arm.
fn names(report: &Report) -> (Vec<&str>, Vec<&str>) {
    let facts = || report.arms.iter().filter_map(|arm| arm.ledger.as_ref()).flat_map(|ledger| &ledger.facts);
    let mut names: Vec<&str> = Vec::new();
    for fact in facts() {
        if !names.contains(&fact.name.as_str()) {
            names.push(&fact.name);
        }
    }
    names.into_iter().partition(|name| facts().any(|fact| fact.name == *name && fact.count > 0))
}

fn facts(report: &Report, names: &[&str]) -> Markup {
    html! {
        table class="figures stacked" {
            thead {
                tr {
                    th { "fact" }
                    @for arm in &report.arms { th { (arm_name(report, &arm.label)) } }
                }
            }
            tbody {
                @for name in names {
                    tr {
                        th scope="row" { (row_name(&facts::with_name(&report.scenario.system, name))) }
                        @for arm in &report.arms { (fact(arm, name)) }
                    }
                }
                tr class="total" {
                    th scope="row" { "verdict" }
                    @for arm in &report.arms { td data-label=(arm.label) { (verdict(arm)) } }
                }
            }
        }
    }
}

fn fact(arm: &Arm, name: &str) -> Markup {
    let found = arm.ledger.iter().flat_map(|ledger| &ledger.facts).find(|fact| fact.name == name);
    match found {
        Some(fact) if fact.violation && fact.count > 0 => {
            html! { td class="bad" data-label=(arm.label) { (count(fact.count)) } }
        }
        Some(fact) => html! { td data-label=(arm.label) { (count(fact.count)) } },
        None => html! { td data-label=(arm.label) { (NO_FIGURE) } },
    }
}

fn verdict(arm: &Arm) -> Markup {
    match arm.ledger.as_ref().map(|ledger| ledger.verdict().kept()) {
        None => html! { span class="badge" { "not checked" } },
        Some(Kept::Broken) => html! { span class="badge bad-badge" { "✗ broken" } },
        Some(Kept::NotSettled) => html! { span class="badge" { "✓ holds so far, some is on its way" } },
        Some(Kept::NotAllAsked) => html! { span class="badge" { "✓ holds, as far as it could be checked" } },
        Some(Kept::NothingAsked) => html! { span class="badge" { "could not be checked" } },
        Some(Kept::All) => html! { span class="badge good-badge" { "✓ holds" } },
    }
}

fn examples(report: &Report, arm: &Arm) -> Markup {
    let Some(ledger) = arm.ledger.as_ref().filter(|ledger| !ledger.examples.is_empty()) else {
        return html! {};
    };
    html! {
        div class="examples" {
            p { (arm_name(report, &arm.label)) ": " (figures::violations_in_words(report, arm)) ". For example:" }
            ul { @for example in &ledger.examples { li { (prose(example)) } } }
        }
    }
}
