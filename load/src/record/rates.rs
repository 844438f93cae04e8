//! The basis of a load's rates: which operations count, and over which span. Every rate is defined here.
//!
//! Operations that end in the drain count, and so does their time: throughput is the number of replies,
//! divided by the time from the start to the last counted reply (as in Vegeta, which divides by "attack" plus
//! "wait"). Dividing the replies of the drain by the window alone would credit a server of 50 a second, with
//! 200 operations in flight, with 250 a second.
//!
//! - The span is never shorter than the window.
//! - In the drain the span ends at the first pause longer than [`PAUSE`]: a queue that is served in the drain
//!   counts at the rate at which it is served, and a single straggler does not stretch one second to one and
//!   a half.
//! - In an open loop a drain alone does not show a queue: the last replies come one response time after the
//!   arrivals, and some replies are slower than others. A growing queue shows in growing response times. So
//!   the span is the window plus the [`Trend`] of the response times over it. It never ends after the last
//!   reply, less the fastest response.
//! - Replies after the pause count in no rate. They are replies nevertheless: if the response times including
//!   them show no trend, slow replies are no saturation.
//! - If replies are missing, the response times understate the time that passed, and the trend is not used.
//!
//! An operation that failed at once (connection refused, malformed reply) was answered, but not well. One
//! that timed out or was never sent counts only in the offered rate.

use std::time::Duration;

use super::trend::Trend;
use crate::clock::Nanos;

/// The share of the offered rate that an arm must answer to keep up.
pub const KEEPS_UP: f64 = 0.95;

/// The share of the due operations that must be answered for the trend of their response times to be used. It is the same
/// share, for another reason: the missing replies would have been the slowest.
const ENOUGH_FOR_TREND: f64 = KEEPS_UP;

/// The lateness of a slice's end that is no queue: the last replies come after it, and in 50 ms that alone exceeds
/// what [`KEEPS_UP`] permits.
const EDGE: Duration = Duration::from_millis(10);

/// The longest pause between two replies of one drain, as a share of the window; a pause of up to two mean
/// response times is permitted as well.
const PAUSE: f64 = 0.02;

/// Operations in a span of time. They may be fractional, because the spans of threads differ.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RateBasis {
    /// From the start to the last counted reply.
    pub span: Duration,
    /// Operations answered in the span, with any outcome.
    pub answered: f64,
    /// Those that ended well.
    pub succeeded: f64,
    /// Operations answered after the span although there was no queue. They count in no rate, but as
    /// answered when saturation is judged.
    pub after_span: f64,
    /// Operations made due by a schedule; 0 in a closed loop, which has no offered rate.
    pub due: f64,
    /// The time in which operations were due.
    pub window: Duration,
    /// The number of consecutive slices.
    pub slices: u32,
}

/// Operations a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Due operations; `None` in a closed loop.
    pub offered: Option<f64>,
    /// Successful operations.
    pub achieved: f64,
    /// Answered operations: successes, refusals and errors, fast failures included.
    pub answered: f64,
    /// Operations answered after the span without a queue.
    after_span: f64,
    /// The rate that the arm must answer to keep up.
    least: f64,
}

impl RateBasis {
    /// The rates of it.
    pub fn rates(&self) -> Rates {
        let per_second = |count: f64, span: Duration| count / span.as_secs_f64().max(1e-9);
        let time_to_keep_up = self.window.div_f64(KEEPS_UP).max(self.window + EDGE * self.slices);
        Rates {
            least: per_second(self.due, time_to_keep_up),
            offered: (self.due > 0.0).then(|| per_second(self.due, self.window)),
            achieved: per_second(self.succeeded, self.span),
            answered: per_second(self.answered, self.span),
            after_span: per_second(self.after_span, self.span),
        }
    }

    /// Adds a later slice.
    pub(super) fn follow(&mut self, next: &Self) {
        self.span += next.span;
        self.answered += next.answered;
        self.succeeded += next.succeeded;
        self.after_span += next.after_span;
        self.due += next.due;
        self.window += next.window;
        self.slices += next.slices;
    }

    /// Adds a concurrent load, whose rates add up.
    pub(super) fn join(&mut self, other: &Self) {
        let span = self.span.max(other.span);
        let over = |part: &Self, count: f64| {
            if part.span.is_zero() { 0.0 } else { count * span.as_secs_f64() / part.span.as_secs_f64() }
        };
        self.answered = over(self, self.answered) + over(other, other.answered);
        self.succeeded = over(self, self.succeeded) + over(other, other.succeeded);
        self.after_span = over(self, self.after_span) + over(other, other.after_span);
        self.due += other.due;
        (self.span, self.window) = (span, self.window.max(other.window));
        self.slices = self.slices.max(other.slices);
    }
}

