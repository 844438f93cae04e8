//! Stores the mix's policy, and reads the system's promise for it.

use std::{thread, time::Duration};

use super::{
    api::{self, ClientName, PoliciesView},
    ledger_state::Promise,
    mix::Mix,
};
use crate::{
    http::{Reply, RequestBuf},
    journey::{Begun, Failure, Journeys, Operation, Outcome, Step},
    journeys::{PrepareError, request_list::request_one},
    sender::Lane,
};

/// The time limit of one request about policies, retries included.
const LONGEST: Duration = Duration::from_secs(30);
/// The requests of one try that must all be decided by the new policy: with four replicas chosen at random,
/// these miss one of them once in two thousand.
const PROBES: usize = 32;
/// The number of tries, and the pause between two: 10 s in all.
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(50);
/// The probes' clients are numbered above every client of a mix.
const FIRST_PROBE: usize = 1 << 40;

/// Stores the policy of `mix`, waits until it is in force, and returns the promise for each of its limits.
pub(super) fn put_in_force(seed: u64, mix: Mix, lane: &mut Lane) -> Result<Vec<Promise>, PrepareError> {
    let put = request_one(lane, LONGEST, |request| api::replace_policies(mix, request))?;
    if !matches!(put, Some((200, _))) {
        return Err(incomplete("policies", &told("PUT /policies", put)));
    }
    let promises = promises(mix, lane)?;
    for number in 0..TRIES {
        let mut probes = Probes { seed, mix, next: 0, right: 0 };
        lane.exhaust(&mut probes, PROBES / 4, LONGEST, &mut |_| true)?;
        if probes.right == PROBES {
            return Ok(promises);
        }
        if number + 1 < TRIES {
            thread::sleep(PAUSE);
        }
    }
    let story = format!("decisions still do not follow the policy `{}`", mix.policy());
    Err(incomplete("policies in force", &story))
}

/// The promises of `GET /policies` for the limits of the mix.
fn promises(mix: Mix, lane: &mut Lane) -> Result<Vec<Promise>, PrepareError> {
    let got = request_one(lane, LONGEST, api::read_policies)?;
    let view = match &got {
        Some((200, body)) => PoliciesView::read(body),
        _ => None,
    };
    let promise = |limit| view.as_ref()?.promise(mix, limit);
    let promises: Option<Vec<_>> = mix.limits().iter().copied().map(promise).collect();
    promises.ok_or_else(|| incomplete("bounds of limits", &told("GET /policies", got)))
}

fn told(question: &str, answer: Option<(u16, Vec<u8>)>) -> String {
    let Some((status, body)) = answer else { return format!("`{question}` was not answered") };
    let body: String = String::from_utf8_lossy(&body).chars().take(300).collect();
    format!("`{question}` was answered with {status} and `{body}`")
}

fn incomplete(what: &'static str, failures: &str) -> PrepareError {
    PrepareError::Incomplete { what, done: 0, total: 1, failures: failures.to_owned() }
}

/// Requests of distinct clients that no mix has.
/// Whether they are admitted does not matter, only the policy that decided.
struct Probes {
    seed: u64,
    mix: Mix,
    next: usize,
    right: usize,
}

impl Journeys for Probes {
    fn begin(&mut self, op: &mut Operation, request: &mut RequestBuf) -> Begun {
        if self.next == PROBES {
            return Begun::Exhausted;
        }
        op.kind = "probe";
        api::ask(ClientName { seed: self.seed, number: FIRST_PROBE + self.next }, request);
        self.next += 1;
        Begun::Written
    }

    fn reply(&mut self, _op: &mut Operation, reply: &Reply<'_>, _request: &mut RequestBuf) -> Step {
        self.right += usize::from(api::tells_policy(self.mix, reply));
        Step::Done(Outcome::Success)
    }

    fn abandoned(&mut self, _op: &mut Operation, _why: Failure) {}
}
