//! Goods in tables, in SQLite and in PostgreSQL: the same statements, sent through different types.
//!
//! Read in this order: `rows` (the statements of a transaction), `taking` (the values of the axis `stock`, side by side),
//! `performing` (a command from its inbox to its outcome); `goods_metrics`.

mod goods_metrics;
mod performing;
mod rows;
mod taking;

use async_trait::async_trait;
use backing::{Postgres, Sqlite, failpoint, migrate};
use cart::{
    Delivery, Level, MAX_STOCKED, OrderId, OrderedLine, ProductId, Reservation, SagaReply, StockAction,
    StockCommand, StockStore, ports::Received,
};
use contract::{Timestamp, Unavailable};
pub use goods_metrics::GoodsMetrics;
pub(super) use performing::sell;
pub(super) use rows::{Row, StockRows};
use sqlx::{Acquire as _, AssertSqlSafe, Transaction};
pub(super) use taking::{MOST_CONFLICTS, is_checked_before, products};

use self::{
    performing::{expire, perform},
    rows::{LevelRow, LockedRow, ReservationRow, Shift, level, levels, reservation, row, word},
};
use super::{
    inbox::STOCK,
    rows::{Aborted, count, json, ms, undecoded},
};
use crate::{axes::StockStrategy, postbox::ReplyPost};

