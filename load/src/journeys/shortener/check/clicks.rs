//! Seeded links: they exist with the right target, and every follow is counted once.
//!
//! Clicks may travel through a queue. So the check waits until the counts are complete, or unchanged while no
//! events are in flight. The system reports the events in flight: after a consumer dies, its partitions are
//! held for seconds, in which nothing changes and nothing is lost.

use std::{
    fmt::{self, Display},
    io, thread,
    time::{Duration, Instant},
};

use super::links::judge;
use crate::{
    http::{Reply, RequestBuf},
    journeys::{
        Check,
        request_list::{RequestList, request_all, request_one},
        shortener::{
            api::{self, LinkTarget, PendingView},
            facts,
            ledger_state::LedgerState,
        },
    },
    ledger::LedgerVerdict,
    sender::Lane,
};

/// The pause between two passes.
const PAUSE: Duration = Duration::from_millis(250);

/// The click counts of all seeded links.
pub(super) struct ClickCheck<'a> {
    seed: u64,
    codes: &'a [Box<str>],
    ledger: &'a LedgerState,
    /// The clicks that each link reports; `None` without a response.
    counted: Vec<Option<u64>>,
    /// The links that the current pass has not looked up yet.
    to_ask: std::vec::IntoIter<usize>,
    /// The findings of the current pass; only those of the last full pass are kept.
    found: LedgerVerdict,
}

impl<'a> ClickCheck<'a> {
    pub(super) fn new(seed: u64, codes: &'a [Box<str>], ledger: &'a LedgerState) -> Self {
        let counted = vec![None; codes.len()];
        Self { seed, codes, ledger, counted, to_ask: Vec::new().into_iter(), found: LedgerVerdict::default() }
    }

    /// Waits for the counts to settle, looks everything up once more, and adds the findings to `verdict`.
    pub(super) fn run(
        mut self,
        lane: &mut Lane,
        check: &Check,
        verdict: &mut LedgerVerdict,
    ) -> io::Result<()> {
        let mut on_their_way = self.settle(lane, check)?;
        if on_their_way != OnTheirWay::None {
            on_their_way = pending(lane, check)?.unless_told(OnTheirWay::Unknown);
        }
        // A last full pass, because a duplicate may arrive after a count was right. A link that does not
        // respond now is not judged by its earlier count, which may have been incomplete.
        self.counted.fill(None);
        self.found = LedgerVerdict::default();
        let unanswered = self.pass((0..self.codes.len()).collect(), lane, check)?;
        verdict.not_asked(unanswered);
        for fact in &self.found.facts {
            if fact.breach {
                verdict.breach(&fact.name, fact.count);
            } else {
                verdict.note(&fact.name, fact.count);
            }
        }
        verdict.examples.append(&mut self.found.examples);
        self.compare(verdict, on_their_way, check);
        Ok(())
    }

    /// Looks up the links with too low a count until there are none, or until counts stay unchanged with no
    /// events in flight, or until the deadline; returns the events that may still be in flight.
    fn settle(&mut self, lane: &mut Lane, check: &Check) -> io::Result<OnTheirWay> {
        let began = Instant::now();
        // Measured in passes and not by the clock: a machine that pauses between two passes proves nothing
        // about the counts.
        let (mut still, mut last) = (Duration::ZERO, None);
        let mut low: Vec<usize> = (0..self.codes.len()).collect();
        loop {
            self.pass(low, lane, check)?;
            low = (0..self.codes.len())
                .filter(|&link| self.counted[link].is_none_or(|counted| counted < self.ledger.bounds(link).0))
                .collect();
            if low.is_empty() {
                return Ok(OnTheirWay::None);
            }
            let on_their_way = pending(lane, check)?.unless_told(OnTheirWay::None);
            let sum = self.counted.iter().flatten().sum::<u64>();
            let moves = last.is_some_and(|last| last != sum);
            still = if last == Some(sum) { still + PAUSE } else { Duration::ZERO };
            last = Some(sum);
            if still >= check.settle && on_their_way == OnTheirWay::None {
                return Ok(OnTheirWay::None);
            }
            // Counts that began to stay unchanged before the deadline get their full time.
            if began.elapsed() >= check.deadline && (moves || on_their_way != OnTheirWay::None) {
                return Ok(OnTheirWay::Unknown);
            }
            thread::sleep(PAUSE);
        }
    }

