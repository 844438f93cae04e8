//! Reads the orders that were acknowledged or charged, and which of them the shop lists as running, overdue or parked.

use std::collections::BTreeSet;

use crate::{
    http::{Reply, RequestBuf},
    journeys::{
        Check,
        cart::{
            api::{self, OrderView, SAGAS, SagasView},
            evidence::{Evidence, Order},
            id::Id,
        },
        request_list::{RequestList, request_all, request_one},
    },
    sender::{Lane, SenderError},
};

/// Reads every known order that is not known to have ended; returns how many got no response.
pub(super) fn read(evidence: &mut Evidence, lane: &mut Lane, check: &Check) -> Result<u64, SenderError> {
    let has_ended = |id: &Id| {
        let order = evidence.orders.get(id).and_then(Option::as_ref);
        order.is_some_and(|order| !order.is_open()) && !evidence.running.contains(id)
    };
    let to_ask: Vec<Id> = evidence.known().into_iter().filter(|id| !has_ended(id)).collect();
    let mut reading = Reading { to_ask: to_ask.into_iter(), evidence };
    let mut unanswered = request_all(&mut reading, lane, check.in_flight, check.pass, &mut |_| true)?;
    evidence.are_all_known = unanswered == 0;
    for (standing, orders) in
        [("running", &mut evidence.running), ("stuck", &mut evidence.stuck), ("parked", &mut evidence.parked)]
    {
        let listed = sagas(standing, lane, check)?;
        unanswered += u64::from(listed.is_none());
        *orders = listed.unwrap_or_default();
    }
    Ok(unanswered)
}

/// The orders whose sagas have a standing; `None` if a page could not be read.
fn sagas(standing: &str, lane: &mut Lane, check: &Check) -> Result<Option<BTreeSet<Id>>, SenderError> {
    let (mut orders, mut after) = (BTreeSet::new(), None);
    loop {
        let answer = request_one(lane, check.pass, |request| api::sagas(standing, after, request))?;
        let page = answer.filter(|(status, _)| *status == 200);
        let Some(page) = page.and_then(|(_, body)| serde_json::from_slice::<SagasView>(&body).ok()) else {
            return Ok(None);
        };
        // By the ids of their orders, so the last one is where the next page begins.
        let last = page.sagas.last().map(|saga| saga.order);
        orders.extend(page.sagas.iter().map(|saga| saga.order));
        if page.sagas.len() < SAGAS || last <= after {
            return Ok(Some(orders));
        }
        after = last;
    }
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
        api::order(order, request);
    }

    fn accept(&mut self, &id: &Id, reply: &Reply<'_>) -> bool {
        let order = match reply.status {
            404 => None,
            200 => match serde_json::from_slice::<OrderView>(reply.body) {
                Ok(view) => Some(Order::from(view)),
                Err(_) => return false,
            },
            _ => return false,
        };
        self.evidence.orders.insert(id, order);
        true
    }
}
