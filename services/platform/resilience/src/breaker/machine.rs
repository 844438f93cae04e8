//! The state machine, without a clock: every call gives it the time.
//!
//! ```text
//!            too many failures, or slow calls
//!   closed ------------------------------------> open
//!     ^                                          |  ^
//!     | every probe succeeded     its time is up |  | a probe failed, was slow, or hung
//!     |                                          v  |
//!     +--------------------------------------- half-open
//! ```
//!
//! Each transition begins a new generation. A call carries the generation in which it was admitted, and its
//! outcome counts in that generation only: an answer from before the breaker opened says nothing about now.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use serde::Serialize;

use super::window::{Counts, Window};
use crate::{random::Random, settings::BreakerSettings};

/// The transitions that are kept for a snapshot.
const HISTORY: usize = 32;

/// The state of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Calls pass and are counted.
    Closed,
    /// Some calls pass as probes; all others are rejected.
    HalfOpen,
    /// Every call is rejected.
    Open,
}

/// What is known of a call that was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The callee answered: with a reply, or with an error of the contract.
    Success,
    /// The callee failed, was too slow or is overloaded.
    Failure,
    /// The caller went away, or another layer rejected the call: it says nothing about the callee.
    Unknown,
}

/// The reason of a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// As many calls in a row failed as `failures_in_a_row`.
    FailuresInARow,
    /// Too large a share of the window failed.
    FailureRate,
    /// Too large a share of the window was slow.
    SlowRate,
    /// The time open is up.
    TimeUp,
    /// A probe failed or was slow.
    ProbeFailed,
    /// A probe had no outcome within its limit.
    ProbeHung,
    /// Every probe succeeded.
    ProbesSucceeded,
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The generation that it began.
    pub generation: u64,
    /// The state that it began.
    pub to: State,
    /// The reason.
    pub reason: Reason,
    /// When.
    pub at: Instant,
}

/// The right to make one call; it goes back to [`Machine::settle`] with the outcome.
#[derive(Debug, PartialEq, Eq)]
pub struct Ticket {
    generation: u64,
    began: Instant,
    /// Which probe of its generation it is; no number in another state.
    probe: Option<u32>,
}

/// A circuit breaker's state and counts.
#[derive(Debug)]
pub struct Machine {
    settings: BreakerSettings,
    random: Random,
    state: State,
    generation: u64,
    since: Instant,
    /// While it is closed.
    window: Window,
    in_a_row: u32,
    /// While it is open: when the first probe may pass.
    until: Instant,
    /// While it is half-open: probes in flight with their start, the next probe's number, and successes.
    probing: Vec<(u32, Instant)>,
    next_probe: u32,
    succeeded: u32,
    /// Doublings of the time open, and how long it was last open for.
    doublings: u32,
    last_open: Duration,
    history: VecDeque<Transition>,
}

impl Machine {
    /// A closed breaker.
    pub fn new(settings: BreakerSettings, seed: u64, now: Instant) -> Self {
        Self {
            settings,
            random: Random::new(seed),
            state: State::Closed,
            generation: 0,
            since: now,
            window: Window::new(settings.window, now),
            in_a_row: 0,
            until: now,
            probing: Vec::with_capacity(settings.probes as usize),
            next_probe: 0,
            succeeded: 0,
            doublings: 0,
            last_open: Duration::ZERO,
            history: VecDeque::with_capacity(HISTORY),
        }
    }

    /// Admits a call, or `None` if it is rejected. It must be settled: [`Outcome::Unknown`] if nothing is known.
    pub fn admit(&mut self, now: Instant) -> Option<Ticket> {
        self.expire_probes(now);
        if self.state == State::Open && now >= self.until {
            self.half_open(now);
        }
        let probe = match self.state {
            State::Closed => None,
            State::Open => return None,
            State::HalfOpen => Some(self.next_probe_number(now)?),
        };
        Some(Ticket { generation: self.generation, began: now, probe })
    }

    /// Whether [`admit`](Self::admit) would reject a call now; it admits none.
    pub fn rejects(&mut self, now: Instant) -> bool {
        // Here too: a caller that is told of a rejection does not go on to `admit`.
        self.expire_probes(now);
        match self.state {
            State::Closed => false,
            State::Open => now < self.until,
            State::HalfOpen => !self.has_room(),
        }
    }

    /// Takes back a ticket with its outcome.
    pub fn settle(&mut self, ticket: &Ticket, outcome: Outcome, now: Instant) {
        self.expire_probes(now);
        if ticket.generation != self.generation {
            return;
        }
        let is_slow = now.saturating_duration_since(ticket.began) >= self.settings.slow_call;
        match (self.state, outcome) {
            (State::Closed, Outcome::Success) => self.count(false, is_slow, now),
            (State::Closed, Outcome::Failure) => self.count(true, is_slow, now),
            (State::HalfOpen, outcome) => self.settle_probe(ticket.probe, outcome, is_slow, now),
            (State::Closed, Outcome::Unknown) | (State::Open, _) => {}
        }
    }

