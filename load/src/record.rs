//! The counts and histograms of a slice.

mod lateness;
mod outcomes;
mod rates;
mod summary;
mod tally;
mod trend;

use std::time::Duration;

pub use hdrhistogram::Histogram;

pub(crate) use self::rates::RateMeter;
pub use self::{
    lateness::{MAY_BE_LATE, void_from, void_share},
    outcomes::{OutcomeRecord, Outcomes},
    rates::{KEEPS_UP, RateBasis, Rates},
    summary::{Percentile, Summary, needed_samples},
    tally::Tally,
};

/// The largest recorded time, 60 s; longer ones are recorded as this.
pub const LONGEST: Duration = Duration::from_mins(1);

/// An empty histogram of nanoseconds: three significant digits up to [`LONGEST`], about 0.2 MB.
///
/// # Panics
///
/// Never: its bounds are constants within what the histogram allows.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(64, LONGEST.as_nanos() as u64, 3).expect("the bounds are constants in range")
}

/// The operations of one kind.
#[derive(Clone, Debug)]
pub struct KindRecord {
    /// The kind's name.
    pub kind: &'static str,
    /// Operations that ended well.
    pub succeeded: u64,
    /// Operations that the system refused.
    pub refused: u64,
    /// Operations that failed.
    pub failed: u64,
    /// The latencies of this kind, as in [`SliceRecord::latency`].
    pub latency: Histogram<u64>,
}

/// The counts of one slice of one arm. Times are nanoseconds; the size does not grow with the number of
/// operations.
#[derive(Clone, Debug)]
pub struct SliceRecord {
    /// Operations made due by the schedule; in a closed loop, operations started.
    pub planned: u64,
    /// Operations whose first request was sent, or handed to a connection that was opening.
    pub sent: u64,
    /// Operations given up for lack of a connection: the queue was full, or the wait reached the time-out.
    pub unsent: u64,
    /// Operations that ended well; the only ones that count as throughput.
    pub succeeded: u64,
    /// Operations that the system refused, by cause.
    pub refused: Tally,
    /// Operations that failed, by cause.
    pub failed: Tally,
    /// Failed operations that were sent and have no reply, so that their effect is unknown.
    pub indeterminate: u64,
    /// Operations that waited for a connection; the wait is part of their latency.
    pub held: u64,
    /// Connections opened.
    pub connects: u64,
    /// Requests sent.
    pub requests: u64,
    /// Requests sent once more after the server closed their connection.
    pub resent: u64,
    /// Bytes written to sockets.
    pub bytes_out: u64,
    /// Bytes read from sockets.
    pub bytes_in: u64,
    /// The operations of each kind, in the order of their first occurrence.
    pub by_kind: Vec<KindRecord>,
    /// Every operation, by outcome.
    pub outcomes: Outcomes,
    /// From the due time to the end of the last reply, for every success; and at least the time-out, for
    /// every operation that timed out or was never sent. Fast failures and refusals are not fast successes,
    /// so they are counted and not recorded here.
    pub latency: Histogram<u64>,
    /// From the actual send to the end of the last reply, of the operations that succeeded.
    pub service: Histogram<u64>,
    /// From the due time to when the generator handled the operation, just before it builds the request: the generator's own
    /// lateness (its schedule delay).
    /// Waiting for a connection is not included, because the system causes it; it is part of the latency.
    pub send_lag: Histogram<u64>,
    /// The time in which operations were started.
    pub window: Duration,
    /// From the start to the end of the last operation: the window and the drain.
    pub elapsed: Duration,
    /// The basis of its rates.
    pub basis: RateBasis,
    /// Whether the run was interrupted in this slice.
    pub interrupted: bool,
}

impl Default for SliceRecord {
    fn default() -> Self {
        Self {
            planned: 0,
            sent: 0,
            unsent: 0,
            succeeded: 0,
            refused: Tally::default(),
            failed: Tally::default(),
            indeterminate: 0,
            held: 0,
            connects: 0,
            requests: 0,
            resent: 0,
            bytes_out: 0,
            bytes_in: 0,
            by_kind: Vec::new(),
            outcomes: Outcomes::default(),
            latency: histogram(),
            service: histogram(),
            send_lag: histogram(),
            window: Duration::ZERO,
            elapsed: Duration::ZERO,
            basis: RateBasis::default(),
            interrupted: false,
        }
    }
}

