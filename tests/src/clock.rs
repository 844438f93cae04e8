//! A clock that stands still while this machine does: a host that runs many machines takes their processors away at any
//! moment, and what is to happen within a time cannot happen then.

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

/// How often each processor is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The clock. It runs until it is dropped.
pub struct Clock {
    /// Nanoseconds for which processors stood still, all taken together.
    still: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

/// A moment of a [`Clock`].
#[derive(Clone, Copy)]
pub struct Moment {
    at: Instant,
    still: u64,
}

impl Clock {
    /// Starts it: one thread a processor, which sleeps and notes how much too late it woke.
    pub fn start() -> Self {
        let clock = Self { still: Arc::default(), stop: Arc::default() };
        let allowed = sched_getaffinity(Pid::from_raw(0)).expect("this thread's processors");
        for cpu in (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu).unwrap_or(false)) {
            let (still, stop) = (Arc::clone(&clock.still), Arc::clone(&clock.stop));
            thread::spawn(move || watch(cpu, &still, &stop));
        }
        clock
    }

    /// This moment.
    pub fn now(&self) -> Moment {
        Moment { at: Instant::now(), still: self.still.load(Ordering::Relaxed) }
    }

    /// The time since then, less that for which a processor stood still.
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
