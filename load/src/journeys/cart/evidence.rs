//! What a check has to judge: what replies told, and what the shop and the payment provider hold after the load.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    id::Id,
    ledger_state::{Fate, History},
    purchase::Shop,
};

/// An order that has ended was made, and then paid or cancelled.
const EVENTS_OF_AN_END: usize = 2;

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// The checkout is in progress.
    Pending,
    /// The money is held.
    Placed,
    /// The money was taken; whether the goods are on their way makes no difference here.
    Paid,
    /// Nothing is delivered, and all money is given back.
    Cancelled,
}

/// An order as the shop has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) cart: Id,
    /// So many pieces of these products.
    pub(super) lines: Vec<(Id, u64)>,
    pub(super) total: i64,
    pub(super) status: Status,
    pub(super) has_voucher: bool,
    /// What was given back by refunds that are done.
    pub(super) refunded: i64,
    /// When it was made, by the shop's clock: milliseconds since 1970.
    pub(super) made_at_ms: u64,
    /// How long after it was made its checkout had ended, by the shop's clock.
    pub(super) settled_after: Option<Duration>,
}

/// A charge as the provider's books have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Charge {
    pub(super) id: String,
    pub(super) order: Id,
    pub(super) held: i64,
    pub(super) captured: i64,
    pub(super) refunded: i64,
}

/// Where the pieces of a product are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) stocked: u64,
    pub(super) reserved: u64,
    pub(super) sold: u64,
    pub(super) left: u64,
}

/// Everything that a check has to judge.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    pub(super) shop: Shop,
    pub(super) history: History,
    /// The orders that were looked up, by id; `None` where the shop has no such order.
    pub(super) orders: BTreeMap<Id, Option<Order>>,
    /// How many events of an order its customer was told of, by the order's id, as far as that was asked.
    pub(super) told: BTreeMap<Id, usize>,
    /// Whether each of them got a response.
    pub(super) are_all_known: bool,
    /// The books, as far as this run goes; `None` if they could not be read.
    pub(super) charges: Option<Vec<Charge>>,
    /// The levels, by product.
    pub(super) levels: BTreeMap<u64, Level>,
    /// How often the voucher was used, as the shop counts.
    pub(super) voucher_used: Option<u64>,
    /// The orders that the shop lists as running, as overdue, and as waiting for a person.
    pub(super) running: BTreeSet<Id>,
    pub(super) stuck: BTreeSet<Id>,
    pub(super) parked: BTreeSet<Id>,
}

/// An order of this run.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnOrder<'a> {
    pub(super) id: Id,
    /// Whose cart it was made of.
    pub(super) buyer: u64,
    pub(super) order: &'a Order,
}

impl Order {
    /// Whether it is neither paid nor cancelled.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.status, Status::Pending | Status::Placed)
    }
}

impl Charge {
    /// What was taken and not given back.
    pub(super) fn kept(&self) -> i64 {
        self.captured - self.refunded
    }
}

impl Evidence {
    /// Nothing but what replies told.
    pub(super) fn of(shop: Shop, history: History) -> Self {
        Self {
            shop,
            history,
            orders: BTreeMap::new(),
            told: BTreeMap::new(),
            are_all_known: true,
            charges: None,
            levels: BTreeMap::new(),
            voucher_used: None,
            running: BTreeSet::new(),
            stuck: BTreeSet::new(),
            parked: BTreeSet::new(),
        }
    }

    /// The charges that were read.
    pub(super) fn charges(&self) -> &[Charge] {
        self.charges.as_deref().unwrap_or_default()
    }

    /// Whether every order is known that has money or was acknowledged, so that none is missed in a sum.
    pub(super) fn is_whole(&self) -> bool {
        self.are_all_known && self.charges.is_some()
    }

    /// The orders that were made of carts of this run.
    pub(super) fn own_orders(&self) -> impl Iterator<Item = OwnOrder<'_>> {
        self.orders.iter().filter_map(|(id, order)| {
            let order = order.as_ref()?;
            Some(OwnOrder { id: *id, buyer: order.cart.number(self.shop.seed)?, order })
        })
    }

    /// The orders of this run that stand: neither cancelled nor unknown.
    pub(super) fn standing(&self) -> impl Iterator<Item = OwnOrder<'_>> {
        self.own_orders().filter(|own| own.order.status != Status::Cancelled)
    }

    /// The acknowledged orders that have ended and whose customers were told of less than how they began and how they ended,
    /// as far as is known. Whose checkout was refused was told so by the reply.
    pub(super) fn not_told(&self) -> impl Iterator<Item = OwnOrder<'_>> {
        let is_acknowledged =
            |own: &OwnOrder<'_>| self.fate(own.buyer).is_some_and(|fate| fate.orders.contains(&own.id));
        let is_told = |id: &Id| self.told.get(id).is_some_and(|told| *told >= EVENTS_OF_AN_END);
        self.own_orders().filter(move |own| is_acknowledged(own) && !own.order.is_open() && !is_told(&own.id))
    }

    /// Whether an order still changes: its status, its goods or its money.
    pub(super) fn is_moving(&self, order: Id) -> bool {
        self.running.contains(&order) && !self.stuck.contains(&order) && !self.parked.contains(&order)
    }

    /// The checkouts without any reply: each may have one order that nobody knows of.
    pub(super) fn unresolved(&self) -> impl Iterator<Item = u64> {
        self.history.in_doubt().map(|(buyer, _)| buyer)
    }

    /// What became of a buyer's checkout.
    pub(super) fn fate(&self, buyer: u64) -> Option<&Fate> {
        self.history.checkouts.get(&buyer)
    }

    /// The orders to look up: those that were acknowledged, and those that the provider has charges of.
    pub(super) fn known(&self) -> BTreeSet<Id> {
        let acknowledged = self.history.checkouts.values().flat_map(|fate| &fate.orders);
        acknowledged.chain(self.charges().iter().map(|charge| &charge.order)).copied().collect()
    }
}
