//! A picture as SVG: small multiples, one panel per arm, all on one scale.
//!
//! Colour is never the only carrier: refused is hatched and outlined, unavailable is dotted, failed is
//! chequered, late is empty, the trace is a line, the limit is dashed, and the part above the limit is filled
//! and labelled.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::{
    Anchor, COLOURS, arm_class, fitted, line, px,
    scale::{Scale, linear_ticks},
    text, width_of,
};
use crate::{
    picture::{Curve, Picture, Row, duration},
    words::{self, plain, trimmed},
};

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 990.0;
/// The height of a legend line above the first panel; also the space below the last one.
const LEGEND_LINE: f64 = 20.0;
const LEGEND_GAP: f64 = 10.0;
/// The distance from one panel to the next.
const PANEL: f64 = 158.0;
/// The height of a panel's heading: a line with its name, and one with its sums.
const HEAD: f64 = 42.0;
/// The space below a panel.
const GAP: f64 = 16.0;
/// Steps of a trace: about three pixels each.
const MOST_STEPS: usize = 320;
/// The most bars per window: narrower ones would be too low to see.
const BARS_A_WINDOW: usize = 10;
/// The most bars without a window.
const MOST_BARS: usize = 100;

/// The style of the marks.
pub(crate) const MARKS: &str = include_str!("marks.css");
/// The additional style for a separate file; a page has it already.
const STYLE: &str = concat!(include_str!("style.css"), include_str!("marks.css"));

/// A separate file.
pub fn standalone(picture: &Picture) -> String {
    let drawn = render(picture, Some(STYLE));
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", drawn.into_string())
}

/// Inline in a page.
pub(crate) fn inline(picture: &Picture) -> Markup {
    render(picture, None)
}

fn render(picture: &Picture, style: Option<&str>) -> Markup {
    let (fine, coarse) = (picture.coarser(MOST_STEPS), picture.coarser(bars(picture)));
    let panels = Panels::of(&fine, &coarse);
    let height = panels.top() + PANEL * picture.rows.len() as f64 + 50.0;
    html! {
        svg xmlns="http://www.w3.org/2000/svg" class="plot over-time" viewBox={"0 0 " (px(WIDTH)) " " (px(height))} role="img" {
            title { (picture.title) }
            @if let Some(style) = style {
                style { (maud::PreEscaped(style)) }
                rect width=(px(WIDTH)) height=(px(height)) class="paper" {}
                (hatches())
            }
            (panels.legend())
            @for (at, row) in fine.rows.iter().enumerate() { (panels.panel(at, row, &coarse.rows[at])) }
            (panels.phases())
            (panels.seconds())
        }
    }
}

/// The most bars of a panel.
fn bars(picture: &Picture) -> usize {
    picture.limit.map_or(MOST_BARS, |limit| {
        let windows = picture.length.as_secs_f64() / limit.window.as_secs_f64().max(f64::MIN_POSITIVE);
        ((windows * BARS_A_WINDOW as f64).ceil() as usize).min(MOST_STEPS)
    })
}

/// The patterns of curves other than admissions, in each arm's colour; a page has them among its definitions.
pub(super) fn hatches() -> Markup {
    html! {
        defs {
            @for place in 0..COLOURS {
                pattern id={"refused" (place)} width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    line x1="0" y1="0" x2="0" y2="4" class={"refused-hatch " (arm_class(place))} {}
                }
                pattern id={"unavailable" (place)} width="4" height="4" patternUnits="userSpaceOnUse" {
                    circle cx="2" cy="2" r="1.1" class={"dots " (arm_class(place))} {}
                }
                pattern id={"failed" (place)} width="6" height="6" patternUnits="userSpaceOnUse" {
                    path d="M0 0h3v3h-3zM3 3h3v3h-3z" class="chequers" {}
                }
            }
        }
    }
}

/// The style of a curve: the first is the limited one, the others are styled by name.
fn mark(at: usize, name: &str) -> &'static str {
    match (at, name) {
        (0, _) => "admitted",
        (_, "unavailable") => "unavailable",
        (_, "failed") => "failed",
        (_, "late") => "late",
        _ => "refused",
    }
}

/// The pattern that fills it, if it has one.
fn fill(mark: &str, place: usize) -> Option<String> {
    let patterned = matches!(mark, "refused" | "unavailable" | "failed");
    patterned.then(|| format!("fill:url(#{mark}{})", place % COLOURS))
}

/// The parts that all panels share.
struct Panels<'a> {
    /// For traces.
    fine: &'a Picture,
    /// For bars.
    coarse: &'a Picture,
    across: Scale,
    highest: f64,
    ticks: Vec<f64>,
}

