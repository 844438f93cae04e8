//! The definition of each algorithm, in exact arithmetic and unlimited memory.
//!
//! The bench `limiter` includes this file as well.
//! It shares nothing with the crate but the names of the algorithms and the limits. An oracle's clock never
//! goes back.

use std::collections::{BTreeMap, VecDeque};

use limiter::{Algorithm, Limit};

/// Decides by a definition.
pub(crate) trait Oracle {
    /// The delay in nanoseconds after which a request passes; `None` if it is refused.
    fn decide(&mut self, now: u64, cost: u64) -> Option<u64>;
}

pub(crate) fn oracle(algorithm: Algorithm, limit: &Limit) -> Box<dyn Oracle> {
    let (requests, burst) = (limit.requests().into(), limit.burst().into());
    let window = limit.window().as_nanos() as u64;
    match algorithm {
        Algorithm::FixedWindow => {
            Box::new(Calendar { requests, window, used: BTreeMap::new(), weighted: false })
        }
        Algorithm::SlidingCounter => {
            Box::new(Calendar { requests, window, used: BTreeMap::new(), weighted: true })
        }
        Algorithm::SlidingLog => Box::new(Log { requests, passed: Passed::new(window) }),
        Algorithm::TokenBucket | Algorithm::Gcra => {
            Box::new(Bucket { requests, window, burst, level: 0, at: 0 })
        }
        Algorithm::LeakyBucket => Box::new(Queue { requests, window, burst, busy: 0 }),
    }
}

/// The admissions so far, and their sum within a window.
pub(crate) struct Passed {
    window: u64,
    at: VecDeque<(u64, u64)>,
    within: u64,
    most: u64,
}

impl Passed {
    pub(crate) fn new(window: u64) -> Self {
        Self { window, at: VecDeque::new(), within: 0, most: 0 }
    }

    /// The sum of the window that ends now: after `now - window`, until now.
    pub(crate) fn within(&mut self, now: u64) -> u64 {
        while let Some((_, cost)) = self.at.pop_front_if(|(at, _)| now - *at >= self.window) {
            self.within -= cost;
        }
        self.within
    }

    /// The same where some known admissions take effect later.
    pub(crate) fn until(&self, now: u64) -> u64 {
        let in_sight = |(at, _): &&(u64, u64)| *at <= now && now - at < self.window;
        self.at.iter().filter(in_sight).map(|(_, cost)| cost).sum()
    }

    pub(crate) fn pass(&mut self, now: u64, cost: u64) {
        self.within(now);
        self.at.push_back((now, cost));
        self.within += cost;
        self.most = self.most.max(self.within);
    }

    /// The largest sum of any window. It suffices to look at windows that end with an admission.
    pub(crate) fn most(&self) -> u64 {
        self.most
    }
}

/// The sliding window: the window that ends now, with this request, is within the limit.
struct Log {
    requests: u64,
    passed: Passed,
}

impl Oracle for Log {
    fn decide(&mut self, now: u64, cost: u64) -> Option<u64> {
        let room = self.passed.within(now) + cost <= self.requests;
        room.then(|| {
            self.passed.pass(now, cost);
            0
        })
    }
}

/// All calendar windows; the previous one counts by its weight, or not at all.
struct Calendar {
    requests: u64,
    window: u64,
    used: BTreeMap<u64, u64>,
    weighted: bool,
}

impl Oracle for Calendar {
    fn decide(&mut self, now: u64, cost: u64) -> Option<u64> {
        let (index, elapsed) = (now / self.window, now % self.window);
        let of = |index: u64| u128::from(self.used.get(&index).copied().unwrap_or(0));
        let window = u128::from(self.window);
        let last = if self.weighted { of(index - 1) * (window - u128::from(elapsed)) } else { 0 };
        // In nanoseconds times requests, so that nothing is divided.
        let room = last + (of(index) + u128::from(cost)) * window <= u128::from(self.requests) * window;
        room.then(|| {
            *self.used.entry(index).or_default() += cost;
            0
        })
    }
}

/// The continuous-state leaky bucket of ITU-T I.371: a level that falls by `requests` a window and is at most
/// `burst`.
struct Bucket {
    requests: u64,
    window: u64,
    burst: u64,
    /// In units of `1 / window` of a request, so that it falls by `requests` each nanosecond.
    level: u128,
    at: u64,
}

impl Oracle for Bucket {
    fn decide(&mut self, now: u64, cost: u64) -> Option<u64> {
        let fallen = u128::from(now - self.at) * u128::from(self.requests);
        self.level = self.level.saturating_sub(fallen);
        self.at = now;
        let window = u128::from(self.window);
        let level = self.level + u128::from(cost) * window;
        (level <= u128::from(self.burst) * window).then(|| {
            self.level = level;
            0
        })
    }
}

/// A queue whose server takes `window / requests` for each unit, the first one at once.
struct Queue {
    requests: u64,
    window: u64,
    burst: u64,
    /// The time until which the server is busy, in nanoseconds times `requests`.
    busy: u128,
}

impl Oracle for Queue {
    fn decide(&mut self, now: u64, cost: u64) -> Option<u64> {
        let (requests, turn) = (u128::from(self.requests), u128::from(self.window));
        let now = u128::from(now) * requests;
        let leaves = self.busy.max(now) + u128::from(cost - 1) * turn;
        let waits = leaves - now;
        let longest = (u128::from(self.burst) * turn).min(1_000_000_000 * requests);
        (waits <= longest).then(|| {
            self.busy = leaves + turn;
            waits.div_ceil(requests) as u64
        })
    }
}
