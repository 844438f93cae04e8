//! What the rates of a load are made from: which operations count, and over which span. Every rate is decided here.
//!
//! An operation that ended in the drain counts, and then so does the time that it took: throughput is what was
//! answered, divided by the time from the start to the last answer that is counted (as in Vegeta, whose throughput
//! divides by "attack" and "wait"). To count the answers of the drain over the window alone would call a server of
//! 50 a second, with 200 operations in flight, one of 250 a second.
//!
//! - The span is never shorter than the window.
//! - In the drain it ends with the first pause that is longer than [`PAUSE`]: a queue that is served in the drain counts
//!   at the speed at which it is served, and one straggler does not make a second one and a half.
//! - In an open loop, answers begin one service time after the arrivals. The fastest one's is taken off the drain,
//!   or a slice of 50 ms would call a system slow that keeps up with everything.
//!
//! What was never answered counts in no rate but the offered one.

use std::time::Duration;

use crate::clock::Nanos;

/// The share of the offered rate that an arm has to answer to keep up with it.
pub const KEEPS_UP: f64 = 0.95;

/// By how much a slice may end late although no queue grows: the last answers come after its end, and in 50 ms that is
/// more than [`KEEPS_UP`] allows.
const EDGE: Duration = Duration::from_millis(10);

/// The longest pause between two answers of one drain that still counts, as a share of the window; a pause that is not
/// longer than two of the fastest answers does so too.
const PAUSE: f64 = 0.02;

/// Operations in a span of time. Fractions of an operation come from threads whose spans differ.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pace {
    /// From the start to the last answer that counts.
    pub span: Duration,
    /// Operations answered in it, in whatever way.
    pub answered: f64,
    /// Of these: those that ended well.
    pub succeeded: f64,
    /// Operations that a schedule made due; 0 in a closed loop, which offers what is asked of it.
    pub due: f64,
    /// For how long operations were due.
    pub window: Duration,
    /// In how many slices, one after another.
    pub slices: u32,
}

/// Operations a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// That were due; none in a closed loop.
    pub offered: Option<f64>,
    /// That ended well.
    pub achieved: f64,
    /// That were answered: well, with a refusal, or with an error.
    pub answered: f64,
    /// That had to be answered to keep up.
    least: f64,
}

impl Pace {
    /// The rates of it.
    pub fn rates(&self) -> Rates {
        let per_second = |count: f64, span: Duration| count / span.as_secs_f64().max(1e-9);
        let longest = self.window.div_f64(KEEPS_UP).max(self.window + EDGE * self.slices);
        Rates {
            least: per_second(self.due, longest),
            offered: (self.due > 0.0).then(|| per_second(self.due, self.window)),
            achieved: per_second(self.succeeded, self.span),
            answered: per_second(self.answered, self.span),
        }
    }

    /// Adds what came after it.
    pub(super) fn follow(&mut self, next: &Self) {
        self.span += next.span;
        self.answered += next.answered;
        self.succeeded += next.succeeded;
        self.due += next.due;
        self.window += next.window;
        self.slices += next.slices;
    }

    /// Adds what happened at the same time, so that rates are added.
    pub(super) fn join(&mut self, other: &Self) {
        let span = self.span.max(other.span);
        let over = |pace: &Self, count: f64| {
            if pace.span.is_zero() { 0.0 } else { count * span.as_secs_f64() / pace.span.as_secs_f64() }
        };
        self.answered = over(self, self.answered) + over(other, other.answered);
        self.succeeded = over(self, self.succeeded) + over(other, other.succeeded);
        self.due += other.due;
        (self.span, self.window) = (span, self.window.max(other.window));
        self.slices = self.slices.max(other.slices);
    }
}

impl Rates {
    /// Whether the system answered less than it was offered: its queue grew for as long as the load went on, so its
    /// latencies say how long that was.
    pub fn is_saturated(&self) -> bool {
        self.answered < self.least
    }
}

/// Takes the pace of one slice.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pacer {
    start: Nanos,
    end: Nanos,
    open: bool,
    answered: u64,
    succeeded: u64,
    /// When the last answer that counts came; the start without one.
    last: Nanos,
    /// The shortest time from the send to the answer.
    fastest: Option<Nanos>,
    /// Whether a pause has ended the span.
    ended: bool,
}

impl Pacer {
    /// For a slice of an open or a closed loop.
    pub(crate) fn new(start: Nanos, end: Nanos, open: bool) -> Self {
        Self { start, end, open, last: start, ..Self::default() }
    }

    /// The window ends at `now`, before its time.
    pub(crate) fn cut(&mut self, now: Nanos) {
        self.end = now;
    }

    /// An operation that was sent at `sent` has been answered.
    pub(crate) fn answered(&mut self, sent: Nanos, now: Nanos, well: bool) {
        let took = now.saturating_sub(sent);
        let fastest = self.fastest.map_or(took, |fastest| fastest.min(took));
        let longest = ((self.end - self.start) as f64 * PAUSE) as Nanos;
        self.ended |= now.saturating_sub(self.last.max(self.end)) > longest.max(2 * fastest);
        if !self.ended {
            self.answered += 1;
            self.succeeded += u64::from(well);
            (self.last, self.fastest) = (now, Some(fastest));
        }
    }

