//! A crew: tasks that take work from a bounded queue, as the threads of a pool do.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use backing::Background;
use chain::{Crew, Full};
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use tokio::{
    sync::{
        Mutex as AsyncMutex, OwnedSemaphorePermit, Semaphore,
        mpsc::{self, Receiver, Sender},
        oneshot,
    },
    time::sleep,
};

use super::crew_metrics::{CrewMetrics, OfComponent};
use crate::capacity::{Capacity, Gone, SLOW_ONE_IN};

/// A piece of work in line.
struct Job {
    /// Its caller learns when it is done, unless it has gone away.
    caller: oneshot::Sender<()>,
    /// Work that is done whether or not anybody waits keeps its place until it is done. Otherwise the caller keeps it.
    _place: Option<OwnedSemaphorePermit>,
}

/// A crew of workers with a queue before it.
pub struct Workers {
    line: Sender<Job>,
    /// A place for each worker, and those in line.
    places: Arc<Semaphore>,
    gone: Gone,
    metrics: OfComponent,
}

/// The most jobs in the channel. The places bound them; beside those only jobs can be there whose callers have gone
/// away, until the next worker is free and skips them.
const CHANNEL: usize = 2 * Capacity::UNBOUNDED;

/// What all workers of a crew share.
struct Shared {
    line: AsyncMutex<Receiver<Job>>,
    capacity: Capacity,
    /// Draws which work is slow.
    random: Mutex<Xoshiro256PlusPlus>,
    metrics: OfComponent,
}

impl Workers {
    /// Starts the workers of a component. The same seed makes the same pieces of work slow, in the order in which they
    /// are taken.
    pub fn start(
        component: &'static str,
        capacity: Capacity,
        seed: u64,
        metrics: &CrewMetrics,
        background: &Background,
    ) -> Self {
        let (line, waiting) = mpsc::channel(CHANNEL);
        let (places, gone) = (Arc::new(Semaphore::new(capacity.in_flight())), capacity.gone);
        let metrics = metrics.of(component);
        let random = Mutex::new(Xoshiro256PlusPlus::seed_from_u64(seed));
        let shared =
            Arc::new(Shared { line: AsyncMutex::new(waiting), capacity, random, metrics: metrics.clone() });
        for _ in 0..capacity.workers {
            let shared = Arc::clone(&shared);
            background.start(|stop| async move {
                stop.run_until_cancelled(shared.work()).await;
            });
        }
        Self { line, places, gone, metrics }
    }
}

#[async_trait]
impl Crew for Workers {
    async fn work(&self) -> Result<(), Full> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Full)?;
        // Here it is given back when the caller goes away, because this future is dropped then.
        let (_kept_here, goes_along) = match self.gone {
            Gone::Dropped => (Some(place), None),
            Gone::Done => (None, Some(place)),
        };
        let (caller, done) = oneshot::channel();
        self.line.try_send(Job { caller, _place: goes_along }).map_err(|_| Full)?;
        self.metrics.waiting.inc();
        // A crew that stops says nothing more: its process ends.
        done.await.map_err(|_| Full)
    }
}

impl Shared {
    /// Takes one piece of work after the other until no component can send more.
    async fn work(&self) {
        loop {
            // The lock is held while the queue is empty: the other free workers wait for the lock instead.
            let next = self.line.lock().await.recv().await;
            let Some(job) = next else { return };
            self.metrics.waiting.dec();
            match self.capacity.gone {
                Gone::Dropped => self.work_while_waited_for(job).await,
                Gone::Done => self.work_for(job).await,
            }
        }
    }

    async fn work_while_waited_for(&self, mut job: Job) {
        tokio::select! {
            biased;
            () = job.caller.closed() => {}
            () = sleep(self.takes()) => self.hand_over(job),
        }
    }

    async fn work_for(&self, job: Job) {
        sleep(self.takes()).await;
        self.hand_over(job);
    }

    fn hand_over(&self, job: Job) {
        self.metrics.done.inc();
        if job.caller.send(()).is_err() {
            self.metrics.for_nobody.inc();
        }
    }

    /// How long the next piece of work takes.
    fn takes(&self) -> Duration {
        let Some(slow) = self.capacity.slow else { return self.capacity.takes };
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        if random.random_ratio(1, SLOW_ONE_IN) { slow } else { self.capacity.takes }
    }
}

#[cfg(test)]
mod tests;
