//! An adaptive limit of an attempt: a multiple of what nearly all calls took lately.
//!
//! "We choose an acceptable rate of false timeouts, look at the corresponding latency percentile of the downstream
//! service", and pad it where that percentile is close to the median:
//! <https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/>.
//! Here the percentile follows the callee, and the multiple is the padding.
//!
//! An attempt that times out took *at least* as long as its limit. It counts as that long, so the limit of a callee that
//! became slower rises by the multiple with each window, up to its bound, as TCP doubles its retransmission timer
//! (RFC 6298, 5.5). If it did not count, a limit that is too short would see fast calls only and stay too short.
//! What fails fast says nothing about how long a reply takes, and does not count.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use contract::Why;
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower::{Layer, Service};

use super::{TimeLimit, TimeLimited};
use crate::{CallFacts, Failure, settings::AdaptiveAttempt};

/// Buckets of the histogram: eight to an octave of microseconds, so each is at most 13 % wide, up to 17 s.
const BUCKETS: usize = 8 * 24;

/// How long the attempts at one callee took lately, which all its callers in a process share.
#[derive(Debug)]
pub struct AttemptTimes {
    settings: AdaptiveAttempt,
    window: Mutex<Window>,
}

/// Two halves of a window: the older one is dropped as a whole.
#[derive(Debug)]
struct Window {
    halves: [Histogram; 2],
    /// When the younger half began.
    began: Instant,
    limit: Duration,
}

#[derive(Debug)]
struct Histogram([u32; BUCKETS]);

impl AttemptTimes {
    /// Nothing is known yet: the limit is the longest.
    pub fn new(settings: AdaptiveAttempt) -> Self {
        let halves = [Histogram([0; BUCKETS]), Histogram([0; BUCKETS])];
        let window = Window { halves, began: Instant::now(), limit: settings.most };
        Self { settings, window: Mutex::new(window) }
    }

    /// The limit of the next attempt.
    pub fn limit(&self) -> Duration {
        self.window.lock().unwrap_or_else(PoisonError::into_inner).limit
    }

    /// Learns from an attempt that was answered, or ended at its limit, after so long.
    pub fn took(&self, time: Duration) {
        let now = Instant::now();
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        window.pass(now, self.settings.window / 2);
        window.halves[0].0[bucket(time)] += 1;
        window.limit = window.next(&self.settings);
    }
}

impl Window {
    /// Drops what is older than a window.
    fn pass(&mut self, now: Instant, half: Duration) {
        let passed = now.saturating_duration_since(self.began);
        if passed < half {
            return;
        }
        self.halves.swap(0, 1);
        self.halves[0].0.fill(0);
        if passed >= 2 * half {
            self.halves[1].0.fill(0);
        }
        self.began = now;
    }

    fn next(&self, settings: &AdaptiveAttempt) -> Duration {
        let [young, old] = &self.halves;
        let calls: u32 = young.0.iter().chain(&old.0).sum();
        if calls < settings.minimum_calls {
            return settings.most;
        }
        // From the top, as many as may time out in vain.
        let mut above = (f64::from(calls) * (1.0 - settings.percentile)) as u32;
        let reached = (0..BUCKETS).rev().find(|bucket| {
            let here = young.0[*bucket] + old.0[*bucket];
            let is_here = here > above;
            above = above.saturating_sub(here);
            is_here
        });
        let percentile = end_of(reached.unwrap_or_default());
        percentile.mul_f64(settings.multiple).clamp(settings.least, settings.most)
    }
}

/// The bucket of a duration.
fn bucket(time: Duration) -> usize {
    let micros = (time.as_nanos() as f64 / 1_000.0).max(1.0);
    ((micros.log2() * 8.0) as usize).min(BUCKETS - 1)
}

/// The longest duration of a bucket.
fn end_of(bucket: usize) -> Duration {
    Duration::from_secs_f64(((bucket + 1) as f64 / 8.0).exp2() / 1e6)
}

/// Puts the limit before a service.
#[derive(Clone, Debug)]
pub struct AdaptiveTimeLimit(Arc<AttemptTimes>);

