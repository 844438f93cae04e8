//! Latency: the distribution, and the percentiles from the due and from the send time.

use maud::{Markup, html};

use super::{arm_name, titled};
use crate::report::model::{Latency, Report};
use crate::report::svg;
use crate::report::words::maybe;

pub(super) fn section(report: &Report) -> Markup {
    let body = html! {
        @if let Some(plot) = svg::latency(report) { div class="scroll" { (plot) } }
        div class="scroll" { (percentiles(report)) }
        p class="soft small" {
            "From the due time: the clock starts when the operation should have been sent, so a stalled server cannot hide the operations that it kept from being sent. "
            "From the send time: what a client that waits its turn would have written down."
        }
    };
    titled(
        "latency",
        "Latency",
        "Lower is faster; to the right lie ever rarer, slower operations, so the height at p99 is what one operation in a hundred exceeds.",
        &body,
    )
}

fn percentiles(report: &Report) -> Markup {
    html! {
        table class="figures" {
            thead {
                tr {
                    th { "milliseconds" }
                    @for name in ["p50", "p90", "p99", "p99.9", "max"] { th { (name) } }
                }
            }
            tbody {
                @for arm in &report.arms {
                    (row(&html! { (arm_name(report, &arm.label)) " " span class="soft" { "from due" } }, &arm.latency_ms))
                    (row(&html! { span class="indented soft" { "from send" } }, &arm.service_ms))
                }
            }
        }
    }
}

fn row(name: &Markup, latency: &Latency) -> Markup {
    html! {
        tr {
            th scope="row" { (name) }
            @for figure in [latency.p50, latency.p90, latency.p99, latency.p999, latency.max] { td { (maybe(figure)) } }
        }
    }
}
