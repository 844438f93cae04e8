//! The voucher: no use beyond its limits, and every use counted.

use std::collections::BTreeMap;

use super::super::{
    evidence::{Evidence, OwnOrder, Status},
    facts,
};
use crate::ledger::LedgerVerdict;

pub(super) fn judge(evidence: &Evidence, verdict: &mut LedgerVerdict) {
    let Some(counted) = evidence.voucher_used else { return };
    let mut by_customer: BTreeMap<u64, u64> = BTreeMap::new();
    let (mut made, mut open) = (0, 0);
    for own in evidence.standing().filter(|own| own.order.has_voucher) {
        made += 1;
        open += u64::from(own.order.is_open());
        *by_customer.entry(evidence.shop.purchase(own.buyer).customer).or_default() += 1;
    }
    // An order in progress may still find the voucher used up.
    let beyond_all = (made - open).saturating_sub(evidence.shop.few);
    let again: u64 = if open == 0 { by_customer.values().map(|uses| uses - 1).sum() } else { 0 };
    let beyond = beyond_all.max(again);
    verdict.breach(facts::VOUCHER_OVERUSED, beyond);
    if beyond > 0 {
        let few = evidence.shop.few;
        verdict.example(|| {
            format!("the voucher has {few} uses and one for each customer: used {made} times, and {again} times again by a customer")
        });
    }
    // Of an order that was cancelled, the use may not have come back yet.
    let is_on_its_way = |own: &OwnOrder<'_>| {
        own.order.has_voucher && own.order.status == Status::Cancelled && evidence.is_moving(own.id)
    };
    let coming_back = evidence.own_orders().filter(is_on_its_way).count();
    let unresolved = (evidence.unresolved().count() + coming_back) as u64;
    let missing = (made - open).saturating_sub(counted);
    let invented = counted.saturating_sub(made + unresolved);
    verdict.breach(facts::VOUCHER_MISCOUNTED, missing + invented);
    if missing + invented > 0 {
        verdict.example(|| format!("the voucher was used {made} times, and the shop counts {counted}"));
    }
}
