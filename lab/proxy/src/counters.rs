//! What a link has carried.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::fault::Direction;

/// What a link has carried since it was started, and what is open and held now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections that are open.
    pub open: u64,
    /// Connections that the proxy has reset: by a fault, because bytes were lost, or because a side had reset or did not
    /// answer.
    pub resets: u64,
    /// Bytes written to the upstream.
    pub bytes_to: u64,
    /// Bytes written to clients.
    pub bytes_from: u64,
    /// Bytes that are in delay lines.
    pub held: u64,
    /// Bytes that a blackhole has swallowed.
    pub discarded: u64,
}

/// The same, as it is counted.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    accepted: AtomicU64,
    open: AtomicU64,
    resets: AtomicU64,
    bytes_to: AtomicU64,
    bytes_from: AtomicU64,
    held: AtomicU64,
    discarded: AtomicU64,
}

impl Counters {
    /// Counts a new connection; returns its number on the link, from 0.
    pub(crate) fn accept(&self) -> u64 {
        self.accepted.fetch_add(1, Ordering::Relaxed)
    }

    /// Counts a connection as open until the guard is dropped.
    pub(crate) fn open(&self) -> Open<'_> {
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(self)
    }

    pub(crate) fn reset(&self) {
        self.resets.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn wrote(&self, direction: Direction, bytes: usize) {
        match direction {
            Direction::To => &self.bytes_to,
            Direction::From => &self.bytes_from,
        }
        .fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn hold(&self, bytes: usize) {
        self.held.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn let_go(&self, bytes: usize) {
        self.held.fetch_sub(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn discard(&self, bytes: usize) {
        self.discarded.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// All of it now. Counts that change together may be read apart.
    pub(crate) fn read(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            accepted: read(&self.accepted),
            open: read(&self.open),
            resets: read(&self.resets),
            bytes_to: read(&self.bytes_to),
            bytes_from: read(&self.bytes_from),
            held: read(&self.held),
            discarded: read(&self.discarded),
        }
    }
}

/// A connection that is open.
pub(crate) struct Open<'a>(&'a Counters);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
