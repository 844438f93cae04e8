//! What was decided for each client, judged as it comes: the same ledger for all threads.
//!
//! Nothing is written down for later, so memory does not grow with the run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::long_run::{Shortage, Surplus};
use super::oracle::{Busyness, Excess, Room, SLOWEST};
use crate::clock::{self, Nanos};
use crate::journeys::PolicyLine;

/// A client is quiet if it never sent more than this share of any limit within a window.
const QUIET: f64 = 0.25;

/// A limit of the policy, and what the system promises for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Promise {
    pub(super) limit: PolicyLine,
    /// The most admissions of one client in any window of the limit's length.
    pub(super) at_most: u64,
    /// The most admissions of one client in a window of that length in the long run.
    pub(super) in_the_long_run: u64,
    /// A client is refused only if at least so many of its requests were admitted
    pub(super) refused_after: u64,
    /// within so long a time before.
    pub(super) refused_within: Duration,
}

/// The ledger of one run.
#[derive(Debug)]
pub(super) struct LedgerState {
    clients: Vec<Mutex<Client>>,
    headers_wrong: AtomicU64,
    first_wrong: OnceLock<String>,
}

/// How a request that was sent ended, for its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Admitted,
    /// Let pass by a limiter that says it could not count: no promise speaks of it, and it may be counted yet.
    Uncounted,
    Refused,
    /// Answered, and neither let pass nor refused; it may have been charged, or be charged yet.
    Unclear,
    /// Not answered: it may be decided on yet.
    Unanswered,
    /// Never sent.
    Unsent,
}

/// What is known of one client.
#[derive(Debug, Default)]
pub(super) struct Client {
    limits: Box<[Held]>,
    /// Requests in flight.
    open: usize,
    /// When the last reply came. Threads tell their replies almost in order, and an oracle wants them in order:
    /// to call a reply a little later than it was makes it say less.
    last: Nanos,
    pub(super) admitted: u64,
    pub(super) uncounted: u64,
    pub(super) refused: u64,
    pub(super) false_refusals: u64,
    /// Refusals that certainly came too early for what the system promises.
    too_early: u64,
}

/// One limit, as one client is held to it.
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
    /// The state of so many clients.
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

    /// What a client sent at `sent` has ended at `at`.
    pub(super) fn ended(&self, client: usize, sent: Nanos, at: Nanos, end: End) {
        self.client(client).ended(sent, at, end);
    }

    /// A reply's headers were wrong; the first such reply is kept.
    pub(super) fn headers_wrong(&self, story: impl FnOnce() -> String) {
        self.headers_wrong.fetch_add(1, Ordering::Relaxed);
        self.first_wrong.get_or_init(story);
    }

    /// How many replies had wrong headers, and the first of them.
    pub(super) fn wrong_headers(&self) -> (u64, Option<&str>) {
        (self.headers_wrong.load(Ordering::Relaxed), self.first_wrong.get().map(String::as_str))
    }

    /// The clients with their numbers.
    pub(super) fn clients(&self) -> impl Iterator<Item = (usize, MutexGuard<'_, Client>)> {
        (0..self.clients.len()).map(|number| (number, self.client(number)))
    }

    fn client(&self, number: usize) -> MutexGuard<'_, Client> {
        // Each call leaves the ledger whole, so a panic elsewhere leaves nothing half done.
        self.clients[number].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    /// Admissions certainly beyond what the system promises, for a window or for the long run.
    pub(super) fn over_bound(&self) -> u64 {
        let over = |held: &Held| held.bound.count().max(held.surplus.count());
        self.limits.iter().map(over).max().unwrap_or(0)
    }

    /// Refusals certainly beyond what the system promises: too early, or too many in the long run.
    pub(super) fn under_bound(&self) -> u64 {
        // Of several limits each may be the one that refuses for long.
        let short = if let [held] = &self.limits[..] { held.shortage.count() } else { 0 };
        self.too_early.max(short)
    }

    /// Admissions certainly beyond the policy.
    pub(super) fn over_admitted(&self) -> u64 {
        // An admission may be beyond two limits at once, so that a sum would not be certain.
        self.limits.iter().map(|held| held.exact.count()).max().unwrap_or(0)
    }

    /// Whether it stayed far below every limit all the time.
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

/// The last moment at which a request may be counted that was answered without waiting for its count.
///
/// What the limiter gave up on stands in the queue of a store that does not answer, and is counted when it goes on.
fn given_up_on(replied: Nanos) -> Nanos {
    replied.saturating_add(SLOWEST)
}

#[cfg(test)]
mod tests;
