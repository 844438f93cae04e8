//! Where an operation's time goes: on average, and in one example.

use maud::{Markup, html};

use super::{arm_name, titled};
use crate::report::model::{Arm, Report, TimeShare};
use crate::report::svg;
use crate::report::words::{three_digits, trimmed};

pub(super) fn section(report: &Report) -> Markup {
    let has_any = report.arms.iter().any(|arm| arm.trace.is_some() || !arm.where_time_goes.is_empty());
    if !has_any {
        return html! {};
    }
    let longest = report.arms.iter().map(longest_us).fold(0.0, f64::max);
    let slowest = report
        .arms
        .iter()
        .flat_map(|arm| &arm.where_time_goes)
        .map(|share| share.mean_us)
        .fold(0.0, f64::max);
    let body = html! {
        div class="columns" {
            @for (place, arm) in report.arms.iter().enumerate() {
                @if !arm.where_time_goes.is_empty() { (shares(report, place, arm, slowest)) }
            }
        }
        @for (place, arm) in report.arms.iter().enumerate() {
            @if let Some(trace) = &arm.trace {
                h3 { "One " (trace.operation) " in " (arm_name(report, &arm.label)) }
                div class="scroll" { (svg::trace(trace, place, longest)) }
                p class="soft small" { "Trace " code { (trace.trace_id) } ". Filled: work of its own. Outlined: waiting for another process or a store." }
            }
        }
    };
    titled(
        "time",
        "Where an operation's time goes",
        "Means over all traced operations, children taken off; hatched bars are ways between processes and to stores, and all bars share one scale. Below, one operation from the middle of the distribution, all arms on one time axis.",
        &body,
    )
}

fn longest_us(arm: &Arm) -> f64 {
    let spans = arm.trace.iter().flat_map(|trace| &trace.spans);
    spans.map(|span| span.start_us + span.duration_us).fold(0.0, f64::max)
}

/// One arm's places, as bars whose full width is the `slowest` of all arms.
fn shares(report: &Report, place: usize, arm: &Arm, slowest: f64) -> Markup {
    html! {
        div {
            h3 { (arm_name(report, &arm.label)) }
            table class={"shares " (svg::arm_class(place))} {
                tbody { @for share in &arm.where_time_goes { (share_row(share, slowest)) } }
            }
        }
    }
}

fn share_row(share: &TimeShare, slowest: f64) -> Markup {
    let width = trimmed((share.mean_us / slowest * 1_000.0).round() / 10.0);
    html! {
        tr {
            th scope="row" { (share.component) }
            td class="share-cell" {
                span class={"share " @if share.hop { "share-hop" } @else { "share-own" }} style={"width:" (width) "%"} {}
            }
            td class="number" { (three_digits(share.mean_us)) " µs" }
            td class="number soft" { (trimmed((share.share * 100.0).round())) " %" }
        }
    }
}
