//! The operations: one request, one decision.

use std::{sync::Arc, time::Duration};

use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};

use super::{
    api::{self, ClientName, Said},
    ledger_state::{End, LedgerState},
    mix::{BUSIEST, Mix, Picker},
    timeline::{Busiest, Drawn},
};
use crate::{
    clock,
    http::{Reply, RequestBuf},
    journey::{Begun, Failure, Journeys, Operation, Outcome, Step, common_outcome},
    journeys::KindShape,
    series::Curve,
};

/// A request without a decision.
pub(super) const DECISION: &str = "decision";
/// An admitted request.
const ADMITTED: &str = "admitted";
/// A refused request: refusing is a limiter's purpose, so the operation ended well.
const REFUSED: &str = "refused";
/// A request that was admitted without being counted.
const UNCOUNTED: &str = "uncounted";

/// The words of reports for these kinds.
pub(super) const KINDS: [KindShape; 3] = [
    KindShape::new(ADMITTED, "let through"),
    KindShape::refusal(REFUSED, "refused by the limit"),
    KindShape::new(UNCOUNTED, "let through without being counted"),
];

/// Chooses clients by the mix, and judges the replies.
#[derive(Debug)]
pub(super) struct Workload {
    seed: u64,
    mix: Mix,
    ledger: Arc<LedgerState>,
    picker: Picker,
    random: Xoshiro256PlusPlus,
    /// The outcomes of the busiest client's requests.
    busiest: Busiest,
}

impl Workload {
    /// The operations of thread `nth`.
    pub(super) fn new(seed: u64, nth: u64, mix: Mix, clients: usize, ledger: Arc<LedgerState>) -> Self {
        Self {
            seed,
            mix,
            ledger,
            picker: Picker::new(mix, mix.clients(clients)),
            random: Xoshiro256PlusPlus::seed_from_u64(seed.rotate_left(32) ^ nth),
            busiest: Busiest::new(),
        }
    }

    /// The curves of the busiest client's requests in the current or last slice.
    pub(super) fn curves(&self) -> Vec<Curve> {
        self.busiest.curves()
    }

    /// Judges a reply: the operation's kind, its end for the ledger, and its outcome.
    fn judge(&self, reply: &Reply<'_>) -> (&'static str, End, Outcome) {
        let (kind, end) = match reply.status {
            200 => (ADMITTED, End::Admitted),
            429 => (REFUSED, End::Refused),
            status => {
                let outcome = common_outcome(status).unwrap_or(Outcome::Failed(Failure::UnexpectedStatus));
                return (DECISION, End::Unclear, outcome);
            }
        };
        match api::read(self.mix, reply) {
            Said::All => (kind, end, Outcome::Success),
            Said::Nothing => (UNCOUNTED, End::Uncounted, Outcome::Success),
            Said::Wrong => {
                self.ledger.headers_wrong(|| story(reply));
                (kind, end, Outcome::Failed(Failure::WrongAnswer))
            }
        }
    }
}

/// A reply with wrong headers, as text.
fn story(reply: &Reply<'_>) -> String {
    let told = ["RateLimit-Policy", "RateLimit", "Retry-After"]
        .map(|name| format!("{name}: {}", reply.list(name).unwrap_or("none".into())));
    format!("a {} came with {}", reply.status, told.join(", "))
}

impl Journeys for Workload {
    fn slice_began(&mut self, length: Duration) {
        self.busiest.begin(clock::now(), length);
    }

    fn begin(&mut self, op: &mut Operation, request: &mut RequestBuf) -> Begun {
        let client = self.picker.pick(&mut self.random);
        api::ask(ClientName { seed: self.seed, number: client }, request);
        (op.kind, op.key, op.detail) = (DECISION, client as u64, clock::now());
        self.ledger.asked(client, op.detail);
        Begun::Written
    }

    fn reply(&mut self, op: &mut Operation, reply: &Reply<'_>, _request: &mut RequestBuf) -> Step {
        let (now, client) = (clock::now(), op.key as usize);
        let (kind, end, outcome) = self.judge(reply);
        op.kind = kind;
        self.ledger.ended(client, op.detail, now, end);
        if client == BUSIEST {
            let drawn = match (end, outcome) {
                (_, Outcome::Failed(_)) => Drawn::Failed,
                (End::Admitted | End::Uncounted, _) => Drawn::Admitted,
                (End::Refused, _) => Drawn::Refused,
                _ => Drawn::Unavailable,
            };
            self.busiest.answered(drawn, op.detail, now);
        }
        Step::Done(outcome)
    }

    fn resent(&mut self, op: &mut Operation) {
        let (now, client) = (clock::now(), op.key as usize);
        self.ledger.ended(client, op.detail, now, End::Unanswered);
        op.detail = now;
        self.ledger.asked(client, now);
    }

    fn abandoned(&mut self, op: &mut Operation, why: Failure) {
        let (now, client) = (clock::now(), op.key as usize);
        let end = if why.is_indeterminate() { End::Unanswered } else { End::Unsent };
        self.ledger.ended(client, op.detail, now, end);
        if client == BUSIEST {
            self.busiest.answered(Drawn::Failed, op.detail, now);
        }
    }

    fn unsent(&mut self) {
        // The client of an unsent request is drawn at random like that of a sent one.
        if self.picker.pick(&mut self.random) == BUSIEST {
            let now = clock::now();
            self.busiest.answered(Drawn::Failed, now, now);
        }
    }
}
