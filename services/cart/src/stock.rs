//! The contract of the component `stock`.

use async_trait::async_trait;
use contract::{Kind, RemoteError, Timestamp, Unavailable};
use serde::{Deserialize, Serialize};

use crate::{CommandKey, DeliveryId, OrderedLine, ProductId, ProductIds, SagaReply};

/// The most pieces of one delivery, and the most of a product that the stock ever holds.
pub const MAX_STOCKED: u64 = 1_000_000_000_000;

/// Keeps the goods: sold + reserved + left = stocked, always, for every product.
#[async_trait]
pub trait Stock: Send + Sync {
    /// Takes goods in, once for each delivery. Idempotent by the delivery's id.
    async fn receive(&self, delivery: Delivery) -> Result<Level, StockError>;

    /// The levels of these products, read together; of a product that never came in all are zero. Idempotent.
    async fn levels(&self, products: ProductIds) -> Result<Levels, StockError>;

    /// Performs a command of a checkout, once, and returns the reply that also goes to the saga. Idempotent.
    async fn perform(&self, command: StockCommand) -> Result<SagaReply, StockError>;
}

/// Goods that come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The id of the delivery.
    pub id: DeliveryId,
    /// The product.
    pub product: ProductId,
    /// How many, 1 to [`MAX_STOCKED`].
    pub quantity: u64,
}

/// Where the goods of a product are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// The product.
    pub product: ProductId,
    /// All that came in.
    pub stocked: u64,
    /// Kept for orders that are not paid yet.
    pub reserved: u64,
    /// Given away for orders that are paid.
    pub sold: u64,
    /// Free.
    pub left: u64,
}

/// The levels of several products.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Levels(pub Vec<Level>);

/// A command of a checkout to the stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockCommand {
    /// Which command of which order.
    pub key: CommandKey,
    /// What to do.
    pub action: StockAction,
}

/// What the stock is to do for an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StockAction {
    /// Keep these goods until a time: all of them or none.
    Reserve {
        /// The goods, each product once.
        lines: Vec<OrderedLine>,
        /// When they may go back by themselves.
        until: Timestamp,
    },
    /// Give away what is kept.
    Commit,
    /// Take back what is kept or given away; and keep nothing for this order ever after.
    Release,
}

/// The errors of the stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum StockError {
    /// A delivery of nothing, or of too much.
    #[error("a delivery has 1 to {MAX_STOCKED} pieces, and so has the stock of a product")]
    Quantity,
    /// The delivery's id was used for another product or another quantity.
    #[error("the delivery's id was used for other goods")]
    DeliveryReused,
    /// More than [`MAX_PRODUCTS`](crate::MAX_PRODUCTS) ids.
    #[error("a call names at most {} products", crate::MAX_PRODUCTS)]
    TooManyProducts,
    /// No lines, too many of them, or a product twice.
    #[error("a reservation has 1 to {} lines, each of another product", crate::MAX_LINES)]
    Lines,
    /// The component, or its backing, did not respond.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RemoteError for StockError {
    fn kind(&self) -> Kind {
        match self {
            Self::Quantity | Self::TooManyProducts | Self::Lines => Kind::Invalid,
            Self::DeliveryReused => Kind::Conflict,
            Self::Unavailable(_) => Kind::Unavailable,
        }
    }
}
