//! Resending requests that were lost because the peer closed an idle connection.
//!
//! A server may close an idle connection at any time, also while a request is in flight to it. A client
//! recognises this by two facts: the connection had carried a reply before, and no byte of the next one has
//! arrived. Then it sends an idempotent request once more on a fresh connection, as RFC 9112 (9.3.1) permits,
//! and as Go's `http.Transport` and browsers do. The record counts this; the latency still counts from the
//! due time.

use super::Lane;
use crate::journey::{Failure, Journeys};

impl Lane {
    /// Saves the request in the buffer if it may be resent.
    pub(super) fn save_request(&mut self, at: usize) {
        let slot = self.slots.get(at);
        slot.saved_request.clear();
        let used = slot.connection.as_ref().is_some_and(super::Connection::is_used);
        if used && self.request.is_idempotent() {
            slot.saved_request.extend_from_slice(self.request.bytes());
        }
    }

    /// Handles a connection that ended before its reply: resends the request or fails the operation.
    pub(super) fn lose(&mut self, at: usize, journeys: &mut dyn Journeys) {
        let slot = self.slots.get(at);
        let untouched = slot.connection.as_ref().is_some_and(super::Connection::is_empty);
        if !untouched || slot.saved_request.is_empty() || !self.resend(at, journeys) {
            self.fail(at, Failure::Reset, journeys);
        }
    }

    /// Resends the saved request on a fresh connection; `false` if that fails.
    fn resend(&mut self, at: usize, journeys: &mut dyn Journeys) -> bool {
        let is_http2 = self.slots.get(at).connection.as_ref().is_some_and(super::Connection::is_http2);
        self.slots.close(at);
        let bytes = std::mem::take(&mut self.slots.get(at).saved_request);
        if let Some(flight) = self.slots.get(at).flight.as_mut() {
            flight.resent = true;
            journeys.resent(&mut flight.op);
        }
        if self.connect(at, is_http2).is_err() {
            return false;
        }
        self.record.resent += 1;
        self.record.requests += 1;
        self.record.bytes_out += bytes.len() as u64;
        self.slots.get(at).connection.as_mut().is_some_and(|connection| connection.send(&bytes).is_ok())
    }
}
