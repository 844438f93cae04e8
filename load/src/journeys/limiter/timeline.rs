//! The outcomes of the busiest client's requests over the time of a slice. Each request is in exactly one
//! curve, so the curves add up to all its requests.

use super::BUCKET;
use crate::{
    clock::Nanos,
    series::{Curve, Timeline},
};

/// An outcome in the drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drawn {
    /// Admitted.
    Admitted,
    /// Refused by the limit.
    Refused,
    /// Refused because the limiter could not decide.
    Unavailable,
    /// A wrong reply, an error, no reply, or never sent.
    Failed,
}

/// The names of the curves: one for each [`Drawn`], in its order, and one for replies after the slice.
const NAMES: [&str; 5] = ["admitted", "refused", "unavailable", "failed", "late"];
/// The index of the curve for replies after the slice.
const LATE: usize = 4;

/// The curves of the busiest client.
#[derive(Debug)]
pub(super) struct Busiest(Timeline<{ NAMES.len() }>);

impl Busiest {
    pub(super) fn new() -> Self {
        Self(Timeline::new(BUCKET))
    }

    /// Restarts with a slice.
    pub(super) fn begin(&mut self, now: Nanos, length: std::time::Duration) {
        self.0.begin(now, length);
    }

    /// Counts a request that was due at `asked` and ended at `now`.
    ///
    /// It is drawn at its end, which shows when the limiter admits. A request that ended after the slice is
    /// drawn as late, at its due time.
    pub(super) fn answered(&mut self, drawn: Drawn, asked: Nanos, now: Nanos) {
        if !self.0.count(drawn as usize, now) {
            self.0.count(LATE, asked);
        }
    }

    pub(super) fn curves(&self) -> Vec<Curve> {
        self.0.curves(NAMES)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_request_is_in_one_curve() {
        let ms = 1_000_000;
        let mut busiest = Busiest::new();
        busiest.begin(0, Duration::from_millis(300));
        busiest.answered(Drawn::Admitted, 10 * ms, 110 * ms);
        busiest.answered(Drawn::Refused, 10 * ms, 20 * ms);
        busiest.answered(Drawn::Unavailable, 10 * ms, 299 * ms);
        busiest.answered(Drawn::Failed, 10 * ms, 20 * ms);
        busiest.answered(Drawn::Admitted, 150 * ms, 400 * ms);
        let curves = busiest.curves();
        let counts: Vec<_> = curves.iter().map(|curve| (curve.name.as_str(), &curve.counts[..])).collect();
        let expected: [(&str, &[u64]); 5] = [
            ("admitted", &[0, 1, 0]),
            ("refused", &[1, 0, 0]),
            ("unavailable", &[0, 0, 1]),
            ("failed", &[1, 0, 0]),
            ("late", &[0, 1, 0]),
        ];
        assert_eq!(counts, expected);
    }
}
