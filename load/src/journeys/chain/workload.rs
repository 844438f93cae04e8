//! The operations: each is one request.

use std::sync::Arc;

use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

use super::{api, ledger_state::LedgerState, mix::Mix};
use crate::{
    http::{Reply, RequestBuf},
    journey::{Begun, Failure, Journeys, Operation, Outcome, Step, common_outcome},
    journeys::KindShape,
};

/// Asks for a page.
pub(super) const PAGE: &str = "page";
/// Asks for a preview of a page.
pub(super) const PREVIEW: &str = "preview";
/// Asks for what readers said of a page.
pub(super) const REVIEW: &str = "review";

/// The words of reports for these kinds.
pub(super) const KINDS: [KindShape; 3] = [
    KindShape::new(PAGE, "page read"),
    KindShape::new(PREVIEW, "preview read"),
    KindShape::new(REVIEW, "review read"),
];

/// Chooses operations by the mix, and judges their replies.
#[derive(Debug)]
pub(super) struct Workload {
    mix: Mix,
    ledger: Arc<LedgerState>,
    random: Xoshiro256PlusPlus,
    next_page: u64,
    scratch: String,
}

impl Workload {
    /// The operations of thread `nth`.
    pub(super) fn new(seed: u64, nth: u64, mix: Mix, ledger: Arc<LedgerState>) -> Self {
        let random = Xoshiro256PlusPlus::seed_from_u64(seed.rotate_left(32) ^ nth);
        // Each thread has a range of pages of its own.
        Self { mix, ledger, random, next_page: nth << 40, scratch: String::new() }
    }
}

impl Journeys for Workload {
    fn begin(&mut self, op: &mut Operation, request: &mut RequestBuf) -> Begun {
        // Always one draw, so that the same seed asks in the same order whatever the mix.
        op.kind = self.mix.pick(self.random.random());
        op.key = self.next_page;
        self.next_page += 1;
        match op.kind {
            PREVIEW => api::preview(op.key, request),
            REVIEW => api::review(op.key, request),
            _ => api::page(op.key, request),
        }
        Begun::Written
    }

    fn reply(&mut self, op: &mut Operation, reply: &Reply<'_>, _request: &mut RequestBuf) -> Step {
        if reply.status != 200 {
            let unexpected = Outcome::Failed(Failure::UnexpectedStatus);
            return Step::Done(common_outcome(reply.status).unwrap_or(unexpected));
        }
        let is_right = match op.kind {
            REVIEW => self.ledger.review(op.key, reply.body),
            PREVIEW => self.ledger.preview(op.key, reply.body, &mut self.scratch),
            _ => self.ledger.page(op.key, reply.body, &mut self.scratch),
        };
        Step::Done(if is_right { Outcome::Success } else { Outcome::Failed(Failure::WrongAnswer) })
    }

    fn abandoned(&mut self, _op: &mut Operation, _why: Failure) {}
}
