//! Links that end within the run: gone after their end, and not before.
//!
//! An expired link may be off by the difference of several machines' clocks only. A deleted one may redirect
//! for as long as a cache holds its old entry; one that exists after that was never deleted.

use std::{collections::BTreeSet, io, thread, time::Duration};

use crate::{
    clock::{self, Nanos},
    http::{Reply, RequestBuf},
    journeys::{
        Check,
        request_list::{RequestList, request_all, request_one},
        shortener::{
            api::{self, LinkTarget, LinkView},
            ending::{Ending, READS, TOLERANCE},
            facts,
        },
    },
    ledger::LedgerVerdict,
    sender::Lane,
};

/// The pause between two passes over deleted links.
const PAUSE: Duration = Duration::from_secs(1);

/// Waits until every link has certainly ended, and looks each up.
/// A cache may serve a deleted link for as long as `cached_for`.
pub(super) fn check(
    ending: Option<&Result<Ending, String>>,
    cached_for: Duration,
    lane: &mut Lane,
    check: &Check,
    verdict: &mut LedgerVerdict,
) -> io::Result<()> {
    verdict.note(facts::ENDED, 0);
    verdict.note(facts::DELETED_NOT_SETTLED, 0);
    for promise in [facts::ENDED_EARLY, facts::EXPIRED_SERVED, facts::DELETED_SERVED, facts::CLICKS_INHERITED]
    {
        verdict.breach(promise, 0);
    }
    let ending = match ending {
        // Nothing was prepared.
        None => return Ok(()),
        Some(Err(why)) => {
            verdict.not_asked(1);
            verdict.example(|| format!("links that end could not be made, so none was asked for: {why}"));
            return Ok(());
        }
        Some(Ok(ending)) => ending,
    };
    verdict.not_asked(ending.unanswered);
    for code in &ending.early {
        verdict
            .broken(facts::ENDED_EARLY, || format!("link `{code}` was acknowledged and gone before its end"));
    }
    verdict.note(facts::ENDED, (ending.expiring.len() + ending.deleted.len()) as u64);
    sleep_until(ending.expires.end.saturating_add(clock::nanos(TOLERANCE)));
    for code in served(&ending.expiring, lane, check, verdict)? {
        verdict.broken(facts::EXPIRED_SERVED, || {
            format!("link `{code}` is still there {TOLERANCE:?} and more after it expired")
        });
    }
    if let Some((code, target)) = &ending.again {
        inherited(code, *target, lane, check, verdict)?;
    }
    for code in deleted(ending, cached_for, lane, check, verdict)? {
        verdict.broken(facts::DELETED_SERVED, || {
            format!("link `{code}` is still there {cached_for:?} and more after its delete was acknowledged")
        });
    }
    Ok(())
}

/// Checks that a reused code has no clicks, because its current link was never followed. A cache with the old
/// link may report that link's clicks together with that link's target, which is correct.
fn inherited(
    code: &str,
    target: LinkTarget,
    lane: &mut Lane,
    check: &Check,
    verdict: &mut LedgerVerdict,
) -> io::Result<()> {
    let (mut clicks, mut unanswered) = (0, 0);
    for _ in 0..READS {
        let answer =
            request_one(lane, check.pass, |request| api::look_up(code, request)).map_err(|error| error.0)?;
        unanswered += u64::from(answer.is_none());
        let view = answer.and_then(|(_, body)| serde_json::from_slice::<LinkView>(&body).ok());
        let view = view.filter(|view| target.is(&view.target, &mut String::new()));
        clicks = clicks.max(view.map_or(0, |view| view.clicks));
    }
    verdict.not_asked(unanswered);
    verdict.breach(facts::CLICKS_INHERITED, clicks);
    if clicks > 0 {
        verdict.example(|| {
            format!("link `{code}` was followed by nobody and has {clicks} clicks of the link before it")
        });
    }
    Ok(())
}

/// The deleted links that exist after every cache must have expired them. The check waits, up to its
/// patience, for links that may be cached; after that they count as unsettled.
fn deleted(
    ending: &Ending,
    cached_for: Duration,
    lane: &mut Lane,
    check: &Check,
    verdict: &mut LedgerVerdict,
) -> io::Result<Vec<Box<str>>> {
    let forgotten = ending.deleted_by.saturating_add(clock::nanos(cached_for));
    let patience = clock::now().saturating_add(clock::nanos(check.patience));
    let mut there = ending.deleted.clone();
    loop {
        let asked = clock::now();
        there = served(&there, lane, check, verdict)?;
        if there.is_empty() || asked >= forgotten {
            return Ok(there);
        }
        if asked >= patience {
            // Too early to tell a stale cache from a lost delete.
            verdict.note(facts::DELETED_NOT_SETTLED, there.len() as u64);
            verdict.complete = false;
            verdict.example(|| {
                let count = there.len();
                format!("not settled: {count} deleted links are still there, and a cache may have them for {cached_for:?}")
            });
            return Ok(Vec::new());
        }
        thread::sleep(PAUSE);
    }
}

/// Which of these links exist when followed, read or shown.
fn served(
    codes: &[Box<str>],
    lane: &mut Lane,
    check: &Check,
    verdict: &mut LedgerVerdict,
) -> io::Result<Vec<Box<str>>> {
    let mut asking = Asking { codes, next: 0, there: BTreeSet::new() };
    let unanswered = request_all(&mut asking, lane, check.in_flight, check.pass, &mut |_| true)
        .map_err(|error| error.0)?;
    verdict.not_asked(unanswered);
    Ok(asking.there.into_iter().map(|nth| codes[nth].clone()).collect())
}

fn sleep_until(moment: Nanos) {
    thread::sleep(Duration::from_nanos(moment.saturating_sub(clock::now())));
}

struct Asking<'a> {
    codes: &'a [Box<str>],
    next: usize,
    /// Those that existed in at least one of these ways.
    there: BTreeSet<usize>,
}

#[derive(Clone, Copy)]
enum How {
    Follow,
    Read,
    Show,
}

impl RequestList for Asking<'_> {
    type Item = (usize, How);

    fn next(&mut self) -> Option<(usize, How)> {
        let (nth, time) = (self.next / READS, self.next % READS);
        self.next += 1;
        let how = [How::Follow, How::Read, How::Show][time % 3];
        (nth < self.codes.len()).then_some((nth, how))
    }

    fn write(&self, &(nth, how): &(usize, How), request: &mut RequestBuf) {
        let code = &self.codes[nth];
        match how {
            How::Follow => api::follow(code, request),
            How::Read => api::read(code, request),
            How::Show => api::look_up(code, request),
        }
    }

    fn accept(&mut self, &(nth, _): &(usize, How), reply: &Reply<'_>) -> bool {
        match reply.status {
            404 | 410 => true,
            200 | 301..=303 | 307 | 308 => {
                self.there.insert(nth);
                true
            }
            _ => false,
        }
    }
}
