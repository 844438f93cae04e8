//! Goodput against the offered load: a drawing for each arm, and the same as a table.

use maud::{Markup, html};

use super::{arm_name, titled, unbroken};
use crate::{
    hysteresis::{Hysteresis, hysteresis},
    model::Report,
    svg,
};

/// The marks and their meaning.
const KEYS: [(&str, &str); 5] = [
    ("h-up", "while the load grows"),
    ("h-down", "while it falls back"),
    ("h-start", "where it starts"),
    ("h-end", "where it ends"),
    ("h-all", "all that is offered"),
];

pub(super) fn section(report: &Report) -> Markup {
    let Some(all) = hysteresis(report) else { return html! {} };
    let body = html! {
        dl class="keys" { div { dt { "marks" } @for (mark, words) in KEYS { dd { (svg::hysteresis_key(mark)) (words) } } } }
        div class={"episode by-" (all.arms.len().min(4))} {
            @for at in 0..all.arms.len() { (svg::hysteresis(&all, at)) }
        }
        (table(report, &all))
    };
    titled("hysteresis", Hysteresis::TITLE, &format!("{}.", Hysteresis::MEANING), &body)
}

fn table(report: &Report, all: &Hysteresis<'_>) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="group" aria-label=(Hysteresis::TITLE) {
            table class="figures stacked" {
                thead { tr { th { "a second" } @for arm in &all.arms { th { (arm_name(report, &arm.arm.label)) } } } }
                tbody {
                    @for (load, cells) in all.rows() {
                        tr {
                            th scope="row" { (unbroken(&load)) }
                            @for (arm, cell) in all.arms.iter().zip(cells) { td data-label=(arm.arm.label) { (unbroken(&cell)) } }
                        }
                    }
                }
            }
        }
    }
}
