//! Every difference with its interval, on one scale.

use maud::{Markup, html};

use super::top::metric_name;
use super::{arm_name, prose, titled, unbroken};
use crate::report::figures::verdict_words;
use crate::report::model::{Comparison, Report};
use crate::report::svg::{self, Forest};

pub(super) fn section(report: &Report) -> Markup {
    if report.comparisons.is_empty() {
        return html! {};
    }
    let forest = Forest::of(report);
    let body = html! {
        div class="scroll" {
            table class="forest-table" {
                thead {
                    tr {
                        th { "metric" }
                        th { "arm against arm" }
                        th { @if let Some(forest) = &forest { (svg::forest_axis(forest)) } }
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
        "A dot is the ratio of two arms and its line the interval: a line that misses the dashed 1x is a difference, one within the grey band is none worth the name, and any other means that more time is needed.",
        &body,
    )
}

fn row(report: &Report, comparison: &Comparison, forest: Option<&Forest>) -> Markup {
    let place = report.arms.iter().position(|arm| arm.label == comparison.arm).unwrap_or(0);
    html! {
        tr {
            th scope="row" { (metric_name(&comparison.metric)) }
            td class="versus" { (arm_name(report, &comparison.arm)) span class="soft" { " vs. " (comparison.baseline) } }
            td class="forest-cell" {
                @if let (Some(forest), Some(interval)) = (forest, comparison.interval) {
                    (svg::forest_row(forest, interval, &svg::arm_class(place)))
                }
            }
            td {
                (unbroken(&verdict_words(report, comparison)))
                @if let Some(flip) = &comparison.where_flips { span class="soft" { " " (prose(flip)) } }
            }
        }
    }
}
