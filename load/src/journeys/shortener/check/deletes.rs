//! Deleted links: how long do they still redirect?
//!
//! A reply from a cache that has not seen the delete is stale, which is a cost and not a broken promise. So
//! these are counts without a breach, about which a scenario may have claims.
//! This check must come last, because it deletes links that the other checks look up.

use std::{
    collections::BTreeSet,
    io, thread,
    time::{Duration, Instant},
};

use crate::{
    http::{Reply, RequestBuf},
    journeys::{
        Check,
        request_list::{RequestList, request_all},
        shortener::{api, facts},
    },
    ledger::LedgerVerdict,
    sender::Lane,
};

/// The number of reads of a link in each pass: enough to reach every replica of a process.
const ASKED: usize = 12;
/// A link that still redirects after this counts as stale for long.
const LONG: Duration = Duration::from_secs(2);
/// The pause between two passes.
const PAUSE: Duration = Duration::from_millis(100);

/// Deletes up to `links` links, and counts those that redirect afterwards.
pub(super) fn check(
    codes: &[Box<str>],
    links: usize,
    lane: &mut Lane,
    check: &Check,
    verdict: &mut LedgerVerdict,
) -> io::Result<()> {
    if links == 0 || codes.is_empty() {
        return Ok(());
    }
    // Spread over all links, popular and not.
    let step = codes.len().div_ceil(links);
    let chosen: Vec<&str> = codes.iter().step_by(step).map(AsRef::as_ref).collect();
    let mut pass = |what: What, links: &[&str]| -> io::Result<BTreeSet<usize>> {
        let mut asking = Asking { what, links, next: 0, found: BTreeSet::new() };
        let unanswered = request_all(&mut asking, lane, check.in_flight, check.pass, &mut |_| true)
            .map_err(|error| error.0)?;
        verdict.not_asked(unanswered);
        Ok(asking.found)
    };
    // After this pass all caches hold these links.
    pass(What::Read, &chosen)?;
    let gone = pass(What::Delete, &chosen)?;
    // A link whose delete was not acknowledged may keep redirecting.
    let chosen: Vec<&str> = gone.into_iter().map(|link| chosen[link]).collect();
    let deleted = Instant::now();
    let mut redirecting = pass(What::Read, &chosen)?;
    let at_once = redirecting.len();
    // Until they are gone, or until a pass that began after the limit.
    let mut asked = Duration::ZERO;
    while !redirecting.is_empty() && asked < LONG {
        thread::sleep(PAUSE);
        asked = deleted.elapsed();
        let links: Vec<&str> = redirecting.iter().map(|&link| chosen[link]).collect();
        let still = pass(What::Read, &links)?;
        redirecting = redirecting
            .into_iter()
            .enumerate()
            .filter(|(at, _)| still.contains(at))
            .map(|(_, link)| link)
            .collect();
    }
    verdict.note(facts::DELETED, chosen.len() as u64);
    verdict.note(facts::STALE, at_once as u64);
    verdict.note(facts::STALE_FOR_LONG, redirecting.len() as u64);
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// Each link several times.
    Read,
    /// Each link once.
    Delete,
}

struct Asking<'a> {
    what: What,
    links: &'a [&'a str],
    next: usize,
    /// The links, by index, that redirected when read, or whose delete was acknowledged.
    found: BTreeSet<usize>,
}

impl RequestList for Asking<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let times = if self.what == What::Read { ASKED } else { 1 };
        let link = self.next / times;
        self.next += 1;
        (link < self.links.len()).then_some(link)
    }

    fn write(&self, &link: &usize, request: &mut RequestBuf) {
        match self.what {
            What::Read => api::read(self.links[link], request),
            What::Delete => api::delete(self.links[link], request),
        }
    }

    fn accept(&mut self, &link: &usize, reply: &Reply<'_>) -> bool {
        match (self.what, reply.status) {
            (What::Read, 302) | (What::Delete, 204) => {
                self.found.insert(link);
                true
            }
            (What::Read, 404) => true,
            _ => false,
        }
    }
}
