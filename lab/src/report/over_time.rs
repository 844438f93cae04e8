//! What happened over the time of an episode, as a picture that every form of the report draws.

use std::time::Duration;

use super::model::{Arm, Report, Series};
use super::words::three_digits;
use crate::picture::{Curve, Level, Limit, Picture, Row, Stretch, duration};

/// The picture of a report; none if no arm has a series.
pub(super) fn picture(report: &Report) -> Option<Picture> {
    let with =
        || report.arms.iter().enumerate().filter_map(|(place, arm)| Some((place, arm, arm.series.as_ref()?)));
    let (_, _, first) = with().next()?;
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
    picture.rows = with().map(|(place, arm, series)| row(&picture, place, arm, series)).collect();
    Some(picture)
}

fn row(picture: &Picture, place: usize, arm: &Arm, series: &Series) -> Row {
    let curves: Vec<Curve> = series
        .curves
        .iter()
        .map(|curve| Curve { name: curve.name.clone(), counts: curve.counts.clone() })
        .collect();
    let sums = curves.iter().map(|curve| {
        let sum: f64 = curve.counts.iter().sum();
        format!("{} {}", three_digits(sum), curve.name)
    });
    let mut figures = format!("an episode: {}", sums.collect::<Vec<_>>().join(", "));
    let mut row =
        Row { place, name: arm.label.clone(), sentence: arm.summary.clone(), figures: String::new(), curves };
    if let Some((limit, trace)) = picture.limit.zip(row.trace(picture)) {
        let most = trace.iter().copied().fold(0.0, f64::max);
        let most = format!("; most in {}: {}", duration(limit.window), three_digits(most));
        figures.push_str(&most);
    }
    row.figures = figures;
    row
}

fn ms(ms: f64) -> Duration {
    Duration::from_secs_f64((ms / 1_000.0).max(0.0))
}
