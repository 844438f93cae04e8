//! Reads the orders that were acknowledged or charged, and which of them the shop lists as running, overdue or parked.

use std::collections::BTreeSet;

use super::lookup::{Question, look_up};
use crate::{
    http::Reply,
    journeys::{
        Check,
        cart::{
            api::{self, OrderView, SAGAS, SagasView},
            evidence::{Evidence, Order},
            id::Id,
        },
        request_list::request_one,
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
    let question = Question { ask: api::order, add };
    let mut unanswered = look_up(evidence, to_ask, &question, lane, (check.in_flight, check.pass))?;
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

fn add(evidence: &mut Evidence, id: Id, reply: &Reply<'_>) -> bool {
    let order = match reply.status {
        404 => None,
        200 => match serde_json::from_slice::<OrderView>(reply.body) {
            Ok(view) => Some(Order::from(view)),
            Err(_) => return false,
        },
        _ => return false,
    };
    evidence.orders.insert(id, order);
    true
}
