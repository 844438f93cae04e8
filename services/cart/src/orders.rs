//! The contract of the component `orders`.

use async_trait::async_trait;
use contract::{Kind, RemoteError, Unavailable};
use serde::{Deserialize, Serialize};

use crate::{
    CancelError, CartId, Fingerprint, Money, MoneyError, Order, OrderId, OrderLine, PaymentToken, ProductId,
    ProductIds, Purchase, RefundFault, RefundId, Refusal, RepairError, RequestKey, SagaReply, ShipError,
    Status, Version,
};

/// Sagas of one page.
pub const MAX_SAGAS: u32 = 100;
/// Orders that [`Orders::sales`] returns, of all products together: their ids fill most of a message between components.
pub const MAX_SALES: usize = 50_000;

/// Runs checkouts, and knows the orders that come of them.
#[async_trait]
pub trait Orders: Send + Sync {
    /// Makes an order of a cart and has it paid, reserved and delivered.
    ///
    /// Idempotent by its key: the same request again returns the first reply, also if that was a refusal.
    async fn checkout(&self, checkout: Checkout) -> Result<CheckedOut, OrderError>;

    /// The order. Idempotent.
    async fn order(&self, id: OrderId) -> Result<Order, OrderError>;

    /// Cancels an order that was not shipped: its goods and its voucher are free again, and its money is given back.
    /// Idempotent.
    async fn cancel(&self, id: OrderId) -> Result<Order, OrderError>;

    /// Notes that the goods of a paid order are on their way. Idempotent.
    async fn ship(&self, id: OrderId) -> Result<Order, OrderError>;

    /// Gives a part of the money of a paid order back. Idempotent by the refund's id.
    async fn refund(&self, refund: RefundOrder) -> Result<Order, OrderError>;

    /// The orders by product, read in one transaction; an error if they are more than [`MAX_SALES`]. Idempotent.
    async fn sales(&self, products: ProductIds) -> Result<Sales, OrderError>;

    /// A page of the sagas that run, are overdue or are parked. Idempotent.
    async fn sagas(&self, query: SagaQuery) -> Result<Sagas, OrderError>;

    /// Has a parked saga try again.
    async fn repair(&self, repair: RepairSaga) -> Result<Order, OrderError>;

    /// Takes a participant's reply. Idempotent by the reply's id.
    async fn reply(&self, reply: SagaReply) -> Result<Replied, OrderError>;
}

/// A request to make an order of a cart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkout {
    /// The idempotency key.
    pub key: RequestKey,
    /// The cart.
    pub cart: CartId,
    /// The version of the cart that the customer saw.
    pub version: Version,
    /// The total that the customer agreed to.
    pub expected_total: Money,
    /// What stands for the card.
    pub token: PaymentToken,
}

impl Checkout {
    /// The digest of all parameters but the key.
    pub fn fingerprint(&self) -> Fingerprint {
        let Money { minor, currency } = self.expected_total;
        Fingerprint::of(&[
            &self.cart.0.to_be_bytes(),
            &self.version.0.to_be_bytes(),
            &minor.to_be_bytes(),
            String::from(currency).as_bytes(),
            self.token.as_str().as_bytes(),
        ])
    }
}

/// The order was made. It is the reply to a checkout, and is stored: the order's status may be another one by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedOut {
    /// The order.
    pub order: OrderId,
    /// How far it was when the checkout was answered.
    pub status: Status,
    /// What it costs.
    pub total: Money,
}

/// The stored reply to a checkout: the order, or the reason why there is none.
pub type Reply = Result<CheckedOut, Refusal>;

impl Purchase {
    /// The reply to the checkout, as it stands.
    pub fn reply(&self) -> Reply {
        let Order { id: order, status, total, reason, .. } = self.order;
        reason.map_or(Ok(CheckedOut { order, status, total }), Err)
    }
}

/// A request to give a part of the money of an order back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundOrder {
    /// The order.
    pub order: OrderId,
    /// The refund's id.
    pub refund: RefundId,
    /// How much; all refunds of an order together are at most its total.
    pub amount: Money,
}

/// The orders of several products.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sales(pub Vec<ProductSales>);

/// The orders of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductSales {
    /// The product.
    pub product: ProductId,
    /// The orders whose money was held, in the order in which they came to be so; also those that were cancelled later.
    pub orders: Vec<OrderId>,
}

/// Which sagas to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SagaQuery {
    /// How they get on.
    pub standing: SagaStanding,
    /// The last order of the page before; `None` for the first page.
    pub after: Option<OrderId>,
    /// The most sagas, 1 to [`MAX_SAGAS`].
    pub limit: u32,
}

/// How a saga gets on, or a refund beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SagaStanding {
    /// Its reply is overdue, and nothing has sent the command again.
    Stuck,
    /// It waits for a person.
    Parked,
    /// It waits for a reply, overdue or not.
    Running,
}