impl Rates {
    /// Whether the system answered less than it was offered: then its queue grew throughout the load, and its
    /// latencies depend on the load's length.
    pub fn is_saturated(&self) -> bool {
        self.answered + self.after_span < self.least
    }
}

/// Counts the replies of one slice, as the basis of its rates.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RateMeter {
    start: Nanos,
    end: Nanos,
    is_open_loop: bool,
    answered: u64,
    succeeded: u64,
    /// The time of the last counted reply; the start if there is none.
    last: Nanos,
    /// The shortest response time.
    fastest: Option<Nanos>,
    /// The trend of the counted replies' response times.
    trend: Trend,
    /// Whether a pause has ended the span.
    ended: bool,
    /// Replies after the span.
    after_span: u64,
    /// The trend of all replies, these included.
    trend_of_all: Trend,
}

impl RateMeter {
    /// For a slice of an open or closed loop.
    pub(crate) fn new(start: Nanos, end: Nanos, is_open_loop: bool) -> Self {
        Self { start, end, is_open_loop, last: start, ..Self::default() }
    }

    /// The window ends early, at `now`.
    pub(crate) fn cut(&mut self, now: Nanos) {
        self.end = now;
    }

    /// Adds the reply at `now` to an operation that was due at `due`.
    pub(crate) fn answered(&mut self, due: Nanos, now: Nanos, well: bool) {
        // Walkthrough. In the drain a long pause ends the span, for good: what is answered after it is a straggler and no
        // served queue. The pause is the time since the last reply, or since the end of the window if that was later. How
        // long it may be depends on the mean response time so far, of which two may pass; the first reply has only its own.
        // A reply to an operation of an earlier slice, where several may wait for one, is one of the beginning.
        let now = now.max(self.start);
        let took = now.saturating_sub(due);
        let mean_response = self.fastest.map_or(took as f64, |_| self.trend.mean());
        let longest_pause = ((self.end - self.start) as f64 * PAUSE).max(2.0 * mean_response);
        self.ended |= now.saturating_sub(self.last.max(self.end)) as f64 > longest_pause;
        let after = due.saturating_sub(self.start) as f64;
        self.trend_of_all.add(after, took as f64);
        if self.ended {
            self.after_span += 1;
        } else {
            self.answered += 1;
            self.succeeded += u64::from(well);
            self.trend.add(after, took as f64);
            self.last = self.last.max(now);
            self.fastest = Some(self.fastest.map_or(took, |fastest| fastest.min(took)));
        }
    }

