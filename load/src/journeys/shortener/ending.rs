//! Links that end within the run: some expire and some are deleted, each after enough reads that every cache
//! of every replica holds it.
//!
//! The system's own clock decides when a link expires, so the generator's need not be right: the expiry is
//! relative to the `created_at` of a marker link, and the marker was created between its request and its
//! reply.

use std::{ops::Range, time::Duration};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::api::{self, LinkTarget, LinkView};
use crate::{
    clock::{self, Nanos},
    http::{Reply, RequestBuf},
    journeys::request_list::{RequestList, request_all, request_one},
    sender::{Lane, SenderError},
};

/// The number of links of each kind.
const EACH: usize = 16;
/// The number of reads of each link: enough to reach every replica of a process.
pub(super) const READS: usize = 12;
/// The time from the marker to the expiry.
const LIFETIME: Duration = Duration::from_secs(3);
/// The largest difference between the clocks of a system's machines: within this time around its end a link
/// may exist or not.
pub(super) const TOLERANCE: Duration = Duration::from_secs(1);
/// The number of the first of these links, above all others; the marker has the number after the last.
const FIRST: u64 = 1 << 62;
const MARKER: u64 = FIRST + 2 * EACH as u64;
/// The requests in flight at once, and the time limit of a pass.
const IN_FLIGHT: usize = 16;
const LONGEST: Duration = Duration::from_secs(30);

/// The created links and their ends.
#[derive(Debug)]
pub(super) struct Ending {
    /// The codes of the links that expire.
    pub(super) expiring: Vec<Box<str>>,
    /// Before the start none of them may have expired; after the end all have.
    pub(super) expires: Range<Nanos>,
    /// The codes of the links whose delete was acknowledged.
    pub(super) deleted: Vec<Box<str>>,
    /// When the last delete was acknowledged.
    pub(super) deleted_by: Nanos,
    /// Links that were gone before their end.
    pub(super) early: Vec<Box<str>>,
    /// A code that was followed, deleted and given to another link, with that link's target; `None` if a step
    /// was not acknowledged.
    pub(super) again: Option<(String, LinkTarget)>,
    /// The creates, reads and deletes without a response, whose effects cannot be checked.
    pub(super) unanswered: u64,
}

/// Creates links that end, reads them, and deletes half of them; or returns the reason why there are none.
pub(super) fn make(seed: u64, lane: &mut Lane) -> Result<Result<Ending, String>, SenderError> {
    let run = rand::random();
    let asked = clock::now();
    let marker = request_one(lane, LONGEST, |request| {
        api::create_once(LinkTarget { seed, number: MARKER }, run, None, request);
    })?;
    let answered = clock::now();
    let view = marker.as_ref().and_then(|(_, body)| serde_json::from_slice::<LinkView>(body).ok());
    let Some(ends) = view.and_then(|view| end(&view.created_at)) else {
        let answer = marker.map_or("nothing".to_owned(), |(status, _)| format!("{status}"));
        return Ok(Err(format!(
            "`POST /links` was answered with {answer}, and no `created_at` that can be read"
        )));
    };
    let expires = asked + clock::nanos(LIFETIME)..answered + clock::nanos(LIFETIME);
    let mut making = Making { seed, run, ends, left: 0..2 * EACH, codes: vec![None; 2 * EACH] };
    let mut unanswered = request_all(&mut making, lane, IN_FLIGHT, LONGEST, &mut |_| true)?;
    let mut expiring: Vec<Box<str>> = making.codes.drain(..EACH).flatten().collect();
    let leaving: Vec<Box<str>> = making.codes.into_iter().flatten().collect();
    if expiring.is_empty() || leaving.is_empty() {
        return Ok(Err("no link with an end was acknowledged".to_owned()));
    }
    let mut ended = |lane: &mut Lane, codes: &[Box<str>], until| -> Result<Vec<Box<str>>, SenderError> {
        let mut reading =
            Reading { codes, left: 0..READS * codes.len(), until, gone: vec![false; codes.len()] };
        unanswered += request_all(&mut reading, lane, IN_FLIGHT, LONGEST, &mut |_| true)?;
        Ok(codes.iter().zip(reading.gone).filter(|(_, gone)| *gone).map(|(code, _)| code.clone()).collect())
    };
    let mut early = ended(lane, &leaving, Nanos::MAX)?;
    early.extend(ended(lane, &expiring, expires.start.saturating_sub(clock::nanos(TOLERANCE)))?);
    expiring.retain(|code| !early.contains(code));
    let mut deleting = Deleting { codes: &leaving, left: 0..leaving.len(), deleted: Vec::new() };
    unanswered += request_all(&mut deleting, lane, IN_FLIGHT, LONGEST, &mut |_| true)?;
    let (deleted, deleted_by) = (deleting.deleted, clock::now());
    let again = give_again(seed, run, lane)?;
    unanswered += u64::from(again.is_none());
    Ok(Ok(Ending { expiring, expires, deleted, deleted_by, early, again, unanswered }))
}

