//! The latency distribution, drawn so that the tail gets as much space as the middle.
//!
//! The horizontal axis is the percentile on the scale of HdrHistogram's own plots (`1 / (1 - quantile)`,
//! logarithmic): each additional nine takes the same space.
//! The vertical axis is the latency, also logarithmic.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::{
    Anchor, arm_class, fitted, line, px,
    scale::{Scale, log_ticks},
    text, width_of,
};
use crate::{
    model::{Arm, Point, Report},
    words::{duration_of_ms, percentile, three_digits},
};

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 390.0;
const LEFT: f64 = 64.0;
/// The right end of the plot: as far as the longest label permits.
const FURTHEST: f64 = 836.0;
const NEAREST: f64 = 640.0;
/// The distance from there to a label's text.
const LABEL: f64 = 24.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 336.0;
const LABEL_GAP: f64 = 34.0;
/// The size of a label's text, for the width of bold text.
const NAME_SIZE: f64 = 14.2;

/// Percentiles that have a tick if the data reaches them.
const NAMED: [f64; 6] = [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999];

/// Every arm's distribution in one plot; `None` if no arm has one.
pub(crate) fn latency(report: &Report) -> Option<Markup> {
    let drawn: Vec<(usize, &Arm)> =
        report.arms.iter().enumerate().filter(|(_, arm)| arm.latency_curve.len() > 1).collect();
    let points = || drawn.iter().flat_map(|(_, arm)| arm.latency_curve.iter());
    let last = points().map(|point| point.quantile).fold(0.5, f64::max);
    let low = points().map(|point| point.ms).fold(f64::INFINITY, f64::min);
    let high = points().map(|point| point.ms).fold(0.0, f64::max);
    if drawn.is_empty() || low <= 0.0 {
        return None;
    }
    let longest = drawn.iter().map(|(_, arm)| width_of(&arm.label, NAME_SIZE)).fold(0.0, f64::max);
    let right = (WIDTH - longest - LABEL - 4.0).clamp(NEAREST, FURTHEST);
    let plot = Plot {
        across: Scale { low: 1.0, high: nines(last) * 1.05, start: LEFT, end: right },
        up: Scale { low: low / 1.08, high: high * 1.12, start: BOTTOM, end: TOP },
    };
    let labels = spread_labels(&drawn, &plot);
    Some(html! {
        svg class="plot" viewBox={"0 0 " (px(WIDTH)) " " (px(HEIGHT))} role="img" {
            title { "Latency by percentile, one line for each arm; both axes are logarithmic." }
            (plot.grid(last))
            @for (place, arm) in &drawn { (plot.curve(*place, arm)) }
            @for (place, arm, y) in &labels { (label(*place, arm, (right, *y))) }
        }
    })
}

/// `1 / (1 - quantile)`: 1 at the start, 100 at p99.
fn nines(quantile: f64) -> f64 {
    1.0 / (1.0 - quantile.min(0.999_999))
}

struct Plot {
    across: Scale,
    up: Scale,
}

impl Plot {
    fn at(&self, point: &Point) -> (f64, f64) {
        (self.across.log(nines(point.quantile)), self.up.log(point.ms))
    }

    fn grid(&self, last: f64) -> Markup {
        let right = self.across.end;
        let percentiles = std::iter::once(0.0).chain(NAMED).filter(|quantile| *quantile <= last + 1e-9);
        html! {
            @for ms in log_ticks(self.up.low, self.up.high, 12) {
                (line((LEFT, self.up.log(ms)), (right, self.up.log(ms)), "grid"))
                (text(LEFT - 8.0, self.up.log(ms) + 4.0, Anchor::End, "t-tick", &duration_of_ms(ms)))
            }
            @for quantile in percentiles {
                @let x = self.across.log(nines(quantile));
                (line((x, TOP), (x, BOTTOM + 5.0), "grid"))
                (text(x, BOTTOM + 20.0, Anchor::Middle, "t-tick", &if quantile == 0.0 { "min".to_owned() } else { percentile(quantile) }))
            }
            (line((LEFT, BOTTOM), (right, BOTTOM), "axis"))
            (text(f64::midpoint(LEFT, right), BOTTOM + 44.0, Anchor::Middle, "t-axis", "share of operations that were at least this fast (each nine takes the same room)"))
        }
    }

