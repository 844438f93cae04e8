//! An arm's episode in sentences, for readers who do not see the drawing.

use super::{Column, Curve, Window};
use crate::{
    model::LinkTimeline,
    words::{per_cent, three_digits, took, trimmed},
};

/// The most changes of a breaker that are listed.
const CHANGES: usize = 8;
/// Attempts that differ less than this from one for each call are not listed.
const ONCE: f64 = 0.05;

/// What happened to an arm: its goodput, its breakers, its retries.
pub(crate) fn sentences(column: &Column<'_>) -> Vec<String> {
    let links = &column.timeline.links;
    let mut sentences = vec![goodput(column)];
    sentences.extend(at_the_end(column).map(|words| words.replacen('g', "G", 1)));
    sentences.extend(column.windows.iter().filter_map(served_again));
    sentences.extend(links.iter().filter_map(|link| breaker(column, link)));
    sentences.extend(links.iter().filter_map(|link| attempts(column, link)));
    sentences
}

/// `goodput, last phase: 3.1 % of the first`
pub(crate) fn at_the_end(column: &Column<'_>) -> Option<String> {
    let share = column.timeline.goodput_ratio.as_ref()?.median()?;
    let share = per_cent(share * 100.0);
    Some(if column.has_phases {
        format!("goodput, last phase: {share} of the first")
    } else {
        format!("goodput after the fault: {share} of before")
    })
}

/// When what was killed served again.
fn served_again(window: &Window) -> Option<String> {
    let after = window.back_ms? - window.ended_ms;
    Some(format!(
        "After “{}” what was killed served again within {}",
        window.name,
        took(after.max(0.0) * 1_000.0)
    ))
}

fn goodput(column: &Column<'_>) -> String {
    let timeline = column.timeline;
    let good: Curve = timeline.good.iter().copied().map(Some).collect();
    let per_second = |from_ms: f64, to_ms: f64| {
        let counts = between(column, &good, from_ms, to_ms);
        three_digits(counts.iter().sum::<f64>() * 1_000.0 / (counts.len().max(1) as f64 * timeline.bucket_ms))
    };
    let length_ms = timeline.good.len() as f64 * timeline.bucket_ms;
    let Some((first, last)) = column.windows.first().zip(column.windows.last()) else {
        return format!("{} operations a second ended well", per_second(0.0, length_ms));
    };
    let during = |window: &Window| {
        format!("{} during “{}”", per_second(window.began_ms, window.ended_ms), window.name)
    };
    let mut parts: Vec<String> = column.windows.iter().map(during).collect();
    // An episode may begin with what is broken.
    if first.began_ms >= timeline.bucket_ms {
        parts.insert(0, format!("{} before", per_second(0.0, first.began_ms)));
    }
    if last.ended_ms + timeline.bucket_ms <= length_ms {
        let last_second = per_second((length_ms - 1_000.0).max(last.ended_ms), length_ms);
        parts.push(format!("{last_second} at the end"));
    }
    format!("Operations a second that ended well: {}", parts.join(", "))
}

/// `The circuit breaker from gateway to links: open at 3 s, half-open at 3.7 s, closed at 5.3 s`
fn breaker(column: &Column<'_>, link: &LinkTimeline) -> Option<String> {
    let mut state = 0;
    let mut changes = Vec::new();
    for (at, level) in link.breaker.iter().enumerate() {
        let now = level.map_or(state, |level| level.round() as usize);
        if now != state {
            state = now;
            let name = ["closed", "half-open", "open"][now.min(2)];
            changes.push(format!("{name} at {} s", trimmed(at as f64 * column.timeline.bucket_ms / 1_000.0)));
        }
    }
    if changes.len() > CHANGES {
        let last = changes.pop().unwrap_or_default();
        let left_out = changes.len() - CHANGES;
        changes.truncate(CHANGES);
        changes.push(format!("{left_out} more changes, {last}"));
    }
    (!changes.is_empty())
        .then(|| format!("The circuit breaker from {} to {}: {}", link.from, link.to, changes.join(", ")))
}

/// How often the calls of a link were sent in each window in which that is not once.
fn attempts(column: &Column<'_>, link: &LinkTimeline) -> Option<String> {
    let in_window = |window: &Window| {
        let sum =
            |curve: &Curve| between(column, curve, window.began_ms, window.ended_ms).iter().sum::<f64>();
        let (calls, sent) = (sum(&link.calls), sum(&link.sent));
        let is_once = (sent - calls).abs() < ONCE * calls;
        (calls > 0.0 && !is_once).then(|| format!("{} during “{}”", three_digits(sent / calls), window.name))
    };
    let times: Vec<String> = column.windows.iter().filter_map(in_window).collect();
    let words = || format!("Attempts for each call from {} to {}: {}", link.from, link.to, times.join(", "));
    (!times.is_empty()).then(words)
}

/// The known values of the buckets between two times.
fn between(column: &Column<'_>, curve: &[Option<f64>], from_ms: f64, to_ms: f64) -> Vec<f64> {
    let bucket = |ms: f64| (ms / column.timeline.bucket_ms).round().max(0.0) as usize;
    let values = curve.iter().take(bucket(to_ms)).skip(bucket(from_ms));
    values.copied().flatten().collect()
}
