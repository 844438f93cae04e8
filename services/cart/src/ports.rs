//! The cart's ports; the app crate has the adapters.
//!
//! Where an adapter MUST decide something inside of its transaction, a pure function decides it: the adapter reads and
//! locks, calls the function, and writes what it returns. So every store decides alike, and the tests of this crate cover
//! the decisions.

mod goods;
mod orders;
mod payments;

use std::time::Duration;

use async_trait::async_trait;
use contract::{Timestamp, Unavailable};
pub use goods::{Issued, Received, StockStore, VoucherStore};
pub use orders::{
    Abandoned, Advanced, Claim, Claimed, CommandSender, Decide, Left, OrderStore, Refuse, ShopTransaction,
    TakenReply,
};
pub use payments::{Answer, Charge, ChargeState, PaymentProvider, PaymentStore, Settled, StoredPayment};

use crate::{Cart, CartId, Notice, OrderId, Product, ProductId, ProductPage, ProductQuery, Version};

/// How long a participant remembers a command, and a saga a reply: longer than any message is sent again by itself.
///
/// A person may have one sent again after that. Then the state of what it is about decides: a reservation, a redemption and
/// a payment know which of their commands were performed.
pub const INBOX_KEPT_FOR: Duration = Duration::from_hours(7 * 24);
/// Rows of each kind that one call deletes.
pub(crate) const MOST_FORGOTTEN: u32 = 500;

/// The moment since which inboxes are kept.
pub(crate) fn kept_since(now: Timestamp) -> Timestamp {
    before(now, INBOX_KEPT_FOR)
}

/// The moment that is so long before another.
pub(crate) fn before(moment: Timestamp, duration: Duration) -> Timestamp {
    Timestamp::from_millis(moment.millis().saturating_sub(duration.as_millis() as u64))
}

/// Stores products.
#[async_trait]
pub trait CatalogStore: Send + Sync {
    /// A page of the products whose names contain the search in any case, in the order of name and id, beginning behind the
    /// cursor. An adapter MUST find it by the cursor's values and not by counting.
    async fn list(&self, query: &ProductQuery) -> Result<ProductPage, Unavailable>;

    /// The products with these ids, those that there are.
    async fn find(&self, ids: &[ProductId]) -> Result<Vec<Product>, Unavailable>;

    /// Stores a product in place of the one with its id, if there is one.
    async fn store(&self, product: &Product) -> Result<(), Unavailable>;
}

/// Stores carts.
#[async_trait]
pub trait CartStore: Send + Sync {
    /// Stores a cart, unless there is one with its id; returns the one that is stored then.
    async fn insert(&self, cart: &Cart) -> Result<Cart, Unavailable>;

    /// The cart with this id.
    async fn find(&self, id: CartId) -> Result<Option<Cart>, Unavailable>;

    /// Stores a cart if the stored version is still `replaced` (compare-and-set); returns whether it was.
    async fn replace(&self, cart: &Cart, replaced: Version) -> Result<bool, Unavailable>;
}

/// Stores notices.
#[async_trait]
pub trait NoticeStore: Send + Sync {
    /// Stores a notice, unless there is one of its event.
    async fn insert(&self, notice: &Notice) -> Result<(), Unavailable>;

    /// The notices of an order in the order of their times, and those of one time in the order in which they were stored; at
    /// most `most`.
    async fn of_order(&self, order: OrderId, most: usize) -> Result<Vec<Notice>, Unavailable>;
}
