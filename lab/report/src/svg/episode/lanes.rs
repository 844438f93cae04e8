//! The lanes of faults above the rows of an episode: a name, a bar while the fault is in force, and the time until goodput
//! is back.
//!
//! Faults share a lane as far as their names have room beside each other.

use maud::{Markup, html};

use super::{
    super::{Anchor, line, px, scale::Scale, text, width_of},
    MARGIN,
};
use crate::{
    episode::{Recovery, Window},
    words::plain,
};

/// A line of a name.
const LINE: f64 = 15.0;
/// The bar, with the space below it.
pub(super) const BAR: f64 = 16.0;
/// The size of small text, for the width of bold text.
const BOLD: f64 = 12.8;
/// The space between two names.
const BETWEEN: f64 = 10.0;

/// The layout of all lanes, the same in each arm.
pub(super) struct Lanes {
    across: Scale,
    lanes: Vec<Lane>,
}

struct Lane {
    /// The index of each fault, with its name.
    faults: Vec<(usize, Name)>,
    lines: usize,
}

struct Name {
    middle: f64,
    lines: Vec<String>,
}

impl Name {
    fn of(window: &Window, across: Scale) -> Self {
        let lines = wrapped(&plain(&window.name), across.end - 2.0);
        let half = lines.iter().map(|line| width_of(line, BOLD) / 2.0).fold(0.0, f64::max);
        let middle = f64::midpoint(across.linear(window.began_ms), across.linear(window.ended_ms));
        // `min` and then `max`: a name may be wider than the plot.
        Self { middle: middle.min(across.end + MARGIN - half).max(half), lines }
    }

    fn half(&self) -> f64 {
        self.lines.iter().map(|line| width_of(line, BOLD) / 2.0).fold(0.0, f64::max)
    }
}

impl Lanes {
    /// The lanes of an arm's faults, which are in the order of time.
    pub(super) fn of(windows: &[Window], across: Scale) -> Self {
        let mut lanes: Vec<Lane> = Vec::new();
        for (index, window) in windows.iter().enumerate() {
            let name = Name::of(window, across);
            let is_beside = |(before, last): &(usize, Name)| {
                last.middle + last.half() + BETWEEN <= name.middle - name.half()
                    && windows[*before].ended_ms <= window.began_ms
            };
            let has_room = |lane: &Lane| lane.faults.last().is_none_or(is_beside);
            let free = lanes.iter().position(has_room).unwrap_or_else(|| {
                lanes.push(Lane { faults: Vec::new(), lines: 0 });
                lanes.len() - 1
            });
            lanes[free].lines = lanes[free].lines.max(name.lines.len());
            lanes[free].faults.push((index, name));
        }
        Self { across, lanes }
    }

    /// The height of all lanes.
    pub(super) fn height(&self) -> f64 {
        self.lanes.iter().map(|lane| LINE * lane.lines as f64 + BAR).sum()
    }

    /// The lanes with an arm's times.
    pub(super) fn drawn(&self, windows: &[Window], top: f64) -> Markup {
        let mut y = top;
        let mut lanes = Vec::new();
        for lane in &self.lanes {
            lanes.push((y, lane));
            y += LINE * lane.lines as f64 + BAR;
        }
        html! {
            @for (top, lane) in lanes {
                @for (at, name) in &lane.faults {
                    // A short name stands at its bar.
                    @let first = lane.lines - name.lines.len();
                    @for (nth, words) in name.lines.iter().enumerate() {
                        (text(name.middle, top + LINE * (first + nth) as f64 + 10.0, Anchor::Middle, "t-small e-fault", words))
                    }
                    @if let Some(window) = windows.get(*at) { (self.bar(window, top + LINE * lane.lines as f64 + 4.0)) }
                }
            }
        }
    }

    /// The bar of a fault, and what followed it.
    fn bar(&self, window: &Window, y: f64) -> Markup {
        let x = |ms: f64| self.across.linear(ms);
        let (left, right, until) = (x(window.began_ms), x(window.ended_ms), x(window.until_ms));
        html! {
            rect x=(px(left)) y=(px(y - 3.0)) width=(px(right - left)) height="6" class="e-bar" {}
            @if let Some(back) = window.back_ms {
                rect x=(px(right)) y=(px(y - 2.5)) width=(px((x(back) - right).max(0.0))) height="5" class="e-starting" {}
            }
            @if let Some(detected) = window.detected_ms {
                path d={"M" (px(x(detected))) " " (px(y + 3.0)) "l-3.5 6h7z"} class="e-detected" {}
            }
            @match window.recovery {
                Recovery::Unknown => {},
                Recovery::At(back) => {
                    (line((right, y), (x(back), y), "e-return"))
                    circle cx=(px(x(back))) cy=(px(y)) r="3.6" class="e-dot" {}
                }
                Recovery::Never => {
                    (line((right, y), (until - 1.0, y), "e-never"))
                    path d={"M" (px(until - 7.0)) " " (px(y - 4.0)) "l6 4l-6 4"} class="e-never" {}
                }
            }
        }
    }
}

/// Words in lines of at most `room`.
fn wrapped(words: &str, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split(' ') {
        match lines.last_mut().filter(|line| width_of(&format!("{line} {word}"), BOLD) <= room) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}
