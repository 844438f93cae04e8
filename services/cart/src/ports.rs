//! The cart's ports; the app crate has the adapters.
//!
//! Where an adapter MUST decide something inside of its transaction, a pure function decides it: the adapter reads and
//! locks, calls the function, and writes what it returns. So every store decides alike, and the tests of this crate cover
//! the decisions.

mod goods;
mod orders;
mod payments;

use async_trait::async_trait;
use contract::Unavailable;
pub use goods::{Issued, StockStore, VoucherStore};
pub use orders::{Advanced, Claim, Claimed, CommandSender, Decide, OrderStore, Refuse, ShopTransaction};
pub use payments::{Answer, Charge, ChargeState, PaymentProvider, PaymentStore, Settled, StoredPayment};

use crate::{Cart, CartId, Notice, OrderId, Product, ProductId, ProductPage, ProductQuery, Version};

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

    /// The notices of an order in the order of their times, at most `most`.
    async fn of_order(&self, order: OrderId, most: usize) -> Result<Vec<Notice>, Unavailable>;
}
