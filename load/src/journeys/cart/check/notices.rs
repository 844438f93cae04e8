//! Reads what customers were told about orders that have ended.

use super::lookup::{Question, look_up};
use crate::{
    http::Reply,
    journeys::{
        Check,
        cart::{
            api::{self, NoticesView},
            evidence::Evidence,
            id::Id,
        },
    },
    sender::{Lane, SenderError},
};

/// Asks about each order whose customer is not known to have been told of its end; returns how many got no response.
pub(super) fn read(evidence: &mut Evidence, lane: &mut Lane, check: &Check) -> Result<u64, SenderError> {
    let orders: Vec<Id> = evidence.not_told().map(|own| own.id).collect();
    let question = Question { ask: api::notices, add };
    look_up(evidence, orders, &question, lane, (check.in_flight, check.pass))
}

fn add(evidence: &mut Evidence, order: Id, reply: &Reply<'_>) -> bool {
    let view =
        (reply.status == 200).then(|| serde_json::from_slice::<NoticesView>(reply.body).ok()).flatten();
    let told = view.map(|view| view.notices.len());
    evidence.told.extend(told.map(|told| (order, told)));
    told.is_some()
}