    fn curve(&self, place: usize, arm: &Arm) -> Markup {
        let mut path = String::new();
        for (at, point) in arm.latency_curve.iter().enumerate() {
            let (x, y) = self.at(point);
            let _ = write!(&mut path, "{}{} {} ", if at == 0 { "M" } else { "L" }, px(x), px(y));
        }
        html! {
            g class=(arm_class(place)) {
                path d=(path.trim_end()) class={"curve dash" (place % 4)} {}
                @for point in named(arm) {
                    g class="mark" {
                        title { (arm.label) ": " (percentile(point.quantile)) " " (three_digits(point.ms)) " ms" }
                        (mark(place, self.at(&point)))
                    }
                }
            }
        }
    }
}

/// The percentiles of the table, as points of the plot.
fn named(arm: &Arm) -> Vec<Point> {
    let figures = [arm.latency_ms.p50, arm.latency_ms.p90, arm.latency_ms.p99, arm.latency_ms.p999];
    NAMED.into_iter().zip(figures).filter_map(|(quantile, ms)| Some(Point { quantile, ms: ms? })).collect()
}

/// A circle, a square, a diamond, a triangle: they distinguish arms without colour.
fn mark(place: usize, (x, y): (f64, f64)) -> Markup {
    let path = |d: String| html! { path d=(d) {} };
    match place % 4 {
        0 => html! { circle cx=(px(x)) cy=(px(y)) r="4.5" {} },
        1 => html! { rect x=(px(x - 4.0)) y=(px(y - 4.0)) width="8" height="8" {} },
        2 => path(format!("M{} {} l5.5 5.5 l-5.5 5.5 l-5.5 -5.5 z", px(x), px(y - 5.5))),
        _ => path(format!("M{} {} l5.5 9.5 l-11 0 z", px(x), px(y - 5.5))),
    }
}

/// Each label at the end of its line, moved apart where they would overlap.
fn spread_labels<'a>(drawn: &[(usize, &'a Arm)], plot: &Plot) -> Vec<(usize, &'a Arm, f64)> {
    let mut labels: Vec<_> = drawn
        .iter()
        .filter_map(|(place, arm)| arm.latency_curve.last().map(|point| (*place, *arm, plot.at(point).1)))
        .collect();
    labels.sort_by(|a, b| a.2.total_cmp(&b.2));
    let mut free_from = TOP + 8.0;
    for label in &mut labels {
        label.2 = label.2.max(free_from);
        free_from = label.2 + LABEL_GAP;
    }
    // Labels that were pushed out at the bottom move up again, with those in their way.
    let mut free_to = BOTTOM;
    for label in labels.iter_mut().rev() {
        label.2 = label.2.min(free_to);
        free_to = label.2 - LABEL_GAP;
    }
    labels
}

/// The last percentile of a curve, with as many digits as distinguish it from the next nine: `p99.7`,
/// `p99.96`.
fn last_percentile(quantile: f64) -> String {
    let digits = (1.0 - quantile).max(1e-9).log10().abs().floor().min(6.0) as i32 - 1;
    let steps = 10_f64.powi(digits.max(0));
    percentile((quantile * 100.0 * steps + 1e-6).floor() / steps / 100.0)
}

fn label(place: usize, arm: &Arm, (right, y): (f64, f64)) -> Markup {
    let x = right + LABEL - 10.0;
    let end = arm.latency_curve.last();
    html! {
        g class=(arm_class(place)) {
            title { (arm.label) }
            g class="mark" { (mark(place, (x, y))) }
            (text(x + 10.0, y + 4.0, Anchor::Start, "t-name", &fitted(&arm.label, WIDTH - x - 10.0, NAME_SIZE)))
            @if let Some(point) = end {
                (text(x + 10.0, y + 18.0, Anchor::Start, "t-small t-soft", &format!("{}: {} ms", last_percentile(point.quantile), three_digits(point.ms))))
            }
        }
    }
}
