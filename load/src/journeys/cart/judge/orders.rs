//! Orders: what was acknowledged is there as it was acknowledged, and nothing twice.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{
    evidence::{Evidence, Order, OwnOrder, Status},
    facts,
    id::Id,
};
use crate::ledger::LedgerVerdict;

pub(super) fn judge(evidence: &Evidence, verdict: &mut LedgerVerdict) {
    acknowledged(evidence, verdict);
    standing(evidence, verdict);
    cancels(evidence, verdict);
    open(evidence, verdict);
    told(evidence, verdict);
    let count = |status| evidence.own_orders().filter(|own| own.order.status == status).count() as u64;
    verdict.note(facts::ORDERS_PAID, count(Status::Paid));
    verdict.note(facts::ORDERS_CANCELLED, count(Status::Cancelled));
    let is_late = |own: &OwnOrder<'_>| own.order.settled_after.is_some_and(|after| after > facts::LATE);
    verdict.note(facts::SETTLED_LATE, evidence.own_orders().filter(is_late).count() as u64);
    verdict.note(facts::SELLING_TOOK_MS, selling_took_ms(evidence));
    verdict.note(facts::CHECKOUTS_INDETERMINATE, evidence.unresolved().count() as u64);
}

/// From the first paid order to the end of the checkout of the last one, by the shop's clock.
fn selling_took_ms(evidence: &Evidence) -> u64 {
    let paid = || evidence.own_orders().map(|own| own.order).filter(|order| order.status == Status::Paid);
    let settled = |order: &Order| Some(order.made_at_ms + order.settled_after?.as_millis() as u64);
    let (first, last) = (paid().map(|order| order.made_at_ms).min(), paid().filter_map(settled).max());
    first.zip(last).map_or(0, |(first, last)| last.saturating_sub(first))
}

/// What was acknowledged is there, and every order is what its buyer ordered.
fn acknowledged(evidence: &Evidence, verdict: &mut LedgerVerdict) {
    for (buyer, fate) in &evidence.history.checkouts {
        if fate.is_forgotten || fate.orders.len() > 1 {
            verdict.broken(facts::KEYS_FORGOTTEN, || {
                let order = fate.orders.first().map(|order| format!(" `{order}`")).unwrap_or_default();
                format!("buyer {buyer} has order{order}, and the same key got another reply later")
            });
        }
        for id in &fate.orders {
            verdict.note(facts::ACKNOWLEDGED, 1);
            match evidence.orders.get(id) {
                Some(None) => verdict.broken(facts::LOST, || {
                    format!("order `{id}` of buyer {buyer} was acknowledged and is gone")
                }),
                Some(Some(order)) if order.cart != evidence.shop.id(*buyer) => {
                    verdict
                        .broken(facts::WRONG, || format!("order `{id}` of buyer {buyer} is of another cart"));
                }
                _ => {}
            }
        }
    }
    for own in evidence.own_orders().filter(|own| !is_right(evidence, own)) {
        verdict
            .broken(facts::WRONG, || format!("order `{}` is not what buyer {} ordered", own.id, own.buyer));
    }
}

/// Whether an order has the lines and the price of what its buyer ordered.
fn is_right(evidence: &Evidence, own: &OwnOrder<'_>) -> bool {
    let purchase = evidence.shop.purchase(own.buyer);
    let expected: BTreeMap<Id, u64> = purchase
        .lines()
        .iter()
        .map(|line| (evidence.shop.id(line.product), u64::from(line.quantity)))
        .collect();
    let lines: BTreeMap<Id, u64> = own.order.lines.iter().copied().collect();
    lines.len() == own.order.lines.len()
        && lines == expected
        && own.order.total == purchase.total()
        && own.order.has_voucher == purchase.has_voucher
}

/// A checkout has one order, and none if it was refused.
fn standing(evidence: &Evidence, verdict: &mut LedgerVerdict) {
    let mut buyers = BTreeSet::new();
    for own in evidence.standing() {
        if !buyers.insert(own.buyer) {
            verdict.broken(facts::ORDERS_DOUBLED, || {
                format!("order `{}` is a further one of buyer {}'s checkout", own.id, own.buyer)
            });
        } else if evidence.fate(own.buyer).is_some_and(|fate| fate.is_refused && fate.orders.is_empty()) {
            verdict.broken(facts::REFUSED_AND_ORDERED, || {
                format!("order `{}` exists, but the checkout of buyer {} was refused", own.id, own.buyer)
            });
        }
    }
}

/// What was cancelled is cancelled.
fn cancels(evidence: &Evidence, verdict: &mut LedgerVerdict) {
    for (id, _) in evidence.history.cancels.iter().filter(|(_, is_acknowledged)| **is_acknowledged) {
        let Some(Some(order)) = evidence.orders.get(id) else { continue };
        if order.status != Status::Cancelled {
            verdict.broken(facts::CANCELS_LOST, || {
                format!("the cancel of order `{id}` was acknowledged, and it is {:?}", order.status)
            });
        }
    }
}

/// What has not ended: because nothing moves it on, because it waits for a person, or not yet. An order that is paid or
/// cancelled may have goods or money on their way as well.
fn open(evidence: &Evidence, verdict: &mut LedgerVerdict) {
    for own in evidence.own_orders() {
        if evidence.parked.contains(&own.id) {
            verdict.note(facts::ORDERS_PARKED, 1);
            verdict.example(|| format!("order `{}` waits for a person: `GET /admin/sagas`", own.id));
        } else if evidence.stuck.contains(&own.id) {
            verdict.broken(facts::ORDERS_STUCK, || {
                format!("order `{}` is {:?}, and nothing moves it on", own.id, own.order.status)
            });
        } else if evidence.is_moving(own.id) {
            verdict.note(facts::SAGAS_RUNNING, 1);
            verdict.complete = false;
            verdict.example(|| {
                format!("the checkout of order `{}` still ran: `GET /admin/sagas?standing=running`", own.id)
            });
        } else if own.order.is_open() {
            verdict.note(facts::ORDERS_NOT_SETTLED, 1);
            verdict.complete = false;
        }
    }
}

/// The customer of an order that has ended was told so.
fn told(evidence: &Evidence, verdict: &mut LedgerVerdict) {
    for own in evidence.not_told() {
        // Without a response nothing is known.
        let Some(events) = evidence.told.get(&own.id) else { continue };
        verdict.broken(facts::CUSTOMERS_NOT_TOLD, || {
            format!(
                "the customer of order `{}` was told of {events} events, and it is {:?}",
                own.id, own.order.status
            )
        });
    }
}
