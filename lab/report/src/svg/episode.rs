//! An episode as small multiples: a drawing for each arm, whose rows all arms share, with their scales.
//!
//! Time runs from left to right, on one axis at the top and at the bottom of a drawing.
//! Each fault has a lane below its name: a bar while it is in force, then a line until goodput is back, which ends in a dot,
//! or in an arrowhead if that never happens. The bar's time is shaded through all rows.
//! Colour is never the only carrier: causes differ in patterns, lines in dashes, and a breaker's states in height and pattern.

mod lanes;
mod panel;

use maud::{Markup, html};

use self::{
    lanes::{BAR, Lanes},
    panel::Frame,
};
use super::{
    Anchor, COLOURS, arm_class, line, px,
    scale::{Scale, linear_ticks},
    text,
};
use crate::{
    episode::{Column, Episode, Kind, Recovery, Row, at_the_end, sentences},
    words::{plain, trimmed},
};

/// The style of the marks.
pub(crate) const EPISODE_MARKS: &str = include_str!("episode.css");

/// The room for the labels of vertical axes.
const LEFT: f64 = 62.0;
/// Half of the last label of the time axis.
const MARGIN: f64 = 16.0;
/// An arm's name, and its goodput in the last phase.
const NAME: f64 = 36.0;
/// A time axis with its labels.
const AXIS: f64 = 26.0;
/// What stands above the lanes.
const HEAD: f64 = NAME + AXIS + 4.0;
/// A panel's title, above the label of its highest tick.
const TITLE: f64 = 25.0;
const GAP: f64 = 13.0;
/// The height of a row's panels.
fn height(kind: Kind) -> f64 {
    match kind {
        Kind::Operations => 96.0,
        Kind::Latency => 78.0,
        Kind::Calls | Kind::Amounts => 48.0,
        Kind::Breaker => 50.0,
    }
}

/// The drawing of the arm at this index of the episode, `width` wide.
pub(crate) fn episode(episode: &Episode<'_>, rows: &[Row], at: usize, width: f64) -> Markup {
    let column = &episode.arms[at];
    let across = Scale { low: 0.0, high: episode.length_ms, start: LEFT, end: width - MARGIN };
    // All arms have the lanes of the first.
    let lanes = Lanes::of(&episode.arms[0].windows, across);
    let sheet = Sheet { column, rows, at, across, lanes };
    let (top, bottom) = (sheet.top(), sheet.bottom());
    html! {
        svg class="plot-episode" viewBox={"0 0 " (px(width)) " " (px(bottom + AXIS))} role="img" {
            title { "An episode of " (column.arm.label) ", " (rows.len()) " rows on one time axis." }
            desc { @for sentence in sentences(column) { (plain(&sentence)) ". " } }
            g class=(arm_class(column.place)) {
                (sheet.shades(top, bottom))
                rect x="0" y="3" width="10" height="10" rx="3" class="swatch-fill" {}
                (text(17.0, 13.0, Anchor::Start, "t-name", &column.arm.label))
                @if let Some(words) = at_the_end(column) { (text(17.0, 29.0, Anchor::Start, "t-small t-soft", &words)) }
                (sheet.seconds(NAME + AXIS, true))
                (sheet.lanes.drawn(&column.windows, HEAD))
                @for (at, y) in sheet.tops().into_iter().enumerate() { (sheet.row(at, y)) }
                (sheet.seconds(bottom, false))
            }
        }
    }
}

struct Sheet<'a> {
    column: &'a Column<'a>,
    rows: &'a [Row],
    at: usize,
    across: Scale,
    lanes: Lanes,
}

