//! Latency: the distribution, and the percentiles from the due and from the send time.

use maud::{Markup, html};

use super::{PLOT, arm_name, picture, titled};
use crate::{
    caveats::{self, About},
    model::{Latency, Report},
    outcomes, svg,
    words::{generators_own, maybe},
};

const PERCENTILES: [&str; 5] = ["p50", "p90", "p99", "p99.9", "max"];

pub(super) fn section(report: &Report) -> Markup {
    let body = html! {
        @if let Some(plot) = svg::latency(report) { (picture("Latency by percentile", PLOT, &plot)) }
        div class="scroll" tabindex="0" role="group" aria-label="Percentiles of latency" { (percentiles(report)) }
        @for note in caveats::notes(report) { p class="soft small" { (note) "." } }
        (by_outcome(report))
        p class="soft small" {
            "From due: the clock starts when the operation should have been sent, so a server that stalls cannot hide the operations that waited to be sent. "
            "From send: the clock starts when it was sent. "
            "The two differ by how late the load generator sent, and by the wait for a free connection; a queue within the system is in both."
            @if let Some(own) = generators_own(&report.validity) { " Of both, " (own) " are the load generator’s own: what a server that does nothing takes." }
        }
    };
    titled(
        "latency",
        "Latency",
        "Lower is faster, and further to the right are rarer, slower operations: the height at p99 is the response time that one operation in a hundred exceeds.",
        &body,
    )
}

fn percentiles(report: &Report) -> Markup {
    html! {
        table class="figures stacked" {
            thead {
                tr {
                    th { "milliseconds" }
                    @for name in PERCENTILES { th { (name) } }
                }
            }
            tbody {
                @for arm in &report.arms {
                    (row(&html! { (arm_name(report, &arm.label)) " " span class="soft" { "from due" } }, &arm.latency_ms, caveats::mark(arm, About::Latency)))
                    (row(&html! { span class="indented soft" { "from send" } }, &arm.service_ms, caveats::mark(arm, About::Latency)))
                }
            }
        }
    }
}

/// One table for all arms: admitted and refused operations have different latencies.
fn by_outcome(report: &Report) -> Markup {
    if report.arms.iter().all(|arm| arm.outcomes.is_empty()) {
        return html! {};
    }
    html! {
        h3 { "By what became of the operations" }
        div class="scroll" tabindex="0" role="group" aria-label="Percentiles by what became of the operations" {
            table class="figures stacked" {
                thead {
                    tr {
                        th { "from due" }
                        @for name in outcomes::COLUMNS { th { (name) } }
                    }
                }
                @for arm in report.arms.iter().filter(|arm| !arm.outcomes.is_empty()) {
                    tbody {
                        tr { th colspan="6" scope="rowgroup" { (arm_name(report, &arm.label)) } }
                        @for outcome in &arm.outcomes {
                            tr {
                                th scope="row" { span class="indented" { (outcomes::name(report, &outcome.outcome)) } }
                                @for (name, cell) in outcomes::COLUMNS.iter().zip(outcomes::cells(outcome)) { td data-label=(name) { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn row(name: &Markup, latency: &Latency, mark: &str) -> Markup {
    html! {
        tr {
            th scope="row" { (name) }
            @for (name, figure) in PERCENTILES.iter().zip([latency.p50, latency.p90, latency.p99, latency.p999, latency.max]) { td data-label={(name) ", ms"} { (maybe(figure)) @if figure.is_some() { (mark) } } }
        }
    }
}
