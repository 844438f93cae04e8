//! The counts of a run.

use std::collections::BTreeMap;

use super::Ended;
use crate::record::{Histogram, SliceRecord, Tally, histogram};

/// The counts of a run. Times are nanoseconds; its size does not depend on the number of messages.
#[derive(Clone, Debug)]
pub struct LiveRecord {
    /// The operations: sends that were due, the lane's send lag, and the outcomes that the journeys recorded.
    pub operations: SliceRecord,
    /// Connections that were opened, reconnects included.
    pub opened: u64,
    /// Connections that could not be opened, by cause.
    pub not_opened: Tally,
    /// From the due time of a connection to the end of its handshake.
    pub opening: Histogram<u64>,
    /// Open connections that have ended, by cause.
    pub ended: Tally,
    /// Of these: those closed by the target, by close code.
    pub codes: BTreeMap<u16, u64>,
    /// Messages sent.
    pub sent: u64,
    /// Messages that could not be sent, by cause.
    pub unsent: Tally,
    /// Messages received.
    pub received: u64,
    /// Payload bytes sent.
    pub bytes_out: u64,
    /// Payload bytes received.
    pub bytes_in: u64,
}

impl Default for LiveRecord {
    fn default() -> Self {
        Self {
            operations: SliceRecord::default(),
            opened: 0,
            not_opened: Tally::default(),
            opening: histogram(),
            ended: Tally::default(),
            codes: BTreeMap::new(),
            sent: 0,
            unsent: Tally::default(),
            received: 0,
            bytes_out: 0,
            bytes_in: 0,
        }
    }
}

impl LiveRecord {
    /// Empties it for the next run.
    pub(super) fn clear(&mut self) {
        let mut operations = std::mem::take(&mut self.operations);
        operations.clear();
        *self = Self { operations, ..Self::default() };
    }

    /// Counts the end of a connection or of an attempt to open one.
    pub(super) fn ended(&mut self, why: Ended, was_open: bool) {
        let tally = if was_open { &mut self.ended } else { &mut self.not_opened };
        tally.add(why.name());
        if let Ended::ByTarget(Some(code)) = why {
            *self.codes.entry(code).or_default() += 1;
        }
    }
}
