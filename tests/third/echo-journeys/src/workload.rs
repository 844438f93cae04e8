//! The one operation: say something.

use std::sync::Arc;

use load::{
    http::{Method, Reply, RequestBuf},
    journey::{Begun, Failure, Journeys, Operation, Outcome, Step, common_outcome},
};
use serde::Deserialize;

use crate::ledger::Ledger;

/// Says words that were not said before.
pub(crate) const SAY: &str = "say";

/// Says one thing after the other.
pub(crate) struct Workload {
    seed: u64,
    length: usize,
    next: u64,
    ledger: Arc<Ledger>,
}

/// What comes back.
#[derive(Deserialize)]
struct Echo {
    words: String,
}

impl Workload {
    /// The operations of thread `nth`, each with words of at least this length.
    pub(crate) fn new(seed: u64, nth: u64, length: usize, ledger: Arc<Ledger>) -> Self {
        // Each thread has a range of numbers of its own.
        Self { seed, length, next: nth << 40, ledger }
    }

    fn words(&self, number: u64) -> String {
        format!("{}-{number:0>width$}", self.seed, width = self.length)
    }
}

impl Journeys for Workload {
    fn begin(&mut self, op: &mut Operation, request: &mut RequestBuf) -> Begun {
        (op.kind, op.key) = (SAY, self.next);
        self.next += 1;
        let body = format!(r#"{{"words":"{}"}}"#, self.words(op.key));
        request.write_json(Method::Post, "/echoes", None, &body);
        Begun::Written
    }

    fn reply(&mut self, op: &mut Operation, reply: &Reply<'_>, _request: &mut RequestBuf) -> Step {
        if reply.status != 200 {
            let unexpected = Outcome::Failed(Failure::UnexpectedStatus);
            return Step::Done(common_outcome(reply.status).unwrap_or(unexpected));
        }
        let echo = serde_json::from_slice::<Echo>(reply.body);
        let is_right = echo.is_ok_and(|echo| echo.words == self.words(op.key));
        self.ledger.heard(is_right);
        Step::Done(if is_right { Outcome::Success } else { Outcome::Failed(Failure::WrongAnswer) })
    }

    fn abandoned(&mut self, _op: &mut Operation, _why: Failure) {}
}
