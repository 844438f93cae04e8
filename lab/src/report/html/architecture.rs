//! What was compared: the topologies side by side, and the proof that one axis differs.

use maud::{Markup, html};

use super::{arm_name, prose, titled};
use crate::report::model::{Arm, Kind, Report};
use crate::report::svg;

pub(super) fn section(report: &Report) -> Markup {
    let body = html! {
        div class="topologies" {
            @for (place, arm) in report.arms.iter().enumerate() { (figure(report, place, arm)) }
        }
        (axis(report))
    };
    titled(
        "architecture",
        "What was compared",
        "Boxes are processes, the chips in them the components that they host, cylinders the stores; an arrow is a call, and one between boxes crosses the network stack.",
        &body,
    )
}

fn figure(report: &Report, place: usize, arm: &Arm) -> Markup {
    html! {
        figure {
            figcaption {
                (arm_name(report, &arm.label))
                @if arm.negative_control.is_some() { " " span class="badge" { "negative control" } }
                span class="soft" { (prose(&arm.summary)) "." }
            }
            div class="scroll" { (svg::topology(arm, place)) }
            @if !arm.backings.is_empty() {
                p class="soft small" {
                    @for (at, backing) in arm.backings.iter().enumerate() {
                        @if at > 0 { "; " }
                        (backing.role) ": " (backing.version) ", " (backing.provider)
                    }
                    "."
                }
            }
        }
    }
}

fn axis(report: &Report) -> Markup {
    let heading = match (report.plan_diff.len(), report.scenario.kind) {
        (0, _) => "No axis: an A/A run",
        (_, Kind::Waterfall) => "One axis a step",
        (1, _) => "The one axis",
        _ => "The axes",
    };
    html! {
        h3 { (heading) }
        div class="scroll" {
            table class="axis-table" {
                thead {
                    tr {
                        th { "axis" }
                        @for arm in &report.arms { th { (arm_name(report, &arm.label)) } }
                    }
                }
                tbody {
                    @for row in &report.plan_diff {
                        tr {
                            th scope="row" { code { (row.key) } }
                            @for (at, value) in row.values.iter().enumerate() {
                                @let changed = at > 0 && row.values.get(at - 1) != Some(value);
                                td { @if changed { mark { (value) } } @else { (value) } }
                            }
                        }
                    }
                    @if report.plan_diff.is_empty() {
                        tr { td colspan=(report.arms.len() + 1) { "Both arms are the same wiring: every difference in this report is noise, and shows how much of it there is." } }
                    }
                }
            }
        }
        p class="held" {
            "Held for every arm: "
            @for held in &report.held { span class="pair" { (held.axis) " " b { (held.value) } } " " }
        }
        p class="soft small" { "The same for every arm: " (prose(&report.budget.note)) "." }
    }
}
