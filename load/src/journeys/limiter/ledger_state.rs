//! The decisions for each client, judged as they arrive: one ledger for all threads.
//!
//! No history is kept, so memory does not grow with the run.

use std::{
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    long_run::{Shortage, Surplus},
    oracle::{Busyness, Excess, Room, SLOWEST},
};
use crate::{
    clock::{self, Nanos},
    journeys::PolicyLine,
};

/// A client is quiet if within any window it sent at most this share of any limit.
const QUIET: f64 = 0.25;

/// A limit of the policy, and the system's promise for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Promise {
    pub(super) limit: PolicyLine,
    /// The most admissions of one client in any window of the limit's length.
    pub(super) at_most: u64,
    /// The long-run admissions of one client in a window of that length.
    pub(super) in_the_long_run: u64,
    /// A client is refused only after at least this many of its requests were admitted
    pub(super) refused_after: u64,
    /// within this time before.
    pub(super) refused_within: Duration,
}

/// The ledger of one run.
#[derive(Debug)]
pub(super) struct LedgerState {
    clients: Vec<Mutex<Client>>,
    headers_wrong: AtomicU64,
    first_wrong: OnceLock<String>,
}

/// The end of a sent request, for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Admitted,
    /// Admitted by a limiter that could not count: no promise covers it, and it may still be counted.
    Uncounted,
    Refused,
    /// A reply that neither admits nor refuses; it may have been charged, or may still be.
    Unclear,
    /// No reply: it may still be decided.
    Unanswered,
    /// Never sent.
    Unsent,
}

/// The facts about one client.
#[derive(Debug, Default)]
pub(super) struct Client {
    limits: Box<[Held]>,
    /// Requests in flight.
    open: usize,
    /// The time of the last reply. Threads report replies almost in order, and the oracles need them in
    /// order: a reply is moved to this time if it is earlier, which makes an oracle claim less.
    last: Nanos,
    pub(super) admitted: u64,
    pub(super) uncounted: u64,
    pub(super) refused: u64,
    pub(super) false_refusals: u64,
    /// Refusals that certainly came too early for the promise.
    too_early: u64,
}

/// One limit of one client.
#[derive(Debug)]
struct Held {
    requests: u32,
    bound: Excess,
    surplus: Surplus,
    exact: Excess,
    room: Room,
    floor: Room,
    shortage: Shortage,
    busyness: Busyness,
}

impl LedgerState {
    /// The state for this many clients.
    pub(super) fn new(clients: usize, promises: &[Promise]) -> Self {
        let client =
            || Mutex::new(Client { limits: promises.iter().map(Held::to).collect(), ..Client::default() });
        Self {
            clients: std::iter::repeat_with(client).take(clients).collect(),
            headers_wrong: AtomicU64::new(0),
            first_wrong: OnceLock::new(),
        }
    }

    /// A client sends a request at `sent`.
    pub(super) fn asked(&self, client: usize, sent: Nanos) {
        let mut client = self.client(client);
        client.open += 1;
        for held in &mut client.limits {
            held.busyness.sent(sent);
        }
    }

    /// A client's request of `sent` ended at `at`.
    pub(super) fn ended(&self, client: usize, sent: Nanos, at: Nanos, end: End) {
        self.client(client).ended(sent, at, end);
    }

    /// A reply's headers were wrong; the first such reply is kept.
    pub(super) fn headers_wrong(&self, story: impl FnOnce() -> String) {
        self.headers_wrong.fetch_add(1, Ordering::Relaxed);
        self.first_wrong.get_or_init(story);
    }

    /// The number of replies with wrong headers, and the first of them.
    pub(super) fn wrong_headers(&self) -> (u64, Option<&str>) {
        (self.headers_wrong.load(Ordering::Relaxed), self.first_wrong.get().map(String::as_str))
    }

