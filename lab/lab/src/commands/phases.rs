//! The phases of a load as text.

use std::fmt::Write;

use scenario::phases::{Phase, Piece, spans};

/// A line per phase: its time, and its rate in operations a second; empty without phases.
pub(super) fn phased(phases: &[Phase], rate: f64) -> String {
    let mut text = String::new();
    for (phase, span) in phases.iter().zip(spans(phases)) {
        let seconds = |time: std::time::Duration| time.as_secs_f64();
        let times = if phase.repeat == 1 { String::new() } else { format!(", {} times", phase.repeat) };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "  {:>5.1} to {:>4.1} s  {:<20} {}{times}",
            seconds(span.start),
            seconds(span.start + span.length),
            phase.name,
            phase.pieces.iter().map(|piece| offered(piece, rate)).collect::<Vec<_>>().join(", "),
        );
    }
    text
}

/// `130/s for 1500 ms`, `0/s to 300/s in 700 ms`, `nothing for 500 ms`.
fn offered(piece: &Piece, rate: f64) -> String {
    let (from, to) = ((piece.from * rate).round(), (piece.to * rate).round());
    let level = (from - to).abs() < f64::EPSILON;
    match level {
        true if from == 0.0 => format!("nothing for {} ms", piece.ms),
        true => format!("{from}/s for {} ms", piece.ms),
        false => format!("{from}/s to {to}/s in {} ms", piece.ms),
    }
}
