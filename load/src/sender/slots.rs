//! The connection slots: a fixed number, each with at most one socket and one operation.

use super::connection::Connection;
use crate::{clock::Nanos, journey::Operation};

/// An operation in flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub(super) op: Operation,
    /// The due time.
    pub(super) due: Nanos,
    /// The send time of its first request.
    pub(super) sent: Nanos,
    /// The time-out of its current request.
    pub(super) deadline: Nanos,
    /// Whether its current request is a `HEAD`.
    pub(super) head: bool,
    /// Whether its current request has been sent twice.
    pub(super) resent: bool,
    /// The trace id; 0 for none.
    pub(super) trace: u128,
}

/// One slot.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) connection: Option<Connection>,
    pub(super) flight: Option<Flight>,
    /// The current request, if it may be resent; otherwise empty.
    pub(super) saved_request: Vec<u8>,
    /// The number of earlier sockets in this slot, which distinguishes their late events from the current
    /// socket's.
    generation: u32,
}

/// All slots of a lane.
pub(super) struct Slots {
    places: Vec<Slot>,
    /// Slots with an open connection and no operation. The last used is taken first, because its caches are
    /// warm.
    idle: Vec<usize>,
    /// Slots without a connection.
    free: Vec<usize>,
    in_flight: usize,
}

impl Slots {
    /// `limit` empty slots.
    pub(super) fn new(limit: usize) -> Self {
        let mut places = Vec::new();
        places.resize_with(limit, Slot::default);
        Self { places, idle: Vec::with_capacity(limit), free: (0..limit).rev().collect(), in_flight: 0 }
    }

    /// A slot for an operation, preferably with an idle connection.
    pub(super) fn take(&mut self) -> Option<usize> {
        self.idle.pop().or_else(|| self.free.pop())
    }

    /// Returns a slot from [`take`](Self::take) without an operation.
    pub(super) fn give_back(&mut self, at: usize) {
        if self.places[at].connection.is_some() { self.idle.push(at) } else { self.free.push(at) }
    }

    /// Puts an operation into a taken slot.
    pub(super) fn depart(&mut self, at: usize, flight: Flight) {
        self.places[at].flight = Some(flight);
        self.in_flight += 1;
    }

    /// Ends the operation of a slot and returns the slot; closes its connection unless it can be kept alive.
    pub(super) fn land(&mut self, at: usize, keep_alive: bool) -> Option<Flight> {
        let flight = self.places[at].flight.take()?;
        self.in_flight -= 1;
        if !keep_alive {
            self.close(at);
        }
        self.give_back(at);
        Some(flight)
    }

    /// Closes the connection of a slot.
    pub(super) fn close(&mut self, at: usize) {
        self.places[at].connection = None;
        self.places[at].generation = self.places[at].generation.wrapping_add(1);
    }

    /// Closes a connection that no operation uses.
    pub(super) fn close_idle(&mut self, at: usize) {
        self.close(at);
        self.idle.retain(|&idle| idle != at);
        self.free.push(at);
    }

    pub(super) fn get(&mut self, at: usize) -> &mut Slot {
        &mut self.places[at]
    }

    /// The token under which a slot's current socket is registered.
    pub(super) fn token(&self, at: usize) -> u64 {
        u64::from(self.places[at].generation) << 32 | at as u64
    }

    /// The slot of a token; `None` if that socket has been closed since.
    pub(super) fn by_token(&self, token: u64) -> Option<usize> {
        let at = (token & u64::from(u32::MAX)) as usize;
        (at < self.places.len() && self.token(at) == token && self.places[at].connection.is_some())
            .then_some(at)
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The slots whose request times out at `now` or earlier.
    pub(super) fn overdue(&self, now: Nanos) -> Vec<usize> {
        let late = |slot: &Slot| slot.flight.is_some_and(|flight| flight.deadline <= now);
        self.places.iter().enumerate().filter(|(_, slot)| late(slot)).map(|(at, _)| at).collect()
    }
}