    /// The clients, numbered.
    pub(super) fn clients(&self) -> impl Iterator<Item = (usize, MutexGuard<'_, Client>)> {
        (0..self.clients.len()).map(|number| (number, self.client(number)))
    }

    fn client(&self, number: usize) -> MutexGuard<'_, Client> {
        // Each call leaves the ledger consistent, so a panic elsewhere does no harm.
        self.clients[number].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    /// Admissions certainly above the promise, for a window or in the long run.
    pub(super) fn over_bound(&self) -> u64 {
        let over = |held: &Held| held.bound.count().max(held.surplus.count());
        self.limits.iter().map(over).max().unwrap_or(0)
    }

    /// Refusals certainly above the promise: too early, or too many in the long run.
    pub(super) fn under_bound(&self) -> u64 {
        // With several limits, any of them may be the one that refuses for long.
        let short = if let [held] = &self.limits[..] { held.shortage.count() } else { 0 };
        self.too_early.max(short)
    }

    /// Admissions certainly above the policy.
    pub(super) fn over_admitted(&self) -> u64 {
        // One admission may exceed two limits at once, so a sum would not be certain.
        self.limits.iter().map(|held| held.exact.count()).max().unwrap_or(0)
    }

    /// Whether the client stayed far below every limit all the time.
    pub(super) fn is_quiet(&self) -> bool {
        self.limits.iter().all(|held| held.busyness.most() as f64 <= QUIET * f64::from(held.requests))
    }

    fn ended(&mut self, sent: Nanos, at: Nanos, end: End) {
        self.open -= 1;
        self.last = self.last.max(at);
        let replied = self.last;
        match end {
            End::Admitted => {
                self.admitted += 1;
                for held in &mut self.limits {
                    held.bound.admitted(sent, replied);
                    held.surplus.admitted(sent, replied);
                    held.exact.admitted(sent, replied);
                }
                self.may_have_passed(replied);
            }
            End::Uncounted => {
                self.uncounted += 1;
                self.limits.iter_mut().for_each(|held| held.exact.admitted(sent, replied));
                self.may_have_passed(given_up_on(replied));
            }
            End::Refused => {
                self.refused += 1;
                let open = self.open;
                let had_room = |held: &Held| held.room.was_certain(sent, replied, open);
                self.false_refusals += u64::from(!self.limits.is_empty() && self.limits.iter().all(had_room));
                let too_early = |held: &Held| held.floor.was_certain(sent, replied, open);
                self.too_early += u64::from(!self.limits.is_empty() && self.limits.iter().all(too_early));
                self.limits.iter_mut().for_each(|held| held.shortage.refused(sent, replied, open));
            }
            End::Unclear | End::Unanswered => self.may_have_passed(given_up_on(replied)),
            End::Unsent => {}
        }
    }

    fn may_have_passed(&mut self, until: Nanos) {
        for held in &mut self.limits {
            held.room.maybe_admitted(until);
            held.floor.maybe_admitted(until);
            held.shortage.maybe_admitted();
        }
    }
}

impl Held {
    fn to(promise: &Promise) -> Self {
        let (requests, window) = (promise.limit.requests, clock::nanos(promise.limit.window));
        Self {
            requests,
            bound: Excess::beyond(promise.at_most, window),
            surplus: Surplus::beyond(promise.at_most, promise.in_the_long_run, window),
            exact: Excess::beyond(requests.into(), window),
            room: Room::within(requests.into(), window),
            floor: Room::within(promise.refused_after, clock::nanos(promise.refused_within)),
            shortage: Shortage::below(requests.into(), promise.at_most, window),
            busyness: Busyness::over(window),
        }
    }
}

/// The latest time at which a request may be counted whose reply did not wait for its count.
///
/// A request that the limiter gave up on stays in the queue of an unresponsive store, which counts it later.
fn given_up_on(replied: Nanos) -> Nanos {
    replied.saturating_add(SLOWEST)
}

#[cfg(test)]
mod tests;
