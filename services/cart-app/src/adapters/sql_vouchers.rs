//! Vouchers in tables, in SQLite and in PostgreSQL: the same statements, sent through different types.
//!
//! Whoever uses a voucher locks its row first and counts afterwards: counting without a lock lets two orders see the same
//! last use (a race that shops have had for years, for example <https://github.com/saleor/saleor/issues/544>).

mod redeeming;

use async_trait::async_trait;
use backing::{Postgres, Sqlite, failpoint, migrate};
use cart::{
    CustomerId, Issued, OrderId, Redemption, SagaReply, Voucher, VoucherCode, VoucherCommand,
    VoucherStanding, VoucherStore,
};
use contract::{Timestamp, Unavailable};
pub(super) use redeeming::{VoucherRows, redeem};
use sqlx::{Acquire as _, Transaction};

use self::redeeming::{RedemptionRow, perform, redemption};
use super::{
    inbox::VOUCHERS,
    rows::{Aborted, json, ms, parsed},
};
use crate::postbox::ReplyPost;

macro_rules! voucher_store {
    (
        $doc:literal, $store:ident on $database:ident of $kind:ty: reads by $reader:ident, writes by $writer:ident,
        locks by $lock:literal, tables by $migration:literal
    ) => {
        #[doc = $doc]
        pub struct $store {
            database: $database,
            replies: ReplyPost,
        }

        impl $store {
            /// Creates the tables if they do not exist.
            pub(super) async fn create_tables(database: &$database) -> anyhow::Result<()> {
                migrate(&[include_str!($migration)], "vouchers_migrations", database.$writer()).await
            }

            /// Opens the store, and creates the tables if they do not exist.
            pub async fn open(database: $database, replies: ReplyPost) -> anyhow::Result<Self> {
                Self::create_tables(&database).await?;
                Ok(Self { database, replies })
            }

            async fn try_insert(&self, voucher: &Voucher) -> Result<Issued, sqlx::Error> {
                let insert =
                    "INSERT INTO vouchers (code, voucher, used) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING";
                let inserted = sqlx::query(insert)
                    .bind(voucher.code.as_str())
                    .bind(json(voucher))
                    .execute(self.database.$writer())
                    .await?;
                if inserted.rows_affected() == 1 {
                    return Ok(Issued::Stored);
                }
                // Vouchers are never removed, so that the other one is there.
                let other = self.try_find(&voucher.code).await?.ok_or(sqlx::Error::RowNotFound)?;
                Ok(Issued::Exists(other.voucher))
            }

            async fn try_find(&self, code: &VoucherCode) -> Result<Option<VoucherStanding>, sqlx::Error> {
                let row: Option<(String, i64)> =
                    sqlx::query_as("SELECT voucher, used FROM vouchers WHERE code = $1")
                        .bind(code.as_str())
                        .fetch_optional(self.database.$reader())
                        .await?;
                row.map(standing).transpose()
            }

            async fn try_perform(
                &self,
                command: &VoucherCommand,
                now: Timestamp,
            ) -> Result<SagaReply, Aborted> {
                let mut transaction = self.database.$writer().begin().await?;
                let outcome = perform(&mut transaction, command, now).await?;
                let reply = SagaReply { command: command.key, outcome };
                let leaving = self.replies.write(&mut transaction, reply).await?;
                failpoint::reached("voucher", "uncommitted");
                transaction.commit().await?;
                leaving.send().await;
                Ok(reply)
            }
        }

        #[async_trait]
        impl VoucherStore for $store {
            async fn insert(&self, voucher: &Voucher) -> Result<Issued, Unavailable> {
                self.try_insert(voucher).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn find(&self, code: &VoucherCode) -> Result<Option<VoucherStanding>, Unavailable> {
                self.try_find(code).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn perform(
                &self,
                command: &VoucherCommand,
                now: Timestamp,
            ) -> Result<SagaReply, Unavailable> {
                let performed = self.try_perform(command, now).await;
                performed.map_err(|aborted| aborted.unavailable(|error| self.database.unavailable(error)))
            }

            async fn forget(&self, performed_before: Timestamp, most: u32) -> Result<u64, Unavailable> {
                let deleted = sqlx::query(VOUCHERS.forget)
                    .bind(ms(performed_before))
                    .bind(i64::from(most))
                    .execute(self.database.$writer())
                    .await
                    .map_err(|error| self.database.unavailable(&error))?;
                Ok(deleted.rows_affected())
            }
        }

        #[async_trait]
        impl VoucherRows for Transaction<'_, $kind> {
            async fn lock_redemption(&mut self, order: OrderId) -> Result<Option<Redemption>, sqlx::Error> {
                let lock = "INSERT INTO redemptions (order_id) VALUES ($1)
                    ON CONFLICT (order_id) DO UPDATE SET order_id = excluded.order_id
                    RETURNING code, customer, is_restored";
                let row: RedemptionRow =
                    sqlx::query_as(lock).bind(String::from(order)).fetch_one(&mut **self).await?;
                redemption(row)
            }

            async fn note_redemption(
                &mut self,
                order: OrderId,
                Redemption { used, is_restored }: &Redemption,
            ) -> Result<(), sqlx::Error> {
                let note =
                    "UPDATE redemptions SET code = $2, customer = $3, is_restored = $4 WHERE order_id = $1";
                let (code, customer) = used.as_ref().map(|(code, customer)| (code, *customer)).unzip();
                sqlx::query(note)
                    .bind(String::from(order))
                    .bind(code.map(VoucherCode::as_str))
                    .bind(customer.map(String::from))
                    .bind(is_restored)
                    .execute(&mut **self)
                    .await
                    .map(drop)
            }

            async fn lock_voucher(
                &mut self,
                code: &VoucherCode,
            ) -> Result<Option<VoucherStanding>, sqlx::Error> {
                let select = concat!("SELECT voucher, used FROM vouchers WHERE code = $1", $lock);
                let row: Option<(String, i64)> =
                    sqlx::query_as(select).bind(code.as_str()).fetch_optional(&mut **self).await?;
                row.map(standing).transpose()
            }

            async fn used_by(
                &mut self,
                code: &VoucherCode,
                customer: CustomerId,
            ) -> Result<u32, sqlx::Error> {
                let select = "SELECT count(*) FROM redemptions
                    WHERE code = $1 AND customer = $2 AND NOT is_restored";
                let used: i64 = sqlx::query_scalar(select)
                    .bind(code.as_str())
                    .bind(String::from(customer))
                    .fetch_one(&mut **self)
                    .await?;
                Ok(uses(used))
            }

            async fn add_uses(&mut self, code: &VoucherCode, uses: i32) -> Result<(), sqlx::Error> {
                sqlx::query("UPDATE vouchers SET used = used + $2 WHERE code = $1")
                    .bind(code.as_str())
                    .bind(i64::from(uses))
                    .execute(&mut **self)
                    .await
                    .map(drop)
            }
        }
    };
}

fn standing((voucher, used): (String, i64)) -> Result<VoucherStanding, sqlx::Error> {
    Ok(VoucherStanding { voucher: parsed(&voucher)?, used: uses(used) })
}

fn uses(column: i64) -> u32 {
    u32::try_from(column).unwrap_or(u32::MAX)
}

voucher_store! {
    "Vouchers in tables of a SQLite file.",
    SqliteVoucherStore on Sqlite of sqlx::Sqlite: reads by reader, writes by writer,
    locks by "", tables by "../../migrations/vouchers/sqlite/1_vouchers.sql"
}

voucher_store! {
    "Vouchers in tables of a PostgreSQL database.",
    PostgresVoucherStore on Postgres of sqlx::Postgres: reads by pool, writes by pool,
    locks by " FOR UPDATE", tables by "../../migrations/vouchers/postgres/1_vouchers.sql"
}