impl<'a> Panels<'a> {
    fn of(fine: &'a Picture, coarse: &'a Picture) -> Self {
        let traces = fine.rows.iter().filter_map(|row| row.trace(fine)).flatten();
        let bars = coarse.rows.iter().flat_map(|row| stacked(&row.curves));
        let limit = fine.limit.map_or(1.0, |limit| f64::from(limit.requests) * 1.1);
        let ticks = linear_ticks(traces.chain(bars).fold(limit, f64::max), 3.0);
        let across = Scale { low: 0.0, high: fine.length.as_secs_f64(), start: LEFT, end: RIGHT };
        Self { fine, coarse, across, highest: ticks.last().copied().unwrap_or(1.0), ticks }
    }

    /// The vertical scale of the panel at this index.
    fn up(&self, at: usize) -> Scale {
        let bottom = self.top() + PANEL * (at + 1) as f64 - GAP;
        Scale { low: 0.0, high: self.highest, start: bottom, end: bottom - PANEL + GAP + HEAD }
    }

    fn panel(&self, at: usize, row: &Row, bars: &Row) -> Markup {
        let up = self.up(at);
        let trace = row.trace(self.fine);
        let name = fitted(&row.name, (RIGHT - LEFT) * 0.3, 14.2);
        let after = LEFT + 8.0 + width_of(&name, 14.2);
        // Small text is estimated narrower than other text: a cut sentence is worse than a tight one.
        let room = RIGHT - after;
        html! {
            g class=(arm_class(row.place)) {
                title { (row.name) ": " (row.sentence) ". " (row.figures) }
                (text(LEFT, up.end - 25.0, Anchor::Start, "t-name", &name))
                (text(after, up.end - 25.0, Anchor::Start, "t-small t-soft", &fitted(&row.sentence, room, 10.4)))
                (text(LEFT, up.end - 9.0, Anchor::Start, "t-small", &fitted(&row.figures, RIGHT - LEFT, 10.4)))
                @for tick in &self.ticks {
                    (line((LEFT, up.linear(*tick)), (RIGHT, up.linear(*tick)), "grid"))
                    (text(LEFT - 8.0, up.linear(*tick) + 4.0, Anchor::End, "t-tick", &words::tick(*tick)))
                }
                (self.edges(up))
                (self.bars(bars, up))
                @if let Some(trace) = &trace { (self.trace(trace, up)) }
                @if let Some(level) = &self.coarse.level {
                    (line((LEFT, up.linear(level.per_bucket)), (RIGHT, up.linear(level.per_bucket)), "limit"))
                }
                (line((LEFT, up.start), (RIGHT, up.start), "axis"))
            }
        }
    }

    /// The curves, stacked.
    fn bars(&self, row: &Row, up: Scale) -> Markup {
        let mut below: Vec<f64> = Vec::new();
        let mut drawn = Vec::new();
        for (index, curve) in row.curves.iter().enumerate() {
            let floor = |at: usize| below.get(at).copied().unwrap_or(0.0);
            let tops: Vec<f64> =
                curve.counts.iter().enumerate().map(|(at, count)| floor(at) + count).collect();
            let path = between(self.coarse, &self.across, &tops, &below, up);
            let mark = mark(index, &curve.name);
            drawn.push(html! { path d=(path) class=(mark) style=[fill(mark, row.place)] {} });
            below = tops;
        }
        html! { @for path in &drawn { (path) } }
    }

    /// The trace, the limit, and the part of the trace above it.
    fn trace(&self, trace: &[f64], up: Scale) -> Markup {
        let Some(limit) = self.fine.limit else { return html! {} };
        let requests = f64::from(limit.requests);
        let floor = vec![requests; trace.len()];
        let over: Vec<f64> = trace.iter().map(|count| count.max(requests)).collect();
        let level = up.linear(requests);
        html! {
            path d=(between(self.fine, &self.across, &over, &floor, up)) class="over" {}
            path d=(self.steps(trace, up)) class="trace" {}
            (line((LEFT, level), (RIGHT, level), "limit"))
        }
    }

    /// A step line through the buckets.
    fn steps(&self, tops: &[f64], up: Scale) -> String {
        let x = |bucket| begin(self.fine, &self.across, bucket);
        let mut path = String::new();
        for (at, top) in tops.iter().enumerate() {
            // Writing to a string cannot fail.
            let _ = if at == 0 {
                write!(path, "M{} {}", px(x(0)), px(up.linear(*top)))
            } else {
                write!(path, "V{}", px(up.linear(*top)))
            };
            let _ = write!(path, "H{}", px(x(at + 1)));
        }
        path
    }

    /// A vertical line at the start of each phase.
    fn edges(&self, up: Scale) -> Markup {
        let starts = self.fine.phases.iter().map(|phase| phase.start.as_secs_f64());
        html! {
            @for x in starts.filter(|start| *start > 0.0).map(|start| self.across.linear(start)) {
                (line((x, up.start), (x, up.end), "phase"))
            }
        }
    }

