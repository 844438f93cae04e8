//! Checkouts that got no final reply: each is repeated with its key, as its buyer would do it, so that the check knows what
//! became of it.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    http::{Reply, RequestBuf},
    journeys::{
        Check,
        cart::{
            api,
            ledger_state::{Entry, History},
            purchase::Shop,
            workload::IN_FLIGHT,
        },
        request_list::{RequestList, request_all},
    },
    sender::{Lane, SenderError},
};

/// The most checkouts that are repeated in one pass: after an overload there are more.
const MOST: usize = 10_000;
/// The pause before those are repeated again that have no final reply yet.
const PAUSE: Duration = Duration::from_secs(1);

/// Repeats the checkouts in doubt until each has a final reply, or until the deadline. What still has none stays in doubt.
///
/// A first request that has not ended is no final reply: a process that was killed in the middle of one holds its key for a
/// while. Neither is a 503 of a process that is starting again.
pub(super) fn resolve(
    shop: &Shop,
    history: &mut History,
    lane: &mut Lane,
    check: &Check,
) -> Result<(), SenderError> {
    let began = Instant::now();
    loop {
        let left: Vec<(u64, u64)> = history.in_doubt().take(MOST).collect();
        if left.is_empty() {
            return Ok(());
        }
        let mut replays = Replays { shop, left: left.into_iter(), history: &mut *history };
        request_all(&mut replays, lane, check.in_flight, check.pass, &mut |_| true)?;
        if history.in_doubt().next().is_none() || began.elapsed() >= check.deadline {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
}

struct Replays<'a> {
    shop: &'a Shop,
    left: std::vec::IntoIter<(u64, u64)>,
    history: &'a mut History,
}

impl RequestList for Replays<'_> {
    type Item = (u64, u64);

    fn next(&mut self) -> Option<(u64, u64)> {
        self.left.next()
    }

    fn write(&self, &(buyer, version): &(u64, u64), request: &mut RequestBuf) {
        api::check_out(self.shop, buyer, &self.shop.purchase(buyer), version, request);
    }

    fn accept(&mut self, &(buyer, _): &(u64, u64), reply: &Reply<'_>) -> bool {
        match reply.status {
            200..=202 => match api::checked_out(self.shop, reply) {
                Some(view) => self.history.add(Entry::Ordered(buyer, view.order)),
                None => return false,
            },
            409 if api::problem(reply).as_deref() == Some(IN_FLIGHT) => {}
            402 | 409 | 422 => self.history.add(Entry::Refused(buyer)),
            _ => return false,
        }
        true
    }
}
