//! The statements of orders in a transaction of either database, and their rows.

use async_trait::async_trait;
use cart::{
    EventId, OrderId, ProductId, ProductSales, Purchase, Reply, RequestKey, SagaState,
    ports::{Claim, Claimed},
};

use crate::adapters::rows::{count, parsed, undecoded};

/// `fingerprint, reply`; the reply is null until the checkout has ended.
pub(super) type KeyRow = (i64, Option<String>);

/// The pages of sagas that are overdue or parked. Each names its state, so that it is found by the index of that state.
pub(super) const STUCK: &str =
    "SELECT purchase FROM orders WHERE state = 'running' AND due_ms < $1 AND id > $2
    ORDER BY id LIMIT $3";
pub(super) const PARKED: &str =
    "SELECT purchase FROM orders WHERE state = 'parked' AND due_ms < $1 AND id > $2
    ORDER BY id LIMIT $3";

/// The statements about orders in a transaction.
///
/// The first one of a transaction writes: SQLite takes its write lock with it, and waits for that only at the beginning.
#[async_trait]
pub(in crate::adapters) trait OrderRows: Send {
    /// Stores the reply of a key, unless it has one: then returns that. The key is locked from now on.
    async fn answer_key(&mut self, key: &RequestKey, reply: &Reply) -> Result<Option<Reply>, sqlx::Error>;

    /// A checkout, which is locked from now on.
    async fn lock_purchase(&mut self, order: OrderId) -> Result<Option<Purchase>, sqlx::Error>;

    /// Notes a participant's reply; returns whether it is new.
    async fn note_reply(&mut self, reply: EventId) -> Result<bool, sqlx::Error>;

    /// Stores a new checkout.
    async fn add_purchase(&mut self, purchase: &Purchase) -> Result<(), sqlx::Error>;

    /// Stores a checkout in place of what it was.
    async fn change_purchase(&mut self, purchase: &Purchase) -> Result<(), sqlx::Error>;

    /// Notes an order as the latest one of these products, which are in the order of their ids. Each of them is locked from
    /// then on: later orders of it have later numbers, and commit later.
    async fn add_sale(&mut self, order: OrderId, products: &[ProductId]) -> Result<(), sqlx::Error>;
}

/// What a claim comes to that was not granted.
pub(super) fn claimed((fingerprint, reply): KeyRow, claim: &Claim) -> Result<Claimed, sqlx::Error> {
    if fingerprint != count(claim.fingerprint.0) {
        return Ok(Claimed::Mismatch);
    }
    reply.map_or(Ok(Claimed::InFlight), |reply| parsed(&reply).map(Claimed::Replied))
}

/// The state of a saga as a column: what the timer and a person look for.
pub(super) fn word(state: SagaState) -> &'static str {
    if state.is_running() {
        "running"
    } else if state.is_parked() {
        "parked"
    } else {
        "ended"
    }
}

/// Parses rows; a product without any has no orders.
pub(super) fn sales(
    products: &[ProductId],
    rows: Vec<(String, String)>,
) -> Result<Vec<ProductSales>, sqlx::Error> {
    let mut sales: Vec<_> =
        products.iter().map(|product| ProductSales { product: *product, orders: Vec::new() }).collect();
    for (product, order) in rows {
        let product = ProductId::parse(&product).map_err(undecoded)?;
        let order = OrderId::parse(&order).map_err(undecoded)?;
        for sale in sales.iter_mut().filter(|sale| sale.product == product) {
            sale.orders.push(order);
        }
    }
    Ok(sales)
}
