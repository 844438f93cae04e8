//! A buffer in the process: an event has been published when it is in the buffer.
//!
//! A negative control: what is in the buffer is lost when the process is killed.
//! A graceful stop delivers it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use contract::{Unavailable, Why};
use tokio::sync::{Notify, mpsc};
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
    /// Notified when a full batch is queued.
    full: Arc<Notify>,
    /// Events that were taken and neither delivered nor given up.
    pending: Arc<AtomicU64>,
    metrics: EventMetrics,
}

impl MemoryPublisher {
    /// Starts to deliver to this subscriber in the background.
    pub fn start(subscriber: Arc<dyn Subscriber>, metrics: EventMetrics, background: &Background) -> Self {
        let (buffer, waiting) = mpsc::channel(CAPACITY);
        let (full, pending) = (Arc::new(Notify::new()), Arc::<AtomicU64>::default());
        let delivery = Delivery { subscriber, pending: Arc::clone(&pending), metrics: metrics.clone() };
        let notified = Arc::clone(&full);
        background.start(|stop| deliver(waiting, notified, delivery, stop));
        Self { buffer, full, pending, metrics }
    }
}

#[async_trait]
impl Publisher for MemoryPublisher {
    async fn publish(&self, event: Event) -> Result<(), Unavailable> {
        let place = self.buffer.reserve().await.map_err(|_| Unavailable::new("events", Why::Broken))?;
        // Before it can be delivered: never too few are on their way.
        self.pending.fetch_add(1, Ordering::Relaxed);
        place.send(event);
        if self.buffer.capacity() <= CAPACITY - BATCH {
            self.full.notify_one();
        }
        self.metrics.published.inc();
        Ok(())
    }

    async fn pending(&self) -> Result<u64, Unavailable> {
        Ok(self.pending.load(Ordering::Relaxed))
    }
}

/// Where batches go, and what is counted of them.
struct Delivery {
    subscriber: Arc<dyn Subscriber>,
    pending: Arc<AtomicU64>,
    metrics: EventMetrics,
}

async fn deliver(
    mut waiting: mpsc::Receiver<Event>,
    full: Arc<Notify>,
    delivery: Delivery,
    stop: CancellationToken,
) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut stopping = false;
    loop {
        if !stopping {
            tokio::select! {
                () = tokio::time::sleep(LINGER) => {}
                () = full.notified() => {}
                () = stop.cancelled() => {
                    stopping = true;
                    waiting.close();
                }
            }
        }
        // All that waits leaves at once, so that a burst is delivered as fast as it is taken.
        loop {
            while batch.len() < BATCH {
                let Ok(event) = waiting.try_recv() else { break };
                batch.push(event);
            }
            if batch.is_empty() {
                break;
            }
            delivery.deliver(&batch).await;
            delivery.pending.fetch_sub(batch.len() as u64, Ordering::Relaxed);
            batch.clear();
        }
        if stopping {
            return;
        }
    }
}

impl Delivery {
    /// Delivers a batch, or gives it up.
    async fn deliver(&self, batch: &[Event]) {
        let mut pause = Duration::from_millis(50);
        for _ in 0..TRIES {
            match self.subscriber.receive(batch, Batching::Fixed).await {
                Ok(()) => {
                    self.metrics.received.inc_by(batch.len() as u64);
                    return;
                }
                Err(error) => tracing::warn!(%error, events = batch.len(), "a batch was not delivered"),
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        self.metrics.lost.inc_by(batch.len() as u64);
        tracing::error!(events = batch.len(), "a batch was given up: these events are lost");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::Instant;

    use super::*;

    #[derive(Default)]
    struct Taken(AtomicUsize);

    #[async_trait]
    impl Subscriber for Taken {
        async fn receive(&self, events: &[Event], _: Batching) -> Result<(), Unavailable> {
            self.0.fetch_add(events.len(), Ordering::Relaxed);
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_waits_for_nobody_and_a_few_arrive_as_well() {
        let (taken, background) = (Arc::new(Taken::default()), Background::default());
        let publisher = MemoryPublisher::start(Arc::clone(&taken) as _, EventMetrics::default(), &background);
        let publish = async |events: usize| {
            for event in 0..events {
                publisher.publish(Event::new(event as u128, "key")).await.expect("it takes events");
            }
        };
        let began = Instant::now();
        publish(2 * CAPACITY).await;
        assert!(began.elapsed().is_zero(), "more than there is room for, in {:?}", began.elapsed());
        publish(10).await;
        tokio::time::sleep(2 * LINGER).await;
        assert_eq!(taken.0.load(Ordering::Relaxed), 2 * CAPACITY + 10);
        background.stop().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_delivers_what_is_buffered() {
        let (taken, background) = (Arc::new(Taken::default()), Background::default());
        let publisher = MemoryPublisher::start(Arc::clone(&taken) as _, EventMetrics::default(), &background);
        for event in 0..10 {
            publisher.publish(Event::new(event, "key")).await.expect("it takes events");
        }
        assert_eq!(taken.0.load(Ordering::Relaxed), 0, "they wait for others");
        background.stop().await;
        assert_eq!(taken.0.load(Ordering::Relaxed), 10);
    }

    /// Takes nothing, ever.
    struct Away;

    #[async_trait]
    impl Subscriber for Away {
        async fn receive(&self, _: &[Event], _: Batching) -> Result<(), Unavailable> {
            Err(Unavailable::new("owner", Why::Unreachable))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_is_on_its_way_until_it_is_delivered_or_given_up() {
        let subscribers: [Arc<dyn Subscriber>; 2] = [Arc::new(Taken::default()), Arc::new(Away)];
        for subscriber in subscribers {
            let background = Background::default();
            let publisher = MemoryPublisher::start(subscriber, EventMetrics::default(), &background);
            for event in 0..10 {
                publisher.publish(Event::new(event, "key")).await.expect("it takes events");
            }
            assert_eq!(publisher.pending().await, Ok(10));
            tokio::time::sleep(10 * LINGER).await;
            assert_eq!(publisher.pending().await, Ok(0));
            background.stop().await;
        }
    }
}
