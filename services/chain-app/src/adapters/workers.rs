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
        Mutex as AsyncMutex,
        mpsc::{self, Receiver, Sender},
        oneshot,
    },
    time::sleep,
};

use super::crew_metrics::{CrewMetrics, OfComponent};
use crate::capacity::{Capacity, Gone, SLOW_ONE_IN};

/// The caller of a piece of work: it learns when that is done, unless it has gone away.
type Caller = oneshot::Sender<()>;

/// A crew of workers with a queue before it.
pub struct Workers {
    line: Sender<Caller>,
    metrics: OfComponent,
}

/// What all workers of a crew share.
struct Shared {
    line: AsyncMutex<Receiver<Caller>>,
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
        // At least one: a worker takes work through the queue, so that without one nothing would ever be taken.
        let (line, waiting) = mpsc::channel(capacity.line.max(1));
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
        Self { line, metrics }
    }
}

#[async_trait]
impl Crew for Workers {
    async fn work(&self) -> Result<(), Full> {
        let (caller, done) = oneshot::channel();
        self.line.try_send(caller).map_err(|_| Full)?;
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
            let Some(caller) = next else { return };
            self.metrics.waiting.dec();
            match self.capacity.gone {
                Gone::Dropped => self.work_while_waited_for(caller).await,
                Gone::Done => self.work_for(caller).await,
            }
        }
    }

    async fn work_while_waited_for(&self, mut caller: Caller) {
        tokio::select! {
            biased;
            () = caller.closed() => {}
            () = sleep(self.takes()) => self.hand_over(caller),
        }
    }

    async fn work_for(&self, caller: Caller) {
        sleep(self.takes()).await;
        self.hand_over(caller);
    }

    fn hand_over(&self, caller: Caller) {
        self.metrics.done.inc();
        if caller.send(()).is_err() {
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
