//! A piecewise linear rate, and the inverse of its integral.

use std::time::Duration;

use super::{Piece, Profile};

/// The pieces of a profile, traversed once from the start.
#[derive(Clone, Debug)]
pub(super) struct Pieces {
    row: Vec<Stretch>,
    at: usize,
    /// The integral of the rate over the pieces before `at`.
    before: f64,
}

/// One piece on the time axis: the rate is linear from `from` to `to`; times in seconds, rates a second.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    start: f64,
    length: f64,
    from: f64,
    to: f64,
}

impl Pieces {
    /// The pieces of `profile`. Those of [`Profile::Phases`] may extend beyond `length`; the others end
    /// there.
    pub(super) fn of(profile: &Profile, length: Duration) -> Self {
        let end = length.as_secs_f64();
        let row = match *profile {
            Profile::Steady { rate } => vec![Stretch::new(0.0, end, rate, rate)],
            Profile::Ramp { from, to } => vec![Stretch::new(0.0, end, from, to)],
            Profile::Step { from, to, at } => {
                let at = at.as_secs_f64().min(end);
                vec![Stretch::new(0.0, at, from, from), Stretch::new(at, end, to, to)]
            }
            Profile::Spike { base, peak, at, lasting } => {
                let up = at.as_secs_f64().min(end);
                let down = (at + lasting).as_secs_f64().min(end);
                vec![
                    Stretch::new(0.0, up, base, base),
                    Stretch::new(up, down, peak, peak),
                    Stretch::new(down, end, base, base),
                ]
            }
            Profile::Phases(ref pieces) => one_after_another(pieces),
            Profile::Trace(_) => Vec::new(),
        };
        Self { row, at: 0, before: 0.0 }
    }

    /// The time at which the integral of the rate reaches `expected`; `None` if that is after the last piece.
    ///
    /// `expected` must not decrease from call to call.
    pub(super) fn time_of(&mut self, expected: f64) -> Option<Duration> {
        while let Some(piece) = self.row.get(self.at) {
            let area = expected - self.before;
            if area < piece.area() {
                return Some(Duration::from_secs_f64(piece.start + piece.time_of(area)));
            }
            self.before += piece.area();
            self.at += 1;
        }
        None
    }
}

fn one_after_another(pieces: &[Piece]) -> Vec<Stretch> {
    let mut start = 0.0;
    let placed = |piece: &Piece| {
        let end = start + piece.length.as_secs_f64();
        let stretch = Stretch::new(start, end, piece.from, piece.to);
        start = end;
        stretch
    };
    pieces.iter().map(placed).collect()
}

impl Stretch {
    fn new(start: f64, end: f64, from: f64, to: f64) -> Self {
        Self { start, length: end - start, from: from.max(0.0), to: to.max(0.0) }
    }

    fn area(&self) -> f64 {
        self.length * f64::midpoint(self.from, self.to)
    }

    /// Solves `from·x + slope·x²/2 = area` for `x`, in the form that avoids cancellation.
    fn time_of(&self, area: f64) -> f64 {
        let slope = (self.to - self.from) / self.length;
        let root = (self.from * self.from + 2.0 * slope * area).max(0.0).sqrt();
        if self.from + root > 0.0 { 2.0 * area / (self.from + root) } else { 0.0 }
    }
}