    /// The pace, when all is over at `now` and a schedule had made so many operations due.
    pub(crate) fn pace(&self, now: Nanos, planned: u64) -> Pace {
        let window = self.end.min(now) - self.start;
        let delay = self.fastest.filter(|_| self.open).unwrap_or(0);
        let span = (self.last - self.start).saturating_sub(delay).max(window);
        Pace {
            span: Duration::from_nanos(span),
            answered: self.answered as f64,
            succeeded: self.succeeded as f64,
            due: if self.open { planned as f64 } else { 0.0 },
            window: Duration::from_nanos(window),
            slices: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Nanos = 1_000_000;
    const START: Nanos = 7_000 * MS;

    /// The pace of a slice of one second with an answer at each of `times`, in milliseconds after the start, to what was
    /// sent `service` earlier.
    fn pace(open: bool, planned: u64, service: Nanos, times: impl Iterator<Item = u64>) -> Pace {
        let mut pacer = Pacer::new(START, START + 1_000 * MS, open);
        let mut last = START + 1_000 * MS;
        for time in times {
            let now = START + time * MS;
            pacer.answered(now - service * MS, now, true);
            last = last.max(now);
        }
        pacer.pace(last, planned)
    }

    fn about(found: f64, expected: f64) -> bool {
        (found / expected - 1.0).abs() < 0.01
    }

    #[test]
    fn a_queue_that_is_served_in_the_drain_counts_at_the_speed_at_which_it_is_served() {
        // 20 ms each, one at a time: 50 in the window, 200 after it.
        let rates = pace(false, 250, 20, (1..=250).map(|nth| nth * 20)).rates();
        assert!(about(rates.achieved, 50.0), "{rates:?}");
        assert_eq!((rates.offered, rates.is_saturated()), (None, false));
        let rates = pace(true, 250, 20, (1..=250).map(|nth| nth * 20)).rates();
        assert!(about(rates.achieved, 50.0) && about(rates.offered.unwrap(), 250.0), "{rates:?}");
        assert!(rates.is_saturated());
    }

    #[test]
    fn who_keeps_up_has_the_rate_that_was_offered_however_long_an_answer_takes() {
        for service in [1, 20, 400, 1_500] {
            let rates = pace(true, 100, service, (0..100).map(|nth| nth * 10 + service)).rates();
            assert!(about(rates.achieved, 100.0), "{service} ms: {rates:?}");
            assert!(!rates.is_saturated());
        }
    }

    #[test]
    fn a_straggler_does_not_make_the_rest_slower() {
        let times = (0..100).map(|nth| nth * 10 + 1).chain([2_500]);
        let rates = pace(true, 101, 1, times).rates();
        assert!(about(rates.achieved, 100.0), "{rates:?}");
    }

    #[test]
    fn in_a_closed_loop_the_round_that_ends_in_the_drain_counts_with_its_time() {
        // Four at a time of 800 ms: two rounds, in 1.6 s.
        let rates = pace(false, 8, 800, [800, 1_600].into_iter().flat_map(|time| [time; 4])).rates();
        assert!(about(rates.achieved, 5.0), "{rates:?}");
    }

    #[test]
    fn slices_one_after_another_add_their_spans_and_threads_side_by_side_their_rates() {
        let fast = pace(true, 100, 1, (0..100).map(|nth| nth * 10 + 1));
        let slow = pace(true, 100, 20, (1..=100).map(|nth| nth * 20));
        let mut after = fast;
        after.follow(&slow);
        assert!(about(after.rates().achieved, 200.0 / 3.0) && about(after.rates().offered.unwrap(), 100.0));
        let mut beside = fast;
        beside.join(&slow);
        assert!(about(beside.rates().achieved, 150.0) && about(beside.rates().offered.unwrap(), 200.0));
        let mut alone = Pace::default();
        alone.join(&fast);
        assert!(about(alone.rates().achieved, fast.rates().achieved));
    }

    /// A slice of `window` milliseconds with an operation due each millisecond, and answered after `service(nth)`.
    fn slice(window: u64, service: impl Fn(u64) -> u64) -> Rates {
        let mut pacer = Pacer::new(START, START + window * MS, true);
        let mut answers: Vec<(u64, u64)> = (0..window).map(|nth| (nth + service(nth), nth)).collect();
        answers.sort_unstable();
        for (answered, sent) in answers {
            pacer.answered(START + sent * MS, START + answered * MS, true);
        }
        pacer.pace(START + 10 * window * MS, window).rates()
    }

    #[test]
    fn the_edge_of_a_short_slice_is_no_queue_and_a_queue_is_one() {
        // Answers take 2 to 9 ms: the last ones come 8 ms after the slice, which is 16 % of it.
        let edge = slice(50, |nth| 2 + nth % 8);
        assert!(edge.answered < 0.95 * edge.offered.unwrap() && !edge.is_saturated(), "{edge:?}");
        // Each takes half a millisecond longer than the one before: two thirds of the rate, in any slice.
        for window in [50, 1_000] {
            let queue = slice(window, |nth| 1 + nth / 2);
            assert!(about(queue.answered, 1_000.0 / 1.5) || window == 50, "{queue:?}");
            assert!(queue.is_saturated(), "{window} ms: {queue:?}");
        }
        // A tenth too much shows in a slice of a second.
        assert!(slice(1_000, |nth| 1 + nth / 10).is_saturated());
    }

    #[test]
    fn nothing_is_a_rate_of_zero() {
        let rates = pace(false, 0, 1, std::iter::empty()).rates();
        assert_eq!(rates, Rates { offered: None, achieved: 0.0, answered: 0.0, least: 0.0 });
        assert_eq!(Pace::default().rates(), rates);
    }

    #[test]
    fn a_slice_that_is_cut_short_counts_until_then() {
        let mut pacer = Pacer::new(START, START + 10_000 * MS, true);
        for nth in 0..10 {
            pacer.answered(START + nth * 10 * MS, START + (nth * 10 + 5) * MS, true);
        }
        pacer.cut(START + 100 * MS);
        let rates = pacer.pace(START + 100 * MS, 10).rates();
        assert!(about(rates.achieved, 100.0) && about(rates.offered.unwrap(), 100.0), "{rates:?}");
    }
}
