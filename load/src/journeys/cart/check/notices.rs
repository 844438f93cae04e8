//! Reads what customers were told about orders that have ended.

use crate::{
    http::{Reply, RequestBuf},
    journeys::{
        Check,
        cart::{
            api::{self, NoticesView},
            evidence::Evidence,
            id::Id,
        },
        request_list::{RequestList, request_all},
    },
    sender::{Lane, SenderError},
};

/// Asks about each order whose customer is not known to have been told of its end; returns how many got no response.
pub(super) fn read(evidence: &mut Evidence, lane: &mut Lane, check: &Check) -> Result<u64, SenderError> {
    let to_ask: Vec<Id> = evidence.not_told().map(|own| own.id).collect();
    let mut reading = Reading { to_ask: to_ask.into_iter(), evidence };
    request_all(&mut reading, lane, check.in_flight, check.pass, &mut |_| true)
}

struct Reading<'a> {
    to_ask: std::vec::IntoIter<Id>,
    evidence: &'a mut Evidence,
}

impl RequestList for Reading<'_> {
    type Item = Id;

    fn next(&mut self) -> Option<Id> {
        self.to_ask.next()
    }

    fn write(&self, &order: &Id, request: &mut RequestBuf) {
        api::notices(order, request);
    }

    fn accept(&mut self, &id: &Id, reply: &Reply<'_>) -> bool {
        let view =
            (reply.status == 200).then(|| serde_json::from_slice::<NoticesView>(reply.body).ok()).flatten();
        let told = view.map(|view| view.notices.len());
        self.evidence.told.extend(told.map(|told| (id, told)));
        told.is_some()
    }
}
