//! An episode as text: what became of the operations of each arm, as blocks, with the faults' windows below.

use std::time::Duration;

use super::{Column, Episode, Window, words};
use crate::picture::{self, Picture, Row, Stretch, text, with_something};

/// In lines of at most `width` columns.
pub(crate) fn render(episode: &Episode<'_>, width: usize) -> String {
    let bucket_ms = episode.arms.first().map_or(1.0, |column| column.timeline.bucket_ms);
    let windows = episode.arms.first().map_or(&[][..], |column| &column.windows[..]);
    let phase = |window: &Window| Stretch {
        name: window.name.clone(),
        start: ms(window.began_ms),
        length: ms(window.ended_ms - window.began_ms),
    };
    let picture = Picture {
        title: "what became of the operations over the time of an episode, the mean of all episodes"
            .to_owned(),
        bucket: ms(bucket_ms),
        length: ms(episode.length_ms),
        limit: None,
        level: None,
        phases: windows.iter().map(phase).collect(),
        rows: with_something(episode.arms.iter().map(row).collect()),
    };
    text::render(&picture, width).trim_end().to_owned()
}

fn row(column: &Column<'_>) -> Row {
    let curve = |name: &str, counts| picture::Curve { name: name.to_owned(), counts };
    let ended = |failed: bool| {
        let same = || column.timeline.ended.iter().filter(|curve| curve.failed == failed);
        let of = |at: usize| same().filter_map(|curve| curve.counts.get(at)).sum();
        (0..column.timeline.good.len()).map(of).collect()
    };
    let sentences = words::sentences(column);
    let (goodput, others) = sentences.split_at(1.min(sentences.len()));
    Row {
        place: column.place,
        name: column.arm.label.clone(),
        sentence: goodput.concat(),
        figures: others.join(". "),
        curves: vec![
            curve("ended well", column.timeline.good.clone()),
            curve("refused", ended(false)),
            curve("failed", ended(true)),
        ],
    }
}

fn ms(ms: f64) -> Duration {
    Duration::from_secs_f64((ms / 1_000.0).max(0.0))
}
