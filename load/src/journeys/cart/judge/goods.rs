//! Goods: sold + reserved + left = stocked, and what is sold or reserved has an order.

use std::collections::BTreeMap;

use super::super::{
    evidence::{Evidence, Level, Status},
    facts,
};
use crate::ledger::LedgerVerdict;

/// The pieces of a product that orders have.
#[derive(Clone, Copy, Debug, Default)]
struct Ordered {
    /// In orders that are paid.
    ended: u64,
    /// In orders in progress, or that are paid and whose goods are on their way.
    open: u64,
    /// In checkouts without any reply, where there may be an order or not, and in cancelled orders that still change.
    unresolved: u64,
}

pub(super) fn judge(evidence: &Evidence, verdict: &mut LedgerVerdict) {
    let ordered = ordered(evidence);
    for (product, level) in &evidence.levels {
        let ordered = ordered.get(product).copied().unwrap_or_default();
        of(*product, level, evidence.shop.pieces(), ordered, verdict);
    }
}

/// What orders have, by product.
fn ordered(evidence: &Evidence) -> BTreeMap<u64, Ordered> {
    let mut ordered: BTreeMap<u64, Ordered> = BTreeMap::new();
    for own in evidence.own_orders() {
        let is_moving = evidence.is_moving(own.id);
        if own.order.status == Status::Cancelled && !is_moving {
            continue;
        }
        for (product, quantity) in &own.order.lines {
            let Some(product) = product.number(evidence.shop.seed) else { continue };
            let ordered = ordered.entry(product).or_default();
            *match own.order.status {
                // They are on their way back.
                Status::Cancelled => &mut ordered.unresolved,
                Status::Paid if !is_moving => &mut ordered.ended,
                Status::Pending | Status::Placed | Status::Paid => &mut ordered.open,
            } += quantity;
        }
    }
    for buyer in evidence.unresolved() {
        for line in evidence.shop.purchase(buyer).lines() {
            ordered.entry(line.product).or_default().unresolved += u64::from(line.quantity);
        }
    }
    ordered
}

/// The pieces of one product, of which so many came in.
fn of(product: u64, level: &Level, came_in: u64, ordered: Ordered, verdict: &mut LedgerVerdict) {
    let Level { stocked, reserved, sold, left } = *level;
    if stocked != came_in
        || sold.checked_add(reserved).and_then(|gone| gone.checked_add(left)) != Some(stocked)
    {
        verdict.broken(facts::STOCK_WRONG, || {
            format!(
                "of product {product} came in {came_in}: {stocked} are stocked, {sold} sold, {reserved} reserved and {left} left"
            )
        });
    }
    let gone = sold.saturating_add(reserved);
    let most = ordered.ended + ordered.open + ordered.unresolved;
    for (fact, pieces, what) in [
        (facts::OVERSOLD, ordered.ended.saturating_sub(came_in), "ordered and never came in"),
        (
            facts::PIECES_NOT_TAKEN,
            ordered.ended.min(came_in).saturating_sub(gone),
            "ordered and still for sale",
        ),
        (facts::PIECES_LOST, gone.saturating_sub(most), "gone and in no order"),
        (
            facts::PIECES_HELD_BACK,
            // Those that are gone and in no order are counted already.
            reserved.min(most).saturating_sub(ordered.open + ordered.unresolved),
            "reserved for no order in progress",
        ),
    ] {
        verdict.breach(fact, pieces);
        if pieces > 0 {
            verdict.example(|| format!("product {product}: pieces {what}: {pieces}"));
        }
    }
}