    /// The state, which changes only when a call is admitted, asked about (`rejects`) or settled.
    pub fn state(&self) -> State {
        self.state
    }

    /// The number of transitions so far.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Probes in flight.
    pub fn probes_in_flight(&self) -> usize {
        self.probing.len()
    }

    /// What the window counts; nothing unless it is closed.
    pub fn counts(&mut self, now: Instant) -> Counts {
        self.window.counts(now)
    }

    /// Failures in a row while it is closed.
    pub fn in_a_row(&self) -> u32 {
        self.in_a_row
    }

    /// The time until the first probe may pass; zero unless it is open.
    pub fn open_for(&self, now: Instant) -> Duration {
        match self.state {
            State::Open => self.until.saturating_duration_since(now),
            State::Closed | State::HalfOpen => Duration::ZERO,
        }
    }

    /// The last transitions, oldest first.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = &Transition> {
        self.history.iter()
    }

    fn count(&mut self, has_failed: bool, is_slow: bool, now: Instant) {
        self.window.record(now, has_failed, is_slow);
        self.in_a_row = if has_failed { self.in_a_row + 1 } else { 0 };
        let counts = self.window.counts(now);
        let settings = &self.settings;
        let is_enough = counts.calls >= settings.minimum_calls;
        // Either signal alone misses half: failures mixed with successes make no run, and few calls make no rate.
        if has_failed && self.in_a_row >= settings.failures_in_a_row {
            self.open(Reason::FailuresInARow, now);
        } else if is_enough && counts.failure_rate() >= settings.failure_rate {
            self.open(Reason::FailureRate, now);
        } else if is_enough && counts.slow_rate() >= settings.slow_rate {
            self.open(Reason::SlowRate, now);
        }
    }

    /// Probes that succeeded keep their places, so that a generation has at most so many; a probe without an
    /// outcome gives its place back.
    fn has_room(&self) -> bool {
        self.probing.len() + (self.succeeded as usize) < self.settings.probes.max(1) as usize
    }

    fn next_probe_number(&mut self, now: Instant) -> Option<u32> {
        let number = self.has_room().then_some(self.next_probe)?;
        self.next_probe += 1;
        self.probing.push((number, now));
        Some(number)
    }

    fn settle_probe(&mut self, probe: Option<u32>, outcome: Outcome, is_slow: bool, now: Instant) {
        self.probing.retain(|(number, _)| Some(*number) != probe);
        match outcome {
            Outcome::Unknown => {}
            Outcome::Success if !is_slow => {
                self.succeeded += 1;
                if self.succeeded >= self.settings.probes {
                    self.close(now);
                }
            }
            Outcome::Success | Outcome::Failure => self.open(Reason::ProbeFailed, now),
        }
    }

    fn has_hung_probe(&self, now: Instant) -> bool {
        let limit = self.settings.probe_limit;
        self.probing.iter().any(|(_, began)| now.saturating_duration_since(*began) >= limit)
    }

    /// A probe that hangs has failed. Nobody needs to wake up for it: the next call, or its own end, finds it.
    fn expire_probes(&mut self, now: Instant) {
        if self.state == State::HalfOpen && self.has_hung_probe(now) {
            self.open(Reason::ProbeHung, now);
        }
    }

    fn open(&mut self, reason: Reason, now: Instant) {
        // Soon after it closed it opens for longer, as if a probe had failed: a callee that answers probes and
        // dies under load would be tried at full load every second otherwise.
        let is_relapse =
            self.state == State::HalfOpen || now.saturating_duration_since(self.since) < self.last_open;
        self.doublings = if is_relapse { self.doublings + 1 } else { 0 };
        let settings = &self.settings;
        let longest = settings.open_base.saturating_mul(2_u32.saturating_pow(self.doublings));
        let jitter = 1.0 - settings.open_jitter.clamp(0.0, 1.0) * self.random.unit();
        self.last_open = longest.min(settings.open_cap).mul_f64(jitter);
        self.until = now + self.last_open;
        self.move_to(State::Open, reason, now);
    }

    fn half_open(&mut self, now: Instant) {
        (self.next_probe, self.succeeded) = (0, 0);
        self.move_to(State::HalfOpen, Reason::TimeUp, now);
    }

    fn close(&mut self, now: Instant) {
        self.move_to(State::Closed, Reason::ProbesSucceeded, now);
    }

    fn move_to(&mut self, to: State, reason: Reason, now: Instant) {
        self.probing.clear();
        self.window.clear(now);
        self.in_a_row = 0;
        self.state = to;
        self.since = now;
        self.generation += 1;
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(Transition { generation: self.generation, to, reason, at: now });
    }
}
