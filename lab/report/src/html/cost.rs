//! The cost of an operation: the figures, and the CPU time by part.

use maud::{Markup, html};

use super::{PLOT, arm_name, picture, row_name, titled, unbroken};
use crate::{
    caveats::{self, About},
    figures as rows,
    model::{Arm, Kind, Report},
    svg,
    words::{part_kind, place, three_digits},
};

pub(super) fn figures(report: &Report) -> Markup {
    let body = html! {
        div class="scroll" tabindex="0" role="group" aria-label="The figures of each arm" {
            table class="figures stacked" {
                thead {
                    tr {
                        th { "figure" }
                        @for arm in &report.arms { th { (arm_name(report, &arm.label)) } }
                    }
                }
                tbody {
                    @for row in rows::rows(report) {
                        tr {
                            th scope="row" { (row_name(&row.name)) }
                            @for (arm, cell) in report.arms.iter().zip(&row.cells) {
                                td data-label=(arm.label) class=[cell.starts_with("BROKEN").then_some("bad")] { (unbroken(cell)) }
                            }
                        }
                    }
                }
            }
        }
        @for note in caveats::notes(report) { p class="soft small" { (note) "." } }
    };
    titled(
        "figures",
        "The figures",
        "An operation is one thing that a user does, such as following a link. Brackets hold the interval in which the true figure lies with 95 % confidence; a dash means that there is none, or that too little was measured.",
        &body,
    )
}

pub(super) fn walk(report: &Report) -> Markup {
    let drawn = if report.scenario.kind == Kind::Waterfall { svg::steps(report) } else { None };
    let Some(drawn) = drawn else { return html! {} };
    titled(
        "walk",
        "Where did the cost go?",
        "Each bar begins where the one above it ends. Its length is what that step adds to the CPU per operation, or takes off it.",
        &picture("CPU per operation, step by step", PLOT, &drawn),
    )
}

pub(super) fn cpu(report: &Report) -> Markup {
    let Some(scale) = svg::cpu_scale(report) else {
        return html! {};
    };
    let bars = html! {
        div class="bars" {
            @for (index, arm) in report.arms.iter().enumerate() {
                @if !arm.cpu_us_per_op.parts.is_empty() {
                    (bar_head(report, arm))
                    (svg::cpu_bar(arm, index, &scale))
                    (parts(arm, index))
                }
            }
            (svg::cpu_axis(&scale))
        }
        @for note in caveats::notes(report).iter().filter(|note| note.starts_with('*')) { p class="soft small" { (note) "." } }
    };
    titled(
        "cpu",
        "CPU per operation",
        "Microseconds of processor time per operation, summed over all processes of an arm. Plain shades are processes of the system, hatched ones its stores and brokers; the thin line below the end of a bar is the interval in which the true sum lies.",
        // On a narrow screen the bars fit without labels: the list below each has them.
        &html! { div class="scroll" tabindex="0" role="group" aria-label="CPU per operation by part" { (bars) } },
    )
}

fn bar_head(report: &Report, arm: &Arm) -> Markup {
    html! {
        div class="bar-head" {
            (arm_name(report, &arm.label))
            @if let Some(total) = arm.cpu_us_per_op.total {
                span class="bar-total" {
                    b { (three_digits(total.estimate)) " µs" (caveats::mark(arm, About::PerOperation)) }
                    span class="soft" {
                        " [" (three_digits(total.low)) ", " (three_digits(total.high)) "]"
                        @if let Some(share) = caveats::share_of_capacity(arm) { ", measured at " (share) " of its capacity" }
                    }
                }
            }
        }
    }
}

fn parts(arm: &Arm, index: usize) -> Markup {
    html! {
        ul class="parts" {
            @for (at, part) in arm.cpu_us_per_op.parts.iter().enumerate() {
                li {
                    svg class="key" viewBox="0 0 12 12" aria-hidden="true" {
                        rect width="12" height="12" rx="2" class={"part " (svg::part_class(index, at, part))} {}
                    }
                    (place(&part.name)) " " b { (three_digits(part.us)) }
                    @if let Some(interval) = part.interval {
                        // A cost cannot be negative, even if a wide interval is.
                        span class="soft" { " [" (three_digits(interval.low.max(0.0))) ", " (three_digits(interval.high)) "]" }
                    }
                    span class="soft" { " " (part_kind(part.kind)) }
                }
            }
        }
    }
}
