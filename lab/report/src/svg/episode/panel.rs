//! One panel of an episode: its vertical scale, which all panels of a row share, and its curves.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::{
    super::{
        Anchor, line, px,
        scale::{Scale, linear_ticks, log_ticks},
        text,
    },
    fill,
};
use crate::{
    episode::{Curve, Kind, Panel, Row},
    words::{self, duration_of_ms},
};

/// The frame of a panel.
pub(super) struct Frame {
    kind: Kind,
    across: Scale,
    up: Scale,
    ticks: Vec<f64>,
    bucket_ms: f64,
}

impl Frame {
    /// The frame of all panels of a row.
    pub(super) fn of(row: &Row, across: Scale, top: f64, height: f64) -> Self {
        let values = || row.panels.iter().flatten().flat_map(Panel::values).filter(|value| *value > 0.0);
        let most = if row.kind == Kind::Latency { values().fold(0.0, f64::max) } else { usual(values()) };
        let (low, high, ticks) = match row.kind {
            Kind::Breaker => (0.0, 2.0, vec![0.0, 1.0, 2.0]),
            Kind::Latency => {
                let least = values().fold(most, f64::min);
                let (low, high) = (least / 1.15, (most * 1.15).max(least * 2.0));
                (low, high, log_ticks(low, high, 4))
            }
            Kind::Operations | Kind::Calls | Kind::Amounts => {
                let ticks = linear_ticks(
                    most.max(f64::MIN_POSITIVE),
                    if row.kind == Kind::Operations { 4.0 } else { 2.0 },
                );
                (0.0, ticks.last().copied().unwrap_or(1.0), ticks)
            }
        };
        // A breaker's states are lines with a label each.
        let inset = if row.kind == Kind::Breaker { 5.0 } else { 0.0 };
        let up = Scale { low, high, start: top + height - inset, end: top + inset };
        Self { kind: row.kind, across, up, ticks, bucket_ms: row.bucket_ms }
    }

    pub(super) fn middle(&self) -> f64 {
        f64::midpoint(self.up.start, self.up.end)
    }

    pub(super) fn grid(&self) -> Markup {
        html! {
            @for tick in &self.ticks {
                @let y = self.y(*tick);
                (line((self.across.start, y), (self.across.end, y), "e-grid"))
                (text(self.across.start - 6.0, y + 4.0, Anchor::End, "t-small t-soft", &self.label(*tick)))
            }
        }
    }

    fn label(&self, tick: f64) -> String {
        match self.kind {
            Kind::Breaker => {
                ["closed", "half-open", "open"][tick.round().clamp(0.0, 2.0) as usize].to_owned()
            }
            Kind::Latency => duration_of_ms(tick),
            Kind::Operations | Kind::Calls | Kind::Amounts => words::tick(tick),
        }
    }

    pub(super) fn panel(&self, panel: &Panel, place: usize) -> Markup {
        if self.kind == Kind::Breaker {
            return html! { @for (_, states) in &panel.lines { (self.breaker(states, place)) } };
        }
        html! {
            @if let Some((low, high)) = &panel.band { path d=(self.band(low, high)) class="e-band" {} }
            (self.stack(&panel.stack, place))
            @for (mark, curve) in &panel.lines {
                // What was offered is a count of each bucket, like the stack below it.
                @let path = if self.kind == Kind::Operations { self.steps(curve) } else { self.polyline(curve) };
                path d=(path) class={"e-" (mark)} {}
            }
            @if let Some((at, highest)) = panel.highest().filter(|(_, highest)| *highest > self.up.high) {
                (self.beyond(at, highest))
            }
        }
    }

    /// The height of what the scale cuts off, beside where it was.
    fn beyond(&self, at: usize, highest: f64) -> Markup {
        if self.kind == Kind::Latency {
            return html! {};
        }
        let (left, right) = (self.x(at), self.x(at + 1));
        let words = format!("↑ {}", words::three_digits(highest));
        let is_left = left > f64::midpoint(self.across.start, self.across.end);
        let (x, anchor) = if is_left { (left - 4.0, Anchor::End) } else { (right + 4.0, Anchor::Start) };
        text(x, self.up.end + 9.0, anchor, "t-small e-halo", &words)
    }

    fn y(&self, value: f64) -> f64 {
        match self.kind {
            Kind::Latency => self.up.log(value.max(self.up.low)),
            _ => self.up.linear(value.min(self.up.high)),
        }
    }

    /// The pixel at which a bucket begins.
    fn x(&self, bucket: usize) -> f64 {
        self.across.linear(self.bucket_ms * bucket as f64)
    }

    /// Areas of steps on top of each other.
    fn stack(&self, stack: &[(String, Curve)], place: usize) -> Markup {
        let buckets = stack.iter().map(|(_, curve)| curve.len()).max().unwrap_or(0);
        let mut below = vec![0.0; buckets];
        let mut drawn = Vec::new();
        for (mark, curve) in stack {
            let tops: Vec<f64> = below
                .iter()
                .enumerate()
                .map(|(at, floor)| floor + curve.get(at).copied().flatten().unwrap_or(0.0))
                .collect();
            let path = self.between(&below, &tops);
            if !path.is_empty() {
                drawn.push(html! { path d=(path) class={"e-" (mark)} style=[fill(mark, place)] {} });
            }
            below = tops;
        }
        html! { @for path in &drawn { (path) } }
    }

