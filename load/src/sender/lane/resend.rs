//! Requests that were lost on a connection that its peer was closing.
//!
//! A server may close an idle connection at any time, also while a request is on its way to it. A client cannot tell
//! that from a failure, except by what it knows: the connection had carried a reply, and not a byte of the next one has
//! come. An idempotent request is then sent once more, on a fresh connection, as RFC 9112 (9.3.1) allows, and as Go's
//! `http.Transport` and browsers do. It is counted; its latency goes on from its due time.

use super::Lane;
use crate::journey::{Failure, Journeys};

impl Lane {
    /// Keeps the request in the buffer, if it may have to be sent once more.
    pub(super) fn keep(&mut self, at: usize) {
        let slot = self.slots.get(at);
        slot.again.clear();
        let used = slot.connection.as_ref().is_some_and(super::Connection::is_used);
        if used && self.request.is_idempotent() {
            slot.again.extend_from_slice(self.request.bytes());
        }
    }

    /// Deals with a connection that ended before the reply did: the request is sent once more, or has failed.
    pub(super) fn lose(&mut self, at: usize, journeys: &mut dyn Journeys) {
        let slot = self.slots.get(at);
        let untouched = slot.connection.as_ref().is_some_and(super::Connection::is_empty);
        if !untouched || slot.again.is_empty() || !self.resend(at, journeys) {
            self.fail(at, Failure::Reset, journeys);
        }
    }

    /// Sends the kept request on a fresh connection; `false` if that could not be.
    fn resend(&mut self, at: usize, journeys: &mut dyn Journeys) -> bool {
        self.slots.close(at);
        let bytes = std::mem::take(&mut self.slots.get(at).again);
        if let Some(flight) = self.slots.get(at).flight.as_mut() {
            flight.resent = true;
            journeys.resent(&mut flight.op);
        }
        if self.connect(at).is_err() {
            return false;
        }
        self.record.resent += 1;
        self.record.requests += 1;
        self.record.bytes_out += bytes.len() as u64;
        self.slots.get(at).connection.as_mut().is_some_and(|connection| connection.send(&bytes).is_ok())
    }
}
