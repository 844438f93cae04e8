//! An idempotent producer, which waits for the acknowledgement of all in-sync replicas.

use std::{
    sync::{PoisonError, RwLock},
    time::Duration,
};

use contract::{Unavailable, Why};
use rdkafka::{
    error::{KafkaError, RDKafkaErrorCode},
    producer::{FutureProducer, FutureRecord, Producer as _},
    util::Timeout,
};

use super::client;

/// The capacity of the producer's queue in KiB.
const QUEUED_KIB: &str = "65536";

/// An idempotent producer that is replaced after a fatal error.
pub(in crate::events) struct Producer {
    address: String,
    acknowledged_within: Duration,
    current: RwLock<FutureProducer>,
}

impl Producer {
    /// Creates a producer for the broker at `kafka://HOST:PORT`, which need not be available yet. A message that is not
    /// acknowledged in this time has failed.
    pub(in crate::events) fn new(address: &str, acknowledged_within: Duration) -> Result<Self, KafkaError> {
        let current = RwLock::new(connect(address, acknowledged_within)?);
        Ok(Self { address: address.to_owned(), acknowledged_within, current })
    }

    /// Sends a message; returns when the broker has acknowledged it.
    pub(in crate::events) async fn send(
        &self,
        record: FutureRecord<'_, [u8], [u8]>,
    ) -> Result<(), KafkaError> {
        let producer = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        let sent = producer.send(record, Timeout::After(self.acknowledged_within)).await;
        sent.map(drop).map_err(|(error, _)| {
            self.replace_if_fatal(&producer);
            error
        })
    }

    /// Replaces a producer with a fatal error. An idempotent producer that has lost track of what it sent fails every
    /// message from then on; a new one starts with a new sequence.
    fn replace_if_fatal(&self, used: &FutureProducer) {
        let Some((_, reason)) = used.client().fatal_error() else { return };
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.client().fatal_error().is_none() {
            return;
        }
        tracing::warn!(reason, "the producer is replaced after a fatal error");
        match connect(&self.address, self.acknowledged_within) {
            Ok(fresh) => *current = fresh,
            Err(error) => tracing::error!(%error, "the producer cannot be replaced"),
        }
    }
}

/// The error for the sender of a message that was not acknowledged.
pub(in crate::events) fn unavailable(error: &KafkaError) -> Unavailable {
    tracing::warn!(%error, "an event was not acknowledged");
    let why = match error.rdkafka_error_code() {
        // No retry can help.
        Some(RDKafkaErrorCode::MessageSizeTooLarge) => Why::Misunderstood,
        _ => Why::TimedOut,
    };
    Unavailable::new("kafka", why)
}

fn connect(address: &str, acknowledged_within: Duration) -> Result<FutureProducer, KafkaError> {
    client(address)
        .set("enable.idempotence", "true")
        .set("acks", "all")
        // Messages of one millisecond travel in one batch.
        .set("linger.ms", "1")
        .set("queue.buffering.max.messages", "20000")
        .set("queue.buffering.max.kbytes", QUEUED_KIB)
        .set("message.timeout.ms", acknowledged_within.as_millis().to_string())
        .create()
}
