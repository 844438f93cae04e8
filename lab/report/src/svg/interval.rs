//! A ratio with its interval as a row of a forest plot: all rows of a table share one logarithmic scale.

use maud::{Markup, html};
use statistics::Interval;

use super::{
    Anchor, line, px,
    scale::{Scale, log_ticks},
    text, width_of,
};
use crate::{model::Report, words::trimmed};

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 26.0;
/// Half the width of the longest tick label, `0.01x`, so that none is cut.
const EDGE: f64 = 22.0;
/// Between two tick labels; on a narrow screen the drawing shrinks and its labels less.
const APART: f64 = 12.0;

/// The scale of the ratios of a report.
pub(crate) struct Forest {
    scale: Scale,
    ticks: Vec<f64>,
    margin: f64,
}

impl Forest {
    /// A scale that contains every interval and the ratio of one; `None` without intervals.
    pub(crate) fn of(report: &Report) -> Option<Self> {
        let intervals = || report.comparisons.iter().filter_map(|comparison| comparison.interval);
        intervals().next()?;
        let low = intervals().map(|interval| interval.low).fold(0.9, f64::min).max(0.01) / 1.05;
        let high = intervals().map(|interval| interval.high).fold(1.1, f64::max).min(100.0) * 1.05;
        let scale = Scale { low, high, start: EDGE, end: WIDTH - EDGE };
        let ticks = log_ticks(low, high, 8).into_iter().chain([1.0]);
        let mut kept: Vec<f64> = Vec::new();
        // One always has a label; other labels keep their distance from it and from each other.
        for tick in ticks.rev() {
            let room =
                |other: f64| f64::midpoint(width_of(&label(other), 12.0), width_of(&label(tick), 12.0));
            if kept.iter().all(|other| (scale.log(*other) - scale.log(tick)).abs() > room(*other) + APART) {
                kept.push(tick);
            }
        }
        Some(Self { scale, ticks: kept, margin: report.validity.equivalence_margin_percent / 100.0 })
    }

    fn backdrop(&self) -> Markup {
        let (from, to) = (self.scale.log(1.0 / (1.0 + self.margin)), self.scale.log(1.0 + self.margin));
        html! {
            rect x=(px(from)) y="0" width=(px(to - from)) height=(px(HEIGHT)) class="margin" {}
            @for tick in &self.ticks {
                (line((self.scale.log(*tick), 0.0), (self.scale.log(*tick), HEIGHT), "grid"))
            }
            (line((self.scale.log(1.0), 0.0), (self.scale.log(1.0), HEIGHT), "one"))
        }
    }
}

/// The interval of one comparison.
pub(crate) fn forest_row(forest: &Forest, interval: Interval, class: &str) -> Markup {
    let middle = HEIGHT / 2.0;
    html! {
        svg class={"forest " (class)} viewBox={"0 0 " (px(WIDTH)) " " (px(HEIGHT))} role="img" {
            (forest.backdrop())
            title { "ratio " (trimmed(interval.estimate)) ", interval " (trimmed(interval.low)) " to " (trimmed(interval.high)) }
            (line((forest.scale.log(interval.low), middle), (forest.scale.log(interval.high), middle), "reach"))
            (dot(&forest.scale, interval.estimate, middle))
        }
    }
}

/// The estimate; beyond an end of the scale an arrowhead there, so that it is not read as a value at the end.
fn dot(scale: &Scale, estimate: f64, middle: f64) -> Markup {
    let x = scale.log(estimate);
    let head = |by: f64| format!("M{} {} l{} 6 l{} 6 z", px(x), px(middle - 6.0), px(by), px(-by));
    html! {
        @if estimate > scale.high { path d=(head(10.0)) class="dot beyond" {} }
        @else if estimate < scale.low { path d=(head(-10.0)) class="dot beyond" {} }
        @else { circle cx=(px(x)) cy=(px(middle)) r="4.5" class="dot" {} }
    }
}

fn label(tick: f64) -> String {
    format!("{}x", trimmed(tick))
}

/// The tick labels, for the head of the table.
pub(crate) fn forest_axis(forest: &Forest) -> Markup {
    html! {
        svg class="forest" viewBox={"0 0 " (px(WIDTH)) " 18"} aria-hidden="true" {
            @for tick in &forest.ticks {
                (text(forest.scale.log(*tick), 13.0, Anchor::Middle, "t-tick", &label(*tick)))
            }
        }
    }
}
