//! Looks orders up, one request for each.

use std::{time::Duration, vec};

use crate::{
    http::{Reply, RequestBuf},
    journeys::{
        cart::{evidence::Evidence, id::Id},
        request_list::{RequestList, request_all},
    },
    sender::{Lane, SenderError},
};

/// What is asked of an order, and what a reply adds to the evidence; `false` if it is no answer.
pub(super) struct Question {
    pub(super) ask: fn(Id, &mut RequestBuf),
    pub(super) add: fn(&mut Evidence, Id, &Reply<'_>) -> bool,
}

/// Asks of each of these orders; returns how many got no response.
pub(super) fn look_up(
    evidence: &mut Evidence,
    orders: Vec<Id>,
    question: &Question,
    lane: &mut Lane,
    (in_flight, longest): (usize, Duration),
) -> Result<u64, SenderError> {
    let mut lookup = Lookup { left: orders.into_iter(), question, evidence };
    request_all(&mut lookup, lane, in_flight, longest, &mut |_| true)
}

struct Lookup<'a> {
    left: vec::IntoIter<Id>,
    question: &'a Question,
    evidence: &'a mut Evidence,
}

impl RequestList for Lookup<'_> {
    type Item = Id;

    fn next(&mut self) -> Option<Id> {
        self.left.next()
    }

    fn write(&self, &order: &Id, request: &mut RequestBuf) {
        (self.question.ask)(order, request);
    }

    fn accept(&mut self, &order: &Id, reply: &Reply<'_>) -> bool {
        (self.question.add)(self.evidence, order, reply)
    }
}
