//! A transport that notes what it brings, and whether the log had it by then.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chat::{HistoryQuery, MessageStore, Record, RecordSender, Sequence, Start};
use contract::{Unavailable, Why};

use crate::support::{line, new_epoch};

/// What a transport does with a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Brings it.
    #[default]
    Brings,
    /// Says that it failed.
    Fails,
    /// Says that it brought it, and did not.
    Lies,
}

/// A transport of records.
pub(crate) struct Transport {
    log: Arc<dyn MessageStore>,
    manner: Mutex<Manner>,
    brought: Mutex<Vec<(String, bool)>>,
}

impl Transport {
    pub(crate) fn new(log: Arc<dyn MessageStore>) -> Self {
        Self { log, manner: Mutex::default(), brought: Mutex::default() }
    }

    /// What it does from now on.
    pub(crate) fn set(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// The records that it brought, each in one line.
    pub(crate) fn brought(&self) -> Vec<String> {
        self.brought.lock().unwrap().iter().map(|(line, _)| line.clone()).collect()
    }

    /// Those of them that the log did not have by then.
    pub(crate) fn brought_before_stored(&self) -> Vec<String> {
        let brought = self.brought.lock().unwrap();
        brought.iter().filter(|(_, was_stored)| !was_stored).map(|(line, _)| line.clone()).collect()
    }
}

#[async_trait]
impl RecordSender for Transport {
    async fn send(&self, record: &Record) -> Result<(), Unavailable> {
        let manner = *self.manner.lock().unwrap();
        match manner {
            Manner::Fails => Err(Unavailable::new("events", Why::Unreachable)),
            Manner::Lies => Ok(()),
            Manner::Brings => {
                let from = Start::After(Sequence(record.position.sequence.0 - 1));
                let query = HistoryQuery { room: record.room, from, limit: 1 };
                let was_stored = self.log.history(&query, new_epoch()).await?.records.contains(record);
                self.brought.lock().unwrap().push((line(record), was_stored));
                Ok(())
            }
        }
    }
}
