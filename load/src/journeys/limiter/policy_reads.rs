//! Reads of the policies, of one size or another: the cost of a call's payload, without a decision.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{api, check, facts};
use crate::{
    http::{Reply, RequestBuf},
    journey::{Begun, Failure, Journeys, Operation, Outcome, Step, common_outcome},
    journeys::{Check, PrepareError, Progress, SystemJourneys, request_list::request_one},
    ledger::LedgerVerdict,
    sender::Lane,
};

/// The names and summaries of the mixes.
pub(super) const NAMES: [(&str, &str); 2] = [
    ("read-1k", "read the policies in force, which have 1 KiB"),
    ("read-64k", "read the policies in force, which have 64 KiB"),
];

/// The operation's name.
pub(super) const READ: &str = "read";
/// The time limit of one request of the preparation, retries included.
const LONGEST: Duration = Duration::from_secs(30);

/// The size that a mix of [`NAMES`] reads, in bytes.
pub(super) fn bytes(mix: &str) -> Option<usize> {
    match mix {
        "read-1k" => Some(1_024),
        "read-64k" => Some(64 * 1_024),
        _ => None,
    }
}

/// The journeys of one size.
pub(super) struct PolicyReads {
    bytes: usize,
    /// The expected reply, known after the preparation.
    in_force: Arc<Vec<u8>>,
    counts: Arc<Counts>,
}

/// The outcomes of the reads of these journeys and their forks.
#[derive(Debug, Default)]
struct Counts {
    read: AtomicU64,
    wrong: AtomicU64,
}

impl PolicyReads {
    /// The preparation stores policies of about this many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self { bytes, in_force: Arc::default(), counts: Arc::default() }
    }
}

impl SystemJourneys for PolicyReads {
    fn prepare(
        &mut self,
        lane: &mut Lane,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<(), PrepareError> {
        progress(Progress { done: 0, total: 1 });
        let put = request_one(lane, LONGEST, |request| api::put_policies_of(self.bytes, request))?;
        let got = request_one(lane, LONGEST, api::read_policies)?;
        let (Some((200, _)), Some((200, body))) = (&put, &got) else {
            let status = |answer: &Option<(u16, Vec<u8>)>| answer.as_ref().map(|(status, _)| *status);
            let failures = format!("statuses of `PUT` and `GET`: {:?}, {:?}", status(&put), status(&got));
            return Err(PrepareError::Incomplete { what: "policies", done: 0, total: 1, failures });
        };
        (self.in_force, self.counts) = (Arc::new(body.clone()), Arc::default());
        progress(Progress { done: 1, total: 1 });
        Ok(())
    }

    fn operations(&mut self) -> &mut dyn Journeys {
        self
    }

    fn check(&mut self, lane: &mut Lane, check: &Check) -> LedgerVerdict {
        let mut verdict = check::nothing_found();
        let (read, wrong) =
            (self.counts.read.load(Ordering::Relaxed), self.counts.wrong.load(Ordering::Relaxed));
        verdict.note(facts::CHECKED, read);
        verdict.note(facts::ACKNOWLEDGED, 1);
        if wrong > 0 {
            verdict.breach(facts::LOST, wrong);
            verdict.example(|| format!("reads that found other policies than were put in force: {wrong}"));
        }
        match request_one(lane, check.pass, api::read_policies) {
            Ok(Some((200, body))) if body == *self.in_force => {}
            Ok(Some((200, _))) => {
                verdict.broken(facts::LOST, || {
                    "the policies that were put are not in force any more".to_owned()
                });
            }
            Ok(_) => verdict.not_asked(1),
            Err(error) => {
                verdict.not_asked(1);
                verdict.example(|| format!("the check was broken off: {error}"));
            }
        }
        verdict
    }

    fn fork(&self, _nth: u64) -> Box<dyn SystemJourneys> {
        Box::new(Self {
            bytes: self.bytes,
            in_force: Arc::clone(&self.in_force),
            counts: Arc::clone(&self.counts),
        })
    }
}

impl Journeys for PolicyReads {
    fn begin(&mut self, op: &mut Operation, request: &mut RequestBuf) -> Begun {
        op.kind = READ;
        api::read_policies(request);
        Begun::Written
    }

    fn reply(&mut self, _op: &mut Operation, reply: &Reply<'_>, _request: &mut RequestBuf) -> Step {
        if reply.status != 200 {
            let unexpected = Outcome::Failed(Failure::UnexpectedStatus);
            return Step::Done(common_outcome(reply.status).unwrap_or(unexpected));
        }
        self.counts.read.fetch_add(1, Ordering::Relaxed);
        if reply.body == self.in_force.as_slice() {
            return Step::Done(Outcome::Success);
        }
        self.counts.wrong.fetch_add(1, Ordering::Relaxed);
        Step::Done(Outcome::Failed(Failure::WrongAnswer))
    }

    fn abandoned(&mut self, _op: &mut Operation, _why: Failure) {}
}
