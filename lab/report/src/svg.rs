//! The drawings of the page as inline SVG, and of a [picture](crate::picture) also as a separate file.
//!
//! Colours are classes (`a0`, `a1`, ...: an arm's index in the report), so that the page's light and dark
//! styles apply.
//! Colour is never the only carrier: lines differ in dashes and marks, backings are hatched, and every mark
//! has a label.

mod cpu;
mod episode;
mod hysteresis;
mod interval;
mod latency;
mod layout;
mod over_time;
mod scale;
mod steps;
#[cfg(test)]
mod tests;
mod topology;
mod trace;

pub(crate) use cpu::{cpu_axis, cpu_bar, cpu_scale, part_class};
pub(crate) use episode::{EPISODE_MARKS, episode, episode_key};
pub(crate) use hysteresis::{hysteresis, hysteresis_key};
pub(crate) use interval::{Forest, forest_axis, forest_row};
pub(crate) use latency::latency;
use maud::{Markup, html};
pub use over_time::standalone;
pub(crate) use over_time::{MARKS, inline};
pub(crate) use steps::steps;
pub(crate) use topology::{topology, topology_width};
pub(crate) use trace::{narrow_trace, trace};

/// Arms with a colour of their own; further ones reuse the colours.
const COLOURS: usize = 6;

/// The class of an arm's colour.
pub(crate) fn arm_class(place: usize) -> String {
    format!("a{}", place % COLOURS)
}

/// A coordinate with one decimal; a tenth of a pixel is invisible.
fn px(value: f64) -> String {
    super::words::trimmed((value * 10.0).round() / 10.0)
}

/// The position of a text relative to its point.
#[derive(Clone, Copy)]
enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

fn text(x: f64, y: f64, anchor: Anchor, class: &str, words: &str) -> Markup {
    html! { text x=(px(x)) y=(px(y)) text-anchor=(anchor.word()) class=(class) { (words) } }
}

fn line(from: (f64, f64), to: (f64, f64), class: &str) -> Markup {
    html! { line x1=(px(from.0)) y1=(px(from.1)) x2=(px(to.0)) y2=(px(to.1)) class=(class) {} }
}

/// The estimated width of words in the page's sans-serif; an upper estimate for the common fonts.
fn width_of(words: &str, size: f64) -> f64 {
    words.chars().count() as f64 * size * 0.58
}

/// Words cut with an ellipsis to fit into `room`; the full text goes into a `title` element.
fn fitted(words: &str, room: f64, size: f64) -> String {
    if width_of(words, size) <= room {
        return words.to_owned();
    }
    let keep = (room / (size * 0.58)).floor().max(2.0) as usize - 1;
    let mut cut: String = words.chars().take(keep).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// Definitions that all drawings of a page share: a hatch per arm, and the head of an arrow.
pub(crate) fn definitions() -> Markup {
    html! {
        svg width="0" height="0" class="definitions" aria-hidden="true" {
            defs {
                @for place in 0..COLOURS {
                    pattern id={"hatch" (place)} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                        rect width="6" height="6" class={"part3 " (arm_class(place))} {}
                        line x1="0" y1="0" x2="0" y2="6" class={"hatch " (arm_class(place))} {}
                    }
                }
                marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto" {
                    path d="M0 0.8 L7.2 4 L0 7.2 z" class="arrowhead" {}
                }
            }
            (over_time::hatches())
            (episode::patterns())
        }
    }
}
