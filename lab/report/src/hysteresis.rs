//! Goodput against the offered load, while the load grows and falls back: for every form of the report.
//!
//! An arm without hysteresis has one goodput at a load. One with hysteresis has two: that on the way up, and a lower one on
//! the way down, because work for callers that gave up is still in its queues, and their retries make more of it.

use super::{
    model::{Arm, Report, Timeline},
    words::{three_digits, tick},
};

/// The points of a curve, at most.
const POINTS: usize = 60;
/// The width of the window over which a point is the mean, in points.
const WINDOW: usize = 4;
/// The load's peak is at least so many times that of the start and of the end: with less, a loop cannot be seen.
const PEAK: f64 = 1.5;
/// The loads of the table, as shares of the peak.
const SHARES: [f64; 3] = [0.25, 0.5, 0.75];
/// The share by which a point's load may differ from a level of the table.
const NEAR: f64 = 0.15;

/// The curves of all arms, and their common scale.
pub(super) struct Hysteresis<'a> {
    /// The highest offered load, operations a second.
    pub(super) peak: f64,
    pub(super) arms: Vec<Loop<'a>>,
}

/// One arm's way through its loads.
pub(super) struct Loop<'a> {
    /// Its index among the arms, which determines its colour.
    pub(super) place: usize,
    pub(super) arm: &'a Arm,
    /// While the load grows, in the order of time; the last one is the first of `down`.
    pub(super) up: Vec<Point>,
    /// While it falls.
    pub(super) down: Vec<Point>,
}

/// Operations a second, over a short time.
#[derive(Clone, Copy)]
pub(super) struct Point {
    pub(super) offered: f64,
    pub(super) good: f64,
}

/// The loads of a report; `None` if its load does not grow and fall back, or if something else was broken as well.
pub(super) fn hysteresis<'a>(report: &'a Report) -> Option<Hysteresis<'a>> {
    if !report.load.faults.is_empty() || report.load.phases.len() < 3 {
        return None;
    }
    let curve = |(place, arm): (usize, &'a Arm)| {
        let mut up = points(arm.timeline.as_ref()?);
        let (first, last) = (up.first()?.offered, up.last()?.offered);
        let peak = up.iter().map(|point| point.offered).fold(0.0, f64::max);
        let turn = up.iter().position(|point| point.offered >= peak)?;
        let down = up.split_off(turn);
        up.extend(down.first());
        (peak >= PEAK * first.max(last)).then_some(Loop { place, arm, up, down })
    };
    let arms: Vec<Loop<'_>> = report.arms.iter().enumerate().filter_map(curve).collect();
    let peak = arms.iter().filter_map(|arm| arm.down.first()).map(|point| point.offered).fold(0.0, f64::max);
    (!arms.is_empty()).then_some(Hysteresis { peak, arms })
}

/// Means over a window that slides along the episode: arrivals are random, and a short window would show little else.
fn points(timeline: &Timeline) -> Vec<Point> {
    let step = timeline.offered.len().div_ceil(POINTS).max(1);
    let rate =
        |counts: &[f64]| counts.iter().sum::<f64>() * 1_000.0 / (counts.len() as f64 * timeline.bucket_ms);
    let both =
        timeline.offered.windows(WINDOW * step).zip(timeline.good.windows(WINDOW * step)).step_by(step);
    both.map(|(offered, good)| Point { offered: rate(offered), good: rate(good) }).collect()
}

impl Hysteresis<'_> {
    /// The title of every form.
    pub(super) const TITLE: &'static str = "Goodput against the offered load";

    /// What is to be seen, for below the title.
    pub(super) const MEANING: &'static str = "Operations a second, the mean of all episodes, while the load grows to its peak and falls back. Where both ways lie together, the load alone determines the goodput. Where the way down lies below, the system stays down after the load has gone: hysteresis";

    /// A row for each of some loads: the load, and for each arm its goodput there on both ways.
    pub(super) fn rows(&self) -> Vec<(String, Vec<String>)> {
        let levels = SHARES.map(|share| (share * self.peak).round());
        let row = |level: f64| {
            let cell = |arm: &Loop<'_>| {
                let [up, down] = [&arm.up, &arm.down].map(|way| at(way, level));
                Some(format!("{} up, {} down", three_digits(up?), three_digits(down?)))
            };
            let cells: Option<Vec<String>> = self.arms.iter().map(cell).collect();
            Some((format!("{} offered", tick(level)), cells?))
        };
        levels.into_iter().filter_map(row).collect()
    }
}

/// The mean goodput of the points near a load.
fn at(way: &[Point], level: f64) -> Option<f64> {
    let near: Vec<f64> = way
        .iter()
        .filter(|point| (point.offered - level).abs() < NEAR * level)
        .map(|point| point.good)
        .collect();
    (!near.is_empty()).then(|| near.iter().sum::<f64>() / near.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LoadPhase, Spread};

    /// An arm whose load grows from 50 to 200 a second and falls back, and that serves what `good` says of each load.
    fn report(good: impl Fn(bool, f64) -> f64) -> Report {
        let mut report: Report = serde_json::from_str(include_str!("fixtures/faults.json")).unwrap();
        report.load.faults.clear();
        report.load.phases = ["before", "up and down", "after"]
            .map(|name| LoadPhase { name: name.to_owned(), start_ms: 0.0, length_ms: 2_000.0 })
            .into();
        report.arms.truncate(1);
        let ways = (0..60).map(|at| (at < 30, if at < 30 { f64::from(at) } else { f64::from(60 - at) }));
        let loads: Vec<(bool, f64)> = ways.map(|(up, at)| (up, 50.0 + at * 5.0)).collect();
        report.arms[0].timeline = Some(Timeline {
            bucket_ms: 100.0,
            offered: loads.iter().map(|(_, load)| load / 10.0).collect(),
            good: loads.iter().map(|(up, load)| good(*up, *load) / 10.0).collect(),
            goodput_ratio: Some(Spread::default()),
            ..Timeline::default()
        });
        report
    }

    #[test]
    fn an_arm_that_stays_down_has_two_goodputs_at_one_load() {
        let stuck = report(|up, load| if up { load.min(100.0) } else { 0.0 });
        let rows = hysteresis(&stuck).unwrap().rows();
        assert_eq!(rows[0], ("98 offered".to_owned(), vec!["95.8 up, 0 down".to_owned()]), "{rows:?}");
        assert_eq!(rows[1], ("146 offered".to_owned(), vec!["100 up, 0 down".to_owned()]), "{rows:?}");
        let elastic = report(|_, load| load.min(100.0));
        let rows = hysteresis(&elastic).unwrap().rows();
        assert_eq!(rows[1], ("146 offered".to_owned(), vec!["100 up, 100 down".to_owned()]), "{rows:?}");
    }

    #[test]
    fn there_is_no_loop_without_a_way_back_or_beside_a_fault() {
        let stays = report(|_, load| load);
        let mut grows = stays.clone();
        if let Some(timeline) = &mut grows.arms[0].timeline {
            timeline.offered.truncate(30);
            timeline.good.truncate(30);
        }
        assert!(hysteresis(&stays).is_some() && hysteresis(&grows).is_none());
        let broken: Report = serde_json::from_str(include_str!("fixtures/faults.json")).unwrap();
        assert!(hysteresis(&broken).is_none());
    }
}
