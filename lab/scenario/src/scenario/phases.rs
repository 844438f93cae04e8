//! A load with a changing rate: named phases, each a sequence of linear pieces.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The most phases of a load, and pieces of a phase: as many as a reader of a picture can follow.
const MOST: usize = 24;
/// The most repetitions of a phase.
const MOST_REPEATS: u32 = 1_000;
/// The highest multiple of the rate.
const HIGHEST: f64 = 1_000.0;
/// The longest total length of all phases: that of a slice.
const LONGEST: Duration = Duration::from_mins(10);

/// A named part of a load, such as `bursts at the edge`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// Its name in a picture; unique in its load.
    pub name: String,
    /// The number of repetitions of its pieces. 1 to 1,000.
    #[serde(default = "once")]
    pub repeat: u32,
    /// Its pieces, in order.
    pub pieces: Vec<Piece>,
}

/// A stretch with a linear rate: `[milliseconds, from, to]` in a file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "(u64, f64, f64)", into = "(u64, f64, f64)")]
pub struct Piece {
    /// Its length in milliseconds. At least 1.
    pub ms: u64,
    /// The rate at its start, as a multiple of the load's `rate`. 0 to 1,000.
    pub from: f64,
    /// The rate at its end.
    pub to: f64,
}

/// The time of a phase, from the start of the load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span<'a> {
    /// The phase's name.
    pub name: &'a str,
    /// Its start.
    pub start: Duration,
    /// Its length with all repetitions.
    pub length: Duration,
}

fn once() -> u32 {
    1
}

impl From<(u64, f64, f64)> for Piece {
    fn from((ms, from, to): (u64, f64, f64)) -> Self {
        Self { ms, from, to }
    }
}

impl From<Piece> for (u64, f64, f64) {
    fn from(piece: Piece) -> Self {
        (piece.ms, piece.from, piece.to)
    }
}

impl Phase {
    /// Its length with all repetitions.
    pub fn length(&self) -> Duration {
        let once = self.pieces.iter().fold(0_u64, |sum, piece| sum.saturating_add(piece.ms));
        Duration::from_millis(once.saturating_mul(u64::from(self.repeat)))
    }
}

/// The total length of all phases.
pub fn length(phases: &[Phase]) -> Duration {
    phases.iter().fold(Duration::ZERO, |sum, phase| sum.saturating_add(phase.length()))
}

/// The mean rate over all of them, as a multiple of the load's rate; 0 without phases.
pub fn mean(phases: &[Phase]) -> f64 {
    let offered = |piece: &Piece| piece.ms as f64 * f64::midpoint(piece.from, piece.to);
    let of_phase = |phase: &Phase| f64::from(phase.repeat) * phase.pieces.iter().map(offered).sum::<f64>();
    let ms = length(phases).as_secs_f64() * 1_000.0;
    if ms > 0.0 { phases.iter().map(of_phase).sum::<f64>() / ms } else { 0.0 }
}

/// Each phase with its start and length.
pub fn spans<'a>(phases: &'a [Phase]) -> Vec<Span<'a>> {
    let mut start = Duration::ZERO;
    let span = |phase: &'a Phase| {
        let span = Span { name: &phase.name, start, length: phase.length() };
        start += span.length;
        span
    };
    phases.iter().map(span).collect()
}

/// The first error in phases, as text.
pub(super) fn fault(phases: &[Phase]) -> Option<String> {
    if phases.len() > MOST {
        return Some(format!("expected at most {MOST} phases, found {}", phases.len()));
    }
    for (index, phase) in phases.iter().enumerate() {
        let name = &phase.name;
        let repeated = phases[..index].iter().any(|earlier| earlier.name == *name);
        let pieces = || phase.pieces.iter();
        let within = |rate: f64| (0.0..=HIGHEST).contains(&rate);
        let wrong = [
            (name.trim().is_empty(), "a phase needs a name".to_owned()),
            (repeated, format!("the phase `{name}` is repeated")),
            (
                !(1..=MOST).contains(&phase.pieces.len()),
                format!("the phase `{name}` has 1 to {MOST} pieces, found {}", phase.pieces.len()),
            ),
            (
                !(1..=MOST_REPEATS).contains(&phase.repeat),
                format!("expected 1 to {MOST_REPEATS} repeats of the phase `{name}`, found {}", phase.repeat),
            ),
            (
                pieces().any(|piece| piece.ms == 0),
                format!("a piece of the phase `{name}` takes no time: expected at least 1 millisecond"),
            ),
            (
                pieces().any(|piece| !within(piece.from) || !within(piece.to)),
                format!(
                    "a piece of the phase `{name}` is out of bounds: expected 0 to {HIGHEST} times the rate"
                ),
            ),
        ];
        if let Some((_, what)) = wrong.into_iter().find(|(is_wrong, _)| *is_wrong) {
            return Some(what);
        }
    }
    let total = length(phases);
    (total > LONGEST)
        .then(|| format!("the phases take {} s: expected at most {}", total.as_secs(), LONGEST.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_begins_where_the_one_before_ended_after_all_its_repeats() {
        let phase = |name: &str, repeat, pieces: &[(u64, f64, f64)]| Phase {
            name: name.to_owned(),
            repeat,
            pieces: pieces.iter().copied().map(Piece::from).collect(),
        };
        let phases =
            [phase("quiet", 1, &[(500, 0.0, 0.0)]), phase("bursts", 3, &[(100, 4.0, 4.0), (900, 0.0, 0.0)])];
        let ms = |ms| Duration::from_millis(ms);
        let expected = [
            Span { name: "quiet", start: ms(0), length: ms(500) },
            Span { name: "bursts", start: ms(500), length: ms(3_000) },
        ];
        assert_eq!(spans(&phases), expected);
        assert_eq!(length(&phases), ms(3_500));
        // 3 x 100 ms at four times the rate, of 3,500 ms.
        assert!((mean(&phases) - 1_200.0 / 3_500.0).abs() < 1e-9);
        assert_eq!(fault(&phases), None);
    }
}
