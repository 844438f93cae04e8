//! An episode over time, for every form of the report: what happened before, during and after a fault.
//!
//! Read in this order: this file (the arms, and when each fault was in force), [`rows`] (the curves, in rows of panels on one
//! scale), [`effects`] (how long it took, as a table), [`words`] (the same as sentences), [`text`] (the same for a terminal).
//! [`svg`](crate::svg) draws the rows.

mod effects;
mod merge;
mod rows;
#[cfg(test)]
mod tests;
mod text;
mod words;

pub(super) use effects::{Effects, MEANING, effects};
pub(super) use rows::{Curve, Key, Kind, Panel, Row, rows};
pub(super) use text::render;
pub(super) use words::{at_the_end, sentences};

use super::{
    faults,
    model::{Arm, Fault, Report, Timeline},
};

/// The episode of a report.
pub(super) struct Episode<'a> {
    /// Its length.
    pub(super) length_ms: f64,
    /// The arms that have one, in the report's order.
    pub(super) arms: Vec<Column<'a>>,
}

/// One arm.
pub(super) struct Column<'a> {
    /// Its index among the arms, which determines its colour.
    pub(super) place: usize,
    pub(super) arm: &'a Arm,
    pub(super) timeline: &'a Timeline,
    /// Whether its load has phases.
    pub(super) has_phases: bool,
    /// What happened to it, in the order of time.
    pub(super) windows: Vec<Window>,
}

/// A fault in one arm: the medians over its episodes. Where a scenario has none, its middle phases.
pub(super) struct Window {
    /// `links killed`
    pub(super) name: String,
    /// Its index in the report; none where it is the load.
    pub(super) fault: Option<usize>,
    pub(super) began_ms: f64,
    pub(super) ended_ms: f64,
    /// The time at which what was killed served again.
    pub(super) back_ms: Option<f64>,
    /// The end of the time that is attributed to it: the next fault's beginning, or the end of the episode.
    pub(super) until_ms: f64,
    /// The first sign that somebody noticed.
    pub(super) detected_ms: Option<f64>,
    pub(super) recovery: Recovery,
}

/// The return of goodput to 95 % of what it was.
#[derive(Clone, Copy)]
pub(super) enum Recovery {
    /// It was not measured.
    Unknown,
    /// At this time.
    At(f64),
    /// Not within the episode, in half of the episodes or more.
    Never,
}

/// The episode of a report; `None` if it was not recorded, if nothing disturbed it, or if only its load changed and the
/// journeys have [a picture](crate::over_time) of that.
pub(super) fn episode<'a>(report: &'a Report) -> Option<Episode<'a>> {
    let is_pictured = report.arms.iter().any(|arm| arm.series_of_operations().is_some());
    if report.load.faults.is_empty() && is_pictured {
        return None;
    }
    let column = |(place, arm): (usize, &'a Arm)| {
        let (timeline, windows) = (arm.timeline.as_ref()?, windows(report, arm));
        let has_phases = report.load.phases.len() > 1;
        (!windows.is_empty()).then_some(Column { place, arm, timeline, has_phases, windows })
    };
    let arms: Vec<Column<'_>> = report.arms.iter().enumerate().filter_map(column).collect();
    (!arms.is_empty()).then_some(Episode { length_ms: report.load.slice_ms, arms })
}

/// What happened to an arm.
fn windows(report: &Report, arm: &Arm) -> Vec<Window> {
    let mut windows = if report.load.faults.is_empty() { surge(report, arm) } else { broken(report, arm) };
    let begins: Vec<f64> = windows.iter().map(|window| window.began_ms).collect();
    for window in &mut windows {
        let next = begins.iter().copied().find(|began| *began >= window.ended_ms);
        window.until_ms = next.unwrap_or(report.load.slice_ms);
    }
    windows
}

/// The load between the first phase and the last.
fn surge(report: &Report, arm: &Arm) -> Vec<Window> {
    let [_, middle @ .., last] = &report.load.phases[..] else { return Vec::new() };
    let Some(first) = middle.first() else { return Vec::new() };
    let names: Vec<&str> = middle.iter().map(|phase| phase.name.as_str()).collect();
    vec![window(arm, (None, names.join(", ")), (first.start_ms, last.start_ms), None)]
}

/// The faults in the order of time; what is broken at the same time is one.
fn broken(report: &Report, arm: &Arm) -> Vec<Window> {
    let faults = &report.load.faults;
    let times = |fault: &Fault| (fault.at_ms, fault.at_ms + fault.for_ms);
    let is_first = |index: usize| !faults[..index].iter().any(|other| times(other) == times(&faults[index]));
    let of = |index: usize| {
        let planned = times(&faults[index]);
        let together: Vec<&Fault> = faults.iter().filter(|other| times(other) == planned).collect();
        let made = || together.iter().flat_map(|fault| &fault.made).filter(|made| made.arm == arm.label);
        let began = median(made().map(|made| made.began_ms)).unwrap_or(planned.0);
        let ended = median(made().map(|made| made.ended_ms)).unwrap_or(planned.1);
        let back = median(made().filter_map(|made| made.back_ms));
        window(arm, (Some(index), faults::names(&together)), (began, ended), back)
    };
    let mut indices: Vec<usize> = (0..faults.len()).filter(|index| is_first(*index)).collect();
    indices.sort_by(|one, other| faults[*one].at_ms.total_cmp(&faults[*other].at_ms));
    indices.into_iter().map(of).collect()
}

fn window(
    arm: &Arm,
    (fault, name): (Option<usize>, String),
    (began_ms, ended_ms): (f64, f64),
    back_ms: Option<f64>,
) -> Window {
    let effect = arm.effects.iter().find(|effect| effect.fault == fault);
    let recovery = match effect.map(|effect| &effect.recover_ms) {
        Some(spread) if !spread.episodes.is_empty() => {
            spread.median().map_or(Recovery::Never, |after| Recovery::At(ended_ms + after))
        }
        _ => Recovery::Unknown,
    };
    let detected_ms = effect.and_then(|effect| effect.detect_ms.median()).map(|after| began_ms + after);
    Window { name, fault, began_ms, ended_ms, back_ms, until_ms: ended_ms, detected_ms, recovery }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}
