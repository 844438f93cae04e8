//! The check after a run: does the shortener hold everything that it acknowledged?

mod clicks;
mod deletes;
mod ended;
mod indeterminate;
mod links;

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    io,
};

use self::{clicks::ClickCheck, indeterminate::Replays, links::LinkCheck};
use super::{
    Deletion, facts,
    ledger_state::{Entry, LedgerState},
};
use crate::{
    journeys::{Check, request_list::request_all},
    ledger::LedgerVerdict,
    sender::Lane,
};

/// The codes that are remembered to find duplicates. A duplicate beyond them is found as `wrong`, because one
/// of its two links has the wrong target.
const REMEMBERED: usize = 1_000_000;

/// Looks up everything in the ledger.
pub(super) fn check(
    seed: u64,
    codes: &[Box<str>],
    ledger: &LedgerState,
    deletion: Deletion,
    lane: &mut Lane,
    check: &Check,
) -> LedgerVerdict {
    let mut verdict = LedgerVerdict { complete: true, ..LedgerVerdict::default() };
    verdict.note(facts::CHECKED, 0);
    verdict.note(facts::ACKNOWLEDGED, codes.len() as u64);
    verdict.not_asked(u64::from(ledger.is_torn()));
    for promise in [facts::LOST, facts::DUPLICATED, facts::WRONG] {
        verdict.breach(promise, 0);
    }
    verdict.breach(facts::WRONG_WHEN_FOLLOWED, ledger.wrong());
    verdict.breach(facts::MISSING_WHEN_FOLLOWED, ledger.missing());
    let asked = created(seed, codes, ledger, lane, check, &mut verdict)
        .and_then(|()| replays(seed, ledger, lane, check, &mut verdict))
        .and_then(|()| ClickCheck::new(seed, codes, ledger).run(lane, check, &mut verdict))
        .and_then(|()| ended::check(ledger.ending(), deletion.cached_for, lane, check, &mut verdict))
        .and_then(|()| deletes::check(codes, deletion.links, lane, check, &mut verdict));
    if let Err(error) = asked {
        verdict.not_asked(1);
        verdict.examples.push(format!("the check was broken off: {error}"));
    }
    verdict
}

/// Every acknowledged create exists, with its own target and a unique code.
fn created(
    seed: u64,
    codes: &[Box<str>],
    ledger: &LedgerState,
    lane: &mut Lane,
    check: &Check,
    verdict: &mut LedgerVerdict,
) -> io::Result<()> {
    count_duplicates(codes, ledger, verdict)?;
    let created = ledger.entries()?.filter_map(|entry| match entry {
        Entry::Created { number, code } => Some((number, code)),
        Entry::Indeterminate { .. } => None,
    });
    let mut requests = LinkCheck { seed, links: created, acknowledged: 0, verdict };
    let unanswered = request_all(&mut requests, lane, check.in_flight, check.pass, &mut |_| true)
        .map_err(|error| error.0)?;
    let acknowledged = requests.acknowledged;
    verdict.note(facts::ACKNOWLEDGED, acknowledged);
    verdict.not_asked(unanswered);
    Ok(())
}

fn count_duplicates(codes: &[Box<str>], ledger: &LedgerState, verdict: &mut LedgerVerdict) -> io::Result<()> {
    let hasher = RandomState::new();
    let mut seen = HashSet::new();
    let created = ledger.entries()?.filter_map(|entry| match entry {
        Entry::Created { code, .. } => Some(code),
        Entry::Indeterminate { .. } => None,
    });
    for code in codes.iter().map(ToString::to_string).chain(created) {
        if seen.len() < REMEMBERED && !seen.insert(hasher.hash_one(&code)) {
            verdict.broken(facts::DUPLICATED, || format!("code `{code}` was handed out twice"));
        }
    }
    Ok(())
}

/// Every create without a reply is replayed with its own key, to find out whether it took effect.
fn replays(
    seed: u64,
    ledger: &LedgerState,
    lane: &mut Lane,
    check: &Check,
    verdict: &mut LedgerVerdict,
) -> io::Result<()> {
    let numbers = ledger.entries()?.filter_map(|entry| match entry {
        Entry::Indeterminate { number } => Some(number),
        Entry::Created { .. } => None,
    });
    let mut requests = Replays::new(seed, numbers, verdict);
    // The marker first and alone: its time divides earlier links from those that this check creates.
    let mut unanswered = 0;
    if requests.has_questions() {
        unanswered +=
            request_all(&mut requests, lane, 1, check.pass, &mut |_| true).map_err(|error| error.0)?;
        requests.go_on();
        unanswered += request_all(&mut requests, lane, check.in_flight, check.pass, &mut |_| true)
            .map_err(|error| error.0)?;
    }
    verdict.not_asked(unanswered);
    Ok(())
}
