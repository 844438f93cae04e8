//! A buffer in the process: an event has been published when it is in the buffer of every consumer group.
//!
//! A negative control: buffered events are lost when the process is killed. A graceful stop delivers them.

mod dead_letters;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use contract::{Unavailable, Why};
use prometheus_client::metrics::counter::Counter;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use self::dead_letters::MemoryDeadLetters;
use super::{
    dead_letters::DeadLetters,
    event::Event,
    group::Group,
    processing::{Delivery, Patience, Stopped, process},
    publisher::Publisher,
    subscriber::Batching,
};
use crate::Background;

/// The capacity of a buffer in events. A publisher waits when the buffer is full.
const CAPACITY: usize = 20_000;
/// The capacity of a buffer in bytes of payloads.
const CAPACITY_BYTES: usize = 64 << 20;
/// The largest batch.
const BATCH: usize = 2_000;
/// The time that an event waits for a full batch.
pub const LINGER: Duration = Duration::from_secs(1);
/// The attempts at a batch, and the pause after the first.
const PATIENCE: Patience = Patience::Attempts(6, Duration::from_millis(50));

/// Buffers events and delivers them in batches.
pub struct MemoryPublisher {
    buffers: Vec<Buffer>,
    /// Events that are neither processed nor given up, once for each group.
    pending: Arc<AtomicU64>,
    published: Counter,
}

/// The buffer of one group.
struct Buffer {
    events: mpsc::Sender<Buffered>,
    /// A permit for each byte.
    bytes: Arc<Semaphore>,
    /// Notified when a full batch is queued, or half of the bytes are taken.
    full: Arc<Notify>,
    dead: MemoryDeadLetters,
}

/// An event, with the permits for its bytes until it is delivered.
struct Buffered {
    event: Event,
    bytes: OwnedSemaphorePermit,
}

impl MemoryPublisher {
    /// Starts to deliver to these groups in the background.
    pub fn start(groups: Vec<Group>, published: Counter, background: &Background) -> Self {
        let pending = Arc::<AtomicU64>::default();
        let buffers = groups.into_iter().map(|group| {
            let (events, waiting) = mpsc::channel(CAPACITY);
            let (full, dead) = (Arc::new(Notify::new()), MemoryDeadLetters::new(group.clone()));
            let delivery = GroupDelivery { group, dead: dead.clone(), pending: Arc::clone(&pending) };
            let notified = Arc::clone(&full);
            background.start(|stop| deliver(waiting, notified, delivery, stop));
            Buffer { events, bytes: Arc::new(Semaphore::new(CAPACITY_BYTES)), full, dead }
        });
        Self { buffers: buffers.collect(), pending, published }
    }

    /// The dead letters of each group.
    pub fn dead_letters(&self) -> Vec<Arc<dyn DeadLetters>> {
        self.buffers.iter().map(|buffer| Arc::new(buffer.dead.clone()) as Arc<dyn DeadLetters>).collect()
    }
}

#[async_trait]
impl Publisher for MemoryPublisher {
    /// Reserves a slot in every buffer before it puts the event into any, so a publisher that gives up waiting has published
    /// nothing.
    async fn publish(&self, event: Event) -> Result<(), Unavailable> {
        let broken = || Unavailable::new("events", Why::Broken);
        let size = event.payload.bytes.len() as u32;
        let mut slots = Vec::with_capacity(self.buffers.len());
        for buffer in &self.buffers {
            let bytes = Arc::clone(&buffer.bytes).acquire_many_owned(size).await.map_err(|_| broken())?;
            slots.push((buffer, bytes, buffer.events.reserve().await.map_err(|_| broken())?));
        }
        // Counted before it can be delivered, so that the number is never too low.
        self.pending.fetch_add(slots.len() as u64, Ordering::Relaxed);
        for (buffer, bytes, slot) in slots {
            slot.send(Buffered { event: event.clone(), bytes });
            let is_half_full = buffer.bytes.available_permits() < CAPACITY_BYTES / 2;
            if buffer.events.capacity() <= CAPACITY - BATCH || is_half_full {
                buffer.full.notify_one();
            }
        }
        self.published.inc();
        Ok(())
    }

    async fn pending(&self) -> Result<u64, Unavailable> {
        Ok(self.pending.load(Ordering::Relaxed))
    }
}

/// Delivers the events of a buffer.
struct GroupDelivery {
    group: Group,
    dead: MemoryDeadLetters,
    pending: Arc<AtomicU64>,
}

async fn deliver(
    mut waiting: mpsc::Receiver<Buffered>,
    full: Arc<Notify>,
    delivery: GroupDelivery,
    stop: CancellationToken,
) {
    let (mut batch, mut permits) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
    let mut stopping = false;
    loop {
        if !stopping {
            tokio::select! {
                () = sleep(LINGER) => {}
                () = full.notified() => {}
                () = stop.cancelled() => {
                    stopping = true;
                    waiting.close();
                }
            }
        }
        // Delivers everything that waits, so that a burst leaves as fast as it comes.
        loop {
            while batch.len() < BATCH {
                let Ok(Buffered { event, bytes }) = waiting.try_recv() else { break };
                batch.push(event);
                permits.push(bytes);
            }
            if batch.is_empty() {
                break;
            }
            delivery.deliver(&batch).await;
            delivery.pending.fetch_sub(batch.len() as u64, Ordering::Relaxed);
            batch.clear();
            permits.clear();
        }
        if stopping {
            return;
        }
    }
}

