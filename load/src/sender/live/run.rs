//! The state of a run: when connections are opened, when messages are sent, when it ends.

use std::{iter::Peekable, time::Duration};

use super::{Connections, LiveJourneys, LivePlan, Moment, Sends};
use crate::{
    clock::{self, Nanos},
    journey::Begun,
    schedule::Schedule,
    sender::{TICK, release_queue::ReleaseQueue},
};

/// The due times of a schedule.
pub(super) struct DueTimes {
    start: Nanos,
    offsets: Schedule,
}

impl Iterator for DueTimes {
    type Item = Nanos;

    fn next(&mut self) -> Option<Nanos> {
        self.offsets.next().map(|offset| self.start.saturating_add(clock::nanos(offset)))
    }
}

/// What starts operations.
enum Source {
    /// A schedule.
    Due(ReleaseQueue<DueTimes>),
    /// The end of another operation, where there are fewer than these.
    InFlight { wanted: usize, is_ended: bool },
}

/// The state of a run.
pub(super) struct Run {
    pub(super) start: Nanos,
    pub(super) end: Nanos,
    /// The longest drain.
    settle: Nanos,
    next_tick: Nanos,
    openings: Peekable<DueTimes>,
    /// The connections to open.
    fresh: std::vec::IntoIter<usize>,
    sends: Source,
}

impl Run {
    /// A run that begins now and opens these connections.
    pub(super) fn new(plan: LivePlan, fresh: Vec<usize>) -> Self {
        let start = clock::now();
        let due = |offsets| DueTimes { start, offsets };
        Self {
            start,
            end: start.saturating_add(clock::nanos(plan.length)),
            settle: clock::nanos(plan.settle),
            next_tick: start,
            openings: due(plan.openings).peekable(),
            fresh: fresh.into_iter(),
            sends: match plan.sends {
                Sends::Due(schedule) => Source::Due(ReleaseQueue::new(due(schedule))),
                Sends::InFlight(wanted) => Source::InFlight { wanted, is_ended: false },
            },
        }
    }

    /// Whether a schedule starts operations.
    pub(super) fn is_open_loop(&self) -> bool {
        matches!(self.sends, Source::Due(_))
    }

    /// Whether a tick is due; then the next one is due after another while, or at the end.
    pub(super) fn takes_tick(&mut self, now: Nanos) -> bool {
        let is_due = now >= self.next_tick;
        if is_due {
            let next = now.saturating_add(clock::nanos(TICK));
            self.next_tick = if now < self.end { next.min(self.end) } else { next };
        }
        is_due
    }

    /// The next connection to open that is due, with its due time.
    pub(super) fn next_opening(&mut self, now: Nanos) -> Option<(usize, Nanos)> {
        let due = self.openings.next_if(|due| *due <= now)?;
        self.fresh.next().map(|connection| (connection, due))
    }

    /// Starts nothing more; the drain begins.
    pub(super) fn interrupt(&mut self, now: Nanos) {
        self.end = self.end.min(now);
        self.fresh = Vec::new().into_iter();
        match &mut self.sends {
            Source::Due(queue) => queue.end(),
            Source::InFlight { is_ended, .. } => *is_ended = true,
        }
    }

    /// Whether it is over, or has drained for as long as it may: never before the tick at its end.
    pub(super) fn is_over(&self, now: Nanos, is_settled: bool) -> bool {
        let has_sent = match &self.sends {
            Source::Due(queue) => queue.release().is_none(),
            Source::InFlight { .. } => true,
        };
        self.next_tick > self.end
            && now >= self.end
            && has_sent
            && (is_settled || now >= self.end.saturating_add(self.settle))
    }

    /// When it has to go on at the latest, beside its ticks.
    pub(super) fn wake(&mut self, now: Nanos, connections: &Connections) -> Option<Nanos> {
        let send = match &self.sends {
            Source::Due(queue) => queue.release(),
            Source::InFlight { wanted, is_ended } => {
                let has_room = connections.in_flight < *wanted && now < self.end && !is_ended;
                has_room.then_some(connections.resume.max(now))
            }
        };
        let opening = if self.fresh.len() > 0 { self.openings.peek().copied() } else { None };
        let end = (now < self.end).then_some(self.end);
        [send, opening, end].into_iter().flatten().min()
    }

    /// Starts the operations that are due.
    pub(super) fn send(&mut self, journeys: &mut dyn LiveJourneys, connections: &mut Connections) {
        match &mut self.sends {
            Source::Due(queue) => send_due(queue, journeys, connections),
            Source::InFlight { wanted, is_ended } => {
                while !*is_ended && connections.in_flight < *wanted {
                    let now = clock::now();
                    if now >= self.end || now < connections.resume {
                        break;
                    }
                    if start(now, journeys, connections) {
                        connections.record.operations.planned += 1;
                    } else {
                        (*is_ended, self.end) = (true, now);
                    }
                }
            }
        }
    }

    /// The time in which operations were started.
    pub(super) fn window(&self, now: Nanos) -> Duration {
        Duration::from_nanos(self.end.min(now).saturating_sub(self.start))
    }
}

/// Starts what a schedule has made due.
fn send_due(
    queue: &mut ReleaseQueue<DueTimes>,
    journeys: &mut dyn LiveJourneys,
    connections: &mut Connections,
) {
    let mut exhausted = false;
    queue.take(clock::now(), |due| {
        if exhausted {
            return;
        }
        let now = clock::now();
        exhausted = !start(due, journeys, connections);
        if !exhausted {
            connections.meters.due(&mut connections.record.operations, due, now);
        }
    });
    if exhausted {
        queue.end();
    }
}

/// Starts an operation; `false` if there is none.
fn start(due: Nanos, journeys: &mut dyn LiveJourneys, connections: &mut Connections) -> bool {
    connections.in_flight += 1;
    let has_begun = journeys.due(Moment(due), connections) == Begun::Written;
    if has_begun {
        connections.record.operations.sent += 1;
    } else {
        connections.in_flight = connections.in_flight.saturating_sub(1);
    }
    has_begun
}
