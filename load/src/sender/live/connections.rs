//! The connections of a lane, and the actions on them.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    io,
    time::Duration,
};

use tungstenite::{Utf8Bytes, protocol::WebSocketConfig};

use super::{
    Ended, Handshake, LiveLimits, LiveRecord, Moment, OperationEnd,
    slot::{HandshakeStep, Read, Slot, State, Written},
};
use crate::{
    clock::{self, Nanos},
    journey::{Failure, Outcome},
    sender::{
        Target,
        connection::dial,
        meters::{Meters, Times},
        poll::Poller,
        tracer::Tracer,
    },
};

/// The pause of a closed loop after an operation that found no open connection.
const PAUSE: Duration = Duration::from_millis(10);

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The connection is not open.
    #[error("the connection is not open")]
    NotOpen,
    /// The limit of unsent bytes is reached: the target does not read.
    #[error("the limit of unsent bytes is reached: the target does not read")]
    Full,
}

/// The connections of a lane. Journeys act through it.
pub struct Connections {
    target: Target,
    protocol: WebSocketConfig,
    slots: Vec<Slot>,
    pub(super) poller: Poller,
    pub(super) record: LiveRecord,
    pub(super) meters: Meters,
    tracer: Option<Tracer>,
    /// Operations that have begun and not ended.
    pub(super) in_flight: usize,
    /// A closed loop starts nothing before this time.
    pub(super) resume: Nanos,
    open: usize,
    opening: usize,
    timeout: Nanos,
    /// The time-outs of handshakes with their tokens, in order: all have the same time limit.
    deadlines: VecDeque<(Nanos, u64)>,
    /// Stalled connections: the end of each stall, and its token.
    stalled: BinaryHeap<Reverse<(Nanos, u64)>>,
    /// Connections that have ended, to be reported to the journeys.
    pub(super) ended: VecDeque<(usize, Ended)>,
}

impl Connections {
    pub(super) fn new(target: Target, limits: &LiveLimits) -> io::Result<Self> {
        let mut slots = Vec::new();
        slots.resize_with(limits.connections, Slot::default);
        Ok(Self {
            target,
            protocol: limits.protocol(),
            slots,
            poller: Poller::new()?,
            record: LiveRecord::default(),
            meters: Meters::default(),
            tracer: None,
            in_flight: 0,
            resume: 0,
            open: 0,
            opening: 0,
            timeout: clock::nanos(limits.timeout),
            deadlines: VecDeque::new(),
            stalled: BinaryHeap::new(),
            ended: VecDeque::new(),
        })
    }

    /// The number of connections, open or not.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether the lane has no connections.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The number of open connections.
    pub fn open(&self) -> usize {
        self.open
    }

    /// Whether a connection is open.
    pub fn is_open(&self, connection: usize) -> bool {
        self.slots[connection].is_open()
    }

    pub(super) fn traced(&mut self, traced: bool) {
        self.tracer = traced.then(Tracer::new);
    }

    /// The `traceparent` of a new trace for an operation, if operations are traced.
    pub fn traceparent(&mut self) -> Option<String> {
        let tracer = self.tracer.as_mut()?;
        let trace = tracer.trace_id();
        Some(tracer.traceparent(trace))
    }

    /// Sends a text. What the socket does not accept at once is buffered.
    pub fn send(&mut self, connection: usize, text: impl Into<Utf8Bytes>) -> Result<(), NotSent> {
        let text = text.into();
        let bytes = text.len() as u64;
        let slot = &mut self.slots[connection];
        let sent = if slot.is_open() { slot.write(text) } else { Written::Ended(Ended::Lost) };
        match sent {
            Written::Sent => {
                self.record.sent += 1;
                self.record.bytes_out += bytes;
                Ok(())
            }
            Written::Full => {
                self.record.unsent.add("full");
                Err(NotSent::Full)
            }
            Written::Ended(why) => {
                if slot.is_open() {
                    self.end(connection, why);
                }
                self.record.unsent.add("not-open");
                Err(NotSent::NotOpen)
            }
        }
    }

    /// Closes a connection with this code; the journeys get [`Ended::ByUs`].
    pub fn close(&mut self, connection: usize, code: u16) {
        if self.slots[connection].is_open() {
            self.slots[connection].send_close(code);
            self.end(connection, Ended::ByUs);
        }
    }

    /// Stops reading from a connection for this time, pings included, as a program that hangs does.
    pub fn stall(&mut self, connection: usize, time: Duration) {
        if self.slots[connection].is_open() {
            let until = clock::now().saturating_add(clock::nanos(time));
            self.slots[connection].stalled_until = until;
            self.stalled.push(Reverse((until, self.token(connection))));
        }
    }

    /// Records the end of an operation, now, with the latency from its due time.
    pub fn operation_ended(&mut self, kind: &'static str, due: Moment, outcome: Outcome) {
        self.operation_took(&OperationEnd { kind, due, sent: None, at: Moment::now(), outcome });
    }