impl GroupDelivery {
    /// Delivers a batch, or gives it up. A stop waits for this: the number of attempts is limited.
    async fn deliver(&self, events: &[Event]) {
        let mut batch = BatchDelivery { dead: &self.dead, events };
        let _ = process(&self.group, events, Batching::Fixed, PATIENCE, &mut batch).await;
    }
}

struct BatchDelivery<'b> {
    dead: &'b MemoryDeadLetters,
    events: &'b [Event],
}

#[async_trait]
impl Delivery for BatchDelivery<'_> {
    async fn pause(&mut self, pause: Duration) -> Result<(), Stopped> {
        sleep(pause).await;
        Ok(())
    }

    async fn dead_letter(&mut self, indexes: &[usize], reason: &str) -> Result<(), Stopped> {
        tracing::error!(reason, events = indexes.len(), "dead letters: they are lost when this process ends");
        self.dead.add(indexes.iter().map(|index| self.events[*index].clone()).collect(), reason);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::events::example::{Reader, note};

    fn started(readers: &[&Arc<Reader>]) -> (MemoryPublisher, Background) {
        let background = Background::default();
        let groups = readers.iter().map(|reader| reader.group()).collect();
        (MemoryPublisher::start(groups, Counter::default(), &background), background)
    }

    async fn publish(publisher: &MemoryPublisher, ids: std::ops::Range<u128>) {
        for id in ids {
            publisher.publish(note(id, "hello")).await.expect("it takes events");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_waits_for_nobody_and_a_few_arrive_as_well() {
        let reader = Arc::new(Reader::default());
        let (publisher, background) = started(&[&reader]);
        let began = Instant::now();
        publish(&publisher, 0..2 * CAPACITY as u128).await;
        assert!(began.elapsed().is_zero(), "twice the capacity, in {:?}", began.elapsed());
        publish(&publisher, 0..10).await;
        sleep(2 * LINGER).await;
        assert_eq!(reader.taken().len(), 2 * CAPACITY + 10);
        background.stop().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_of_large_events_waits_for_nobody_either() {
        let reader = Arc::new(Reader::default());
        let (publisher, background) = started(&[&reader]);
        let large = note(1, &"x".repeat(CAPACITY_BYTES / 400));
        let began = Instant::now();
        for _ in 0..2_000 {
            publisher.publish(large.clone()).await.expect("it takes events");
        }
        assert!(began.elapsed().is_zero(), "five times the capacity, in {:?}", began.elapsed());
        background.stop().await;
        assert_eq!(reader.taken().len(), 2_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_delivers_what_is_buffered() {
        let reader = Arc::new(Reader::default());
        let (publisher, background) = started(&[&reader]);
        publish(&publisher, 0..10).await;
        assert_eq!(reader.taken(), [0; 0], "they wait for others");
        background.stop().await;
        assert_eq!(reader.taken().len(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_is_on_its_way_until_it_is_delivered_or_given_up() {
        for is_away in [false, true] {
            let reader = Arc::new(Reader::default());
            if is_away {
                reader.fails("hello", Why::Unreachable);
            }
            let (publisher, background) = started(&[&reader]);
            publish(&publisher, 0..10).await;
            assert_eq!(publisher.pending().await, Ok(10));
            sleep(10 * LINGER).await;
            assert_eq!(publisher.pending().await, Ok(0));
            background.stop().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_group_that_fails_for_ever_holds_up_no_other_and_its_dead_letters_can_be_replayed() {
        let (sound, broken) = (Arc::new(Reader::default()), Arc::new(Reader::default()));
        broken.fails("hello", Why::Broken);
        let (publisher, background) = started(&[&sound, &broken]);
        publish(&publisher, 0..10).await;
        assert_eq!(publisher.pending().await, Ok(20), "ten for each group");
        sleep(10 * LINGER).await;
        assert_eq!((sound.taken().len(), broken.taken().len()), (10, 0));
        let letters = publisher.dead_letters();
        let [of_sound, of_broken] = &letters[..] else { panic!("one for each group") };
        assert_eq!(of_sound.list(100).await, Ok(Vec::new()));
        let listed = of_broken.list(100).await.expect("they are in memory");
        assert_eq!(listed.len(), 10);
        assert_eq!(listed[0].reason, "`readers` failed inside");
        assert_eq!(of_broken.replay().await, Ok(0), "it fails still");
        assert_eq!(of_broken.list(100).await.map(|listed| listed.len()), Ok(10));
        broken.recovers();
        assert_eq!(of_broken.replay().await, Ok(10));
        assert_eq!(broken.taken().len(), 10);
        assert_eq!((of_broken.list(100).await, of_broken.replay().await), (Ok(Vec::new()), Ok(0)));
        background.stop().await;
    }
}
