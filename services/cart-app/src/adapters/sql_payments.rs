//! Payments in tables, in SQLite and in PostgreSQL: the same statements, sent through different types.

use async_trait::async_trait;
use backing::{Postgres, Sqlite, failpoint, migrate};
use cart::{
    EventId, OrderId, Outcome, PaymentStore, PaymentToken, SagaReply,
    ports::{Settled, StoredPayment},
};
use contract::{Timestamp, Unavailable};
use sqlx::Acquire as _;

use super::{
    inbox::{Inbox as _, PAYMENTS},
    rows::{Aborted, count, json, ms, parsed, undecoded},
};
use crate::postbox::ReplyPost;

/// `version, payment, token`
type PaymentRow = (i64, String, Option<String>);

/// The statement that stores a payment under its next version.
fn statement(stored: &StoredPayment) -> &'static str {
    if stored.version == 0 {
        "INSERT INTO payments (order_id, version, payment, token) VALUES ($1, $2 + 1, $3, $4)
        ON CONFLICT DO NOTHING"
    } else {
        "UPDATE payments SET version = $2 + 1, payment = $3, token = $4 WHERE order_id = $1 AND version = $2"
    }
}

/// The statement with its parameters.
macro_rules! bound {
    ($statement:expr, $stored:expr) => {
        sqlx::query($statement)
            .bind(String::from($stored.payment.order))
            .bind(count($stored.version))
            .bind(json(&$stored.payment))
            .bind($stored.token.as_ref().map(PaymentToken::as_str))
    };
}

fn settled(rows: u64) -> Settled {
    if rows == 0 { Settled::Changed } else { Settled::Stored }
}

macro_rules! payment_store {
    (
        $doc:literal, $store:ident on $database:ident: reads by $reader:ident, writes by $writer:ident,
        tables by $migration:literal
    ) => {
        #[doc = $doc]
        pub struct $store {
            database: $database,
            replies: ReplyPost,
        }

        impl $store {
            /// Creates the tables if they do not exist.
            pub async fn open(database: $database, replies: ReplyPost) -> anyhow::Result<Self> {
                migrate(&[include_str!($migration)], "payments_migrations", database.$writer()).await?;
                Ok(Self { database, replies })
            }

            fn unavailable(&self, aborted: Aborted) -> Unavailable {
                aborted.unavailable(|error| self.database.unavailable(error))
            }

            async fn try_find(&self, order: OrderId) -> Result<Option<StoredPayment>, sqlx::Error> {
                let row: Option<PaymentRow> =
                    sqlx::query_as("SELECT version, payment, token FROM payments WHERE order_id = $1")
                        .bind(String::from(order))
                        .fetch_optional(self.database.$reader())
                        .await?;
                row.map(payment).transpose()
            }

            async fn try_outcome(&self, command: EventId) -> Result<Option<Outcome>, sqlx::Error> {
                let outcome: Option<String> = sqlx::query_scalar(PAYMENTS.select)
                    .bind(String::from(command))
                    .fetch_optional(self.database.$reader())
                    .await?;
                outcome.map(|outcome| parsed(&outcome)).transpose()
            }

            async fn try_store(
                &self,
                stored: &StoredPayment,
                reply: Option<&SagaReply>,
                now: Timestamp,
            ) -> Result<Settled, Aborted> {
                let statement = statement(stored);
                let Some(reply) = reply else {
                    // A statement alone is a transaction.
                    let changed = bound!(statement, stored).execute(self.database.$writer()).await?;
                    return Ok(settled(changed.rows_affected()));
                };
                let mut transaction = self.database.$writer().begin().await?;
                let changed = bound!(statement, stored).execute(&mut *transaction).await?;
                if changed.rows_affected() == 0 {
                    return Ok(Settled::Changed);
                }
                transaction.note_outcome(PAYMENTS, reply.command.id(), reply.outcome, now).await?;
                let leaving = self.replies.write(&mut transaction, *reply).await?;
                failpoint::reached("payment", "uncommitted");
                transaction.commit().await?;
                leaving.send().await;
                Ok(Settled::Stored)
            }

            async fn try_reply_again(&self, reply: SagaReply) -> Result<(), Aborted> {
                let mut transaction = self.database.$writer().begin().await?;
                let leaving = self.replies.write(&mut transaction, reply).await?;
                transaction.commit().await?;
                leaving.send().await;
                Ok(())
            }
        }

        #[async_trait]
        impl PaymentStore for $store {
            async fn find(&self, order: OrderId) -> Result<Option<StoredPayment>, Unavailable> {
                self.try_find(order).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn outcome(&self, command: EventId) -> Result<Option<Outcome>, Unavailable> {
                self.try_outcome(command).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn store(
                &self,
                payment: &StoredPayment,
                reply: Option<&SagaReply>,
                now: Timestamp,
            ) -> Result<Settled, Unavailable> {
                self.try_store(payment, reply, now).await.map_err(|aborted| self.unavailable(aborted))
            }

            async fn reply_again(&self, reply: &SagaReply, _: Timestamp) -> Result<(), Unavailable> {
                self.try_reply_again(*reply).await.map_err(|aborted| self.unavailable(aborted))
            }

            async fn forget(&self, performed_before: Timestamp, most: u32) -> Result<u64, Unavailable> {
                let deleted = sqlx::query(PAYMENTS.forget)
                    .bind(ms(performed_before))
                    .bind(i64::from(most))
                    .execute(self.database.$writer())
                    .await
                    .map_err(|error| self.database.unavailable(&error))?;
                Ok(deleted.rows_affected())
            }
        }
    };
}

fn payment((version, payment, token): PaymentRow) -> Result<StoredPayment, sqlx::Error> {
    Ok(StoredPayment {
        payment: parsed(&payment)?,
        token: token.map(PaymentToken::parse).transpose().map_err(undecoded)?,
        version: version.unsigned_abs(),
    })
}

payment_store! {
    "Payments in tables of a SQLite file.",
    SqlitePaymentStore on Sqlite: reads by reader, writes by writer,
    tables by "../../migrations/payments/sqlite/1_payments.sql"
}

payment_store! {
    "Payments in tables of a PostgreSQL database.",
    PostgresPaymentStore on Postgres: reads by pool, writes by pool,
    tables by "../../migrations/payments/postgres/1_payments.sql"
}