impl SliceRecord {
    /// Operations that the generator handled more than `bound` after their due time. (The histogram counts a lag in the same
    /// bucket as the bound as not late: three digits of it are kept.) Operations that waited
    /// for a connection, or were never sent for lack of one, do not count: the system delayed those.
    pub fn late(&self, bound: Duration) -> u64 {
        self.send_lag.len() - self.send_lag.count_between(0, bound.as_nanos() as u64)
    }

    /// Whether the generator, and not the system, shaped this slice: at least as many late operations as
    /// [`void_from`].
    pub fn is_void(&self, bound: Duration) -> bool {
        self.late(bound) >= void_from(self.send_lag.len())
    }

    /// The rates.
    pub fn rates(&self) -> Rates {
        self.basis.rates()
    }

    /// Adds another slice of the same arm.
    pub fn merge(&mut self, other: &Self) {
        self.add_counts(other);
        self.window += other.window;
        self.elapsed += other.elapsed;
        self.basis.follow(&other.basis);
    }

    /// Adds the part of the same slice from another thread.
    pub fn join(&mut self, other: &Self) {
        self.add_counts(other);
        self.window = self.window.max(other.window);
        self.elapsed = self.elapsed.max(other.elapsed);
        self.basis.join(&other.basis);
    }

    fn add_counts(&mut self, other: &Self) {
        for (ours, theirs) in self.counts_mut().into_iter().zip(other.counts()) {
            *ours += theirs;
        }
        self.refused.merge(&other.refused);
        self.failed.merge(&other.failed);
        for theirs in &other.by_kind {
            let ours = self.kind(theirs.kind);
            ours.succeeded += theirs.succeeded;
            ours.refused += theirs.refused;
            ours.failed += theirs.failed;
            add(&mut ours.latency, &theirs.latency);
        }
        self.outcomes.merge(&other.outcomes);
        add(&mut self.latency, &other.latency);
        add(&mut self.service, &other.service);
        add(&mut self.send_lag, &other.send_lag);
        self.interrupted |= other.interrupted;
    }

    /// Clears it for the next slice, keeping its allocations.
    pub fn clear(&mut self) {
        for count in self.counts_mut() {
            *count = 0;
        }
        self.refused.clear();
        self.failed.clear();
        for kind in &mut self.by_kind {
            (kind.succeeded, kind.refused, kind.failed) = (0, 0, 0);
            kind.latency.reset();
        }
        self.outcomes.clear();
        for histogram in [&mut self.latency, &mut self.service, &mut self.send_lag] {
            histogram.reset();
        }
        (self.window, self.elapsed, self.interrupted) = (Duration::ZERO, Duration::ZERO, false);
        self.basis = RateBasis::default();
    }

    /// The record of a kind, created on first use.
    pub(crate) fn kind(&mut self, kind: &'static str) -> &mut KindRecord {
        let found = self.by_kind.iter().position(|record| record.kind == kind);
        let at = found.unwrap_or_else(|| {
            self.by_kind.push(KindRecord { kind, succeeded: 0, refused: 0, failed: 0, latency: histogram() });
            self.by_kind.len() - 1
        });
        &mut self.by_kind[at]
    }

    fn counts_mut(&mut self) -> [&mut u64; 11] {
        [
            &mut self.planned,
            &mut self.sent,
            &mut self.unsent,
            &mut self.succeeded,
            &mut self.indeterminate,
            &mut self.held,
            &mut self.connects,
            &mut self.requests,
            &mut self.resent,
            &mut self.bytes_out,
            &mut self.bytes_in,
        ]
    }

    /// The counts in a fixed order.
    fn counts(&self) -> [u64; 11] {
        [
            self.planned,
            self.sent,
            self.unsent,
            self.succeeded,
            self.indeterminate,
            self.held,
            self.connects,
            self.requests,
            self.resent,
            self.bytes_out,
            self.bytes_in,
        ]
    }
}

/// Adds one histogram to another; both were made by [`histogram`].
fn add(to: &mut Histogram<u64>, from: &Histogram<u64>) {
    to.add(from).expect("all histograms here have the same bounds");
}
