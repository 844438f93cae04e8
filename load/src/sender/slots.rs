//! The connection slots: a fixed number, each with at most one operation, and one socket for each of the target's servers.
//!
//! Most targets have one server. A slot of others turns to the server of each request, and its sockets to the rest stay open
//! meanwhile, as those of a browser or a connection pool do.

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
    /// Its connection to `server`.
    pub(super) connection: Option<Connection>,
    /// The number of the server that its current or last request goes to.
    server: usize,
    /// Its connections to other servers, which no request uses.
    resting: Vec<Resting>,
    pub(super) flight: Option<Flight>,
    /// The current request, if it may be resent; otherwise empty.
    pub(super) saved_request: Vec<u8>,
    /// The token of `connection`.
    token: u64,
    /// The number of sockets in this slot so far, which distinguishes the late events of earlier ones.
    generation: u32,
}

/// A connection to a server that the slot has turned away from.
struct Resting {
    server: usize,
    token: u64,
    connection: Connection,
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
    }

    /// Turns a slot to a server: its connection is the one to that server then, if it has any.
    pub(super) fn turn(&mut self, at: usize, server: usize) {
        let slot = &mut self.places[at];
        if slot.server == server {
            return;
        }
        let before = slot.connection.take();
        let found = slot.resting.iter().position(|resting| resting.server == server);
        let found = found.map(|nth| slot.resting.swap_remove(nth));
        slot.resting.extend(before.map(|connection| Resting {
            server: slot.server,
            token: slot.token,
            connection,
        }));
        slot.server = server;
        if let Some(Resting { token, connection, .. }) = found {
            (slot.token, slot.connection) = (token, Some(connection));
        }
    }

    /// The server that a slot has turned to.
    pub(super) fn server(&self, at: usize) -> usize {
        self.places[at].server
    }

    /// Takes what arrives on a connection that rests, and closes it if it cannot be used any more.
    pub(super) fn look_at_resting(&mut self, token: u64) {
        if let Some(slot) = self.places.get_mut(place(token)) {
            slot.resting.retain_mut(|resting| resting.token != token || resting.connection.rests());
        }
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

    /// The token under which the next socket of a slot is registered.
    pub(super) fn next_token(&mut self, at: usize) -> u64 {
        let slot = &mut self.places[at];
        slot.generation = slot.generation.wrapping_add(1);
        slot.token = u64::from(slot.generation) << 32 | at as u64;
        slot.token
    }

    /// The slot whose connection has a token; `None` if that socket rests, or has been closed since.
    pub(super) fn by_token(&self, token: u64) -> Option<usize> {
        let at = place(token);
        let slot = self.places.get(at)?;
        (slot.token == token && slot.connection.is_some()).then_some(at)
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

/// The slot in which a token was given.
fn place(token: u64) -> usize {
    (token & u64::from(u32::MAX)) as usize
}
