//! One path, requested again and again: to compare the sender with other generators on any URL.

use std::io;

use super::{Check, JourneyOptions, PrepareError, Progress, SystemEntry, SystemJourneys};
use crate::http::{Method, Reply, RequestBuf};
use crate::journey::{Begun, Failure, Journeys, Operation, Outcome, Step, common_outcome};
use crate::ledger::LedgerVerdict;
use crate::sender::Lane;

/// The one operation.
const GET: &str = "get";

pub(super) const ENTRY: SystemEntry = SystemEntry {
    name: "plain",
    summary: "any HTTP server: one path, one expected status, no ledger",
    mixes: &[("get", "GET the path")],
    things: "paths",
    shares: |_mix| vec![(GET, 1.0)],
    only_path: None,
    takes_each_once: |_mix| false,
    lines: |_mix| None,
    facts: &[],
    breaches: &[],
    make,
};

#[expect(clippy::unnecessary_wraps, reason = "the registry's form: other systems open a file")]
fn make(options: &JourneyOptions, _mix: &'static str) -> io::Result<Box<dyn SystemJourneys>> {
    Ok(Box::new(Get::new(&options.path, options.status)))
}

/// `GET path`; success is the expected status.
#[derive(Debug, Clone)]
pub struct Get {
    path: String,
    status: u16,
}

impl Get {
    /// Requests `path` and expects `status`.
    pub fn new(path: &str, status: u16) -> Self {
        Self { path: path.to_owned(), status }
    }
}

impl Journeys for Get {
    fn begin(&mut self, op: &mut Operation, request: &mut RequestBuf) -> Begun {
        op.kind = GET;
        request.write(Method::Get, &self.path);
        Begun::Written
    }

    fn reply(&mut self, _op: &mut Operation, reply: &Reply<'_>, _request: &mut RequestBuf) -> Step {
        if reply.status == self.status {
            return Step::Done(Outcome::Success);
        }
        Step::Done(common_outcome(reply.status).unwrap_or(Outcome::Failed(Failure::UnexpectedStatus)))
    }

    fn abandoned(&mut self, _op: &mut Operation, _why: Failure) {}
}

impl SystemJourneys for Get {
    fn prepare(
        &mut self,
        _lane: &mut Lane,
        _progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<(), PrepareError> {
        Ok(())
    }

    fn operations(&mut self) -> &mut dyn Journeys {
        self
    }

    fn check(&mut self, _lane: &mut Lane, _check: &Check) -> LedgerVerdict {
        LedgerVerdict { complete: true, ..LedgerVerdict::default() }
    }

    fn fork(&self, _nth: u64) -> Box<dyn SystemJourneys> {
        Box::new(self.clone())
    }
}
