//! Handling a connection that is ready.

use super::{
    super::{
        connection::{Connection, Received},
        poll::Ready,
    },
    Flight, Lane,
};
use crate::{
    clock::{self, Nanos},
    http::{Decoded, Malformed},
    journey::{Failure, Journeys, Operation, Step},
};

impl Lane {
    /// Handles an event: completes connecting, writes the rest of a request, reads a reply.
    pub(in super::super) fn handle(&mut self, ready: Ready, journeys: &mut dyn Journeys) {
        let Some(at) = self.slots.by_token(ready.token) else {
            if ready.readable {
                self.slots.look_at_resting(ready.token);
            }
            return;
        };
        if self.slots.get(at).flight.is_none() {
            let connection = self.slots.get(at).connection.as_mut();
            if ready.readable && !connection.is_some_and(Connection::rests) {
                self.slots.close_idle(at);
            }
            return;
        }
        let Some(connection) = self.slots.get(at).connection.as_mut() else { return };
        if !connection.is_open() {
            if !ready.writable {
                return;
            }
            if connection.opened().is_err() {
                return self.fail(at, Failure::Connect, journeys);
            }
        }
        if ready.writable && connection.flush().is_err() {
            return self.lose(at, journeys);
        }
        if ready.readable {
            self.receive(at, ready.ended, journeys);
        }
    }

    /// Reads until a reply is complete or there is nothing more for now.
    fn receive(&mut self, at: usize, ended: bool, journeys: &mut dyn Journeys) {
        loop {
            let Some(connection) = self.slots.get(at).connection.as_mut() else { return };
            let (room, received) = match connection.receive() {
                Ok(received) => (connection.has_room(), received),
                Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
                    return self.fail(at, Failure::TooLarge, journeys);
                }
                Err(_) => return self.lose(at, journeys),
            };
            match received {
                Received::Nothing => return,
                Received::End => {
                    if !self.judge(at, true, clock::now(), journeys) {
                        self.lose(at, journeys);
                    }
                    return;
                }
                Received::Bytes(count) => {
                    self.record.bytes_in += count as u64;
                    // Edge-triggered: the event of the peer's close may have come before this read, which
                    // then has to find it.
                    if self.judge(at, false, clock::now(), journeys) || (room && !ended) {
                        return;
                    }
                }
            }
        }
    }

    /// Passes a complete reply to its journey; `false` if it is incomplete.
    fn judge(&mut self, at: usize, ended: bool, now: Nanos, journeys: &mut dyn Journeys) -> bool {
        if let Some(trace) = self.slots.get(at).flight.map(|flight| flight.trace) {
            self.trace(trace);
        }
        let Self { slots, request, scratch, .. } = self;
        let slot = slots.get(at);
        let (Some(connection), Some(flight)) = (slot.connection.as_mut(), slot.flight.as_mut()) else {
            return true;
        };
        let op: &mut Operation = &mut flight.op;
        let decoded =
            connection.decode(flight.head, ended, scratch, |reply| journeys.reply(op, reply, request));
        match decoded {
            Ok(Decoded::Partial) => return false,
            Ok(Decoded::Whole { value: Step::Done(outcome), keep_alive, .. }) => {
                self.finish(at, outcome, keep_alive, now);
            }
            Ok(Decoded::Whole { value: Step::Next, keep_alive, .. }) => {
                self.go_on(at, keep_alive, now, journeys);
            }
            Err(Malformed::Syntax) => self.fail(at, Failure::Malformed, journeys),
            Err(Malformed::TooLarge) => self.fail(at, Failure::TooLarge, journeys),
        }
        true
    }

    /// Sends the next request of an operation.
    fn go_on(&mut self, at: usize, keep_alive: bool, now: Nanos, journeys: &mut dyn Journeys) {
        if !keep_alive {
            self.slots.close(at);
        }
        let (deadline, head) = (now + self.timeout(), self.request.is_head());
        if let Some(Flight { deadline: old, head: was, resent, .. }) = self.slots.get(at).flight.as_mut() {
            (*old, *was, *resent) = (deadline, head, false);
        }
        self.transmit(at, journeys);
    }
}
