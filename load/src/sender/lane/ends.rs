//! The ends of operations, and their recording.

use super::{super::meters::Times, Lane};
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
        let times = Times { due: flight.due, sent: Some(flight.sent), ended: now };
        self.meters.answered(&mut self.record, flight.op.kind, times, outcome);
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
        if failure.is_indeterminate() {
            self.record.indeterminate += 1;
        }
        let (kind, at_least) = (flight.op.kind, self.timeout());
        let times = Times { due: flight.due, sent: Some(flight.sent), ended: now };
        if matches!(failure, Failure::Timeout | Failure::Abandoned) {
            self.meters.in_vain(&mut self.record, (Some(kind), failure.name()), times, at_least);
        } else {
            self.meters.answered(&mut self.record, kind, times, Outcome::Failed(failure));
        }
    }

    /// Ends an operation that was never sent: it failed, because its user waited in vain.
    pub(super) fn give_up(&mut self, due: Nanos, now: Nanos, journeys: &mut dyn Journeys) {
        journeys.unsent();
        self.record.unsent += 1;
        let (times, at_least) = (Times { due, sent: None, ended: now }, self.timeout());
        self.meters.in_vain(&mut self.record, (None, UNSENT), times, at_least);
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
}
