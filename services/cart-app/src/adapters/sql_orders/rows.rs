//! The statements of orders in a transaction of either database, and their rows.

use std::collections::HashMap;

use async_trait::async_trait;
use cart::{OrderId, ProductId, ProductSales, Purchase, Reply, RequestKey, ports::TakenReply};
use sqlx::Transaction;

use crate::adapters::rows::{json, ms, parsed, undecoded};

/// The pages of sagas that run, or were due before a time, or are parked. Each names its state, so that it is found by the index of that state.
pub(super) const STUCK: &str =
    "SELECT purchase FROM orders WHERE state = 'running' AND due_ms < $1 AND id > $2
    ORDER BY id LIMIT $3";
pub(super) const PARKED: &str =
    "SELECT purchase FROM orders WHERE state = 'parked' AND due_ms < $1 AND id > $2
    ORDER BY id LIMIT $3";

/// Delete some of the keys that are past their time, and of the replies that were taken before a time.
pub(super) const FORGET_KEYS: &str = "DELETE FROM checkout_keys WHERE request_key IN
    (SELECT request_key FROM checkout_keys WHERE forgotten_ms <= $1 ORDER BY forgotten_ms LIMIT $2)";
pub(super) const FORGET_REPLIES: &str = "DELETE FROM order_inbox WHERE reply IN
    (SELECT reply FROM order_inbox WHERE taken_ms < $1 ORDER BY taken_ms LIMIT $2)";

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
    async fn note_reply(&mut self, reply: TakenReply) -> Result<bool, sqlx::Error>;

    /// Stores a new checkout.
    async fn add_purchase(&mut self, purchase: &Purchase) -> Result<(), sqlx::Error>;

    /// Stores a checkout in place of what it was.
    async fn change_purchase(&mut self, purchase: &Purchase) -> Result<(), sqlx::Error>;

    /// Notes an order as the latest one of these products, which are in the order of their ids. Each of them is locked from
    /// then on: later orders of it have later numbers, and commit later.
    async fn add_sale(&mut self, order: OrderId, products: &[ProductId]) -> Result<(), sqlx::Error>;
}

/// The state of a checkout as a column: what the timer and a person look for.
fn word(purchase: &Purchase) -> &'static str {
    if purchase.is_running() {
        "running"
    } else if purchase.is_parked() {
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
    let mut orders: HashMap<ProductId, Vec<OrderId>> = HashMap::new();
    for (product, order) in rows {
        let product = ProductId::parse(&product).map_err(undecoded)?;
        orders.entry(product).or_default().push(OrderId::parse(&order).map_err(undecoded)?);
    }
    let of = |product: &ProductId| ProductSales {
        product: *product,
        orders: orders.get(product).cloned().unwrap_or_default(),
    };
    Ok(products.iter().map(of).collect())
}

macro_rules! order_rows {
    ($kind:ty, locks by $lock:literal) => {
        #[async_trait]
        impl OrderRows for Transaction<'_, $kind> {
            async fn answer_key(
                &mut self,
                key: &RequestKey,
                reply: &Reply,
            ) -> Result<Option<Reply>, sqlx::Error> {
                let answer =
                    "UPDATE checkout_keys SET reply = $2 WHERE request_key = $1 AND reply IS NULL";
                let answered = sqlx::query(answer)
                    .bind(key.as_str())
                    .bind(json(reply))
                    .execute(&mut **self)
                    .await?;
                if answered.rows_affected() == 1 {
                    return Ok(None);
                }
                let before: String = sqlx::query_scalar("SELECT reply FROM checkout_keys WHERE request_key = $1")
                    .bind(key.as_str())
                    .fetch_one(&mut **self)
                    .await?;
                parsed(&before).map(Some)
            }

            async fn lock_purchase(&mut self, order: OrderId) -> Result<Option<Purchase>, sqlx::Error> {
                let purchase: Option<String> =
                    sqlx::query_scalar($lock).bind(String::from(order)).fetch_optional(&mut **self).await?;
                purchase.map(|purchase| parsed(&purchase)).transpose()
            }

            async fn note_reply(&mut self, reply: TakenReply) -> Result<bool, sqlx::Error> {
                let note = "INSERT INTO order_inbox (reply, taken_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING";
                let noted = sqlx::query(note)
                    .bind(String::from(reply.id))
                    .bind(ms(reply.at))
                    .execute(&mut **self)
                    .await?;
                Ok(noted.rows_affected() == 1)
            }

            async fn add_purchase(&mut self, purchase: &Purchase) -> Result<(), sqlx::Error> {
                sqlx::query("INSERT INTO orders (id, purchase, state, due_ms) VALUES ($1, $2, $3, $4)")
                    .bind(String::from(purchase.order.id))
                    .bind(json(purchase))
                    .bind(word(purchase))
                    .bind(ms(purchase.due()))
                    .execute(&mut **self)
                    .await
                    .map(drop)
            }

            async fn change_purchase(&mut self, purchase: &Purchase) -> Result<(), sqlx::Error> {
                sqlx::query("UPDATE orders SET purchase = $2, state = $3, due_ms = $4 WHERE id = $1")
                    .bind(String::from(purchase.order.id))
                    .bind(json(purchase))
                    .bind(word(purchase))
                    .bind(ms(purchase.due()))
                    .execute(&mut **self)
                    .await
                    .map(drop)
            }

            async fn add_sale(&mut self, order: OrderId, products: &[ProductId]) -> Result<(), sqlx::Error> {
                for product in products {
                    let next = "INSERT INTO sales_counts (product, latest) VALUES ($1, 1)
                        ON CONFLICT (product) DO UPDATE SET latest = sales_counts.latest + 1 RETURNING latest";
                    let number: i64 = sqlx::query_scalar(next)
                        .bind(String::from(*product))
                        .fetch_one(&mut **self)
                        .await?;
                    sqlx::query("INSERT INTO sales (product, number, order_id) VALUES ($1, $2, $3)")
                        .bind(String::from(*product))
                        .bind(number)
                        .bind(String::from(order))
                        .execute(&mut **self)
                        .await?;
                }
                Ok(())
            }
        }
    };
}

order_rows!(sqlx::Sqlite, locks by "UPDATE orders SET id = id WHERE id = $1 RETURNING purchase");
order_rows!(sqlx::Postgres, locks by "SELECT purchase FROM orders WHERE id = $1 FOR UPDATE");
