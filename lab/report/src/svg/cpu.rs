//! CPU per operation: one stacked bar per arm, all on one scale.

use maud::{Markup, html};

use super::{
    Anchor, arm_class, fitted, line, px,
    scale::{Scale, linear_ticks},
    text, width_of,
};
use crate::{
    model::{Arm, Part, PartKind, Report},
    words::{self, three_digits},
};

const WIDTH: f64 = 1000.0;
const BAR: f64 = 34.0;
/// The whisker's position, below the bar where there are no labels.
const WHISKER: f64 = 10.0;

/// The number of shades for an arm's parts.
const SHADES: usize = 4;

/// The common scale of all bars: from zero to a round number above the largest.
pub(crate) struct CpuScale {
    ticks: Vec<f64>,
    scale: Scale,
}

/// The scale for the arms of a report; `None` if no arm has a cost.
pub(crate) fn cpu_scale(report: &Report) -> Option<CpuScale> {
    let most = report.arms.iter().map(reach).fold(0.0, f64::max);
    if most <= 0.0 {
        return None;
    }
    let ticks = linear_ticks(most, 6.0);
    let high = ticks.last().copied().unwrap_or(most);
    Some(CpuScale { ticks, scale: Scale { low: 0.0, high, start: 0.0, end: WIDTH - 30.0 } })
}

fn reach(arm: &Arm) -> f64 {
    let parts: f64 = arm.cpu_us_per_op.parts.iter().map(|part| part.us).sum();
    arm.cpu_us_per_op.total.map_or(parts, |total| total.high.max(parts))
}

/// The class that fills a part: a shade for a process, a hatch for what is none of the system's.
pub(crate) fn part_class(place: usize, at: usize, part: &Part) -> String {
    match part.kind {
        PartKind::Component => format!("part{} {}", at % SHADES, arm_class(place)),
        PartKind::Backing | PartKind::Proxy => {
            format!("backing{} {}", place % super::COLOURS, arm_class(place))
        }
    }
}

/// One arm's bar, with a whisker for the interval of its total.
pub(crate) fn cpu_bar(arm: &Arm, place: usize, scale: &CpuScale) -> Markup {
    let mut from = 0.0;
    let segments: Vec<(String, f64, f64, &Part)> = arm
        .cpu_us_per_op
        .parts
        .iter()
        .enumerate()
        .map(|(at, part)| {
            let start = from;
            from += part.us;
            (part_class(place, at, part), scale.scale.linear(start), scale.scale.linear(from), part)
        })
        .collect();
    html! {
        svg class="bar" viewBox={"0 0 " (px(WIDTH)) " " (px(BAR + 4.0 + 2.0 * WHISKER))} preserveAspectRatio="none" role="img" {
            title { "CPU per operation of " (arm.label) " by part" }
            @for (class, start, end, part) in &segments {
                g {
                    title { (words::place(&part.name)) ": " (three_digits(part.us)) " µs" }
                    rect x=(px(*start)) y="2" width=(px((end - start - 1.5).max(0.5))) height=(px(BAR)) class={"part " (class)} {}
                    (segment_words(part, *start, *end))
                }
            }
            @if let Some(total) = arm.cpu_us_per_op.total {
                (whisker(scale.scale.linear(total.low), scale.scale.linear(total.high), 4.0 + BAR + WHISKER))
            }
        }
    }
}

/// The label of a part: name and figure if they fit, or the figure only, or nothing; the list below the bar
/// has everything.
fn segment_words(part: &Part, start: f64, end: f64) -> Markup {
    let room = end - start - 16.0;
    let figure = three_digits(part.us);
    let name = words::place(&part.name);
    let short = name.split(" (").next().unwrap_or(&name);
    let both = format!("{short}  {figure}");
    let fits = if width_of(&both, 12.5) <= room {
        both
    } else if width_of(&figure, 12.5) <= room {
        figure
    } else {
        return html! {};
    };
    text(start + 8.0, 24.0, Anchor::Start, "t-part", &fitted(&fits, room + 8.0, 12.5))
}

/// An interval: a line between two ticks.
fn whisker(low: f64, high: f64, y: f64) -> Markup {
    html! {
        (line((low, y), (high, y), "whisker"))
        (line((low, y - 6.0), (low, y + 6.0), "whisker"))
        (line((high, y - 6.0), (high, y + 6.0), "whisker"))
    }
}

/// The axis below all bars.
pub(crate) fn cpu_axis(scale: &CpuScale) -> Markup {
    html! {
        svg class="bar" viewBox={"0 0 " (px(WIDTH)) " 26"} aria-hidden="true" {
            (line((0.0, 1.0), (scale.scale.end, 1.0), "axis"))
            @for (at, tick) in scale.ticks.iter().enumerate() {
                @let x = scale.scale.linear(*tick);
                (line((x, 1.0), (x, 6.0), "axis"))
                (text(x, 20.0, if at == 0 { Anchor::Start } else { Anchor::Middle }, "t-tick", &format!("{}{}", words::tick(*tick), if at == 0 { " µs" } else { "" })))
            }
        }
    }
}
