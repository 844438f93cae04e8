//! Goodput against the offered load: a square for each arm, all on one scale, with the way up drawn through and the way down
//! in dashes.

use maud::{Markup, html};

use super::{
    Anchor, arm_class, line, px,
    scale::{Scale, linear_ticks},
    text,
};
use crate::{
    hysteresis::{Hysteresis, Loop, Point},
    words,
};

const LEFT: f64 = 46.0;
const TOP: f64 = 44.0;
/// The length of an axis.
const SIDE: f64 = 280.0;
/// Half of the last label of the horizontal axis.
const MARGIN: f64 = 18.0;
/// The labels of the horizontal axis, and its name.
const BELOW: f64 = 42.0;

/// The drawing of the arm at this index.
pub(crate) fn hysteresis(all: &Hysteresis<'_>, at: usize) -> Markup {
    let arm = &all.arms[at];
    let ticks = linear_ticks(all.peak, 5.0);
    let high = ticks.last().copied().unwrap_or(all.peak);
    let across = Scale { low: 0.0, high, start: LEFT, end: LEFT + SIDE };
    let upward = Scale { low: 0.0, high, start: TOP + SIDE, end: TOP };
    let place = |point: &Point| (across.linear(point.offered), upward.linear(point.good));
    let (width, height) = (LEFT + SIDE + MARGIN, TOP + SIDE + BELOW);
    html! {
        svg class="plot-hysteresis" viewBox={"0 0 " (px(width)) " " (px(height))} role="img" {
            title { "Goodput of " (arm.arm.label) " against the offered load, on the way up and on the way down." }
            g class=(arm_class(arm.place)) {
                rect x="0" y="3" width="10" height="10" rx="3" class="swatch-fill" {}
                (text(17.0, 13.0, Anchor::Start, "t-name", &arm.arm.label))
                (text(0.0, 34.0, Anchor::Start, "t-small t-soft", "goodput, operations per second"))
                @for tick in &ticks {
                    @let (x, y) = (across.linear(*tick), upward.linear(*tick));
                    (line((LEFT, y), (LEFT + SIDE, y), "e-grid"))
                    (text(LEFT - 7.0, y + 4.0, Anchor::End, "t-tick", &words::tick(*tick)))
                    (text(x, TOP + SIDE + 17.0, Anchor::Middle, "t-tick", &words::tick(*tick)))
                }
                (text(LEFT + SIDE, TOP + SIDE + 36.0, Anchor::End, "t-small t-soft", "offered, operations per second"))
                (line((LEFT, TOP + SIDE), (LEFT + SIDE, TOP), "h-all"))
                (way(&arm.up, "h-up", &place))
                (way(&arm.down, "h-down", &place))
                (ends(arm, &place))
            }
        }
    }
}

fn way(points: &[Point], class: &str, place: &impl Fn(&Point) -> (f64, f64)) -> Markup {
    let drawn: Vec<String> = points
        .iter()
        .map(|point| {
            let (x, y) = place(point);
            format!("{},{}", px(x), px(y))
        })
        .collect();
    html! { polyline points=(drawn.join(" ")) class=(class) {} }
}

/// A ring where the episode starts, and a dot where it ends.
fn ends(arm: &Loop<'_>, place: &impl Fn(&Point) -> (f64, f64)) -> Markup {
    html! {
        @if let Some((x, y)) = arm.up.first().map(place) { circle cx=(px(x)) cy=(px(y)) r="5" class="h-start" {} }
        @if let Some((x, y)) = arm.down.last().map(place) { circle cx=(px(x)) cy=(px(y)) r="4" class="h-end" {} }
    }
}

/// A mark as the key shows it, in the colour of the first arm.
pub(crate) fn hysteresis_key(mark: &str) -> Markup {
    html! {
        svg width="22" height="12" class={"key-mark " (arm_class(0))} aria-hidden="true" {
            @match mark {
                "h-start" => circle cx="11" cy="6" r="4.5" class="h-start" {},
                "h-end" => circle cx="11" cy="6" r="4" class="h-end" {},
                _ => (line((0.0, 6.0), (22.0, 6.0), mark)),
            }
        }
    }
}
