//! The check after a run: does the shop hold what it acknowledged, and does it agree with the payment provider's books?
//!
//! An order takes its time: money is captured, goods are given away, compensations run, all after the reply. So the check
//! asks again and again, until nothing is wrong and nothing runs any more; or until what is wrong does not change any more
//! and nothing runs; or until its deadline. What still runs then is a fact of its own.

mod goods;
mod lookup;
mod notices;
mod orders;
mod replays;

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    books,
    evidence::Evidence,
    facts,
    judge::{judge, nothing_found},
    ledger_state::LedgerState,
    mix::Mix,
    purchase::Shop,
};
use crate::{
    journeys::Check,
    ledger::LedgerVerdict,
    sender::{Lane, SenderError},
};

/// The pause between two passes.
const PAUSE: Duration = Duration::from_millis(500);
/// How long money may stay held for a checkout that nobody has repeated, after its deadline: a shop waits that long for the
/// repeat, and no list says so.
const HELD_FOR: Duration = Duration::from_secs(20);

/// Asks for everything, and judges it.
pub(super) fn check(shop: &Shop, ledger: &LedgerState, lane: &mut Lane, check: &Check) -> LedgerVerdict {
    let mut verdict = if shop.mix.buys() {
        examine(shop, ledger, lane, check).unwrap_or_else(|error| {
            let mut verdict = nothing_found();
            verdict.not_asked(1);
            verdict.example(|| format!("the check was broken off: {error}"));
            verdict
        })
    } else {
        nothing_found()
    };
    verdict.not_asked(u64::from(ledger.is_torn()));
    let (wrong, first) = ledger.wrong();
    verdict.breach(facts::WRONG_WHEN_READ, wrong);
    if let Some(first) = first {
        verdict.example(|| first);
    }
    verdict
}

fn examine(
    shop: &Shop,
    ledger: &LedgerState,
    lane: &mut Lane,
    check: &Check,
) -> Result<LedgerVerdict, SenderError> {
    let began = Instant::now();
    let mut history = ledger.history()?;
    replays::resolve(shop, &mut history, lane, check)?;
    let mut evidence = Evidence::of(shop.clone(), history);
    let (mut still, mut last) = (Duration::ZERO, None);
    loop {
        collect(&mut evidence, ledger, lane, check)?;
        let verdict = judge(&evidence);
        if verdict.holds() {
            break;
        }
        let is_open = verdict.count(facts::ORDERS_NOT_SETTLED) + verdict.count(facts::SAGAS_RUNNING) > 0;
        let is_held = verdict.count(facts::HELD_FOR_NOTHING) > 0;
        let settle = if is_held { check.settle.max(HELD_FOR) } else { check.settle };
        // Measured in passes and not by the clock: a machine that pauses between two passes proves nothing.
        still = if last.as_ref() == Some(&verdict) { still + PAUSE } else { Duration::ZERO };
        last = Some(verdict);
        let is_settled = still >= settle && !is_open;
        if is_settled || began.elapsed() >= check.deadline {
            break;
        }
        thread::sleep(PAUSE);
    }
    // A last full pass, because something may have happened a second time after it was right.
    evidence.orders.clear();
    let unanswered = collect(&mut evidence, ledger, lane, check)?;
    let mut verdict = judge(&evidence);
    verdict.not_asked(unanswered);
    if shop.mix == Mix::History {
        verdict.not_asked(goods::read_sales(&evidence, ledger, lane, check)?);
        ledger.opinion.add_to(shop, &evidence.history, &mut verdict);
    }
    Ok(verdict)
}

/// Reads what may have changed; returns how many requests got no response.
fn collect(
    evidence: &mut Evidence,
    ledger: &LedgerState,
    lane: &mut Lane,
    check: &Check,
) -> Result<u64, SenderError> {
    evidence.charges = books::read(ledger.charges_before(), lane, check.pass)?;
    let mut unanswered = u64::from(evidence.charges.is_none());
    unanswered += orders::read(evidence, lane, check)?;
    unanswered += notices::read(evidence, lane, check)?;
    unanswered += goods::read_levels(evidence, lane, check)?;
    if evidence.shop.mix == Mix::Vouchers {
        unanswered += goods::read_voucher(evidence, lane, check)?;
    }
    Ok(unanswered)
}
