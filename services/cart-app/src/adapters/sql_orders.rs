//! Orders with their sagas, in tables of SQLite and of PostgreSQL: the same statements, sent through different types.
//!
//! Read in this order: `claims` (the statements about idempotency keys), `rows` (those of a transaction), `storing` (a decision
//! with its messages and sales).

mod claims;
mod rows;
mod storing;

use async_trait::async_trait;
use backing::{Postgres, Sqlite, failpoint, migrate};
use cart::{
    Command, Decision, OrderId, OrderStore, ProductId, ProductSales, Purchase, Reply, RequestKey, SagaQuery,
    SagaStanding,
    ports::{Abandoned, Advanced, Claim, Claimed, Decide, Left, TakenReply},
};
use contract::{Timestamp, Unavailable};
pub(super) use rows::OrderRows;
use sqlx::Acquire as _;
pub(super) use storing::{store_new, store_sale};

use self::{
    claims::{ABANDON, ABANDONED, AbandonedRow, KeyRow, RELEASE, TAKE_CLAIM, abandoned, claimed},
    rows::{FORGET_KEYS, FORGET_REPLIES, PARKED, STUCK, sales},
    storing::store_changed,
};
use super::rows::{Aborted, count, json, ms, parsed, undecoded};
use crate::postbox::OrderPost;