    /// The name of each phase, below the last panel.
    fn phases(&self) -> Markup {
        let bottom = self.up(self.fine.rows.len().saturating_sub(1)).start;
        html! {
            @for phase in &self.fine.phases {
                @let (start, end) = (phase.start.as_secs_f64(), (phase.start + phase.length).as_secs_f64());
                @let (left, right) = (self.across.linear(start), self.across.linear(end));
                @let name = plain(&phase.name);
                g {
                    title { (name) }
                    (line((left, bottom + 22.0), (left, bottom + 38.0), "phase"))
                    // Half a name says nothing; the windows of faults are named where they are drawn.
                    @if width_of(&name, 11.5) <= right - left - 6.0 {
                        (text(f64::midpoint(left, right), bottom + 34.0, Anchor::Middle, "t-small", &name))
                    }
                }
            }
        }
    }

    fn seconds(&self) -> Markup {
        let bottom = self.up(self.fine.rows.len().saturating_sub(1)).start;
        let length = self.fine.length.as_secs_f64();
        html! {
            @for tick in linear_ticks(length, 10.0).into_iter().filter(|tick| *tick <= length) {
                @let x = self.across.linear(tick);
                (line((x, bottom), (x, bottom + 4.0), "axis"))
                (text(x, bottom + 17.0, Anchor::Middle, "t-tick", &format!("{} s", trimmed(tick))))
            }
        }
    }

    /// The kinds of marks, with their labels.
    fn marks(&self) -> Vec<(&'static str, String)> {
        let curves = self.fine.rows.first().map_or(&[][..], |row| &row.curves[..]);
        let every = duration(self.coarse.bucket);
        let mut marks: Vec<(&str, String)> = curves
            .iter()
            .enumerate()
            .map(|(at, curve)| (mark(at, &curve.name), format!("{} in each {every}", curve.name)))
            .collect();
        if let Some(limit) = self.fine.limit {
            let first = curves.first().map_or("counted", |curve| curve.name.as_str());
            marks.push(("trace", format!("{first} in the last {}", duration(limit.window))));
            marks.push(("limit", format!("the limit, {}", limit.words())));
            marks.push(("over", "over the limit".to_owned()));
        }
        if let Some(level) = &self.fine.level {
            marks.push(("limit", level.label.clone()));
        }
        marks
    }

    /// The marks with their positions, on as many lines as needed.
    fn placed(&self) -> Vec<(f64, f64, &'static str, String)> {
        let (mut x, mut y) = (LEFT, 10.0);
        let mut placed = Vec::new();
        for (class, words) in self.marks() {
            let width = 26.0 + width_of(&words, 11.5);
            if x > LEFT && x + width > RIGHT {
                (x, y) = (LEFT, y + LEGEND_LINE);
            }
            placed.push((x, y, class, words));
            x += width + 14.0;
        }
        placed
    }

    /// The top of the first panel: below the legend.
    fn top(&self) -> f64 {
        self.placed().last().map_or(0.0, |(_, y, ..)| y + LEGEND_GAP) + LEGEND_GAP
    }

    fn legend(&self) -> Markup {
        html! {
            g class="a0" {
                @for (x, y, class, words) in &self.placed() {
                    @match *class {
                        "trace" | "limit" => (line((*x, *y), (x + 20.0, *y), class)),
                        _ => rect x=(px(*x)) y=(px(y - 5.0)) width="20" height="10" class=(class) style=[fill(class, 0)] {},
                    }
                    (text(x + 26.0, y + 4.0, Anchor::Start, "t-small", words))
                }
            }
        }
    }
}

/// The pixel at which a bucket begins.
fn begin(picture: &Picture, across: &Scale, bucket: usize) -> f64 {
    across.linear(picture.bucket.as_secs_f64() * bucket as f64)
}

/// The area between two step lines, in buckets where it is not empty.
fn between(picture: &Picture, across: &Scale, tops: &[f64], below: &[f64], up: Scale) -> String {
    let mut path = String::new();
    let floor = |at: usize| below.get(at).copied().unwrap_or(0.0);
    for (at, top) in tops.iter().enumerate().filter(|(at, top)| **top > floor(*at)) {
        let (left, right) = (px(begin(picture, across, at)), px(begin(picture, across, at + 1)));
        let (low, high) = (px(up.linear(floor(at))), px(up.linear(*top)));
        // Writing to a string cannot fail.
        let _ = write!(path, "M{left} {low}V{high}H{right}V{low}z");
    }
    path
}

/// The sum of all curves in each bucket.
fn stacked(curves: &[Curve]) -> Vec<f64> {
    let buckets = curves.iter().map(|curve| curve.counts.len()).max().unwrap_or(0);
    let of = |at: usize| curves.iter().filter_map(|curve| curve.counts.get(at)).sum();
    (0..buckets).map(of).collect()
}