macro_rules! stock_store {
    (
        $doc:literal, $store:ident on $database:ident of $kind:ty: reads by $reader:ident, writes by $writer:ident,
        locks by $lock:literal, least by $least:literal, lists products by $products:literal, tables by $migration:literal
    ) => {
        #[doc = $doc]
        pub struct $store {
            database: $database,
            strategy: StockStrategy,
            replies: ReplyPost,
            metrics: GoodsMetrics,
        }

        impl $store {
            /// Creates the tables if they do not exist.
            pub(super) async fn create_tables(database: &$database) -> anyhow::Result<()> {
                migrate(&[include_str!($migration)], "stock_migrations", database.$writer()).await
            }

            /// Opens the store, and creates the tables if they do not exist.
            pub async fn open(
                database: $database,
                strategy: StockStrategy,
                replies: ReplyPost,
            ) -> anyhow::Result<Self> {
                Self::create_tables(&database).await?;
                Ok(Self { database, strategy, replies, metrics: GoodsMetrics::default() })
            }

            /// The same store, counting what it does to goods here.
            #[must_use]
            pub fn measured(self, metrics: GoodsMetrics) -> Self {
                Self { metrics, ..self }
            }

            async fn try_receive(&self, delivery: &Delivery) -> Result<Received, sqlx::Error> {
                let mut transaction = self.database.$writer().begin().await?;
                let note = "INSERT INTO deliveries (id, product, quantity) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
                let noted = sqlx::query(note)
                    .bind(String::from(delivery.id))
                    .bind(String::from(delivery.product))
                    .bind(count(delivery.quantity))
                    .execute(&mut *transaction)
                    .await?;
                if noted.rows_affected() == 0 {
                    transaction.rollback().await?;
                    return self.received_before(delivery).await;
                }
                let add = "INSERT INTO stock_levels (product, stocked, reserved, sold, available, version)
                    VALUES ($1, $2, 0, 0, $2, 1)
                    ON CONFLICT (product) DO UPDATE SET stocked = stock_levels.stocked + excluded.stocked,
                        available = stock_levels.available + excluded.available, version = stock_levels.version + 1
                    WHERE stock_levels.stocked + excluded.stocked <= $3
                    RETURNING product, stocked, reserved, sold, available";
                let added: Option<LevelRow> = sqlx::query_as(add)
                    .bind(String::from(delivery.product))
                    .bind(count(delivery.quantity))
                    .bind(count(MAX_STOCKED))
                    .fetch_optional(&mut *transaction)
                    .await?;
                let Some(added) = added else { return Ok(Received::TooMuch) };
                transaction.commit().await?;
                Ok(Received::In(level(added)?))
            }

            /// What becomes of a delivery whose id is known: deliveries are never changed.
            async fn received_before(&self, delivery: &Delivery) -> Result<Received, sqlx::Error> {
                let (product, quantity): (String, i64) =
                    sqlx::query_as("SELECT product, quantity FROM deliveries WHERE id = $1")
                        .bind(String::from(delivery.id))
                        .fetch_one(self.database.$writer())
                        .await?;
                if product != String::from(delivery.product) || quantity != count(delivery.quantity) {
                    return Ok(Received::Reused);
                }
                let found = self.try_levels(&[delivery.product]).await?.pop();
                found.map(Received::In).ok_or(sqlx::Error::RowNotFound)
            }

            async fn try_levels(&self, products: &[ProductId]) -> Result<Vec<Level>, sqlx::Error> {
                let select = concat!(
                    "SELECT product, stocked, reserved, sold, available FROM stock_levels WHERE product ",
                    $products
                );
                let rows: Vec<LevelRow> =
                    sqlx::query_as(select).bind(json(products)).fetch_all(self.database.$reader()).await?;
                levels(products, rows)
            }

            /// What is checked before the transaction.
            async fn seen(&self, command: &StockCommand) -> Result<Vec<Row>, sqlx::Error> {
                match &command.action {
                    StockAction::Reserve { lines, .. } if is_checked_before(self.strategy) => {
                        self.database.$reader().begin().await?.read(&products(lines)).await
                    }
                    _ => Ok(Vec::new()),
                }
            }

            async fn try_perform(&self, command: &StockCommand, now: Timestamp) -> Result<SagaReply, Aborted> {
                let seen = self.seen(command).await?;
                let mut transaction = self.database.$writer().begin().await?;
                let performed = perform(&mut transaction, self.strategy, command, &seen, now).await?;
                let reply = SagaReply { command: command.key, outcome: performed.outcome };
                let leaving = self.replies.write(&mut transaction, reply).await?;
                failpoint::reached("stock", "uncommitted");
                transaction.commit().await?;
                self.metrics.committed(performed.since);
                leaving.send().await;
                Ok(reply)
            }

            /// Each order in a transaction of its own, so that none of them waits for the goods of another one.
            async fn try_expire(&self, now: Timestamp, most: u32) -> Result<u32, Aborted> {
                let select = "SELECT order_id FROM reservations WHERE state = 'reserved' AND until_ms <= $1
                    ORDER BY until_ms LIMIT $2";
                let ended: Vec<String> = sqlx::query_scalar(select)
                    .bind(ms(now))
                    .bind(i64::from(most))
                    .fetch_all(self.database.$reader())
                    .await?;
                let (mut expired, mut failed) = (0, None);
                for order in ended {
                    match self.try_expire_one(&order, now).await {
                        Ok(is_expired) => expired += u32::from(is_expired),
                        // One that cannot be given back holds up no other.
                        Err(error) => {
                            tracing::warn!(%order, ?error, "the goods of an order cannot be given back");
                            failed.get_or_insert(error);
                        }
                    }
                }
                failed.map_or(Ok(expired), Err)
            }

            async fn try_expire_one(&self, order: &str, now: Timestamp) -> Result<bool, Aborted> {
                let order = OrderId::parse(order).map_err(undecoded)?;
                let mut transaction = self.database.$writer().begin().await?;
                let is_expired = expire(&mut transaction, self.strategy, order, now).await?;
                transaction.commit().await?;
                Ok(is_expired)
            }

            fn unavailable(&self, aborted: Aborted) -> Unavailable {
                aborted.unavailable(|error| self.database.unavailable(error))
            }
        }

        #[async_trait]
        impl StockStore for $store {
            async fn receive(&self, delivery: &Delivery) -> Result<Received, Unavailable> {
                self.try_receive(delivery).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn levels(&self, products: &[ProductId]) -> Result<Vec<Level>, Unavailable> {
                self.try_levels(products).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn perform(&self, command: &StockCommand, now: Timestamp) -> Result<SagaReply, Unavailable> {
                for _ in 0..MOST_CONFLICTS {
                    match self.try_perform(command, now).await {
                        Err(Aborted::Conflict) => {}
                        performed => return performed.map_err(|aborted| self.unavailable(aborted)),
                    }
                }
                Err(self.unavailable(Aborted::Conflict))
            }

            async fn expire(&self, now: Timestamp, most: u32) -> Result<u32, Unavailable> {
                self.try_expire(now, most).await.map_err(|aborted| self.unavailable(aborted))
            }

            async fn forget(&self, performed_before: Timestamp, most: u32) -> Result<u64, Unavailable> {
                let deleted = sqlx::query(STOCK.forget)
                    .bind(ms(performed_before))
                    .bind(i64::from(most))
                    .execute(self.database.$writer())
                    .await
                    .map_err(|error| self.database.unavailable(&error))?;
                Ok(deleted.rows_affected())
            }
        }

        #[async_trait]
        impl StockRows for Transaction<'_, $kind> {
            async fn lock_reservation(&mut self, order: OrderId) -> Result<Option<Reservation>, sqlx::Error> {
                let lock = "INSERT INTO reservations (order_id) VALUES ($1)
                    ON CONFLICT (order_id) DO UPDATE SET order_id = excluded.order_id
                    RETURNING state, until_ms, lines";
                let row: ReservationRow =
                    sqlx::query_as(lock).bind(String::from(order)).fetch_one(&mut **self).await?;
                reservation(row)
            }

            async fn note_reservation(
                &mut self,
                order: OrderId,
                noted: &Reservation,
            ) -> Result<(), sqlx::Error> {
                let note = "UPDATE reservations SET state = $2, until_ms = $3, lines = $4 WHERE order_id = $1";
                sqlx::query(note)
                    .bind(String::from(order))
                    .bind(word(noted.state))
                    .bind(ms(noted.until))
                    .bind(json(&noted.lines))
                    .execute(&mut **self)
                    .await
                    .map(drop)
            }

            async fn read(&mut self, products: &[ProductId]) -> Result<Vec<Row>, sqlx::Error> {
                let select = concat!(
                    "SELECT product, available, version FROM stock_levels WHERE product ",
                    $products
                );
                let rows: Vec<LockedRow> =
                    sqlx::query_as(select).bind(json(products)).fetch_all(&mut **self).await?;
                rows.into_iter().map(row).collect()
            }

            async fn lock(&mut self, products: &[ProductId]) -> Result<Vec<Row>, sqlx::Error> {
                // Ids never change, so that rows are locked in the order in which they are sorted.
                let select = concat!(
                    "SELECT product, available, version FROM stock_levels WHERE product ",
                    $products,
                    " ORDER BY product",
                    $lock
                );
                let rows: Vec<LockedRow> =
                    sqlx::query_as(select).bind(json(products)).fetch_all(&mut **self).await?;
                rows.into_iter().map(row).collect()
            }

            async fn shift(&mut self, line: OrderedLine, shift: Shift) -> Result<bool, sqlx::Error> {
                let statement = sqlx::query(AssertSqlSafe(shift.statement($least)))
                    .bind(String::from(line.product))
                    .bind(i64::from(line.quantity.get()));
                let statement = match shift.version() {
                    Some(version) => statement.bind(version),
                    None => statement,
                };
                let changed = statement.execute(&mut **self).await?;
                Ok(changed.rows_affected() == 1)
            }
        }
    };
}

stock_store! {
    "Goods in tables of a SQLite file.",
    SqliteStockStore on Sqlite of sqlx::Sqlite: reads by reader, writes by writer,
    locks by "", least by "min", lists products by "IN (SELECT value FROM json_each($1))",
    tables by "../../migrations/stock/sqlite/1_stock.sql"
}

stock_store! {
    "Goods in tables of a PostgreSQL database.",
    PostgresStockStore on Postgres of sqlx::Postgres: reads by pool, writes by pool,
    locks by " FOR UPDATE", least by "least",
    lists products by "= ANY (ARRAY(SELECT json_array_elements_text($1::json)))",
    tables by "../../migrations/stock/postgres/1_stock.sql"
}
