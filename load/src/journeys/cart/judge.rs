//! What is wrong with what a check has found: pure, so that every wrong history can be tried.
//!
//! - `orders`: what was acknowledged is there, and nothing twice;
//! - `money`: the shop's orders and the provider's books agree;
//! - `goods`: what came in is sold, reserved or left, and what is sold has an order;
//! - `voucher`: no use beyond its limits.

mod goods;
mod money;
mod orders;
mod voucher;

use super::{evidence::Evidence, facts};
use crate::ledger::LedgerVerdict;

/// A verdict in which every fact is zero.
pub(super) fn nothing_found() -> LedgerVerdict {
    let mut verdict = LedgerVerdict { complete: true, ..LedgerVerdict::default() };
    for fact in facts::ALL {
        if fact.breaks.is_some() {
            verdict.breach(fact.name, 0);
        } else {
            verdict.note(fact.name, 0);
        }
    }
    verdict
}

/// Compares everything with everything.
pub(super) fn judge(evidence: &Evidence) -> LedgerVerdict {
    let mut verdict = nothing_found();
    verdict.note(facts::CHECKED, (evidence.orders.len() + evidence.charges().len()) as u64);
    orders::judge(evidence, &mut verdict);
    if let Some(charges) = &evidence.charges {
        money::judge(evidence, charges, &mut verdict);
    }
    // A sum in which an order is missing says nothing.
    if evidence.is_whole() {
        goods::judge(evidence, &mut verdict);
        voucher::judge(evidence, &mut verdict);
    }
    verdict
}

#[cfg(test)]
mod tests;
