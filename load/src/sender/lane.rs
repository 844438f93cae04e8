//! The lane of one arm: its connections, the operations on them, and the record of their outcomes.

mod ends;
mod replies;
mod resend;

use std::{collections::VecDeque, time::Duration};

use super::{
    Limits, SenderError, Target,
    connection::Connection,
    loops,
    meters::Meters,
    poll::Poller,
    slots::{Flight, Slots},
    tracer::Tracer,
};
use crate::{
    clock::{self, Nanos},
    episode::Episode,
    http::RequestBuf,
    journey::{Begun, Failure, Journeys, Operation},
    record::SliceRecord,
};

/// One target, of one server or several, with everything that is in flight there.
pub struct Lane {
    target: Target,
    limits: Limits,
    pub(super) poller: Poller,
    pub(super) slots: Slots,
    /// The due times of operations that wait for a connection.
    waiting: VecDeque<Nanos>,
    request: RequestBuf,
    scratch: Vec<u8>,
    pub(super) record: SliceRecord,
    pub(super) meters: Meters,
    tracer: Option<Tracer>,
    /// A closed loop starts nothing before this time, so that it does not spin on a target that refuses
    /// connections.
    pub(super) resume: Nanos,
}

/// The result of starting an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Started {
    /// The lane has taken it: it is in flight, or has failed already.
    Taken,
    /// Every connection is in use.
    Busy,
    /// The journey has no further operation.
    Exhausted,
}

impl Lane {
    /// The pause of a closed loop after a failure to connect.
    const PAUSE: Duration = Duration::from_millis(10);

    /// A lane without connections.
    pub fn new(target: Target, limits: &Limits) -> Result<Self, SenderError> {
        Ok(Self {
            request: RequestBuf::new(&target.host).routed(target.routes.clone()),
            target,
            limits: *limits,
            poller: Poller::new()?,
            slots: Slots::new(limits.connections),
            waiting: VecDeque::new(),
            scratch: Vec::new(),
            record: SliceRecord::default(),
            meters: Meters::default(),
            tracer: None,
            resume: 0,
        })
    }

    /// Runs `journeys` in a closed loop until they are exhausted, or for `longest`, and drains.
    ///
    /// `watch` sees the record every few milliseconds; the loop starts nothing more after it returns `false`.
    /// The record covers this call only.
    pub fn exhaust(
        &mut self,
        journeys: &mut dyn Journeys,
        in_flight: usize,
        longest: Duration,
        watch: &mut dyn FnMut(&SliceRecord) -> bool,
    ) -> Result<&SliceRecord, SenderError> {
        self.clear();
        loops::closed_loop(self, journeys, in_flight, longest, watch)?;
        Ok(&self.record)
    }

    pub(super) fn limit(&mut self, limits: &Limits) {
        self.limits = *limits;
        self.slots = Slots::new(limits.connections);
    }

    /// The target.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The record of the current or last slice.
    pub fn record(&self) -> &SliceRecord {
        &self.record
    }

    pub(super) fn clear(&mut self) {
        self.record.clear();
    }

    pub(super) fn watched(&mut self, watched: bool) {
        self.meters.watched(watched);
    }

    /// Makes room for what happens over the time of a slice, before it begins.
    pub(super) fn make_room(&mut self, length: Duration) {
        self.meters.make_room(length);
    }

    pub(super) fn episode(&self) -> Option<Episode> {
        self.meters.episode()
    }

    pub(super) fn traced(&mut self, traced: bool) {
        self.tracer = traced.then(Tracer::new);
        self.request.set_trace(None);
    }

    /// Whether nothing is in flight and nothing waits.
    pub(super) fn is_quiet(&self) -> bool {
        self.slots.in_flight() == 0 && self.waiting.is_empty()
    }

    pub(super) fn timeout(&self) -> Nanos {
        clock::nanos(self.limits.timeout)
    }

    /// Handles a due operation: sends it, queues it for a connection, or counts it as unsent.
    pub(super) fn handle_due(&mut self, journeys: &mut dyn Journeys, due: Nanos) {
        // Coordinated omission: the latency counts from `due`, also when this thread is late. The send lag
        // records the thread's own share of it, separately. It is taken here, before the request is built and sent: what
        // follows takes some microseconds, and is part of the latency.
        let now = clock::now();
        self.meters.due(&mut self.record, due, now);
        // A journey that is exhausted is counted as planned, and has no operation to send. Only a preparation ends like that,
        // and it uses the closed loop.
        if self.waiting.is_empty() && self.start(journeys, due, now) != Started::Busy {
            return;
        }
        if self.waiting.len() < self.limits.waiting {
            self.record.held += 1;
            self.waiting.push_back(due);
        } else {
            self.give_up(due, now, journeys);
        }
    }

    /// Sends queued operations while there are connections.
    pub(super) fn serve_waiting(&mut self, journeys: &mut dyn Journeys) {
        while let Some(&due) = self.waiting.front() {
            if self.start(journeys, due, clock::now()) == Started::Busy {
                break;
            }
            self.waiting.pop_front();
        }
    }

    /// Starts one operation at `now`.
    pub(super) fn start(&mut self, journeys: &mut dyn Journeys, due: Nanos, now: Nanos) -> Started {
        let Some(slot) = self.slots.take() else { return Started::Busy };
        let mut op = Operation::default();
        let trace = self.tracer.as_mut().map_or(0, Tracer::trace_id);
        self.trace(trace);
        if journeys.begin(&mut op, &mut self.request) == Begun::Exhausted {
            self.slots.give_back(slot);
            return Started::Exhausted;
        }
        self.record.sent += 1;
        let deadline = now + self.timeout();
        let head = self.request.is_head();
        self.slots.depart(slot, Flight { op, due, sent: now, deadline, head, resent: false, trace });
        self.transmit(slot, journeys);
        Started::Taken
    }

    /// Sends the request in the buffer on a slot's connection; connects first if there is none.
    fn transmit(&mut self, at: usize, journeys: &mut dyn Journeys) {
        let is_http2 = self.request.is_grpc();
        self.slots.turn(at, self.request.server());
        if self.slots.get(at).connection.as_ref().is_some_and(|open| open.is_http2() != is_http2) {
            self.slots.close(at);
        }
        if self.slots.get(at).connection.is_none()
            && let Err(_refused) = self.connect(at, is_http2)
        {
            return self.fail(at, Failure::Connect, journeys);
        }
        self.save_request(at);
        let Some(connection) = self.slots.get(at).connection.as_mut() else { return };
        let bytes = self.request.bytes();
        self.record.requests += u64::from(self.request.requests());
        self.record.bytes_out += bytes.len() as u64;
        if connection.send(bytes).is_err() {
            self.lose(at, journeys);
        }
    }

    fn connect(&mut self, at: usize, is_http2: bool) -> std::io::Result<()> {
        let address = self.target.address_of(self.slots.server(at));
        let connection = Connection::begin(address, is_http2)?;
        self.poller.add(connection.stream(), self.slots.next_token(at))?;
        self.record.connects += 1;
        self.slots.get(at).connection = Some(connection);
        Ok(())
    }

    /// Gives the next request a span id in `trace`.
    fn trace(&mut self, trace: u128) {
        if let Some(tracer) = &mut self.tracer {
            self.request.set_trace(Some(tracer.traceparent(trace)));
        }
    }
}
