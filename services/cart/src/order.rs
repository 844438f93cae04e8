//! An order, and what happens to it.

use contract::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    CartId, CustomerId, EventId, Money, MoneyError, OrderId, OrderLine, OrderedLine, RefundId, RefundState,
    Refusal, VoucherCode,
};

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// Who ordered.
    pub customer: CustomerId,
    /// The cart that it was made of.
    pub cart: CartId,
    /// Its lines, at the prices at which it was made, in the order of the products' ids.
    pub lines: Vec<OrderLine>,
    /// The voucher that was used.
    pub voucher: Option<VoucherCode>,
    /// What it costs: the sum of its lines.
    pub total: Money,
    /// How far it is.
    pub status: Status,
    /// Why it was cancelled.
    pub reason: Option<Refusal>,
    /// What was given back of it, or may have been; at most [`MAX_REFUNDS`](crate::MAX_REFUNDS).
    pub refunds: Vec<Refund>,
    /// When it was made.
    pub made_at: Timestamp,
    /// When its checkout had ended, for the first time: goods, voucher and money were where they belong.
    pub settled_at: Option<Timestamp>,
}

/// How far an order is. Refunds are a fact of their own: a shipped order can be refunded, partly or as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The checkout is in progress.
    Pending,
    /// The money is held.
    Placed,
    /// The money was taken.
    Paid,
    /// The goods are on their way.
    Shipped,
    /// Nothing is delivered, and all money is given back.
    Cancelled,
}

/// A part of the money that is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Its id, which the client chose.
    pub id: RefundId,
    /// How much.
    pub amount: Money,
    /// How far it is.
    pub state: RefundState,
}

/// An event: something happened to an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEvent {
    /// The id; the same however often the event is published.
    pub id: EventId,
    /// The order.
    pub order: OrderId,
    /// Who ordered.
    pub customer: CustomerId,
    /// The cart that it was made of.
    pub cart: CartId,
    /// What it costs.
    pub total: Money,
    /// What happened.
    pub news: OrderNews,
    /// When it happened.
    pub at: Timestamp,
}

/// What happened to an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderNews {
    /// It was made of these lines of a cart. It may still be refused.
    Made(Vec<OrderedLine>),
    /// Its money was taken, and these lines are no longer in the cart that it was made of.
    Paid(Vec<OrderedLine>),
    /// Its goods are on their way.
    Shipped,
    /// It was cancelled.
    Cancelled(Refusal),
    /// A part of its money was given back.
    Refunded(RefundId, Money),
}

impl Order {
    /// What was ordered.
    pub fn ordered(&self) -> Vec<OrderedLine> {
        self.lines.iter().map(|line| OrderedLine { product: line.product, quantity: line.quantity }).collect()
    }

    /// What was given back by refunds, or may still be.
    pub fn refunded(&self) -> Result<Money, MoneyError> {
        let counts = |refund: &&Refund| !matches!(refund.state, RefundState::Refused(_));
        Money::sum(self.refunds.iter().filter(counts).map(|refund| refund.amount), self.total.currency)
    }

    /// The event that this happened.
    pub(crate) fn event(&self, news: OrderNews, at: Timestamp) -> OrderEvent {
        let kind = match &news {
            OrderNews::Made(_) => [0, 0],
            OrderNews::Paid(_) => [1, 0],
            OrderNews::Shipped => [2, 0],
            OrderNews::Cancelled(_) => [3, 0],
            OrderNews::Refunded(refund, _) => [4, refund.0],
        };
        let id = EventId::of("event", &[self.id.0, kind[0], kind[1]]);
        let Self { id: order, customer, cart, total, .. } = *self;
        OrderEvent { id, order, customer, cart, total, news, at }
    }
}
