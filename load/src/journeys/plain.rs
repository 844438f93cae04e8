//! One path, requested again and again: to compare the sender with other generators on any URL.

use super::{
    Check, JourneyError, JourneyOptions, OptionShape, PrepareError, Progress, SystemJourneys,
    SystemUnderTest, is_within,
};
use crate::{
    http::{Method, Reply, RequestBuf},
    journey::{Begun, Failure, Journeys, Operation, Outcome, Step, common_outcome},
    ledger::LedgerVerdict,
    sender::Lane,
};

/// The one operation.
const GET: &str = "get";

/// The path to request.
pub const PATH: OptionShape = OptionShape {
    name: "path",
    summary: "the path to request, with its query if it has one [default: /]",
    values: "a path that begins with `/`, without blanks and fragments",
    accepts: |text| text.starts_with('/') && text.chars().all(|c| c.is_ascii_graphic() && c != '#'),
};

/// The status of a success.
pub const STATUS: OptionShape = OptionShape {
    name: "status",
    summary: "the status that counts as success [default: 200]",
    values: "200 to 599",
    accepts: is_within::<200, 599>,
};

const OPTIONS: [OptionShape; 2] = [PATH, STATUS];

/// Any HTTP server.
#[derive(Debug)]
pub struct Plain;

impl SystemUnderTest for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn summary(&self) -> &'static str {
        "any HTTP server: one path, one expected status, no ledger"
    }

    fn mixes(&self) -> &'static [(&'static str, &'static str)] {
        &[("get", "GET the path")]
    }

    fn shares(&self, _mix: &str) -> Vec<(&'static str, f64)> {
        vec![(GET, 1.0)]
    }

    fn journeys(
        &self,
        options: &JourneyOptions,
        _mix: &'static str,
    ) -> Result<Box<dyn SystemJourneys>, JourneyError> {
        let path = options.parsed(&PATH, "/".to_owned())?;
        Ok(Box::new(Get::new(&path, options.parsed(&STATUS, 200)?)))
    }

    fn options(&self) -> &'static [OptionShape] {
        &OPTIONS
    }
}

/// `GET path`; success is the expected status.
#[derive(Clone, Debug)]
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