    fn pass(&mut self, links: Vec<usize>, lane: &mut Lane, check: &Check) -> io::Result<u64> {
        self.to_ask = links.into_iter();
        request_all(self, lane, check.in_flight, check.pass, &mut |_| true).map_err(|error| error.0)
    }

    /// Counts missing clicks as lost, as far as they cannot be in flight any more. A link without a response
    /// has no missing clicks.
    fn compare(&self, verdict: &mut LedgerVerdict, on_their_way: OnTheirWay, check: &Check) {
        let bounds = |link: usize| self.ledger.bounds(link);
        let read = || self.counted.iter().enumerate().filter_map(|(link, &counted)| Some((link, counted?)));
        let missing = |(link, counted): (usize, u64)| bounds(link).0.saturating_sub(counted);
        let missing_in_all: u64 = read().map(missing).sum();
        let not_settled = missing_in_all.min(on_their_way.at_most());
        let lost = missing_in_all - not_settled;
        verdict.breach(facts::CLICKS_LOST, lost);
        verdict.breach(facts::CLICKS_INVENTED, 0);
        verdict.note(facts::CLICKS_NOT_SETTLED, not_settled);
        if not_settled > 0 {
            verdict.complete = false;
            verdict.example(|| {
                format!(
                    "not settled: {not_settled} clicks are missing {on_their_way} after {:?}",
                    check.deadline
                )
            });
        }
        for (link, counted) in read() {
            let (low, high) = bounds(link);
            verdict.note("clicks-expected-low", low);
            verdict.note("clicks-expected-high", high);
            verdict.note("clicks-counted", counted);
            let invented = counted.saturating_sub(high);
            verdict.breach(facts::CLICKS_INVENTED, invented);
            if invented > 0 || (lost > 0 && missing((link, counted)) > 0) {
                verdict.example(|| {
                    format!("link `{}` has {counted} clicks, expected {low} to {high}", self.codes[link])
                });
            }
        }
    }
}

/// The acknowledged follows that are not counted yet and may still be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnTheirWay {
    None,
    /// Their number over all links, as the system reports it.
    Events(u64),
    /// Unknown.
    Unknown,
}

impl OnTheirWay {
    fn at_most(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Events(events) => events,
            Self::Unknown => u64::MAX,
        }
    }
}

impl Display for OnTheirWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("and none is on its way"),
            Self::Events(events) => write!(f, "while {events} are still on their way"),
            Self::Unknown => f.write_str("and may still be on their way"),
        }
    }
}

/// The system's report of clicks in flight; `None` if it has no such route.
struct Told(Option<OnTheirWay>);

impl Told {
    fn unless_told(self, otherwise: OnTheirWay) -> OnTheirWay {
        self.0.unwrap_or(otherwise)
    }
}

/// Requests the number of clicks in flight.
///
/// Must be called before the counts: clicks that a later count lacks beyond this number were not in flight,
/// and are lost.
fn pending(lane: &mut Lane, check: &Check) -> io::Result<Told> {
    let answer = request_one(lane, check.pass, api::pending).map_err(|error| error.0)?;
    let read = |body: &[u8]| serde_json::from_slice::<PendingView>(body).ok();
    Ok(Told(match answer {
        Some((404 | 405, _)) => None,
        Some((200, body)) => Some(match read(&body) {
            Some(PendingView { pending: 0 }) => OnTheirWay::None,
            Some(PendingView { pending }) => OnTheirWay::Events(pending),
            None => OnTheirWay::Unknown,
        }),
        _ => Some(OnTheirWay::Unknown),
    }))
}

impl RequestList for ClickCheck<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.to_ask.next()
    }

    fn write(&self, &link: &usize, request: &mut RequestBuf) {
        api::look_up(&self.codes[link], request);
    }

    fn accept(&mut self, &link: &usize, reply: &Reply<'_>) -> bool {
        let target = LinkTarget { seed: self.seed, number: link as u64 };
        match judge(&mut self.found, target, &self.codes[link], reply) {
            Some(clicks) => {
                self.counted[link] = Some(clicks);
                true
            }
            None => false,
        }
    }
}
