//! The compared wirings: their topologies side by side, and the proof that one axis differs.

use maud::{Markup, html};

use super::{arm_name, picture, prose, titled};
use crate::{
    model::{Arm, Kind, Report},
    svg,
    words::{store, summary},
};

pub(super) fn section(report: &Report) -> Markup {
    let body = html! {
        div class="topologies" {
            @for (index, arm) in report.arms.iter().enumerate() { (figure(report, index, arm)) }
        }
        (axis(report))
    };
    titled(
        "architecture",
        "What was compared",
        "A box is a process; what stands in it are the components that run in that process. A cylinder is a store or a broker. An arrow is a call, and one that leaves its box goes over the network stack of this machine.",
        &body,
    )
}

fn figure(report: &Report, index: usize, arm: &Arm) -> Markup {
    html! {
        figure {
            figcaption {
                (arm_name(report, &arm.label))
                @if arm.negative_control.is_some() { " " span class="badge" { "negative control" } }
                span class="soft" { (prose(&summary(arm))) "." }
            }
            (picture(&format!("The processes of {}", arm.label), svg::topology_width(arm), &svg::topology(arm, index)))
            @if !arm.backings.is_empty() {
                p class="soft small" {
                    @for (at, backing) in arm.backings.iter().enumerate() {
                        @if at > 0 { "; " }
                        (backing.role) ": " (store(backing))
                    }
                    "."
                }
            }
        }
    }
}

fn axis(report: &Report) -> Markup {
    let heading = match (report.plan_diff.len(), report.scenario.kind) {
        (0, _) => "Nothing differs: one wiring twice (an A/A run)",
        (_, Kind::Waterfall) => "What differs: one axis at each step",
        (1, _) => "What differs: one axis",
        _ => "What differs",
    };
    html! {
        h3 { (heading) }
        div class="scroll" tabindex="0" role="group" aria-label="What differs between the arms" {
            table class="axis-table stacked" {
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
                                td data-label=(report.arms.get(at).map_or("", |arm| arm.label.as_str())) { @if changed { mark { (value) } } @else { (value) } }
                            }
                        }
                    }
                    @if report.plan_diff.is_empty() {
                        tr { td colspan=(report.arms.len() + 1) { "Both arms are the same wiring, so every difference in this report is noise." } }
                    }
                }
            }
        }
        p class="held" {
            "The same in every arm: "
            @for held in &report.held { span class="pair" { (held.axis) " " b { (held.value) } } " " }
        }
        p class="soft small" { "Processors, for every arm alike: " (prose(&report.budget.note)) "." }
    }
}
