//! Through Kafka: an event has been published when all in-sync replicas have it.
//!
//! The producer is idempotent: its retries neither duplicate nor reorder events.
//! A consumer commits an offset after it has processed the event. After a crash the event is delivered again, and the
//! subscriber, which is idempotent by event id, ignores it.
//! Each consumer group reads the whole topic at its own pace. An event that a group cannot process goes to the group's
//! dead-letter topic, with the reason.
//!
//! The process does not wait for its broker: it connects in the background, fails what it cannot do yet, and reports at
//! `/health/backings` that the broker is unavailable.
//!
//! Read in this order: `message`, `producer`, `publisher`, `consumer`, `dead_letters`, `replay`, `lag`, `topic`.

mod consumer;
mod dead_letters;
pub(super) mod lag;
pub(super) mod message;
pub(super) mod producer;
pub(super) mod publisher;
mod replay;
pub(super) mod topic;

use std::{sync::Arc, time::Duration};

pub use consumer::KafkaConsumer;
pub use publisher::KafkaPublisher;
use rdkafka::{ClientConfig, consumer::StreamConsumer};
use tokio::{sync::oneshot, time::timeout};

/// The time limit for leaving a group: the broker answers within milliseconds, or not at all.
const CLOSED_WITHIN: Duration = Duration::from_secs(2);

/// The configuration that all clients of the broker at `kafka://HOST:PORT` share.
pub(super) fn client(address: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", address.trim_start_matches("kafka://"))
        // A broker that comes back is used within a second.
        .set("reconnect.backoff.max.ms", "1000");
    config
}

/// Closes a consumer and leaves its group, so that the other members need not wait for the session time-out.
///
/// Dropping a consumer blocks the thread until the broker has answered, for ever if the broker is gone. So it is dropped on
/// a thread of its own, and the process goes on stopping.
pub(super) async fn close(consumer: Arc<StreamConsumer>) {
    let (closed, is_closed) = oneshot::channel();
    std::thread::spawn(move || {
        drop(consumer);
        let _ = closed.send(());
    });
    if timeout(CLOSED_WITHIN, is_closed).await.is_err() {
        tracing::warn!("the broker did not confirm that the consumer left its group");
    }
}
