//! Reads the levels of the run's products, their sales, and the voucher.

use std::{collections::BTreeSet, ops::Range, time::Duration};

use crate::{
    http::{Reply, RequestBuf},
    journeys::{
        Check,
        cart::{
            api::{self, LevelsView, MAX_NAMED, SalesView, VoucherView},
            evidence::{Evidence, Level},
            ledger_state::LedgerState,
            purchase::Shop,
        },
        request_list::{RequestList, request_all, request_one},
    },
    sender::{Lane, SenderError},
};

/// Reads the levels of all products; returns how many requests got no response.
pub(super) fn read_levels(
    evidence: &mut Evidence,
    lane: &mut Lane,
    check: &Check,
) -> Result<u64, SenderError> {
    evidence.levels.clear();
    let mut reading = Reading { next: 0, evidence };
    request_all(&mut reading, lane, check.in_flight, check.pass, &mut |_| true)
}

/// Reads the voucher; returns 1 if there is no response.
pub(super) fn read_voucher(
    evidence: &mut Evidence,
    lane: &mut Lane,
    check: &Check,
) -> Result<u64, SenderError> {
    let shop = evidence.shop.clone();
    let answer = request_one(lane, check.pass, |request| api::voucher(&shop, request))?;
    let view = answer.and_then(|(_, body)| serde_json::from_slice::<VoucherView>(&body).ok());
    evidence.voucher_used = view.map(|view| view.used);
    Ok(u64::from(evidence.voucher_used.is_none()))
}

/// Reads the sales of everything that was bought, for the second opinion; returns how many requests got no response.
pub(super) fn read_sales(
    evidence: &Evidence,
    ledger: &LedgerState,
    lane: &mut Lane,
    check: &Check,
) -> Result<u64, SenderError> {
    let shop = &evidence.shop;
    let rounds: BTreeSet<Vec<u64>> =
        evidence.history.checkouts.keys().map(|buyer| shop.round(*buyer)).collect();
    let mut reading = ReadingSales { shop, ledger, began: ledger.opinion.now(), rounds: rounds.into_iter() };
    request_all(&mut reading, lane, check.in_flight, check.pass, &mut |_| true)
}

struct ReadingSales<'a> {
    shop: &'a Shop,
    ledger: &'a LedgerState,
    /// Before the first request.
    began: Duration,
    rounds: std::collections::btree_set::IntoIter<Vec<u64>>,
}

impl RequestList for ReadingSales<'_> {
    type Item = Vec<u64>;

    fn next(&mut self) -> Option<Vec<u64>> {
        self.rounds.next()
    }

    fn write(&self, round: &Vec<u64>, request: &mut RequestBuf) {
        api::sales(round.iter().map(|product| self.shop.id(*product)), request);
    }

    fn accept(&mut self, _: &Vec<u64>, reply: &Reply<'_>) -> bool {
        let view =
            (reply.status == 200).then(|| serde_json::from_slice::<SalesView>(reply.body).ok()).flatten();
        let is_read = view.is_some();
        if let Some(view) = view {
            self.ledger.opinion.read(self.began, view);
        }
        is_read
    }
}

struct Reading<'a> {
    next: u64,
    evidence: &'a mut Evidence,
}

impl RequestList for Reading<'_> {
    type Item = Range<u64>;

    fn next(&mut self) -> Option<Range<u64>> {
        let end = (self.next + MAX_NAMED as u64).min(self.evidence.shop.products);
        let named = self.next..end;
        self.next = end;
        (!named.is_empty()).then_some(named)
    }

    fn write(&self, named: &Range<u64>, request: &mut RequestBuf) {
        api::levels(named.clone().map(|product| self.evidence.shop.id(product)), request);
    }

    fn accept(&mut self, named: &Range<u64>, reply: &Reply<'_>) -> bool {
        if reply.status != 200 {
            return false;
        }
        let Ok(view) = serde_json::from_slice::<LevelsView>(reply.body) else { return false };
        for product in named.clone() {
            let id = self.evidence.shop.id(product);
            let level = view.levels.iter().find(|level| level.product == id).map(Level::from);
            // A product that is not there has nothing.
            self.evidence.levels.insert(product, level.unwrap_or_default());
        }
        true
    }
}
