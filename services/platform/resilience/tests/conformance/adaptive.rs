//! The published pitfalls of adaptive limits, in a closed loop with a callee of a fixed capacity.
//!
//! With so many calls in flight a call takes as long as the callee needs for all of them (Little's law).

use std::time::{Duration, Instant};

use resilience::{
    LimitMetrics,
    limit::{Aimd, Limit, Signal},
    settings::{AdaptiveSettings, LimitSettings},
};

use crate::{
    Expected::{Fails, Passes},
    Verdict, ensure, judge,
    world::MS,
};

/// Calls a second that the callee can do.
const CAPACITY: f64 = 1_000.0;
/// A call is slow from here: with 100 calls in flight.
const SLOW: Duration = Duration::from_millis(100);

fn settings() -> AdaptiveSettings {
    AdaptiveSettings { most: 1_000_000, slow: SLOW, ..AdaptiveSettings::default() }
}

/// A limit that learns.
trait Learns {
    /// A call that was one of so many began then, and took so long.
    fn ended(&mut self, began: Instant, took: Duration, in_flight: usize) -> usize;
}

impl Learns for Aimd {
    fn ended(&mut self, began: Instant, took: Duration, in_flight: usize) -> usize {
        self.settle(began, began + took, in_flight, took >= SLOW)
    }
}

/// It takes an answer for a sign that there is room, whatever it took.
struct AnswersAreRoom(f64);

impl Learns for AnswersAreRoom {
    fn ended(&mut self, _: Instant, _: Duration, _: usize) -> usize {
        self.0 += 1.0 / self.0;
        self.0 as usize
    }
}

/// It compares a call with the fastest that it ever saw, as Envoy's gradient does, and has a minimum.
struct Gradient {
    limit: f64,
    least: f64,
    fastest: Duration,
}

impl Learns for Gradient {
    fn ended(&mut self, _: Instant, took: Duration, in_flight: usize) -> usize {
        self.fastest = self.fastest.min(took);
        let gradient = self.fastest.as_secs_f64() / took.as_secs_f64();
        let next = self.limit * gradient + self.limit.sqrt();
        let weight = 1.0 / in_flight as f64;
        self.limit = (self.limit * (1.0 - weight) + next * weight).max(self.least);
        self.limit as usize
    }
}

/// Round trips of as many calls as the limit allows; the limit afterwards.
fn round_trips(limit: &mut impl Learns, first: usize, rounds: usize, capacity: f64) -> usize {
    let (mut now, mut permits) = (Instant::now(), first);
    for _ in 0..rounds {
        let in_flight = permits.max(1);
        let took = Duration::from_secs_f64(in_flight as f64 / capacity);
        for _ in 0..in_flight {
            permits = limit.ended(now, took, in_flight);
        }
        now += took;
    }
    permits
}

fn does_not_grow_without_end(limit: &mut impl Learns) -> Verdict {
    let after = round_trips(limit, 20, 1_000, CAPACITY);
    ensure!((70..=110).contains(&after), "a callee that bears 100 at once has {after}");
    Ok(())
}

#[test]
fn pitfall_it_grows_without_end_under_a_modest_overload_netflix_134() {
    let check = "adaptive: growth";
    judge(check, "ours", &does_not_grow_without_end(&mut Aimd::new(settings())), Passes);
    judge(check, "naive", &does_not_grow_without_end(&mut AnswersAreRoom(20.0)), Fails);
}

fn recovers(limit: &mut impl Learns) -> Verdict {
    let overloaded = round_trips(limit, 20, 200, CAPACITY / 100.0);
    let after = round_trips(limit, overloaded, 200, CAPACITY);
    ensure!(after >= 70, "the callee bears 100 again, and the limit stays at {after}");
    Ok(())
}

#[test]
fn pitfall_it_never_recovers_from_a_high_minimum_envoy_46532() {
    let check = "adaptive: recovery";
    for least in [1, 10, 50] {
        let ours = AdaptiveSettings { least, first: 50, ..settings() };
        judge(check, "ours", &recovers(&mut Aimd::new(ours)), Passes);
    }
    let mut gradient = Gradient { limit: 50.0, least: 50.0, fastest: MS };
    judge(check, "naive", &recovers(&mut gradient), Fails);
}

fn stays_after_cancellations(limit: usize, cancel: impl Fn() -> usize) -> Verdict {
    let after = (0..1_000).map(|_| cancel()).last().unwrap_or(limit);
    ensure!(after == limit, "callers went away, and the limit went from {limit} to {after}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn pitfall_a_cancellation_counts_as_a_drop_netflix_146() {
    let check = "adaptive: cancellation";
    let of = |signal| {
        let limit = Limit::new(LimitSettings::Adaptive(settings()), LimitMetrics::default());
        stays_after_cancellations(limit.limit(), || {
            let permit = limit.try_acquire(1.0).expect("nobody else is there");
            match signal {
                // The caller goes away.
                None => drop(permit),
                Some(signal) => permit.end(signal),
            }
            limit.limit()
        })
    };
    judge(check, "ours", &of(None), Passes);
    judge(check, "naive", &of(Some(Signal::Dropped)), Fails);
}

#[tokio::test(start_paused = true)]
async fn callers_who_leave_after_they_waited_in_vain_are_drops() {
    let limit = Limit::new(LimitSettings::Adaptive(settings()), LimitMetrics::default());
    for (waited, expected) in [(SLOW / 2, 20), (SLOW, 18), (SLOW, 16)] {
        let permit = limit.try_acquire(1.0).expect("nobody else is there");
        tokio::time::sleep(waited).await;
        drop(permit);
        assert_eq!(limit.limit(), expected, "after {waited:?}");
    }
}

#[test]
fn a_limit_that_nobody_uses_does_not_grow() {
    let mut limit = Aimd::new(settings());
    let now = Instant::now();
    let after = (0..10_000).map(|_| limit.settle(now, now + MS, 1, false)).last();
    assert_eq!(after, Some(settings().first));
}
