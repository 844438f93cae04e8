//! The requests and replies of the public API, as far as several of its resources have them.

use cart::{Cart, CartLine, Currency, Money, Order, OrderLine, Refund, RefundState, Refusal, Status};
use contract::Timestamp;
use runtime::edge::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{PartialSchema as _, ToSchema};

use super::{problems::slug, schemas, whole::Whole};

/// An amount of money.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MoneyAsked {
    #[schema(schema_with = schemas::Minor::schema)]
    pub(super) minor: Whole,
    #[schema(schema_with = schemas::CurrencyCode::schema)]
    pub(super) currency: String,
}

impl MoneyAsked {
    pub(super) fn parse(self, field: &str) -> Result<Money, Problem> {
        let currency = Currency::parse(&self.currency).map_err(|error| Problem::invalid(field, &error))?;
        Ok(Money::new(self.minor.0, currency))
    }
}

/// An amount of money.
#[derive(Clone, Serialize, ToSchema)]
pub(super) struct MoneyShown {
    #[schema(schema_with = schemas::Minor::schema)]
    minor: i64,
    #[schema(schema_with = schemas::CurrencyCode::schema)]
    currency: String,
}

impl From<Money> for MoneyShown {
    fn from(Money { minor, currency }: Money) -> Self {
        Self { minor, currency: currency.into() }
    }
}

/// A cart.
#[derive(Serialize, ToSchema)]
pub(super) struct CartShown {
    #[schema(schema_with = schemas::Id::schema)]
    id: String,
    /// Whose it is.
    #[schema(schema_with = schemas::Id::schema)]
    customer: String,
    /// The number in its `ETag`: it grows with each change.
    version: u64,
    /// At most 100, each of another product.
    lines: Vec<CartLineShown>,
    #[schema(schema_with = schemas::CodeOrNull::schema)]
    voucher: Option<String>,
}

/// A line of a cart.
#[derive(Serialize, ToSchema)]
struct CartLineShown {
    #[schema(schema_with = schemas::Id::schema)]
    product: String,
    #[schema(schema_with = schemas::Number::schema)]
    quantity: u32,
    /// The price of one when it was put in; the order takes the current one.
    price: MoneyShown,
}

impl From<Cart> for CartShown {
    fn from(cart: Cart) -> Self {
        let line = |line: CartLine| CartLineShown {
            product: line.product.to_string(),
            quantity: line.quantity.get(),
            price: line.seen_price.into(),
        };
        Self {
            id: cart.id.to_string(),
            customer: cart.customer.to_string(),
            version: cart.version.0,
            lines: cart.lines.into_iter().map(line).collect(),
            voucher: cart.voucher.map(String::from),
        }
    }
}

/// An order.
#[derive(Serialize, ToSchema)]
pub(super) struct OrderShown {
    #[schema(schema_with = schemas::Id::schema)]
    id: String,
    /// Whoever ordered.
    #[schema(schema_with = schemas::Id::schema)]
    customer: String,
    /// The cart that it was made of.
    #[schema(schema_with = schemas::Id::schema)]
    cart: String,
    #[schema(schema_with = schemas::Status::schema)]
    status: &'static str,
    #[schema(schema_with = schemas::Reason::schema)]
    reason: Option<&'static str>,
    /// At the prices at which it was made.
    lines: Vec<OrderLineShown>,
    #[schema(schema_with = schemas::CodeOrNull::schema)]
    voucher: Option<String>,
    /// What it costs: the sum of its lines.
    total: MoneyShown,
    /// What was given back of it, or may have been.
    refunds: Vec<RefundShown>,
    /// When it was made, in milliseconds since 1970-01-01 00:00 UTC.
    made_at_ms: u64,
    /// When its checkout had ended, for the first time: goods, voucher and money were where they belong; null before that.
    settled_at_ms: Option<u64>,
}

/// A line of an order.
#[derive(Serialize, ToSchema)]
pub(super) struct OrderLineShown {
    #[schema(schema_with = schemas::Id::schema)]
    product: String,
    #[schema(schema_with = schemas::Number::schema)]
    quantity: u32,
    /// The price of one.
    price: MoneyShown,
    /// The line's share of the discount, rounded half to even.
    discount: MoneyShown,
    /// The price of all of them, less the discount.
    net: MoneyShown,
}

/// A part of the money that is given back.
#[derive(Serialize, ToSchema)]
struct RefundShown {
    #[schema(schema_with = schemas::Id::schema)]
    id: String,
    amount: MoneyShown,
    #[schema(schema_with = schemas::RefundState::schema)]
    state: &'static str,
    #[schema(schema_with = schemas::Reason::schema)]
    reason: Option<&'static str>,
}

impl From<Order> for OrderShown {
    fn from(order: Order) -> Self {
        Self {
            id: order.id.to_string(),
            customer: order.customer.to_string(),
            cart: order.cart.to_string(),
            status: status(order.status),
            reason: order.reason.map(|reason| slug(&reason)),
            lines: order.lines.into_iter().map(OrderLineShown::from).collect(),
            voucher: order.voucher.map(String::from),
            total: order.total.into(),
            refunds: order.refunds.into_iter().map(RefundShown::from).collect(),
            made_at_ms: order.made_at.millis(),
            settled_at_ms: order.settled_at.map(Timestamp::millis),
        }
    }
}

impl From<OrderLine> for OrderLineShown {
    fn from(line: OrderLine) -> Self {
        Self {
            product: line.product.to_string(),
            quantity: line.quantity.get(),
            price: line.price.into(),
            discount: line.discount.into(),
            net: line.net.into(),
        }
    }
}

impl From<Refund> for RefundShown {
    fn from(refund: Refund) -> Self {
        let (state, reason): (_, Option<Refusal>) = match refund.state {
            RefundState::Pending => ("pending", None),
            RefundState::Done => ("done", None),
            RefundState::Refused(reason) => ("refused", Some(reason)),
        };
        let reason = reason.map(|reason| slug(&reason));
        Self { id: refund.id.to_string(), amount: refund.amount.into(), state, reason }
    }
}

/// The word for a status.
pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::Pending => "pending",
        Status::Placed => "placed",
        Status::Paid => "paid",
        Status::Shipped => "shipped",
        Status::Cancelled => "cancelled",
    }
}
