//! Creates the links that the operations follow; then reads each once, or waits until caches have dropped
//! them.

use std::{
    ops::Range,
    thread,
    time::{Duration, Instant},
};

use super::{
    api::{self, LinkTarget},
    workload::Codes,
};
use crate::{
    http::{Reply, RequestBuf},
    journeys::{
        PrepareError, Progress,
        request_list::{RequestList, request_all},
    },
    sender::Lane,
};

/// The creates in flight at once.
const IN_FLIGHT: usize = 64;
/// The time limit of the preparation.
const LONGEST: Duration = Duration::from_mins(10);
/// How long a cache may hold a written and unread value: the system's promise plus half a second.
const WRITTEN_FOR: Duration = Duration::from_millis(1_500);
/// The interval at which a wait checks for interruption.
const LOOK: Duration = Duration::from_millis(50);

/// Creates the links 0 to `links` - 1 and returns their codes.
pub(super) fn seed(
    seed: u64,
    links: usize,
    lane: &mut Lane,
    progress: &mut dyn FnMut(Progress) -> bool,
) -> Result<Codes, PrepareError> {
    let total = links as u64;
    let mut seeding = Seeding { seed, left: 0..links, codes: vec![None; links] };
    request_all(&mut seeding, lane, IN_FLIGHT, LONGEST, &mut |record| {
        progress(Progress { done: record.succeeded.min(total), total })
    })?;
    let done = seeding.codes.iter().flatten().count() as u64;
    progress(Progress { done, total });
    if done == total {
        return Ok(seeding.codes.into_iter().flatten().collect());
    }
    Err(incomplete("links", done, total, lane))
}

/// Reads every link once, so that all caches are as warm as in a system that has been up for a while.
pub(super) fn read(
    codes: &Codes,
    lane: &mut Lane,
    progress: &mut dyn FnMut(Progress) -> bool,
) -> Result<(), PrepareError> {
    let total = codes.len() as u64;
    let mut reading = Reading { codes, left: 0..codes.len(), read: 0 };
    request_all(&mut reading, lane, IN_FLIGHT, LONGEST, &mut |_| progress(Progress { done: total, total }))?;
    let done = reading.read;
    if done == total { Ok(()) } else { Err(incomplete("links that are read", done, total, lane)) }
}

/// Waits until no cache holds a link that was created until `made` and not read since.
pub(super) fn let_go(made: Instant, codes: &Codes, progress: &mut dyn FnMut(Progress) -> bool) {
    let total = codes.len() as u64;
    while made.elapsed() < WRITTEN_FOR && progress(Progress { done: total, total }) {
        thread::sleep(LOOK);
    }
}

fn incomplete(what: &'static str, done: u64, total: u64, lane: &Lane) -> PrepareError {
    let record = lane.record();
    let causes = record.failed.iter().chain(record.refused.iter());
    let failures = causes.map(|(cause, count)| format!("{cause} {count}")).collect::<Vec<_>>().join(", ");
    PrepareError::Incomplete { what, done, total, failures }
}

struct Reading<'a> {
    codes: &'a Codes,
    left: Range<usize>,
    read: u64,
}

impl RequestList for Reading<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left.next()
    }

    fn write(&self, &number: &usize, request: &mut RequestBuf) {
        api::read(&self.codes[number], request);
    }

    fn accept(&mut self, _: &usize, reply: &Reply<'_>) -> bool {
        let read = reply.status == 302;
        self.read += u64::from(read);
        read
    }
}

struct Seeding {
    seed: u64,
    left: Range<usize>,
    codes: Vec<Option<Box<str>>>,
}

impl RequestList for Seeding {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left.next()
    }

    fn write(&self, &number: &usize, request: &mut RequestBuf) {
        api::create(LinkTarget { seed: self.seed, number: number as u64 }, request);
    }

    fn accept(&mut self, &number: &usize, reply: &Reply<'_>) -> bool {
        let code = api::created(reply);
        self.codes[number] = code.map(Box::from);
        code.is_some()
    }
}
