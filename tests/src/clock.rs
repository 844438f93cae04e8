//! A clock that pauses while this machine does: a host of virtual machines may take their processors away at
//! any time, and nothing can meet a time limit then.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};

/// The interval at which each processor is sampled.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The clock. It runs until it is dropped.
pub struct Clock {
    /// The time for which processors were paused, in nanoseconds, merged over all processors.
    still: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

/// A point in time of a [`Clock`].
#[derive(Clone, Copy)]
pub struct Moment {
    at: Instant,
    still: u64,
}

impl Clock {
    /// Starts the clock: one thread per processor sleeps and records how late it wakes.
    pub fn start() -> Self {
        let clock = Self { still: Arc::default(), stop: Arc::default() };
        let allowed = sched_getaffinity(Pid::from_raw(0)).expect("this thread's processors");
        for cpu in (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu).unwrap_or(false)) {
            let (still, stop) = (Arc::clone(&clock.still), Arc::clone(&clock.stop));
            thread::spawn(move || watch(cpu, &still, &stop));
        }
        clock
    }

    /// The current time.
    pub fn now(&self) -> Moment {
        Moment { at: Instant::now(), still: self.still.load(Ordering::Relaxed) }
    }

    /// The time since `then`, less the time for which a processor was paused.
    pub fn since(&self, then: Moment) -> Duration {
        let still = Duration::from_nanos(self.still.load(Ordering::Relaxed) - then.still);
        then.at.elapsed().saturating_sub(still)
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn watch(cpu: usize, still: &AtomicU64, stop: &AtomicBool) {
    let mut own = CpuSet::new();
    own.set(cpu).expect("a processor");
    sched_setaffinity(Pid::from_raw(0), &own).expect("a thread may stay on a processor");
    while !stop.load(Ordering::Relaxed) {
        let slept = Instant::now();
        thread::sleep(LOOK_EVERY);
        let late = slept.elapsed().saturating_sub(2 * LOOK_EVERY);
        still.fetch_add(late.as_nanos() as u64, Ordering::Relaxed);
    }
}