    /// The area between two step lines where it is not empty: each stretch to its end, and back below.
    fn between(&self, below: &[f64], tops: &[f64]) -> String {
        let is_filled = |at: &usize| tops[*at] - below[*at] > 1e-9;
        let mut path = String::new();
        let mut at = 0;
        while at < tops.len() {
            let end = (at..tops.len()).find(|at| !is_filled(at)).unwrap_or(tops.len());
            if end == at {
                at += 1;
                continue;
            }
            // Writing to a string cannot fail.
            let _ = write!(path, "M{} {}", px(self.x(at)), px(self.y(below[at])));
            stairs(&mut path, (at..end).map(|at| (self.y(tops[at]), self.x(at + 1))));
            stairs(&mut path, (at..end).rev().map(|at| (self.y(below[at]), self.x(at))));
            path.push('z');
            at = end;
        }
        path
    }

    /// A step line, interrupted by gaps.
    fn steps(&self, curve: &Curve) -> String {
        let mut path = String::new();
        let value = |at: usize| curve.get(at).copied().flatten();
        let mut at = 0;
        while at < curve.len() {
            let end = (at..curve.len()).find(|at| value(*at).is_none()).unwrap_or(curve.len());
            if let Some(first) = value(at) {
                let _ = write!(path, "M{} {}", px(self.x(at)), px(self.y(first)));
                stairs(&mut path, (at..end).filter_map(|at| Some((self.y(value(at)?), self.x(at + 1)))));
            }
            at = end.max(at + 1);
        }
        path
    }

    /// The middle of a bucket, and its value.
    fn point(&self, at: usize, value: f64) -> String {
        format!("{} {}", px(f64::midpoint(self.x(at), self.x(at + 1))), px(self.y(value)))
    }

    /// A line through the middles of the buckets, interrupted by gaps.
    fn polyline(&self, curve: &Curve) -> String {
        let mut path = String::new();
        let mut is_down = false;
        for (at, value) in curve.iter().enumerate() {
            if let Some(value) = value {
                path.push(if is_down { 'L' } else { 'M' });
                path.push_str(&self.point(at, *value));
            }
            is_down = value.is_some();
        }
        path
    }

    /// The area between two lines, in each stretch where both are known.
    fn band(&self, low: &Curve, high: &Curve) -> String {
        let pair = |at: usize| Some((low.get(at).copied().flatten()?, high.get(at).copied().flatten()?));
        let mut path = String::new();
        let mut stretch: Vec<(usize, f64, f64)> = Vec::new();
        for at in 0..=low.len() {
            if let Some((low, high)) = pair(at) {
                stretch.push((at, low, high));
                continue;
            }
            let upper = stretch.iter().map(|(at, _, high)| self.point(*at, *high));
            let lower = stretch.iter().rev().map(|(at, low, _)| self.point(*at, *low));
            let points: Vec<String> = upper.chain(lower).collect();
            if stretch.len() > 1 {
                let _ = write!(path, "M{}z", points.join("L"));
            }
            stretch.clear();
        }
        path
    }

    /// A breaker's states: a step line, filled below where it is not closed.
    fn breaker(&self, states: &Curve, place: usize) -> Markup {
        let part = |is: fn(f64) -> bool| {
            let of = |state: &Option<f64>| state.filter(|state| is(*state)).unwrap_or(0.0);
            states.iter().map(of).collect::<Vec<f64>>()
        };
        let floor = vec![0.0; states.len()];
        let open = self.between(&floor, &part(|state| state >= 1.5));
        let half = self.between(&floor, &part(|state| state < 1.5));
        html! {
            path d=(half) class="e-half-open" style=[fill("half-open", place)] {}
            path d=(open) class="e-open" {}
            path d=(self.steps(states)) class="e-state" {}
        }
    }
}

/// The top of a scale: the highest value, or twice what nineteen in twenty stay below. What was held up arrives at once
/// when a fault ends, and would make everything else flat.
fn usual(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let most = values.last().copied().unwrap_or_default();
    let usual = values.get(values.len() * 19 / 20).copied().unwrap_or_default();
    most.min(usual * 2.0)
}

/// Steps to these heights, each up to its horizontal position; equal heights make one step.
fn stairs(path: &mut String, steps: impl Iterator<Item = (f64, f64)>) {
    let mut step: Option<(String, f64)> = None;
    for (y, x) in steps {
        let y = px(y);
        match &mut step {
            Some((height, end)) if *height == y => *end = x,
            other => {
                if let Some((_, end)) = other {
                    let _ = write!(path, "H{}", px(*end));
                }
                let _ = write!(path, "V{y}");
                *other = Some((y, x));
            }
        }
    }
    if let Some((_, end)) = step {
        let _ = write!(path, "H{}", px(end));
    }
}