    /// The basis at the end of the drain, at `now`, of `planned` due operations.
    pub(crate) fn basis(&self, now: Nanos, planned: u64) -> RateBasis {
        // Walkthrough. The span lasts until the last counted reply. That is right for a closed loop. In an open loop the last
        // reply comes one response time after the last arrival even without a queue, so the fastest response is taken off;
        // and if nearly all operations were answered, the span is at most the window and what the response times grew by
        // over it, because by that much the queue grew. It is never shorter than the window.
        let window = self.end.min(now) - self.start;
        let mut span = self.last - self.start;
        if self.is_open_loop {
            span -= self.fastest.unwrap_or(0).min(span);
            if self.answered as f64 >= ENOUGH_FOR_TREND * planned as f64 {
                span = span.min(window + (self.trend.slope() * window as f64) as Nanos);
            }
        }
        let span = span.max(window);
        // The replies after the span are the rest of a queue, or just slow. Slow replies without a queue are as slow at the
        // end as at the start: then the response times of all replies have no trend, `span_of_all` is the span, and all replies
        // count against saturation. The more the response times grow, the longer is `span_of_all`, and the fewer replies fit into the
        // span.
        let span_of_all = span.max(window + (self.trend_of_all.slope() * window as f64) as Nanos);
        let replies = (self.answered + self.after_span) as f64;
        let replies_in_span = replies * span as f64 / span_of_all.max(1) as f64;
        RateBasis {
            span: Duration::from_nanos(span),
            answered: self.answered as f64,
            succeeded: self.succeeded as f64,
            after_span: if self.after_span > 0 {
                (replies_in_span - self.answered as f64).max(0.0)
            } else {
                0.0
            },
            due: if self.is_open_loop { planned as f64 } else { 0.0 },
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

    /// The basis of a slice of one second with a reply at each of `times`, in milliseconds after the start. In
    /// a closed loop each operation was sent `service` earlier; in an open loop they were due at equal
    /// intervals.
    fn basis(open: bool, planned: u64, service: Nanos, times: impl Iterator<Item = u64>) -> RateBasis {
        let mut rate_meter = RateMeter::new(START, START + 1_000 * MS, open);
        let mut last = START + 1_000 * MS;
        for (nth, time) in (0..).zip(times) {
            let now = START + time * MS;
            let due = if open { START + nth * 1_000 * MS / planned } else { now - service * MS };
            rate_meter.answered(due, now, true);
            last = last.max(now);
        }
        rate_meter.basis(last, planned)
    }

    fn about(found: f64, expected: f64) -> bool {
        (found / expected - 1.0).abs() < 0.01
    }

    #[test]
    fn a_queue_that_is_served_in_the_drain_counts_at_the_speed_at_which_it_is_served() {
        // One at a time, 20 ms each: 50 in the window, 200 after it.
        let rates = basis(false, 250, 20, (1..=250).map(|nth| nth * 20)).rates();
        assert!(about(rates.achieved, 50.0), "{rates:?}");
        assert_eq!((rates.offered, rates.is_saturated()), (None, false));
        let rates = basis(true, 250, 20, (1..=250).map(|nth| nth * 20)).rates();
        assert!(about(rates.achieved, 50.0) && about(rates.offered.unwrap(), 250.0), "{rates:?}");
        assert!(rates.is_saturated());
    }

    #[test]
    fn who_keeps_up_has_the_rate_that_was_offered_however_long_an_answer_takes() {
        for service in [1, 20, 400, 1_500] {
            let rates = basis(true, 100, service, (0..100).map(|nth| nth * 10 + service)).rates();
            assert!(about(rates.achieved, 100.0), "{service} ms: {rates:?}");
            assert!(!rates.is_saturated());
        }
    }

    #[test]
    fn a_straggler_does_not_make_the_rest_slower() {
        let times = (0..100).map(|nth| nth * 10 + 1).chain([2_500]);
        let rates = basis(true, 101, 1, times).rates();
        assert!(about(rates.achieved, 100.0), "{rates:?}");
    }

    #[test]
    fn in_a_closed_loop_the_round_that_ends_in_the_drain_counts_with_its_time() {
        // Four at a time, 800 ms each: two batches in 1.6 s.
        let rates = basis(false, 8, 800, [800, 1_600].into_iter().flat_map(|time| [time; 4])).rates();
        assert!(about(rates.achieved, 5.0), "{rates:?}");
    }

    #[test]
    fn slices_one_after_another_add_their_spans_and_threads_side_by_side_their_rates() {
        let fast = basis(true, 100, 1, (0..100).map(|nth| nth * 10 + 1));
        let slow = basis(true, 100, 20, (1..=100).map(|nth| nth * 20));
        let mut after = fast;
        after.follow(&slow);
        assert!(about(after.rates().achieved, 200.0 / 3.0) && about(after.rates().offered.unwrap(), 100.0));
        let mut beside = fast;
        beside.join(&slow);
        assert!(about(beside.rates().achieved, 150.0) && about(beside.rates().offered.unwrap(), 200.0));
        let mut alone = RateBasis::default();
        alone.join(&fast);
        assert!(about(alone.rates().achieved, fast.rates().achieved));
    }

    /// The rates of a slice of `window` milliseconds with an operation due each millisecond, and response
    /// times `service(nth)`.
    fn slice(window: u64, service: impl Fn(u64) -> u64) -> Rates {
        every(1, window, service)
    }

    /// The same with an operation due every `gap` milliseconds.
    fn every(gap: u64, window: u64, service: impl Fn(u64) -> u64) -> Rates {
        let mut rate_meter = RateMeter::new(START, START + window * MS, true);
        let due = window / gap;
        let mut answers: Vec<(u64, u64)> =
            (0..due).map(|nth| (nth * gap + service(nth), nth * gap)).collect();
        answers.sort_unstable();
        for (answered, due) in answers {
            rate_meter.answered(START + due * MS, START + answered * MS, true);
        }
        rate_meter.basis(START + 10 * window * MS, due).rates()
    }

    #[test]
    fn fast_and_slow_replies_without_a_queue_have_the_rate_that_was_offered() {
        // Spread over 0..1 by the golden ratio.
        let scattered = |nth: u64| (nth as f64 * 0.618_033_988_75).fract();
        let services: [(&str, &dyn Fn(u64) -> u64); 5] = [
            ("one of twenty at once", &|nth| if nth % 20 == 7 { 0 } else { 200 }),
            ("one of twenty slow", &|nth| if nth % 20 == 7 { 200 } else { 0 }),
            ("half and half", &|nth| nth % 2 * 300),
            ("exponential", &|nth| (-100.0 * (1.0 - scattered(nth)).ln()) as u64),
            ("only the first at once", &|nth| if nth == 0 { 0 } else { 200 }),
        ];
        for (name, service) in services {
            for gap in [1, 10, 100] {
                let rates = every(gap, 2_000, service);
                let offered = rates.offered.unwrap();
                assert!((rates.achieved / offered - 1.0).abs() < 0.02, "{name}, {gap} ms: {rates:?}");
                assert!(!rates.is_saturated(), "{name}, {gap} ms: {rates:?}");
            }
        }
    }

    #[test]
    fn replies_that_take_longer_than_the_window_are_no_queue_and_count_in_no_rate() {
        // A share of the replies, evenly spread, comes long after the others, and after the pause that ends
        // the span.
        for (window, one_of, slow) in [(1_000, 10, 1_500), (50, 4, 120), (2_000, 3, 9_000)] {
            let rates = slice(window, |nth| if nth % one_of == one_of - 1 { slow } else { 1 });
            let fast = 1.0 - 1.0 / one_of as f64;
            let offered = rates.offered.unwrap();
            assert!((rates.achieved / offered - fast).abs() < 0.03, "{window} ms: {rates:?}");
            assert!(!rates.is_saturated(), "{window} ms: {rates:?}");
        }
        // A queue that stalls for three seconds and is then served is a queue.
        let rates = every(4, 1_000, |nth| 20 + nth * 16 + if nth < 50 { 0 } else { 3_000 });
        assert!(rates.is_saturated(), "{rates:?}");
    }

    #[test]
    fn a_queue_shows_through_replies_that_are_fast_and_slow() {
        // Each is a quarter of the gap later than the previous one; one of twenty bypasses the queue.
        let rates = every(4, 2_000, |nth| if nth % 20 == 7 { 0 } else { 20 + nth });
        assert!(rates.achieved < 0.85 * rates.offered.unwrap() && rates.is_saturated(), "{rates:?}");
        // A queue for the only connection: 20 ms each, due every 5 ms.
        let rates = every(5, 1_000, |nth| 20 + nth * 15);
        assert!(about(rates.achieved, 50.0) && rates.is_saturated(), "{rates:?}");
    }

    #[test]
    fn the_edge_of_a_short_slice_is_no_queue_and_a_queue_is_one() {
        // Response times of 2 to 9 ms: the last replies come 8 ms after the slice, which is 16 % of it.
        let even = slice(50, |nth| 2 + nth % 8);
        assert!(about(even.answered, even.offered.unwrap()) && !even.is_saturated(), "{even:?}");
        // They grow from 2 to 8 ms: too little in 50 ms to prove a queue.
        let edge = slice(50, |nth| 2 + nth / 8);
        assert!(edge.answered < 0.95 * edge.offered.unwrap() && !edge.is_saturated(), "{edge:?}");
        // Each takes half a millisecond longer than the previous one: two thirds of the rate in any slice.
        for window in [50, 1_000] {
            let queue = slice(window, |nth| 1 + nth / 2);
            assert!(about(queue.answered, 1_000.0 / 1.5) || window == 50, "{queue:?}");
            assert!(queue.is_saturated(), "{window} ms: {queue:?}");
        }
        // An excess of a tenth shows in a slice of a second.
        assert!(slice(1_000, |nth| 1 + nth / 10).is_saturated());
    }

    #[test]
    fn nothing_is_a_rate_of_zero() {
        let rates = basis(false, 0, 1, std::iter::empty()).rates();
        assert_eq!(rates, Rates { offered: None, achieved: 0.0, answered: 0.0, after_span: 0.0, least: 0.0 });
        assert_eq!(RateBasis::default().rates(), rates);
    }

    #[test]
    fn a_slice_that_is_cut_short_counts_until_then() {
        let mut rate_meter = RateMeter::new(START, START + 10_000 * MS, true);
        for nth in 0..10 {
            rate_meter.answered(START + nth * 10 * MS, START + (nth * 10 + 5) * MS, true);
        }
        rate_meter.cut(START + 100 * MS);
        let rates = rate_meter.basis(START + 100 * MS, 10).rates();
        assert!(about(rates.achieved, 100.0) && about(rates.offered.unwrap(), 100.0), "{rates:?}");
    }
}
