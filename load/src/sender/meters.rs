//! How the end of an operation is counted: the same for requests and for connections that are held open.

use std::time::Duration;

use crate::{
    clock::Nanos,
    episode::{Episode, Recorder},
    journey::Outcome,
    record::{RateBasis, RateMeter, SliceRecord},
};

/// What a lane counts beside its record: the basis of the rates, and what happens over the time of a slice, if that is
/// recorded.
#[derive(Default)]
pub(super) struct Meters {
    rate: RateMeter,
    recorder: Option<Recorder>,
}

/// When an operation was due, was sent, and ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) due: Nanos,
    /// Where nobody knows it, there is no service time.
    pub(super) sent: Option<Nanos>,
    pub(super) ended: Nanos,
}

impl Times {
    fn latency(self) -> Nanos {
        self.ended.saturating_sub(self.due)
    }
}

impl Meters {
    /// Records what happens over the time of the following slices, or does not.
    pub(super) fn watched(&mut self, watched: bool) {
        self.recorder = watched.then(Recorder::default);
    }

    /// Makes room for what happens over the time of a slice, before it begins.
    pub(super) fn make_room(&mut self, length: Duration) {
        if let Some(recorder) = &mut self.recorder {
            *recorder = Recorder::new(length);
        }
    }

    pub(super) fn episode(&self) -> Option<Episode> {
        self.recorder.as_ref().map(|recorder| recorder.episode().clone())
    }

    /// A slice begins. What happens over time is recorded of a schedule.
    pub(super) fn begin(&mut self, start: Nanos, end: Nanos, is_open_loop: bool) {
        self.rate = RateMeter::new(start, end, is_open_loop);
        if is_open_loop && let Some(recorder) = &mut self.recorder {
            recorder.begin(start);
        }
    }

    /// The slice ends early, at `now`.
    pub(super) fn cut(&mut self, now: Nanos) {
        self.rate.cut(now);
    }

    /// The basis of the rates at the end of the drain.
    pub(super) fn basis(&self, now: Nanos, planned: u64) -> RateBasis {
        self.rate.basis(now, planned)
    }

    /// Counts an operation that a schedule made due, and that the generator handles at `now`.
    pub(super) fn due(&mut self, record: &mut SliceRecord, due: Nanos, now: Nanos) {
        record.planned += 1;
        record.send_lag.saturating_record(now.saturating_sub(due));
        if let Some(recorder) = &mut self.recorder {
            recorder.due(due);
        }
    }

    /// Counts an operation that was answered, well or not.
    pub(super) fn answered(
        &mut self,
        record: &mut SliceRecord,
        kind: &'static str,
        times: Times,
        outcome: Outcome,
    ) {
        let (now, latency) = (times.ended, times.latency());
        self.rate.answered(times.due, now, outcome == Outcome::Success);
        match outcome {
            Outcome::Success => {
                if let Some(recorder) = &mut self.recorder {
                    recorder.good(now);
                    recorder.latency(now, latency);
                }
                record.succeeded += 1;
                record.latency.saturating_record(latency);
                if let Some(sent) = times.sent {
                    record.service.saturating_record(now.saturating_sub(sent));
                }
                let of_kind = record.kind(kind);
                of_kind.succeeded += 1;
                of_kind.latency.saturating_record(latency);
                record.outcomes.record(kind, latency);
            }
            Outcome::Refused(cause) => {
                if let Some(recorder) = &mut self.recorder {
                    recorder.bad(now, cause, false);
                }
                record.refused.add(cause);
                record.kind(kind).refused += 1;
                record.outcomes.record(cause, latency);
            }
            Outcome::Failed(failure) => {
                self.failed(record, failure.name(), now);
                record.kind(kind).failed += 1;
                record.outcomes.record_failed(latency);
            }
        }
    }

    /// Counts an operation whose user waited in vain, for at least this long; without a kind, it was never sent.
    pub(super) fn in_vain(
        &mut self,
        record: &mut SliceRecord,
        (kind, cause): (Option<&'static str>, &'static str),
        times: Times,
        at_least: Nanos,
    ) {
        let (now, latency) = (times.ended, times.latency().max(at_least));
        self.failed(record, cause, now);
        record.latency.saturating_record(latency);
        if let Some(recorder) = &mut self.recorder {
            recorder.latency(now, latency);
        }
        record.outcomes.record_failed(latency);
        if let Some(kind) = kind {
            let of_kind = record.kind(kind);
            of_kind.failed += 1;
            of_kind.latency.saturating_record(latency);
        }
    }

    fn failed(&mut self, record: &mut SliceRecord, cause: &'static str, now: Nanos) {
        record.failed.add(cause);
        if let Some(recorder) = &mut self.recorder {
            recorder.bad(now, cause, true);
        }
    }
}