macro_rules! order_store {
    (
        $doc:literal, $store:ident on $database:ident: reads by $reader:ident, writes by $writer:ident,
        lists products by $products:literal, tables by $migration:literal
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
                let taken: Option<String> = sqlx::query_scalar(TAKE_CLAIM)
                    .bind(claim.key.as_str())
                    .bind(count(claim.fingerprint.0))
                    .bind(String::from(claim.order))
                    .bind(ms(claim.until))
                    .bind(ms(claim.forgotten_at))
                    .bind(ms(claim.now))
                    .bind(json(&claim.total))
                    .fetch_optional(self.database.$writer())
                    .await?;
                if let Some(order) = taken {
                    failpoint::reached("checkout", "claimed");
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
                failpoint::reached("checkout", "uncommitted");
                transaction.commit().await?;
                failpoint::reached("checkout", "committed");
                leaving.send().await;
                Ok(reply)
            }

            async fn try_advance(
                &self,
                order: OrderId,
                reply: Option<TakenReply>,
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
                failpoint::reached("advance", "uncommitted");
                transaction.commit().await?;
                failpoint::reached("advance", "committed");
                leaving.send().await;
                Ok(Some(Advanced::Changed(decision)))
            }

            async fn try_find(&self, order: OrderId) -> Result<Option<Purchase>, sqlx::Error> {
                let purchase: Option<String> =
                    sqlx::query_scalar("SELECT purchase FROM orders WHERE id = $1")
                        .bind(String::from(order))
                        .fetch_optional(self.database.$reader())
                        .await?;
                purchase.map(|purchase| parsed(&purchase)).transpose()
            }

            async fn try_sales(
                &self,
                products: &[ProductId],
                most: usize,
            ) -> Result<Option<Vec<ProductSales>>, sqlx::Error> {
                // One statement reads one snapshot; one row more than may be says that there are more.
                let select = concat!(
                    "SELECT product, order_id FROM sales WHERE product ",
                    $products,
                    " ORDER BY product, number LIMIT $2"
                );
                let rows: Vec<(String, String)> = sqlx::query_as(select)
                    .bind(json(products))
                    .bind(count(most as u64 + 1))
                    .fetch_all(self.database.$reader())
                    .await?;
                if rows.len() > most { Ok(None) } else { sales(products, rows).map(Some) }
            }

            async fn try_sagas(
                &self,
                query: &SagaQuery,
                due_before: Timestamp,
            ) -> Result<Vec<Purchase>, sqlx::Error> {
                let (select, due_before) = match query.standing {
                    SagaStanding::Stuck => (STUCK, ms(due_before)),
                    SagaStanding::Parked => (PARKED, i64::MAX),
                    SagaStanding::Running => (STUCK, i64::MAX),
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

            async fn try_abandoned(&self, by: Timestamp, most: u32) -> Result<Vec<Abandoned>, sqlx::Error> {
                let rows: Vec<AbandonedRow> = sqlx::query_as(ABANDONED)
                    .bind(ms(by))
                    .bind(i64::from(most))
                    .fetch_all(self.database.$reader())
                    .await?;
                rows.into_iter().map(abandoned).collect()
            }

            async fn try_abandon(
                &self,
                key: &RequestKey,
                by: Timestamp,
                reply: &Reply,
                command: &Command,
            ) -> Result<bool, Aborted> {
                let mut transaction = self.database.$writer().begin().await?;
                let ended = sqlx::query(ABANDON)
                    .bind(key.as_str())
                    .bind(ms(by))
                    .bind(json(reply))
                    .execute(&mut *transaction)
                    .await?;
                if ended.rows_affected() == 0 {
                    return Ok(false);
                }
                let leaving = self.post.write_command(&mut transaction, command).await?;
                transaction.commit().await?;
                leaving.send().await;
                Ok(true)
            }

            async fn try_forget(
                &self,
                now: Timestamp,
                taken_before: Timestamp,
                most: u32,
            ) -> Result<u64, sqlx::Error> {
                let mut deleted = 0;
                for (delete, before) in [(FORGET_KEYS, now), (FORGET_REPLIES, taken_before)] {
                    let rows = sqlx::query(delete)
                        .bind(ms(before))
                        .bind(i64::from(most))
                        .execute(self.database.$writer())
                        .await?;
                    deleted += rows.rows_affected();
                }
                Ok(deleted)
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

            async fn release(&self, key: &RequestKey, left: Left, now: Timestamp) -> Result<(), Unavailable> {
                sqlx::query(RELEASE)
                    .bind(key.as_str())
                    .bind(ms(now))
                    .bind(i64::from(left == Left::Nothing))
                    .execute(self.database.$writer())
                    .await
                    .map_err(|error| self.database.unavailable(&error))?;
                Ok(())
            }

            async fn abandoned(&self, by: Timestamp, most: u32) -> Result<Vec<Abandoned>, Unavailable> {
                self.try_abandoned(by, most).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn abandon(
                &self,
                key: &RequestKey,
                by: Timestamp,
                reply: &Reply,
                command: &Command,
            ) -> Result<bool, Unavailable> {
                let ended = self.try_abandon(key, by, reply, command).await;
                ended.map_err(|aborted| self.unavailable(aborted))
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
                reply: Option<TakenReply>,
                commands_in_outbox: bool,
                decide: &Decide<'_>,
            ) -> Result<Option<Advanced>, Unavailable> {
                let advanced = self.try_advance(order, reply, commands_in_outbox, decide).await;
                advanced.map_err(|aborted| self.unavailable(aborted))
            }

            async fn find(&self, order: OrderId) -> Result<Option<Purchase>, Unavailable> {
                self.try_find(order).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn sales(
                &self,
                products: &[ProductId],
                most: usize,
            ) -> Result<Option<Vec<ProductSales>>, Unavailable> {
                self.try_sales(products, most).await.map_err(|error| self.database.unavailable(&error))
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

            async fn forget(
                &self,
                now: Timestamp,
                taken_before: Timestamp,
                most: u32,
            ) -> Result<u64, Unavailable> {
                let deleted = self.try_forget(now, taken_before, most).await;
                deleted.map_err(|error| self.database.unavailable(&error))
            }
        }
    };
}

order_store! {
    "Orders in tables of a SQLite file.",
    SqliteOrderStore on Sqlite: reads by reader, writes by writer,
    lists products by "IN (SELECT value FROM json_each($1))",
    tables by "../../migrations/orders/sqlite/1_orders.sql"
}

order_store! {
    "Orders in tables of a PostgreSQL database.",
    PostgresOrderStore on Postgres: reads by pool, writes by pool,
    lists products by "= ANY (ARRAY(SELECT json_array_elements_text($1::json)))",
    tables by "../../migrations/orders/postgres/1_orders.sql"
}
