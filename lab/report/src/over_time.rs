//! Counts over the time of an episode, as a picture for every form of the report.

use std::time::Duration;

use super::{
    episode::episode,
    model::{Arm, Report, Series, SeriesCurve},
    words::{summary, three_digits},
};
use crate::picture::{Curve, Level, Limit, Picture, Row, Stretch, duration, with_something};

/// The picture of a report; `None` if no arm has a series of its operations, or if the drawing of an
/// [episode](super::episode) says the same, which it does unless the series is about a limit.
pub(super) fn picture(report: &Report) -> Option<Picture> {
    let with = || {
        let arms = report.arms.iter().enumerate();
        arms.filter_map(|(place, arm)| Some((place, arm, arm.series_of_operations()?)))
    };
    let (_, _, first) = with().next()?;
    if first.limit.is_none() && first.level.is_none() && episode(report).is_some() {
        return None;
    }
    let bucket = ms(first.bucket_ms);
    let mut picture = Picture {
        title: format!("{}, the mean of all episodes", first.title),
        bucket,
        length: ms(report.load.slice_ms),
        limit: first.limit.map(|limit| Limit { requests: limit.requests, window: ms(limit.window_ms) }),
        level: first
            .level
            .as_ref()
            .map(|level| Level { label: level.label.clone(), per_bucket: level.per_bucket }),
        phases: report
            .load
            .phases
            .iter()
            .map(|phase| Stretch {
                name: phase.name.clone(),
                start: ms(phase.start_ms),
                length: ms(phase.length_ms),
            })
            .collect(),
        rows: Vec::new(),
    };
    picture.rows = with_something(with().map(|(place, arm, series)| row(place, arm, series)).collect());
    let figures: Vec<String> = picture.rows.iter().map(|row| figures(&picture, row)).collect();
    for (row, figures) in picture.rows.iter_mut().zip(figures) {
        row.figures = figures;
    }
    Some(picture)
}

fn row(place: usize, arm: &Arm, series: &Series) -> Row {
    let curve = |curve: &SeriesCurve| Curve { name: curve.name.clone(), counts: curve.counts.clone() };
    Row {
        place,
        name: arm.label.clone(),
        sentence: summary(arm),
        figures: String::new(),
        curves: series.curves.iter().map(curve).collect(),
    }
}

/// The sums of an episode's curves; every request is in one of them.
fn figures(picture: &Picture, row: &Row) -> String {
    let sum = |curve: &Curve| curve.counts.iter().sum::<f64>();
    let all: f64 = row.curves.iter().map(sum).sum();
    let each = row.curves.iter().map(|curve| format!("{} {}", three_digits(sum(curve)), curve.name));
    let mut figures =
        format!("{} requests per episode: {}", three_digits(all), each.collect::<Vec<_>>().join(", "));
    if let Some((limit, trace)) = picture.limit.zip(row.trace(picture)) {
        let most = trace.iter().copied().fold(0.0, f64::max);
        let most = format!("; most in {}: {}", duration(limit.window), three_digits(most));
        figures.push_str(&most);
    }
    figures
}

fn ms(ms: f64) -> Duration {
    Duration::from_secs_f64((ms / 1_000.0).max(0.0))
}