/// Sagas, by the ids of their orders.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sagas(pub Vec<Purchase>);

/// A request to have a parked saga try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairSaga {
    /// Its order.
    pub order: OrderId,
}

/// The reply has been taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replied;

/// The errors of orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum OrderError {
    /// No order has the id.
    #[error("no order has the id `{id}`")]
    NotFound {
        /// The id.
        id: OrderId,
    },
    /// No cart has the id.
    #[error("no cart has the id `{id}`")]
    UnknownCart {
        /// The id.
        id: CartId,
    },
    /// The cart has no lines.
    #[error("the cart is empty")]
    EmptyCart,
    /// The cart was changed since.
    #[error("the cart has version {}, and another one was expected", .current.0)]
    StaleCart {
        /// Its version.
        current: Version,
    },
    /// A product of the cart is not offered any more.
    #[error("no product has the id `{product}`")]
    UnknownProduct {
        /// The id.
        product: ProductId,
    },
    /// The cart costs something else than the customer agreed to.
    #[error("the total is now {total}")]
    PriceChanged {
        /// What it costs.
        total: Money,
        /// What each line costs.
        lines: Vec<OrderLine>,
    },
    /// The prices have no sum.
    #[error(transparent)]
    Money {
        /// What is wrong with them.
        #[from]
        fault: MoneyError,
    },
    /// The key was used for another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// The first request with the key is still in flight.
    #[error("a request with this idempotency key is in flight")]
    InFlight,
    /// The checkout was refused.
    #[error(transparent)]
    Refused {
        /// Why.
        #[from]
        reason: Refusal,
    },
    /// The order was shipped, and cannot be cancelled.
    #[error("the order was shipped: it can be refunded and not cancelled")]
    Shipped,
    /// The order is not paid, and cannot be shipped or refunded.
    #[error("the order is not paid")]
    NotPaid,
    /// A refund of nothing, or less.
    #[error("a refund is at least one minor unit")]
    RefundAmount,
    /// A refund exceeds what is left of the payment.
    #[error("a refund is at most what is left of the payment, in its currency")]
    ExceedsPayment,
    /// The order has as many refunds as it may.
    #[error("an order has at most {} refunds", crate::MAX_REFUNDS)]
    TooManyRefunds,
    /// The refund's id was used for another amount.
    #[error("the refund's id was used for another amount")]
    RefundReused,
    /// The saga does not wait for a person.
    #[error("the saga is not parked")]
    NotParked,
    /// A page that is empty or too large.
    #[error("a page has 1 to {MAX_SAGAS} sagas")]
    Limit,
    /// More than [`MAX_PRODUCTS`](crate::MAX_PRODUCTS) ids.
    #[error("a call names at most {} products", crate::MAX_PRODUCTS)]
    TooManyProducts,
    /// The products have more than [`MAX_SALES`] orders.
    #[error("these products have more than {MAX_SALES} orders together; hint: name fewer of them")]
    TooManySales,
    /// The component, or one that it needs, did not respond.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RemoteError for OrderError {
    fn kind(&self) -> Kind {
        match self {
            Self::EmptyCart
            | Self::UnknownProduct { .. }
            | Self::Money { .. }
            | Self::RefundAmount
            | Self::Limit
            | Self::TooManyProducts => Kind::Invalid,
            Self::NotFound { .. } | Self::UnknownCart { .. } => Kind::NotFound,
            Self::StaleCart { .. }
            | Self::PriceChanged { .. }
            | Self::KeyReused
            | Self::InFlight
            | Self::Refused { .. }
            | Self::Shipped
            | Self::NotPaid
            | Self::ExceedsPayment
            | Self::TooManyRefunds
            | Self::RefundReused
            | Self::NotParked
            | Self::TooManySales => Kind::Conflict,
            Self::Unavailable(_) => Kind::Unavailable,
        }
    }
}

impl From<CancelError> for OrderError {
    fn from(CancelError: CancelError) -> Self {
        Self::Shipped
    }
}

impl From<ShipError> for OrderError {
    fn from(ShipError: ShipError) -> Self {
        Self::NotPaid
    }
}

impl From<RepairError> for OrderError {
    fn from(RepairError: RepairError) -> Self {
        Self::NotParked
    }
}

impl From<RefundFault> for OrderError {
    fn from(fault: RefundFault) -> Self {
        match fault {
            RefundFault::NotPaid => Self::NotPaid,
            RefundFault::Amount => Self::RefundAmount,
            RefundFault::ExceedsPayment => Self::ExceedsPayment,
            RefundFault::TooMany => Self::TooManyRefunds,
            RefundFault::Reused => Self::RefundReused,
        }
    }
}
