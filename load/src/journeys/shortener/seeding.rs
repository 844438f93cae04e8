//! Makes the links that the operations follow.

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
    progress: &mut dyn FnMut(Progress),
) -> Result<Codes, PrepareError> {
    let total = links as u64;
    let mut seeding = Seeding { seed, next: 0, codes: vec![None; links] };
    conduct(&mut seeding, lane, IN_FLIGHT, LONGEST, &mut |record| {
        progress(Progress { done: record.succeeded.min(total), total });
    })?;
    let done = seeding.codes.iter().flatten().count() as u64;
    progress(Progress { done, total });
    if done == total {
        return Ok(seeding.codes.into_iter().flatten().collect());
    }
    let record = lane.record();
    let causes = record.failed.iter().chain(record.refused.iter());
    let failures = causes.map(|(cause, count)| format!("{cause} {count}")).collect::<Vec<_>>().join(", ");
    Err(PrepareError::Incomplete { what: "links", done, total, failures })
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
