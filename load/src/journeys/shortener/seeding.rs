//! Makes the links that the operations follow, and reads each once.

use std::time::Duration;

use super::api::{self, LinkTarget};
use super::drive::Codes;
use crate::http::{Reply, RequestBuf};
use crate::journeys::survey::{Survey, conduct};
use crate::journeys::{PrepareError, Progress};
use crate::sender::Lane;

/// How many creates are under way at once.
const IN_FLIGHT: usize = 64;
/// How long all of it may take.
const LONGEST: Duration = Duration::from_mins(10);

/// Makes links 0 to `links` - 1 and returns their codes.
pub(super) fn seed(
    seed: u64,
    links: usize,
    lane: &mut Lane,
    progress: &mut dyn FnMut(Progress) -> bool,
) -> Result<Codes, PrepareError> {
    let total = links as u64;
    let mut seeding = Seeding { seed, next: 0, codes: vec![None; links] };
    conduct(&mut seeding, lane, IN_FLIGHT, LONGEST, &mut |record| {
        progress(Progress { done: record.succeeded.min(total), total })
    })?;
    let done = seeding.codes.iter().flatten().count() as u64;
    progress(Progress { done, total });
    if done == total {
        return Ok(seeding.codes.into_iter().flatten().collect());
    }
    Err(incomplete("links", done, total, lane))
}

/// Reads every link once: a system that has been up for a while has seen each, whatever caches it has.
pub(super) fn read(
    codes: &Codes,
    lane: &mut Lane,
    progress: &mut dyn FnMut(Progress) -> bool,
) -> Result<(), PrepareError> {
    let total = codes.len() as u64;
    let mut reading = Reading { codes, next: 0, read: 0 };
    conduct(&mut reading, lane, IN_FLIGHT, LONGEST, &mut |_| progress(Progress { done: total, total }))?;
    let done = reading.read;
    if done == total { Ok(()) } else { Err(incomplete("links that are read", done, total, lane)) }
}

fn incomplete(what: &'static str, done: u64, total: u64, lane: &Lane) -> PrepareError {
    let record = lane.record();
    let causes = record.failed.iter().chain(record.refused.iter());
    let failures = causes.map(|(cause, count)| format!("{cause} {count}")).collect::<Vec<_>>().join(", ");
    PrepareError::Incomplete { what, done, total, failures }
}

struct Reading<'a> {
    codes: &'a Codes,
    next: usize,
    read: u64,
}

impl Survey for Reading<'_> {
    type Question = usize;

    fn next(&mut self) -> Option<usize> {
        let number = self.next;
        self.next += 1;
        (number < self.codes.len()).then_some(number)
    }

    fn ask(&self, &number: &usize, request: &mut RequestBuf) {
        api::read(&self.codes[number], request);
    }

    fn answer(&mut self, _: &usize, reply: &Reply<'_>) -> bool {
        let read = reply.status == 302;
        self.read += u64::from(read);
        read
    }
}

struct Seeding {
    seed: u64,
    next: usize,
    codes: Vec<Option<Box<str>>>,
}

impl Survey for Seeding {
    type Question = usize;

    fn next(&mut self) -> Option<usize> {
        let number = self.next;
        self.next += 1;
        (number < self.codes.len()).then_some(number)
    }

    fn ask(&self, &number: &usize, request: &mut RequestBuf) {
        api::create(LinkTarget { seed: self.seed, number: number as u64 }, request);
    }

    fn answer(&mut self, &number: &usize, reply: &Reply<'_>) -> bool {
        let code = (reply.status == 201).then(|| api::created_code(reply)).flatten();
        self.codes[number] = code.map(Box::from);
        code.is_some()
    }
}
