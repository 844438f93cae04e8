//! The operations: follow and create.

use std::sync::Arc;

use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

use super::{
    api::{self, LinkTarget},
    ledger_state::LedgerState,
    mix::{Mix, Picker},
};
use crate::{
    http::{Reply, RequestBuf},
    journey::{Begun, Failure, Journeys, Operation, Outcome, Step, common_outcome},
    journeys::KindShape,
};

/// Follows a link.
const FOLLOW: &str = "follow";
/// Follows a link that the mix takes once and that was taken before: there were too few.
pub(super) const FOLLOW_AGAIN: &str = "follow-again";
/// Creates a link.
const CREATE: &str = "create";

/// The words of reports for these kinds.
pub(super) const KINDS: [KindShape; 2] =
    [KindShape::new(FOLLOW, "link followed"), KindShape::new(CREATE, "link made")];

/// The share of each operation in the mix of that name.
pub(super) fn shares(mix: &str) -> Vec<(&'static str, f64)> {
    let follow = Mix::named(mix).follow;
    [(FOLLOW, follow), (CREATE, 1.0 - follow)].into_iter().filter(|(_, share)| *share > 0.0).collect()
}

/// The codes of the seeded links, by number.
pub(super) type Codes = Arc<[Box<str>]>;

/// Chooses operations by the mix, and judges their replies.
#[derive(Debug)]
pub(super) struct Workload {
    seed: u64,
    mix: Mix,
    codes: Codes,
    ledger: Arc<LedgerState>,
    picker: Picker,
    random: Xoshiro256PlusPlus,
    next_number: u64,
    scratch: String,
}

impl Workload {
    /// The operations of thread `nth`, on seeded links with these codes.
    /// Without codes every operation is a create.
    pub(super) fn new(seed: u64, nth: u64, mix: Mix, codes: Codes, ledger: Arc<LedgerState>) -> Self {
        Self {
            seed,
            mix,
            picker: Picker::new(mix.keys, codes.len().max(1), seed),
            codes,
            ledger,
            random: Xoshiro256PlusPlus::seed_from_u64(seed.rotate_left(32) ^ nth),
            // Above the numbers of seeded links, and in a range of its own for each thread.
            next_number: (nth + 1) << 40,
            scratch: String::new(),
        }
    }

    /// The same for another thread.
    pub(super) fn fork(&self, nth: u64) -> Self {
        let codes = self.codes();
        let picker = self.picker.clone();
        Self { picker, ..Self::new(self.seed, nth, self.mix, codes, Arc::clone(&self.ledger)) }
    }

    pub(super) fn codes(&self) -> Codes {
        Arc::clone(&self.codes)
    }

    fn target(&self, op: &Operation) -> LinkTarget {
        LinkTarget { seed: self.seed, number: op.key }
    }

    fn followed(&mut self, op: &Operation, reply: &Reply<'_>) -> Outcome {
        let link = op.key as usize;
        if reply.status == 302 {
            let target = self.target(op);
            if reply.location().is_some_and(|location| target.is(location, &mut self.scratch)) {
                self.ledger.followed(link);
                return Outcome::Success;
            }
            self.ledger.found_wrong();
        }
        // The client was not redirected, but the system may have counted the follow.
        self.ledger.maybe_followed(link);
        match reply.status {
            302 => Outcome::Failed(Failure::WrongAnswer),
            404 | 410 => {
                self.ledger.found_missing();
                Outcome::Failed(Failure::Missing)
            }
            status => common_outcome(status).unwrap_or(Outcome::Failed(Failure::UnexpectedStatus)),
        }
    }

    fn created(&mut self, op: &Operation, reply: &Reply<'_>) -> Outcome {
        if reply.status != 201 {
            // The link may have been stored before the 5xx or the refusal.
            self.ledger.maybe_created(op.key);
            return common_outcome(reply.status).unwrap_or(Outcome::Failed(Failure::UnexpectedStatus));
        }
        let Some(code) = api::created_code(reply) else {
            self.ledger.maybe_created(op.key);
            return Outcome::Failed(Failure::WrongAnswer);
        };
        self.ledger.created(op.key, code);
        let target = self.target(op);
        let right = api::view(reply).is_some_and(|view| target.is(&view.target, &mut self.scratch));
        if right { Outcome::Success } else { Outcome::Failed(Failure::WrongAnswer) }
    }
}

impl Journeys for Workload {
    fn begin(&mut self, op: &mut Operation, request: &mut RequestBuf) -> Begun {
        // Always one draw, so that mixes with the same seed follow the same links.
        let follows = self.random.random::<f64>() < self.mix.follow && !self.codes.is_empty();
        if follows {
            let pick = self.picker.pick(&mut self.random);
            (op.kind, op.key) = (if pick.is_again { FOLLOW_AGAIN } else { FOLLOW }, pick.link as u64);
            api::follow(&self.codes[pick.link], request);
        } else {
            (op.kind, op.key) = (CREATE, self.next_number);
            self.next_number += 1;
            api::create(self.target(op), request);
        }
        Begun::Written
    }

    fn reply(&mut self, op: &mut Operation, reply: &Reply<'_>, _request: &mut RequestBuf) -> Step {
        Step::Done(if op.kind == CREATE { self.created(op, reply) } else { self.followed(op, reply) })
    }

    fn resent(&mut self, op: &mut Operation) {
        // A create has an idempotency key, so a resent one is the same request.
        if op.kind != CREATE {
            self.ledger.maybe_followed(op.key as usize);
        }
    }

    fn abandoned(&mut self, op: &mut Operation, why: Failure) {
        match op.kind {
            _ if !why.is_indeterminate() => {}
            CREATE => self.ledger.maybe_created(op.key),
            _ => self.ledger.maybe_followed(op.key as usize),
        }
    }
}
