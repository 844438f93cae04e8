//! The time of an operation by place: the mean, and one example.

use maud::{Markup, html};

use super::{PLOT, arm_name, picture, titled};
use crate::{
    model::{Arm, Report, TimeShare, Trace},
    svg,
    words::{place, three_digits, took, trimmed},
};

/// The most listed spans after a reply; a longer list ends with the number of the others.
const MOST_AFTERWARDS: usize = 20;

/// A trace this many times longer than another has its own axis.
const MOST_TIMES: f64 = 8.0;

pub(super) fn section(report: &Report) -> Markup {
    let (known, unknown): (Vec<_>, Vec<_>) = report
        .arms
        .iter()
        .enumerate()
        .partition(|(_, arm)| arm.trace.as_ref().is_some_and(Trace::is_of_a_request));
    if known.is_empty() {
        return html! {};
    }
    let replies = known.iter().filter_map(|(_, arm)| arm.trace.as_ref()).map(Trace::reply_us);
    let longest = replies.fold(0.0, f64::max);
    let shares = known.iter().flat_map(|(_, arm)| &arm.where_time_goes);
    let slowest = shares.map(|share| share.mean_us).fold(0.0, f64::max);
    let none: Vec<&str> = unknown.iter().map(|(_, arm)| arm.label.as_str()).collect();
    let body = html! {
        div class="columns" {
            @for (place, arm) in &known {
                @if !arm.where_time_goes.is_empty() { (self::shares(report, *place, arm, slowest)) }
            }
        }
        @if !none.is_empty() { p class="soft small" { "No trace of a request: " (none.join("; ")) "." } }
        @for (place, arm) in &known {
            @if let Some(trace) = &arm.trace {
                h3 { "One " (trace.operation) " in " (arm_name(report, &arm.label)) }
                (drawn(trace, *place, longest))
            }
        }
    };
    titled(
        "time",
        "Where an operation's time goes",
        "A bar is the time that a component spent on its own work, the mean of all traced requests, without the time that it waited for others. A hatched bar is a call to another process or to a store, on the way there and back. Below the bars stands one request of each arm, of median duration, up to its reply; what began after the reply is listed below it. All arms share one scale, but where an arm took less than an eighth of the longest, it has its own.",
        &body,
    )
}

/// Traces only, on one time axis.
pub(super) fn traces(traces: &[&Trace]) -> Markup {
    let longest = traces.iter().map(|trace| trace.reply_us()).fold(0.0, f64::max);
    let body = html! {
        @for (place, trace) in traces.iter().enumerate() {
            h3 { "One " (trace.operation) }
            (drawn(trace, place, longest))
        }
    };
    titled(
        "traces",
        "Traces",
        "Operations until their replies, all on one time axis; what began after a reply stands below it.",
        &body,
    )
}

fn drawn(trace: &Trace, place: usize, longest: f64) -> Markup {
    html! {
        div class="for-wide" { (picture(&format!("One {}", trace.operation), PLOT, &svg::trace(trace, place, axis(trace, longest)))) }
        div class="for-narrow" { (svg::narrow_trace(trace, place, axis(trace, longest))) }
        p class="soft small" { "Trace " code { (trace.trace_id) } ". Filled: the process works. Outlined: it waits for another process or a store." @if goes_on(trace) { " With a chevron: it goes on after the reply, where the drawing ends." } }
        (afterwards(trace))
    }
}

/// The end of a trace's axis: the longest trace's, or its own reply if it would be too short to see.
fn axis(trace: &Trace, longest: f64) -> f64 {
    let own = trace.reply_us();
    if own * MOST_TIMES < longest { own } else { longest }
}

fn goes_on(trace: &Trace) -> bool {
    trace.until_reply().any(|span| span.end_us() > trace.reply_us())
}

/// The spans after the reply, for which no client waits: an event that is delivered later.
fn afterwards(trace: &Trace) -> Markup {
    let spans: Vec<_> = trace.after_reply().collect();
    if spans.is_empty() {
        return html! {};
    }
    html! {
        div class="scroll" tabindex="0" role="group" aria-label="What began after the reply" {
            table class="afterwards" {
                thead { tr { th { "after the reply" } th { "process" } th { "later by" } th { "took" } } }
                tbody {
                    @for span in spans.iter().take(MOST_AFTERWARDS) {
                        tr {
                            th scope="row" { (span.name) }
                            td { (span.process) }
                            td class="number" { (took(span.start_us - trace.reply_us())) }
                            td class="number" { (took(span.duration_us)) }
                        }
                    }
                }
            }
        }
        @if spans.len() > MOST_AFTERWARDS {
            p class="read" { "… and " (spans.len() - MOST_AFTERWARDS) " more spans." }
        }
    }
}

/// The places of one arm, as bars relative to the `slowest` of all arms, or to the arm's own if they would be
/// too short to see.
fn shares(report: &Report, place: usize, arm: &Arm, slowest: f64) -> Markup {
    let own = arm.where_time_goes.iter().map(|share| share.mean_us).fold(0.0, f64::max);
    let is_apart = own * MOST_TIMES < slowest;
    let full = if is_apart { own } else { slowest };
    html! {
        div {
            h3 { (arm_name(report, &arm.label)) @if is_apart { span class="soft" { " on a scale of its own" } } }
            table class={"shares " (svg::arm_class(place))} {
                tbody { @for share in &arm.where_time_goes { (share_row(share, full)) } }
            }
        }
    }
}

fn share_row(share: &TimeShare, full: f64) -> Markup {
    let width = trimmed((share.mean_us / full * 1_000.0).round() / 10.0);
    html! {
        tr {
            th scope="row" { (place(&share.component)) }
            td class="share-cell" {
                span class={"share " @if share.hop { "share-hop" } @else { "share-own" }} style={"width:" (width) "%"} {}
            }
            td class="number" { (three_digits(share.mean_us)) " µs" }
            td class="number soft" { (trimmed((share.share * 100.0).round())) " %" }
        }
    }
}
