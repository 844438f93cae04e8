//! The ends of operations, and their recording.

use super::Lane;
use crate::{
    clock::{self, Nanos},
    journey::{Failure, Journeys, Outcome},
};

/// The cause of failure of an operation that was never sent.
const UNSENT: &str = "unsent";

impl Lane {
    /// Ends an operation with a reply.
    pub(super) fn finish(&mut self, at: usize, outcome: Outcome, keep_alive: bool, now: Nanos) {
        let Some(flight) = self.slots.land(at, keep_alive) else { return };
        self.rate_meter.answered(flight.due, now, outcome == Outcome::Success);
        let latency = now.saturating_sub(flight.due);
        if let Some(recorder) = &mut self.recorder {
            match outcome {
                Outcome::Success => {
                    recorder.good(now);
                    recorder.latency(now, latency);
                }
                Outcome::Refused(cause) => recorder.bad(now, cause, false),
                Outcome::Failed(failure) => recorder.bad(now, failure.name(), true),
            }
        }
        let record = &mut self.record;
        match outcome {
            Outcome::Success => {
                record.succeeded += 1;
                record.latency.saturating_record(latency);
                record.service.saturating_record(now.saturating_sub(flight.sent));
                let kind = record.kind(flight.op.kind);
                kind.succeeded += 1;
                kind.latency.saturating_record(latency);
                record.outcomes.record(flight.op.kind, latency);
            }
            Outcome::Refused(cause) => {
                record.refused.add(cause);
                record.outcomes.record(cause, latency);
                record.kind(flight.op.kind).refused += 1;
            }
            Outcome::Failed(failure) => {
                record.failed.add(failure.name());
                record.outcomes.record_failed(latency);
                record.kind(flight.op.kind).failed += 1;
            }
        }
    }

    /// Ends an operation without a reply, and closes its connection: a late reply must not be read as the
    /// next one's.
    pub(super) fn fail(&mut self, at: usize, failure: Failure, journeys: &mut dyn Journeys) {
        let Some(mut flight) = self.slots.land(at, false) else { return };
        let now = clock::now();
        if failure == Failure::Connect {
            self.resume = now + clock::nanos(Self::PAUSE);
        }
        // The first attempt may have arrived, even if the resent request found no connection.
        let failure = if flight.resent && failure == Failure::Connect { Failure::Reset } else { failure };
        journeys.abandoned(&mut flight.op, failure);
        self.count_failed(now, failure.name());
        self.record.kind(flight.op.kind).failed += 1;
        if failure.is_indeterminate() {
            self.record.indeterminate += 1;
        }
        if matches!(failure, Failure::Timeout | Failure::Abandoned) {
            self.record_timeout(Some(flight.op.kind), flight.due, now);
        } else {
            self.record.outcomes.record_failed(now.saturating_sub(flight.due));
            self.rate_meter.answered(flight.due, now, false);
        }
    }

    /// Ends an operation that was never sent: it failed, because its user waited in vain.
    pub(super) fn give_up(&mut self, due: Nanos, now: Nanos, journeys: &mut dyn Journeys) {
        journeys.unsent();
        self.record.unsent += 1;
        self.count_failed(now, UNSENT);
        self.record_timeout(None, due, now);
    }

    /// Ends operations that exceeded the time-out in flight or in the queue.
    pub(in super::super) fn expire(&mut self, now: Nanos, journeys: &mut dyn Journeys) {
        for at in self.slots.overdue(now) {
            self.fail(at, Failure::Timeout, journeys);
        }
        while let Some(&due) = self.waiting.front()
            && due + self.timeout() <= now
        {
            self.waiting.pop_front();
            self.give_up(due, now, journeys);
        }
    }

    /// Ends all operations at once.
    pub(in super::super) fn abandon(&mut self, now: Nanos, journeys: &mut dyn Journeys) {
        for at in self.slots.overdue(Nanos::MAX) {
            self.fail(at, Failure::Abandoned, journeys);
        }
        while let Some(due) = self.waiting.pop_front() {
            self.give_up(due, now, journeys);
        }
    }

    fn count_failed(&mut self, now: Nanos, cause: &'static str) {
        self.record.failed.add(cause);
        if let Some(recorder) = &mut self.recorder {
            recorder.bad(now, cause, true);
        }
    }

    /// Records an operation without a reply with at least the time-out as its latency: its user waited that
    /// long.
    fn record_timeout(&mut self, kind: Option<&'static str>, due: Nanos, now: Nanos) {
        let latency = now.saturating_sub(due).max(self.timeout());
        self.record.latency.saturating_record(latency);
        if let Some(recorder) = &mut self.recorder {
            recorder.latency(now, latency);
        }
        self.record.outcomes.record_failed(latency);
        if let Some(kind) = kind {
            self.record.kind(kind).latency.saturating_record(latency);
        }
    }
}
