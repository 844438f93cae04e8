//! Orders with their sagas, in tables of SQLite and of PostgreSQL: the same statements, sent through different types.
//!
//! Read in this order: `rows` (the statements of a transaction), `storing` (a decision with its messages and sales).

mod rows;
mod storing;

use async_trait::async_trait;
use backing::{Postgres, Sqlite, migrate};
use cart::{
    Decision, EventId, OrderId, OrderStore, ProductId, ProductSales, Purchase, Reply, RequestKey, SagaQuery,
    SagaStanding,
    ports::{Advanced, Claim, Claimed, Decide},
};
use contract::{Timestamp, Unavailable};
pub(super) use rows::OrderRows;
use sqlx::{Acquire as _, Transaction};
pub(super) use storing::{store_new, store_sale};

use self::{
    rows::{KeyRow, PARKED, STUCK, claimed, sales, word},
    storing::store_changed,
};
use super::rows::{Aborted, count, json, ms, parsed, undecoded};
use crate::postbox::OrderPost;

macro_rules! order_store {
    (
        $doc:literal, $store:ident on $database:ident of $kind:ty: reads by $reader:ident, writes by $writer:ident,
        locks by $lock:literal, lists products by $products:literal, tables by $migration:literal
    ) => {
        #[doc = $doc]
        pub struct $store {
            database: $database,
            post: OrderPost,
        }

        impl $store {
            /// Creates the tables if they do not exist.
            pub(super) async fn create_tables(database: &$database) -> anyhow::Result<()> {
                migrate(&[include_str!($migration)], "orders_migrations", database.$writer()).await
            }

            /// Opens the store, and creates the tables if they do not exist.
            pub async fn open(database: $database, post: OrderPost) -> anyhow::Result<Self> {
                Self::create_tables(&database).await?;
                Ok(Self { database, post })
            }

            async fn try_claim(&self, claim: &Claim) -> Result<Claimed, sqlx::Error> {
                // A key that is past its time is as new, and a claim that has ended keeps its order.
                let take = "INSERT INTO checkout_keys AS old
                        (request_key, fingerprint, order_id, claimed_until_ms, forgotten_ms)
                    VALUES ($1, $2, $3, $4, $5)
                    ON CONFLICT (request_key) DO UPDATE SET
                        fingerprint = excluded.fingerprint,
                        order_id = CASE WHEN old.forgotten_ms <= $6 THEN excluded.order_id ELSE old.order_id END,
                        claimed_until_ms = excluded.claimed_until_ms,
                        forgotten_ms = CASE WHEN old.forgotten_ms <= $6 THEN excluded.forgotten_ms
                            ELSE old.forgotten_ms END,
                        reply = NULL
                    WHERE old.forgotten_ms <= $6 OR (old.reply IS NULL AND old.claimed_until_ms <= $6
                        AND old.fingerprint = excluded.fingerprint)
                    RETURNING order_id";
                let taken: Option<String> = sqlx::query_scalar(take)
                    .bind(claim.key.as_str())
                    .bind(count(claim.fingerprint.0))
                    .bind(String::from(claim.order))
                    .bind(ms(claim.until))
                    .bind(ms(claim.forgotten_at))
                    .bind(ms(claim.now))
                    .fetch_optional(self.database.$writer())
                    .await?;
                if let Some(order) = taken {
                    return Ok(Claimed::Taken(OrderId::parse(&order).map_err(undecoded)?));
                }
                let select = "SELECT fingerprint, reply FROM checkout_keys WHERE request_key = $1";
                let row: KeyRow = sqlx::query_as(select)
                    .bind(claim.key.as_str())
                    .fetch_one(self.database.$reader())
                    .await?;
                claimed(row, claim)
            }

            async fn try_begin(
                &self,
                key: &RequestKey,
                decision: &Decision,
                commands_in_outbox: bool,
            ) -> Result<Reply, Aborted> {
                let mut transaction = self.database.$writer().begin().await?;
                let reply = decision.purchase.reply();
                if let Some(before) = transaction.answer_key(key, &reply).await? {
                    return Ok(before);
                }
                let leaving = store_new(&mut transaction, &self.post, decision, commands_in_outbox).await?;
                store_sale(&mut transaction, decision).await?;
                transaction.commit().await?;
                leaving.send().await;
                Ok(reply)
            }

            async fn try_advance(
                &self,
                order: OrderId,
                reply: Option<EventId>,
                commands_in_outbox: bool,
                decide: &Decide<'_>,
            ) -> Result<Option<Advanced>, Aborted> {
                let mut transaction = self.database.$writer().begin().await?;
                let Some(purchase) = transaction.lock_purchase(order).await? else { return Ok(None) };
                if let Some(reply) = reply
                    && !transaction.note_reply(reply).await?
                {
                    return Ok(Some(Advanced::Unchanged(purchase)));
                }
                let Some(decision) = decide(&purchase) else {
                    transaction.commit().await?;
                    return Ok(Some(Advanced::Unchanged(purchase)));
                };
                let leaving =
                    store_changed(&mut transaction, &self.post, &decision, commands_in_outbox).await?;
                store_sale(&mut transaction, &decision).await?;
                transaction.commit().await?;
                leaving.send().await;
                Ok(Some(Advanced::Changed(decision)))
            }

            async fn try_find(&self, order: OrderId) -> Result<Option<Purchase>, sqlx::Error> {
                let purchase: Option<String> = sqlx::query_scalar("SELECT purchase FROM orders WHERE id = $1")
                    .bind(String::from(order))
                    .fetch_optional(self.database.$reader())
                    .await?;
                purchase.map(|purchase| parsed(&purchase)).transpose()
            }

            async fn try_sales(&self, products: &[ProductId]) -> Result<Vec<ProductSales>, sqlx::Error> {
                // One statement reads one snapshot.
                let select = concat!(
                    "SELECT product, order_id FROM sales WHERE product ",
                    $products,
                    " ORDER BY product, number"
                );
                let rows: Vec<(String, String)> =
                    sqlx::query_as(select).bind(json(products)).fetch_all(self.database.$reader()).await?;
                sales(products, rows)
            }

            async fn try_sagas(
                &self,
                query: &SagaQuery,
                due_before: Timestamp,
            ) -> Result<Vec<Purchase>, sqlx::Error> {
                let (select, due_before) = match query.standing {
                    SagaStanding::Stuck => (STUCK, ms(due_before)),
                    SagaStanding::Parked => (PARKED, i64::MAX),
                };
                let purchases: Vec<String> = sqlx::query_scalar(select)
                    .bind(due_before)
                    .bind(query.after.map_or_else(String::new, String::from))
                    .bind(i64::from(query.limit))
                    .fetch_all(self.database.$reader())
                    .await?;
                purchases.iter().map(|purchase| parsed(purchase)).collect()
            }

            async fn try_due(&self, now: Timestamp, most: u32) -> Result<Vec<OrderId>, sqlx::Error> {
                let select = "SELECT id FROM orders WHERE state = 'running' AND due_ms <= $1
                    ORDER BY due_ms LIMIT $2";
                let due: Vec<String> = sqlx::query_scalar(select)
                    .bind(ms(now))
                    .bind(i64::from(most))
                    .fetch_all(self.database.$reader())
                    .await?;
                due.iter().map(|id| OrderId::parse(id).map_err(undecoded)).collect()
            }

            fn unavailable(&self, aborted: Aborted) -> Unavailable {
                aborted.unavailable(|error| self.database.unavailable(error))
            }
        }

        #[async_trait]
        impl OrderStore for $store {
            async fn claim(&self, claim: &Claim) -> Result<Claimed, Unavailable> {
                self.try_claim(claim).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn release(&self, key: &RequestKey) -> Result<(), Unavailable> {
                sqlx::query("UPDATE checkout_keys SET claimed_until_ms = 0 WHERE request_key = $1")
                    .bind(key.as_str())
                    .execute(self.database.$writer())
                    .await
                    .map_err(|error| self.database.unavailable(&error))?;
                Ok(())
            }

            async fn begin(
                &self,
                key: &RequestKey,
                decision: &Decision,
                commands_in_outbox: bool,
            ) -> Result<Reply, Unavailable> {
                let begun = self.try_begin(key, decision, commands_in_outbox).await;
                begun.map_err(|aborted| self.unavailable(aborted))
            }

            async fn advance(
                &self,
                order: OrderId,
                reply: Option<EventId>,
                commands_in_outbox: bool,
                decide: &Decide<'_>,
            ) -> Result<Option<Advanced>, Unavailable> {
                let advanced = self.try_advance(order, reply, commands_in_outbox, decide).await;
                advanced.map_err(|aborted| self.unavailable(aborted))
            }

            async fn find(&self, order: OrderId) -> Result<Option<Purchase>, Unavailable> {
                self.try_find(order).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn sales(&self, products: &[ProductId]) -> Result<Vec<ProductSales>, Unavailable> {
                self.try_sales(products).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn sagas(
                &self,
                query: &SagaQuery,
                due_before: Timestamp,
            ) -> Result<Vec<Purchase>, Unavailable> {
                self.try_sagas(query, due_before).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn due(&self, now: Timestamp, most: u32) -> Result<Vec<OrderId>, Unavailable> {
                self.try_due(now, most).await.map_err(|error| self.database.unavailable(&error))
            }
        }

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

            async fn note_reply(&mut self, reply: EventId) -> Result<bool, sqlx::Error> {
                let noted = sqlx::query("INSERT INTO order_inbox (reply) VALUES ($1) ON CONFLICT DO NOTHING")
                    .bind(String::from(reply))
                    .execute(&mut **self)
                    .await?;
                Ok(noted.rows_affected() == 1)
            }

            async fn add_purchase(&mut self, purchase: &Purchase) -> Result<(), sqlx::Error> {
                sqlx::query("INSERT INTO orders (id, purchase, state, due_ms) VALUES ($1, $2, $3, $4)")
                    .bind(String::from(purchase.order.id))
                    .bind(json(purchase))
                    .bind(word(purchase.saga.state))
                    .bind(ms(purchase.saga.due))
                    .execute(&mut **self)
                    .await
                    .map(drop)
            }

            async fn change_purchase(&mut self, purchase: &Purchase) -> Result<(), sqlx::Error> {
                sqlx::query("UPDATE orders SET purchase = $2, state = $3, due_ms = $4 WHERE id = $1")
                    .bind(String::from(purchase.order.id))
                    .bind(json(purchase))
                    .bind(word(purchase.saga.state))
                    .bind(ms(purchase.saga.due))
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

order_store! {
    "Orders in tables of a SQLite file.",
    SqliteOrderStore on Sqlite of sqlx::Sqlite: reads by reader, writes by writer,
    locks by "UPDATE orders SET id = id WHERE id = $1 RETURNING purchase",
    lists products by "IN (SELECT value FROM json_each($1))",
    tables by "../../migrations/orders/sqlite/1_orders.sql"
}

order_store! {
    "Orders in tables of a PostgreSQL database.",
    PostgresOrderStore on Postgres of sqlx::Postgres: reads by pool, writes by pool,
    locks by "SELECT purchase FROM orders WHERE id = $1 FOR UPDATE",
    lists products by "= ANY (ARRAY(SELECT json_array_elements_text($1::json)))",
    tables by "../../migrations/orders/postgres/1_orders.sql"
}
