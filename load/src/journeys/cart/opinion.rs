//! The second opinion: checkouts and reads of sales as a history of lists, one list a product. It knows of orders and of
//! time, and nothing of stock, money or promises.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{api::SalesView, facts, id::Id, ledger_state, purchase::Shop};
use crate::{
    history::{Ending, Part, Transaction, judge},
    ledger::LedgerVerdict,
};

/// The most checkouts and reads that are remembered; what comes later is not judged.
const MOST: usize = 100_000;

/// What clients asked and were told, and when.
#[derive(Debug)]
pub(super) struct Opinion {
    began: Instant,
    told: Mutex<Told>,
}

#[derive(Clone, Debug, Default)]
struct Told {
    /// By buyer: when the checkout was first sent, and when its order was known to be placed.
    checkouts: BTreeMap<u64, (Duration, Option<Duration>)>,
    reads: Vec<Transaction>,
}

impl Opinion {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), told: Mutex::default() }
    }

    /// The time since the beginning.
    pub(super) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// A checkout is sent.
    pub(super) fn checkout_begins(&self, buyer: u64) {
        let now = self.now();
        self.tell(|told| {
            if told.checkouts.len() < MOST {
                told.checkouts.entry(buyer).or_insert((now, None));
            }
        });
    }

    /// It was replied to by a placed order: what it did is done.
    pub(super) fn checkout_ends(&self, buyer: u64) {
        let now = self.now();
        self.tell(|told| {
            if let Some((_, ended)) = told.checkouts.get_mut(&buyer) {
                ended.get_or_insert(now);
            }
        });
    }

    /// The sales of products were read in one transaction that was asked for at `began`.
    pub(super) fn read(&self, began: Duration, view: SalesView) {
        let ending = Ending::Committed(self.now());
        let parts = view.sales.into_iter().map(|sales| Part::Read {
            list: sales.product.to_string(),
            elements: sales.orders.iter().map(Id::to_string).collect(),
        });
        let read = Transaction { began, ending, parts: parts.collect() };
        self.tell(|told| {
            if told.reads.len() < MOST {
                told.reads.push(read);
            }
        });
    }

    /// Adds what the history says to a verdict.
    pub(super) fn add_to(&self, shop: &Shop, history: &ledger_state::History, verdict: &mut LedgerVerdict) {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let judgement = judge(&transactions(told, shop, history));
        verdict.note(facts::JUDGED, judgement.transactions as u64);
        verdict.breach(facts::ANOMALIES, judgement.anomalies.len() as u64);
        if let Some(smallest) = judgement.anomalies.first() {
            verdict.example(|| format!("{}: {}", smallest.name, smallest.witness));
        }
        if judgement.is_undecided {
            verdict.not_asked(1);
            verdict
                .example(|| "the second opinion is undecided: there are too few reads of sales".to_owned());
        }
    }

    fn tell(&self, tell: impl FnOnce(&mut Told)) {
        tell(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The history: each order of a checkout is a transaction, and so is each read.
fn transactions(told: Told, shop: &Shop, history: &ledger_state::History) -> Vec<Transaction> {
    let mut transactions = told.reads;
    let mut known = BTreeSet::new();
    for (buyer, (began, ended)) in told.checkouts {
        let Some(fate) = history.checkouts.get(&buyer) else { continue };
        // An order that was accepted and not placed yet is placed whenever its saga gets there.
        let ending = ended.map_or(Ending::Unknown, Ending::Committed);
        let purchase = shop.purchase(buyer);
        for order in &fate.orders {
            known.insert(order.to_string());
            let append = |line: &super::purchase::Line| Part::Append {
                list: shop.id(line.product).to_string(),
                element: order.to_string(),
            };
            let parts = purchase.lines().iter().map(append).collect();
            transactions.push(Transaction { began, ending, parts });
        }
    }
    // A checkout that never got a reply may have made them. Where each got one, they should not be there.
    let is_any_in_doubt = history.in_doubt().next().is_some();
    let ending = if is_any_in_doubt { Ending::Unknown } else { Ending::Aborted(Duration::ZERO) };
    let further = unnamed(&transactions, &known, ending);
    transactions.extend(further);
    transactions
}

/// The orders that were read and that no reply named, which ended so.
fn unnamed(transactions: &[Transaction], known: &BTreeSet<String>, ending: Ending) -> Vec<Transaction> {
    let mut lists: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
    for part in transactions.iter().flat_map(|transaction| &transaction.parts) {
        let Part::Read { list, elements } = part else { continue };
        for element in elements.iter().filter(|element| !known.contains(*element)) {
            lists.entry(element).or_default().insert(list);
        }
    }
    let append = |(element, lists): (&String, BTreeSet<&String>)| Transaction {
        began: Duration::ZERO,
        ending,
        parts: lists
            .into_iter()
            .map(|list| Part::Append { list: list.clone(), element: element.clone() })
            .collect(),
    };
    lists.into_iter().map(append).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journeys::cart::{api::views::ProductSalesView, ledger_state::Entry, mix::Mix};

    /// What buyers 0 and 1 were told, who ordered one after the other, and what a reader sees of both after that.
    fn verdict(entries: &[Entry], seen: &[&[Id]]) -> LedgerVerdict {
        let shop = Shop::new(7, Mix::History, 4, 0);
        let opinion = Opinion::new();
        let mut history = ledger_state::History::default();
        for buyer in [0, 1] {
            opinion.checkout_begins(buyer);
            opinion.checkout_ends(buyer);
        }
        for entry in entries {
            history.add(*entry);
        }
        let products: BTreeSet<u64> = (0..4).collect();
        for orders in seen {
            let of = |product: &u64| {
                let has = |order: &&Id| {
                    let buyer = (order.0 - 1) as u64;
                    shop.purchase(buyer).lines().iter().any(|line| line.product == *product)
                };
                let orders = orders.iter().filter(has).copied().collect();
                ProductSalesView { product: shop.id(*product), orders }
            };
            opinion.read(opinion.now(), SalesView { sales: products.iter().map(of).collect() });
        }
        let mut verdict = LedgerVerdict { complete: true, ..LedgerVerdict::default() };
        opinion.add_to(&shop, &history, &mut verdict);
        verdict
    }

    const FIRST: Id = Id(1);
    const SECOND: Id = Id(2);

    #[test]
    fn what_was_sold_is_read_by_everyone() {
        let entries = [Entry::Ordered(0, FIRST), Entry::Ordered(1, SECOND)];
        let verdict = verdict(&entries, &[&[FIRST, SECOND]]);
        assert_eq!((verdict.count(facts::JUDGED), verdict.count(facts::ANOMALIES)), (3, 0), "{verdict:?}");
        assert!(verdict.complete && verdict.holds());
    }

    #[test]
    fn an_order_that_a_later_read_does_not_see_is_an_anomaly_with_a_witness() {
        let entries = [Entry::Ordered(0, FIRST), Entry::Ordered(1, SECOND)];
        let verdict = verdict(&entries, &[&[FIRST, SECOND], &[SECOND]]);
        assert!(verdict.count(facts::ANOMALIES) > 0, "{verdict:?}");
        assert!(!verdict.holds());
    }

    #[test]
    fn an_order_of_a_checkout_without_a_reply_may_be_there() {
        let entries = [Entry::Ordered(0, FIRST), Entry::InDoubt(1, 3)];
        for seen in [&[&[FIRST][..]][..], &[&[FIRST, SECOND]]] {
            let verdict = verdict(&entries, seen);
            assert_eq!(verdict.count(facts::ANOMALIES), 0, "{verdict:?}");
        }
    }

    #[test]
    fn an_order_that_nobody_made_is_an_anomaly() {
        let entries = [Entry::Ordered(0, FIRST), Entry::Refused(1)];
        assert!(verdict(&entries, &[&[FIRST, SECOND]]).count(facts::ANOMALIES) > 0);
    }
}