impl Sheet<'_> {
    /// The top of the rows.
    fn top(&self) -> f64 {
        HEAD + self.lanes.height()
    }

    /// The top of each row.
    fn tops(&self) -> Vec<f64> {
        let mut y = self.top();
        let mut next = |row: &Row| {
            let top = y;
            y += TITLE + height(row.kind) + GAP;
            top
        };
        self.rows.iter().map(&mut next).collect()
    }

    /// The bottom of the last panel.
    fn bottom(&self) -> f64 {
        let heights = self.rows.iter().map(|row| TITLE + height(row.kind) + GAP);
        self.top() + heights.sum::<f64>() - GAP + 4.0
    }

    /// The windows of faults, through all rows.
    fn shades(&self, top: f64, bottom: f64) -> Markup {
        html! {
            @for window in &self.column.windows {
                @let (left, right) = (self.across.linear(window.began_ms), self.across.linear(window.ended_ms));
                rect x=(px(left)) y=(px(top)) width=(px(right - left)) height=(px(bottom - top)) class="e-shade" {}
                (line((left, top - BAR), (left, bottom), "e-edge"))
                (line((right, top - BAR), (right, bottom), "e-edge"))
                @if let Recovery::At(back) = window.recovery {
                    @let x = self.across.linear(back);
                    (line((x, top - BAR), (x, bottom), "e-back"))
                }
            }
        }
    }

    fn row(&self, at: usize, y: f64) -> Markup {
        let row = &self.rows[at];
        let frame = Frame::of(row, self.across, y + TITLE, height(row.kind));
        html! {
            g {
                (text(0.0, y + TITLE - 12.0, Anchor::Start, "t-small e-title", &row.title))
                (frame.grid())
                @match &row.panels[self.at] {
                    Ok(panel) => (frame.panel(panel, self.column.place)),
                    Err(why) => (text(LEFT + 8.0, frame.middle() + 4.0, Anchor::Start, "t-small t-soft e-halo", why)),
                }
            }
        }
    }

    /// The time axis, with its labels above or below.
    fn seconds(&self, y: f64, above: bool) -> Markup {
        let seconds = self.across.high / 1_000.0;
        let wanted = ((self.across.end - self.across.start) / 36.0).max(2.0);
        let ticks = linear_ticks(seconds, wanted).into_iter().filter(|tick| *tick <= seconds * 1.001);
        let (mark, label) = if above { (-4.0, -8.0) } else { (4.0, 17.0) };
        html! {
            (line((self.across.start, y), (self.across.end, y), "axis"))
            @for tick in ticks {
                @let x = self.across.linear(tick * 1_000.0);
                (line((x, y), (x, y + mark), "axis"))
                (text(x, y + label, Anchor::Middle, "t-tick", &format!("{} s", trimmed(tick))))
            }
        }
    }
}

/// The patterns of what did not end well; a page has them among its definitions.
pub(super) fn patterns() -> Markup {
    html! {
        defs {
            @for kind in ["refusal", "failure"] {
                pattern id={"e-" (kind) "0"} width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" class={"e-pattern-" (kind)} {
                    line x1="0" y1="0" x2="0" y2="4" class="e-hatch" {}
                }
                pattern id={"e-" (kind) "1"} width="6" height="6" patternUnits="userSpaceOnUse" class={"e-pattern-" (kind)} {
                    path d="M0 0h3v3h-3zM3 3h3v3h-3z" class="e-solid" {}
                }
                pattern id={"e-" (kind) "2"} width="4" height="4" patternUnits="userSpaceOnUse" class={"e-pattern-" (kind)} {
                    circle cx="2" cy="2" r="1.2" class="e-solid" {}
                }
                pattern id={"e-" (kind) "3"} width="4" height="3" patternUnits="userSpaceOnUse" class={"e-pattern-" (kind)} {
                    line x1="0" y1="1" x2="4" y2="1" class="e-hatch" {}
                }
            }
        }
    }
}

/// The pattern that fills a mark, if it has one; those in an arm's colour are those of a picture.
pub(super) fn fill(mark: &str, place: usize) -> Option<String> {
    let place = place % COLOURS;
    match mark {
        "retry" | "half-open" => Some(format!("fill:url(#refused{place})")),
        "hedge" => Some(format!("fill:url(#unavailable{place})")),
        _ if mark.starts_with("refusal") || mark.starts_with("failure") => {
            Some(format!("fill:url(#e-{mark})"))
        }
        _ => None,
    }
}

/// A mark as a key shows it, in the colour of the first arm.
pub(crate) fn episode_key(mark: &str) -> Markup {
    let is_line = ["offered", "p50", "p90", "whole"].contains(&mark) || mark.starts_with("line");
    html! {
        svg width="22" height="12" class={"key-mark " (arm_class(0))} aria-hidden="true" {
            @match mark {
                "fault" => {
                    rect x="0" y="3" width="9" height="6" class="e-bar" {}
                    (line((9.0, 6.0), (17.0, 6.0), "e-return"))
                    circle cx="17" cy="6" r="3.6" class="e-dot" {}
                }
                "starting" => rect x="0.5" y="3" width="21" height="6" class="e-starting" {},
                "detected" => path d="M11 2l-3.5 7h7z" class="e-detected" {},
                "never" => {
                    (line((0.0, 6.0), (20.0, 6.0), "e-never"))
                    path d="M14 2l7 4l-7 4" class="e-never" {}
                }
                _ if is_line => (line((0.0, 6.0), (22.0, 6.0), &format!("e-{mark}"))),
                _ => rect x="0.5" y="0.5" width="21" height="11" class={"e-" (mark)} style=[fill(mark, 0)] {},
            }
        }
    }
}