    /// Records the end of an operation at a time that may be past: what it was for had happened by then.
    pub fn operation_took(&mut self, end: &OperationEnd) {
        let times = Times { due: end.due.0, sent: end.sent.map(|sent| sent.0), ended: end.at.0 };
        let record = &mut self.record.operations;
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Outcome::Failed(failure) = end.outcome {
            record.indeterminate += u64::from(failure.is_indeterminate());
            if failure == Failure::Connect {
                self.resume = clock::now().saturating_add(clock::nanos(PAUSE));
            }
            if end.is_in_vain() {
                return self.meters.in_vain(record, (Some(end.kind), failure.name()), times, 0);
            }
        }
        self.meters.answered(record, end.kind, times, end.outcome);
    }

    /// The number of handshakes in progress.
    pub(super) fn opening(&self) -> usize {
        self.opening
    }

    /// Whether a connection is being opened.
    pub(super) fn is_opening(&self, connection: usize) -> bool {
        self.slots[connection].is_opening()
    }

    pub(super) fn is_closed(&self, connection: usize) -> bool {
        self.slots[connection].is_closed()
    }

    /// Begins to connect.
    pub(super) fn begin(&mut self, connection: usize, due: Nanos, handshake: Handshake) {
        let token = self.token(connection);
        let server = self.target.gateway(handshake.server).0;
        let begun = dial(server).and_then(|(stream, _)| {
            self.poller.add(&stream, token)?;
            Ok(stream)
        });
        let Ok(stream) = begun else { return self.not_opened(connection, Ended::Unreachable) };
        self.record.operations.connects += 1;
        let slot = &mut self.slots[connection];
        (slot.state, slot.due) = (State::Connecting(stream, Box::new(handshake)), due);
        self.opening += 1;
        self.deadlines.push_back((clock::now().saturating_add(self.timeout), token));
    }

    /// Continues a handshake. Returns whether the connection is open now.
    pub(super) fn handshake(&mut self, connection: usize) -> bool {
        let slot = &mut self.slots[connection];
        match slot.handshake(|server| self.target.gateway(server).1, self.protocol) {
            HandshakeStep::NotYet => false,
            HandshakeStep::Open => {
                self.opening -= 1;
                self.open += 1;
                self.record.opened += 1;
                let now = clock::now();
                self.record.opening.saturating_record(now.saturating_sub(slot.due));
                true
            }
            HandshakeStep::Ended(why) => {
                self.opening -= 1;
                self.not_opened(connection, why);
                false
            }
        }
    }

    /// Records that a connection could not be opened.
    fn not_opened(&mut self, connection: usize, why: Ended) {
        self.slots[connection].clear();
        self.record.ended(why, false);
        self.ended.push_back((connection, why));
    }

    /// Reads the next message, unless the connection is stalled.
    pub(super) fn read(&mut self, connection: usize, now: Nanos) -> Read {
        let slot = &mut self.slots[connection];
        if slot.stalled_until > now {
            return Read::Nothing;
        }
        let read = slot.read();
        if let Read::Message(message) = &read {
            self.record.received += 1;
            self.record.bytes_in += message.len() as u64;
        }
        read
    }

    /// Writes the buffered bytes of a connection.
    pub(super) fn flush(&mut self, connection: usize) -> Result<(), Ended> {
        self.slots[connection].flush()
    }

    /// Ends an open connection, to be reported to the journeys.
    pub(super) fn end(&mut self, connection: usize, why: Ended) {
        if self.slots[connection].is_open() {
            self.slots[connection].clear();
            self.open -= 1;
            self.record.ended(why, true);
            self.ended.push_back((connection, why));
        }
    }

    /// Ends handshakes that exceeded their time limit.
    pub(super) fn expire(&mut self, now: Nanos) {
        while let Some(&(deadline, token)) = self.deadlines.front()
            && deadline <= now
        {
            self.deadlines.pop_front();
            if let Some(connection) = self.by_token(token)
                && self.is_opening(connection)
            {
                self.opening -= 1;
                self.not_opened(connection, Ended::TimedOut);
            }
        }
    }

    /// The next connection whose stall has ended.
    pub(super) fn resumed(&mut self, now: Nanos) -> Option<usize> {
        while let Some(&Reverse((until, token))) = self.stalled.peek()
            && until <= now
        {
            self.stalled.pop();
            if let Some(connection) = self.by_token(token) {
                return Some(connection);
            }
        }
        None
    }

    /// When the next stall ends.
    pub(super) fn next_resume(&self) -> Option<Nanos> {
        self.stalled.peek().map(|Reverse((until, _))| *until)
    }

    /// The epoll token of a connection's present socket.
    pub(super) fn token(&self, connection: usize) -> u64 {
        u64::from(self.slots[connection].generation) << 32 | connection as u64
    }

    /// The connection of a token, unless that socket has been closed since.
    pub(super) fn by_token(&self, token: u64) -> Option<usize> {
        let connection = (token & u64::from(u32::MAX)) as usize;
        let slot = self.slots.get(connection)?;
        (self.token(connection) == token && !slot.is_closed()).then_some(connection)
    }
}
