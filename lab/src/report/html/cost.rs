//! What an operation costs: the figures, and where the CPU goes.

use maud::{Markup, html};

use super::{arm_name, titled};
use crate::report::figures as rows;
use crate::report::model::{Arm, Kind, Report};
use crate::report::svg;
use crate::report::words::{part_kind, three_digits};

pub(super) fn figures(report: &Report) -> Markup {
    let body = html! {
        div class="scroll" {
            table class="figures" {
                thead {
                    tr {
                        th {}
                        @for arm in &report.arms { th { (arm_name(report, &arm.label)) } }
                    }
                }
                tbody {
                    @for row in rows::rows(report) {
                        tr {
                            th scope="row" { (row.name) }
                            @for cell in &row.cells {
                                td class=[cell.starts_with("BROKEN").then_some("bad")] { (cell) }
                            }
                        }
                    }
                }
            }
        }
    };
    titled(
        "figures",
        "The figures",
        "An operation is one completed business action; brackets are intervals; a dash means that too little was measured to name a figure.",
        &body,
    )
}

pub(super) fn walk(report: &Report) -> Markup {
    let drawn = if report.scenario.kind == Kind::Waterfall { svg::steps(report) } else { None };
    let Some(drawn) = drawn else { return html! {} };
    titled(
        "walk",
        "Where did the cost go?",
        "Each bar begins where the one above ended: its length is what that one step adds to, or takes off, the CPU that an operation needs.",
        &html! { div class="scroll" { (drawn) } },
    )
}

pub(super) fn cpu(report: &Report) -> Markup {
    let Some(scale) = svg::cpu_scale(report) else {
        return html! {};
    };
    let body = html! {
        div class="bars" {
            @for (place, arm) in report.arms.iter().enumerate() {
                @if !arm.cpu_us_per_op.parts.is_empty() {
                    (bar_head(report, arm))
                    (svg::cpu_bar(arm, place, &scale))
                    (parts(arm, place))
                }
            }
            (svg::cpu_axis(&scale))
        }
    };
    titled(
        "cpu",
        "CPU an operation",
        "Microseconds of processor time that one operation takes over all processes of an arm; plain shades are its own processes, hatched are stores and brokers, and the whisker is the interval of the total.",
        &body,
    )
}

fn bar_head(report: &Report, arm: &Arm) -> Markup {
    html! {
        div class="bar-head" {
            (arm_name(report, &arm.label))
            @if let Some(total) = arm.cpu_us_per_op.total {
                span class="bar-total" {
                    b { (three_digits(total.estimate)) " µs" }
                    span class="soft" {
                        " [" (three_digits(total.low)) ", " (three_digits(total.high)) "]"
                        @if let Some(share) = rows::share_of_capacity(arm) { ", at " (share) " of its capacity" }
                    }
                }
            }
        }
    }
}

fn parts(arm: &Arm, place: usize) -> Markup {
    html! {
        ul class="parts" {
            @for (at, part) in arm.cpu_us_per_op.parts.iter().enumerate() {
                li {
                    svg class="key" viewBox="0 0 12 12" aria-hidden="true" {
                        rect width="12" height="12" rx="2" class={"part " (svg::part_class(place, at, part))} {}
                    }
                    (part.name) " " b { (three_digits(part.us)) }
                    @if let Some(interval) = part.interval {
                        // Nothing costs less than nothing, whatever the arithmetic of a wide interval says.
                        span class="soft" { " [" (three_digits(interval.low.max(0.0))) ", " (three_digits(interval.high)) "]" }
                    }
                    span class="soft" { " " (part_kind(part.kind)) }
                }
            }
        }
    }
}
