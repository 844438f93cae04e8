//! Every difference with its interval, on one scale.

use maud::{Markup, html};

use super::{arm_name, prose, titled, unbroken};
use crate::{
    caveats,
    figures::{metric_name, verdict_words},
    model::{Comparison, Report},
    svg::{self, Forest},
};

pub(super) fn section(report: &Report) -> Markup {
    if report.comparisons.is_empty() {
        return html! {};
    }
    let forest = Forest::of(report);
    let body = html! {
        div class="scroll" tabindex="0" role="group" aria-label="Every difference with its interval" {
            table class="forest-table stacked" {
                thead {
                    tr {
                        th { "metric" }
                        th { "arm and baseline" }
                        th { "ratio" @if let Some(forest) = &forest { (svg::forest_axis(forest)) } }
                        th { "verdict" }
                    }
                }
                tbody { @for comparison in &report.comparisons { (row(report, comparison, forest.as_ref())) } }
            }
        }
    };
    titled(
        "differences",
        "Every difference, and how sure it is",
        "A dot is the ratio of an arm to its baseline; the line through it is the interval in which the true ratio lies. A line that does not touch the dashed 1x is a difference. A line within the grey band says that a difference, if there is one, is smaller than 5 %. Any other line is too long to tell: that would take more time, or more launches, which are fresh starts of all processes. An arrowhead at an edge says that the ratio lies beyond it.",
        &body,
    )
}

fn row(report: &Report, comparison: &Comparison, forest: Option<&Forest>) -> Markup {
    let index = report.arms.iter().position(|arm| arm.label == comparison.arm).unwrap_or(0);
    html! {
        tr {
            th scope="row" { (metric_name(&comparison.metric)) }
            td class="versus" { (arm_name(report, &comparison.arm)) " " span class="soft against" { "vs. " (comparison.baseline) } }
            td class="forest-cell" {
                @if let (Some(forest), Some(interval)) = (forest, comparison.interval) {
                    (svg::forest_row(forest, interval, &svg::arm_class(index)))
                }
            }
            td {
                (unbroken(&verdict_words(report, comparison)))
                @if let Some(caveat) = caveats::of_comparison(report, comparison) { span class="soft caveat" { (unbroken(&caveat)) } }
                @if let Some(flip) = &comparison.where_flips { span class="soft" { " " (prose(flip)) } }
            }
        }
    }
}