/// Creates a link, follows it, deletes it, and creates another with the same code.
fn give_again(seed: u64, run: u64, lane: &mut Lane) -> Result<Option<(String, LinkTarget)>, SenderError> {
    let code = format!("{run:x}-again");
    let [first, second] = [1, 2].map(|nth| LinkTarget { seed, number: MARKER + nth });
    let mut is = |status: u16, ask: &(dyn Fn(&mut RequestBuf) + Send + Sync)| -> Result<bool, SenderError> {
        Ok(request_one(lane, LONGEST, ask)?.is_some_and(|(found, _)| found == status))
    };
    let done = is(201, &|request| api::create_as(&code, first, request))?
        && is(302, &|request| api::follow(&code, request))?
        && is(302, &|request| api::follow(&code, request))?
        && is(204, &|request| api::delete(&code, request))?
        && is(201, &|request| api::create_as(&code, second, request))?;
    Ok(done.then_some((code, second)))
}

/// The expiry of the links created with the marker.
fn end(created_at: &str) -> Option<String> {
    (OffsetDateTime::parse(created_at, &Rfc3339).ok()? + LIFETIME).format(&Rfc3339).ok()
}

struct Making {
    seed: u64,
    run: u64,
    ends: String,
    left: Range<usize>,
    codes: Vec<Option<Box<str>>>,
}

impl RequestList for Making {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left.next()
    }

    fn write(&self, &nth: &usize, request: &mut RequestBuf) {
        let target = LinkTarget { seed: self.seed, number: FIRST + nth as u64 };
        api::create_once(target, self.run, (nth < EACH).then_some(&self.ends), request);
    }

    fn accept(&mut self, &nth: &usize, reply: &Reply<'_>) -> bool {
        let code = api::created(reply);
        self.codes[nth] = code.map(Box::from);
        code.is_some()
    }
}

struct Reading<'a> {
    codes: &'a [Box<str>],
    left: Range<usize>,
    /// The time until which a link must exist.
    until: Nanos,
    gone: Vec<bool>,
}

impl RequestList for Reading<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        Some(self.left.next()? / READS)
    }

    fn write(&self, &nth: &usize, request: &mut RequestBuf) {
        api::read(&self.codes[nth], request);
    }

    fn accept(&mut self, &nth: &usize, reply: &Reply<'_>) -> bool {
        self.gone[nth] |= matches!(reply.status, 404 | 410) && clock::now() < self.until;
        matches!(reply.status, 302 | 404 | 410)
    }
}

struct Deleting<'a> {
    codes: &'a [Box<str>],
    left: Range<usize>,
    deleted: Vec<Box<str>>,
}

impl RequestList for Deleting<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left.next()
    }

    fn write(&self, &nth: &usize, request: &mut RequestBuf) {
        api::delete(&self.codes[nth], request);
    }

    fn accept(&mut self, &nth: &usize, reply: &Reply<'_>) -> bool {
        let is_acknowledged = reply.status == 204;
        if is_acknowledged {
            self.deleted.push(self.codes[nth].clone());
        }
        is_acknowledged
    }
}
