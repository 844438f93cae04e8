//! What was acknowledged during the load, and what got no reply: one ledger for all threads, and its history read back.

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{id::Id, opinion::Opinion};
use crate::ledger::Log;

/// The ledger of one run.
#[derive(Debug)]
pub(super) struct LedgerState {
    log: Log,
    pub(super) opinion: Opinion,
    /// Charges in the provider's books before the load: they belong to earlier runs.
    charges_before: OnceLock<u64>,
    wrong: AtomicU64,
    /// The first reply that was wrong, in words.
    first_wrong: Mutex<Option<String>>,
}

/// A line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// The checkout of a buyer was acknowledged with this order.
    Ordered(u64, Id),
    /// It was refused for good.
    Refused(u64),
    /// It was repeated with its key after that, and was refused.
    Forgotten(u64),
    /// It was sent with this version of the cart, and got no final reply.
    InDoubt(u64, u64),
    /// The cancel of an order was acknowledged.
    Cancelled(Id),
    /// It was sent, and got no reply.
    MaybeCancelled(Id),
}

/// What became of a buyer's checkout, as far as replies tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fate {
    /// The orders that were acknowledged; more than one is one too many.
    pub(super) orders: Vec<Id>,
    pub(super) is_refused: bool,
    /// Whether it was refused after it had been acknowledged.
    pub(super) is_forgotten: bool,
    /// The version of the cart, while nothing final was replied.
    pub(super) in_doubt: Option<u64>,
}

/// What became of everything, as far as replies tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    /// The checkouts, by buyer.
    pub(super) checkouts: BTreeMap<u64, Fate>,
    /// The cancels, by order; whether one was acknowledged.
    pub(super) cancels: BTreeMap<Id, bool>,
}

impl LedgerState {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            log: Log::anonymous()?,
            opinion: Opinion::new(),
            charges_before: OnceLock::new(),
            wrong: AtomicU64::new(0),
            first_wrong: Mutex::default(),
        })
    }

    pub(super) fn write(&self, entry: Entry) {
        self.log.write(format_args!("{entry}"));
    }

    /// A reply was wrong.
    pub(super) fn found_wrong(&self, story: impl FnOnce() -> String) {
        self.wrong.fetch_add(1, Ordering::Relaxed);
        self.first_wrong.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(story);
    }

    /// How many replies were wrong, and the first of them.
    pub(super) fn wrong(&self) -> (u64, Option<String>) {
        let first = self.first_wrong.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (self.wrong.load(Ordering::Relaxed), first)
    }

    /// Notes how many charges the books have before the load.
    pub(super) fn begins_after(&self, charges: u64) {
        // A second preparation of the same run changes nothing.
        let _ = self.charges_before.set(charges);
    }

    pub(super) fn charges_before(&self) -> u64 {
        self.charges_before.get().copied().unwrap_or_default()
    }

    pub(super) fn is_torn(&self) -> bool {
        self.log.is_torn()
    }

    /// The history so far. An unreadable line is skipped; a torn log makes the check incomplete.
    pub(super) fn history(&self) -> io::Result<History> {
        let mut history = History::default();
        self.log.lines()?.filter_map(|line| parse(&line.ok()?)).for_each(|entry| history.add(entry));
        Ok(history)
    }
}

impl History {
    /// Adds what happened next.
    pub(super) fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Ordered(buyer, order) => {
                let fate = self.fate(buyer);
                fate.in_doubt = None;
                if !fate.orders.contains(&order) {
                    fate.orders.push(order);
                }
            }
            Entry::Refused(buyer) => {
                let fate = self.fate(buyer);
                (fate.is_refused, fate.in_doubt) = (true, None);
            }
            Entry::Forgotten(buyer) => self.fate(buyer).is_forgotten = true,
            Entry::InDoubt(buyer, version) => self.fate(buyer).in_doubt = Some(version),
            Entry::Cancelled(order) => {
                self.cancels.insert(order, true);
            }
            Entry::MaybeCancelled(order) => {
                self.cancels.entry(order).or_insert(false);
            }
        }
    }

    fn fate(&mut self, buyer: u64) -> &mut Fate {
        self.checkouts.entry(buyer).or_default()
    }

    /// The buyers whose checkout got no final reply, with the version of their carts.
    pub(super) fn in_doubt(&self) -> impl Iterator<Item = (u64, u64)> {
        self.checkouts.iter().filter_map(|(buyer, fate)| Some((*buyer, fate.in_doubt?)))
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ordered(buyer, order) => write!(f, "o {buyer} {order}"),
            Self::Refused(buyer) => write!(f, "r {buyer}"),
            Self::Forgotten(buyer) => write!(f, "f {buyer}"),
            Self::InDoubt(buyer, version) => write!(f, "i {buyer} {version}"),
            Self::Cancelled(order) => write!(f, "c {order}"),
            Self::MaybeCancelled(order) => write!(f, "m {order}"),
        }
    }
}

fn parse(line: &str) -> Option<Entry> {
    let mut words = line.split(' ');
    let (tag, first) = (words.next()?, words.next()?);
    match tag {
        "o" => Some(Entry::Ordered(first.parse().ok()?, Id::parse(words.next()?)?)),
        "r" => Some(Entry::Refused(first.parse().ok()?)),
        "f" => Some(Entry::Forgotten(first.parse().ok()?)),
        "i" => Some(Entry::InDoubt(first.parse().ok()?, words.next()?.parse().ok()?)),
        "c" => Some(Entry::Cancelled(Id::parse(first)?)),
        "m" => Some(Entry::MaybeCancelled(Id::parse(first)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_as_it_was_written() {
        let (order, ledger) = (Id::of(1, 2), LedgerState::new().unwrap());
        for entry in [
            Entry::Ordered(7, order),
            Entry::Refused(8),
            Entry::Forgotten(7),
            Entry::InDoubt(9, 3),
            Entry::Cancelled(order),
            Entry::MaybeCancelled(order),
        ] {
            assert_eq!(parse(&entry.to_string()), Some(entry));
            ledger.write(entry);
        }
        let history = ledger.history().unwrap();
        assert_eq!(history.in_doubt().collect::<Vec<_>>(), [(9, 3)]);
        assert_eq!(history.checkouts[&7].orders, [order]);
        assert!(history.checkouts[&8].is_refused && history.checkouts[&7].is_forgotten);
        assert!(history.cancels[&order], "what was acknowledged stays so");
    }

    #[test]
    fn a_reply_ends_a_doubt_and_another_order_is_one_more() {
        let mut history = History::default();
        history.add(Entry::InDoubt(1, 2));
        history.add(Entry::Ordered(1, Id::of(0, 5)));
        history.add(Entry::Ordered(1, Id::of(0, 5)));
        history.add(Entry::Ordered(1, Id::of(0, 6)));
        assert_eq!((history.in_doubt().count(), history.checkouts[&1].orders.len()), (0, 2));
    }
}
