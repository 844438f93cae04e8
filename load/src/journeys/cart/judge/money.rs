//! Money: an order has it exactly if the provider took it and did not give it back.

use std::collections::BTreeMap;

use super::super::{
    evidence::{Charge, Evidence, Order, Status},
    facts,
    id::Id,
};
use crate::ledger::LedgerVerdict;

pub(super) fn judge(evidence: &Evidence, books: &[Charge], verdict: &mut LedgerVerdict) {
    let mut charges: BTreeMap<Id, Vec<&Charge>> = BTreeMap::new();
    for charge in books {
        charges.entry(charge.order).or_default().push(charge);
    }
    for own in evidence.own_orders().filter(|own| !evidence.is_moving(own.id)) {
        let of_order = charges.get(&own.id).map_or(&[][..], Vec::as_slice);
        of(own.id, own.order, of_order, verdict);
    }
    without_order(evidence, &charges, verdict);
    charged_twice(evidence, &charges, verdict);
}

/// The money of one order.
fn of(id: Id, order: &Order, charges: &[&Charge], verdict: &mut LedgerVerdict) {
    let sum = |part: fn(&Charge) -> i64| charges.iter().map(|charge| part(charge)).sum::<i64>();
    let (captured, refunded, held) =
        (sum(|charge| charge.captured), sum(|charge| charge.refunded), sum(|charge| charge.held));
    match order.status {
        // Its money is on its way.
        Status::Pending | Status::Placed => return,
        Status::Paid => {
            if captured < order.total {
                verdict.broken(facts::UNPAID, || {
                    format!("order `{id}` is paid with {}, and the provider took {captured}", order.total)
                });
            }
            if refunded != order.refunded {
                verdict.broken(facts::REFUNDS_WRONG, || {
                    format!(
                        "order `{id}` was refunded {}, and the provider gave back {refunded}",
                        order.refunded
                    )
                });
            }
        }
        Status::Cancelled => {
            for charge in charges.iter().filter(|charge| charge.kept() > 0) {
                verdict.broken(facts::PAID_FOR_NOTHING, || {
                    format!(
                        "order `{id}` was cancelled, and {} of charge `{}` are kept",
                        charge.kept(),
                        charge.id
                    )
                });
            }
        }
    }
    if held > 0 {
        verdict.broken(facts::HELD_FOR_NOTHING, || {
            format!("order `{id}` is {:?}, and {held} are still held for it", order.status)
        });
    }
}

/// Charges of orders that the shop does not have.
fn without_order(evidence: &Evidence, charges: &BTreeMap<Id, Vec<&Charge>>, verdict: &mut LedgerVerdict) {
    let absent = |id: &Id| matches!(evidence.orders.get(id), Some(None));
    let mut held = Vec::new();
    for charge in charges.iter().filter(|(id, _)| absent(id)).flat_map(|(_, charges)| charges) {
        if charge.kept() > 0 {
            verdict.broken(facts::PAID_FOR_NOTHING, || {
                format!(
                    "{} of charge `{}` are kept, and there is no order `{}`",
                    charge.kept(),
                    charge.id,
                    charge.order
                )
            });
        } else if charge.held > 0 {
            held.push(*charge);
        }
    }
    // A checkout without a reply may hold money; a repeat with the same key continues with that hold.
    for charge in held.into_iter().skip(evidence.unresolved().count()) {
        verdict.broken(facts::HELD_FOR_NOTHING, || {
            format!(
                "{} are held by charge `{}`, and there is no order `{}`",
                charge.held, charge.id, charge.order
            )
        });
    }
}

/// A checkout pays once: one charge over all of its orders.
fn charged_twice(evidence: &Evidence, charges: &BTreeMap<Id, Vec<&Charge>>, verdict: &mut LedgerVerdict) {
    let mut paid: BTreeMap<u64, u64> = BTreeMap::new();
    for own in evidence.own_orders() {
        for charge in charges.get(&own.id).into_iter().flatten().filter(|charge| charge.kept() > 0) {
            let times = paid.entry(own.buyer).or_default();
            *times += 1;
            if *times > 1 {
                verdict.broken(facts::CHARGED_TWICE, || {
                    format!(
                        "charge `{}` of order `{}` is a further one of buyer {}",
                        charge.id, own.id, own.buyer
                    )
                });
            }
        }
    }
}
