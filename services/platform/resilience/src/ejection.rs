//! Outlier detection and ejection: a replica that fails again and again gets no calls for a while.
//!
//! Envoy: <https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier>.
//! A breaker guards a callee as a whole; ejection takes one replica out of it. The balancer of `remote` keeps a
//! [`Record`] for each replica, and the replicas share a [`Pool`]. Both are given the time.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use crate::settings::EjectionSettings;

/// How many of a callee's replicas may be ejected, and how many are.
#[derive(Debug)]
pub struct Pool {
    settings: EjectionSettings,
    most: usize,
    ejected: AtomicUsize,
}

impl Pool {
    /// A pool of so many replicas, none of them ejected. A single replica is never ejected.
    pub fn new(settings: EjectionSettings, replicas: usize) -> Self {
        let most = (replicas as f64 * settings.share) as usize;
        Self { settings, most: most.min(replicas.saturating_sub(1)), ejected: AtomicUsize::new(0) }
    }

    /// The replicas that are ejected.
    pub fn ejected(&self) -> usize {
        self.ejected.load(Ordering::Relaxed)
    }

    /// A call that its caller gives up after this time counts as a failure.
    pub fn given_up(&self) -> Duration {
        self.settings.given_up
    }

    fn try_eject(&self) -> bool {
        let eject = |ejected| (ejected < self.most).then_some(ejected + 1);
        self.ejected.fetch_update(Ordering::Relaxed, Ordering::Relaxed, eject).is_ok()
    }
}

/// What is known of one replica.
#[derive(Clone, Copy, Debug, Default)]
pub struct Record {
    failures: u32,
    successes: u32,
    ejections: u32,
    until: Option<Instant>,
}

impl Record {
    /// Notes a success. As many in a row as failures eject forget earlier ejections.
    pub fn succeeded(&mut self, pool: &Pool) {
        if self.until.is_some() {
            return;
        }
        self.failures = 0;
        self.successes = self.successes.saturating_add(1);
        if self.successes >= pool.settings.after {
            self.ejections = 0;
        }
    }

    /// Notes a failure, and returns how long the replica is ejected if this ejects it. Calls that were in
    /// flight when it was ejected count no more.
    pub fn failed(&mut self, pool: &Pool, now: Instant) -> Option<Duration> {
        if self.until.is_some() {
            return None;
        }
        self.successes = 0;
        self.failures = self.failures.saturating_add(1);
        if self.failures < pool.settings.after || !pool.try_eject() {
            return None;
        }
        self.ejections += 1;
        let time = pool.settings.base.saturating_mul(self.ejections).min(pool.settings.cap);
        self.until = Some(now + time);
        Some(time)
    }

    /// Ends the ejection if its time is up, and returns whether the replica is still ejected. It comes back on
    /// probation: one more failure ejects it again, for longer.
    pub fn end_if_over(&mut self, pool: &Pool, now: Instant) -> bool {
        let Some(until) = self.until else { return false };
        if now < until {
            return true;
        }
        self.until = None;
        self.failures = pool.settings.after.saturating_sub(1);
        pool.ejected.fetch_sub(1, Ordering::Relaxed);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: EjectionSettings = EjectionSettings {
        after: 3,
        base: Duration::from_secs(5),
        cap: Duration::from_secs(12),
        share: 0.5,
        given_up: Duration::from_millis(500),
    };

    #[test]
    fn failures_in_a_row_eject_for_a_time_that_grows_up_to_a_cap() {
        let (pool, mut record, mut now) = (Pool::new(SETTINGS, 2), Record::default(), Instant::now());
        assert_eq!([record.failed(&pool, now), record.failed(&pool, now)], [None; 2]);
        record.succeeded(&pool);
        assert_eq!([record.failed(&pool, now), record.failed(&pool, now)], [None; 2], "not in a row");
        for seconds in [5, 10, 12, 12] {
            let time = Duration::from_secs(seconds);
            assert_eq!(record.failed(&pool, now), Some(time), "one failure on probation is enough");
            assert_eq!(record.failed(&pool, now), None, "a late failure of a call from before");
            assert!(record.end_if_over(&pool, now + time.mul_f64(0.999)));
            now += time;
            assert!(!record.end_if_over(&pool, now));
        }
        for _ in 0..3 {
            record.succeeded(&pool);
        }
        let ejected: Vec<_> = (0..3).map(|_| record.failed(&pool, now)).collect();
        assert_eq!(ejected, [None, None, Some(SETTINGS.base)], "earlier ejections are forgotten");
    }

    #[test]
    fn at_most_the_share_is_ejected_and_never_the_only_replica() {
        for (replicas, most) in [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2)] {
            let pool = Pool::new(SETTINGS, replicas);
            let now = Instant::now();
            let mut records = vec![Record::default(); replicas];
            for record in &mut records {
                for _ in 0..10 {
                    record.failed(&pool, now);
                }
            }
            let ejected =
                records.iter_mut().filter_map(|record| record.end_if_over(&pool, now).then_some(())).count();
            assert_eq!((ejected, pool.ejected()), (most, most), "of {replicas}");
            let later = now + SETTINGS.cap;
            assert!(records.iter_mut().all(|record| !record.end_if_over(&pool, later)));
            assert_eq!(pool.ejected(), 0);
        }
    }
}
