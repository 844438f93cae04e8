//! A buffer in the process: an event has been published when it is in the buffer.
//!
//! A negative control: what is in the buffer is lost when the process is killed.
//! A graceful stop delivers it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use contract::{Unavailable, Why};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Batching, Event, EventMetrics, Publisher, Subscriber};
use crate::Background;

/// Events that may wait in the buffer; a publisher waits when it is full.
const CAPACITY: usize = 20_000;
/// Events that are delivered together.
const BATCH: usize = 2_000;
/// How long an event waits for others to be delivered with.
const LINGER: Duration = Duration::from_secs(1);
/// How often a batch is tried before it is given up, first after 50 ms, then twice as long each time.
const TRIES: u32 = 6;

/// Buffers events and delivers them in batches.
pub struct MemoryPublisher {
    buffer: mpsc::Sender<Event>,
    metrics: EventMetrics,
}

impl MemoryPublisher {
    /// Starts to deliver to this subscriber in the background.
    pub fn start(subscriber: Arc<dyn Subscriber>, metrics: EventMetrics, background: &Background) -> Self {
        let (buffer, waiting) = mpsc::channel(CAPACITY);
        let counted = metrics.clone();
        background.start(|stop| deliver(waiting, subscriber, counted, stop));
        Self { buffer, metrics }
    }
}

#[async_trait]
impl Publisher for MemoryPublisher {
    async fn publish(&self, event: Event) -> Result<(), Unavailable> {
        let gone = |_| Unavailable::new("events", Why::Broken);
        self.buffer.send(event).await.map_err(gone)?;
        self.metrics.published.inc();
        Ok(())
    }
}

async fn deliver(
    mut waiting: mpsc::Receiver<Event>,
    subscriber: Arc<dyn Subscriber>,
    metrics: EventMetrics,
    stop: CancellationToken,
) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut stopping = false;
    loop {
        if !stopping {
            tokio::select! {
                () = tokio::time::sleep(LINGER) => {}
                () = stop.cancelled() => {
                    stopping = true;
                    waiting.close();
                }
            }
        }
        // A full batch leaves at once, so that a burst is delivered as fast as it is taken.
        loop {
            while batch.len() < BATCH {
                let Ok(event) = waiting.try_recv() else { break };
                batch.push(event);
            }
            if batch.is_empty() {
                break;
            }
            deliver_batch(&batch, &*subscriber, &metrics).await;
            batch.clear();
        }
        if stopping {
            return;
        }
    }
}

async fn deliver_batch(batch: &[Event], subscriber: &dyn Subscriber, metrics: &EventMetrics) {
    let mut pause = Duration::from_millis(50);
    for _ in 0..TRIES {
        match subscriber.receive(batch, Batching::Fixed).await {
            Ok(()) => {
                metrics.received.inc_by(batch.len() as u64);
                return;
            }
            Err(error) => tracing::warn!(%error, events = batch.len(), "a batch was not delivered"),
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    metrics.lost.inc_by(batch.len() as u64);
    tracing::error!(events = batch.len(), "a batch was given up: these events are lost");
}