impl AdaptiveTimeLimit {
    /// A layer that learns from these attempts, and adds to them.
    pub const fn new(times: Arc<AttemptTimes>) -> Self {
        Self(times)
    }
}

impl<S> Layer<S> for AdaptiveTimeLimit {
    type Service = AdaptivelyLimited<S>;

    fn layer(&self, inner: S) -> AdaptivelyLimited<S> {
        AdaptivelyLimited { times: Arc::clone(&self.0), inner: TimeLimit::deadline_only().layer(inner) }
    }
}

/// A service whose calls have a limit that follows them.
#[derive(Clone, Debug)]
pub struct AdaptivelyLimited<S> {
    times: Arc<AttemptTimes>,
    inner: TimeLimited<S>,
}

impl<C, S> Service<C> for AdaptivelyLimited<S>
where
    C: CallFacts,
    S: Service<C, Error = Failure> + Clone,
{
    type Response = S::Response;
    type Error = Failure;
    type Future = Timed<<TimeLimited<S> as Service<C>>::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: C) -> Self::Future {
        self.inner.limit = TimeLimit::per_attempt(self.times.limit());
        Timed { reply: self.inner.call(call), began: Instant::now(), times: Arc::clone(&self.times) }
    }
}

pin_project! {
    /// The future of an attempt, which is timed. One that its caller gives up is not.
    #[derive(Debug)]
    pub struct Timed<F> {
        #[pin]
        reply: F,
        began: Instant,
        times: Arc<AttemptTimes>,
    }
}

impl<F, R> Future for Timed<F>
where
    F: Future<Output = Result<R, Failure>>,
{
    type Output = Result<R, Failure>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let reply = ready!(this.reply.poll(context));
        let says_how_long =
            reply.as_ref().err().is_none_or(|failure| failure.unavailable.why == Why::TimedOut);
        if says_how_long {
            this.times.took(this.began.elapsed());
        }
        Poll::Ready(reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn times() -> AttemptTimes {
        AttemptTimes::new(AdaptiveAttempt::up_to(1_000 * MS))
    }

    fn all_took(times: &AttemptTimes, calls: usize, time: Duration) {
        (0..calls).for_each(|_| times.took(time));
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_a_multiple_of_a_high_percentile_within_its_bounds() {
        let times = times();
        assert_eq!(times.limit(), 1_000 * MS, "nothing is known");
        all_took(&times, 19, MS);
        assert_eq!(times.limit(), 1_000 * MS, "too little is known");
        all_took(&times, 980, 30 * MS);
        let limit = times.limit();
        assert!((90 * MS..=103 * MS).contains(&limit), "three times 30 ms, to a bucket: {limit:?}");
        all_took(&times, 9, 400 * MS);
        assert_eq!(times.limit(), limit, "fewer than one in a hundred");
        all_took(&times, 10, 400 * MS);
        assert_eq!(times.limit(), 1_000 * MS, "the bound");
        let fast = self::times();
        all_took(&fast, 1_000, MS / 10);
        assert_eq!(fast.limit(), AdaptiveAttempt::up_to(MS).least, "the other bound");
    }

    #[tokio::test(start_paused = true)]
    async fn it_follows_a_callee_that_becomes_slower_and_one_that_becomes_faster() {
        let times = times();
        all_took(&times, 1_000, 5 * MS);
        let first = times.limit();
        // From now on a call needs 300 ms: it times out until the limit allows that.
        let mut timed_out = 0;
        while times.limit() < 300 * MS {
            let limit = times.limit();
            assert!(timed_out < 200, "it stays at {limit:?}");
            times.took(limit);
            timed_out += 1;
        }
        assert!(timed_out > 10, "not from a few of a thousand");
        let window = AdaptiveAttempt::up_to(MS).window;
        for _ in 0..3 {
            tokio::time::advance(window / 2).await;
            all_took(&times, 1_000, 5 * MS);
        }
        assert_eq!(times.limit(), first, "what was slow is forgotten");
    }
}
