//! The inbox of a participant, in a transaction of either database: which commands it has performed, and with what outcome.
//!
//! A command is noted in the transaction that has its effect, so that one that comes again has no effect and gets the same
//! reply (Richardson, Microservices Patterns, 2018, chapter 3: idempotent consumer).

use async_trait::async_trait;
use cart::{EventId, Outcome};
use contract::Timestamp;
use sqlx::Transaction;

use super::rows::{json, ms, parsed};

/// The statements of an inbox. Its table has the columns `command`, `outcome` and `performed_ms`.
#[derive(Clone, Copy, Debug)]
pub(super) struct InboxTable {
    pub(super) select: &'static str,
    insert: &'static str,
    /// Deletes some of the commands that were performed before a moment.
    pub(super) forget: &'static str,
}

macro_rules! inbox_table {
    ($table:literal) => {
        InboxTable {
            select: concat!("SELECT outcome FROM ", $table, " WHERE command = $1"),
            insert: concat!(
                "INSERT INTO ",
                $table,
                " (command, outcome, performed_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
            ),
            forget: concat!(
                "DELETE FROM ",
                $table,
                " WHERE command IN
                    (SELECT command FROM ",
                $table,
                " WHERE performed_ms < $1 ORDER BY performed_ms LIMIT $2)"
            ),
        }
    };
}

/// The inbox of `stock`.
pub(super) const STOCK: InboxTable = inbox_table!("stock_inbox");
/// The inbox of `vouchers`.
pub(super) const VOUCHERS: InboxTable = inbox_table!("voucher_inbox");
/// The inbox of `payments`.
pub(super) const PAYMENTS: InboxTable = inbox_table!("payment_inbox");

/// An inbox in a transaction.
#[async_trait]
pub(super) trait Inbox: Send {
    /// The outcome of the command with this id, if it was performed.
    async fn outcome(&mut self, inbox: InboxTable, command: EventId) -> Result<Option<Outcome>, sqlx::Error>;

    /// Notes the outcome of a command.
    async fn note_outcome(
        &mut self,
        inbox: InboxTable,
        command: EventId,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<(), sqlx::Error>;
}

macro_rules! inbox {
    ($kind:ty) => {
        #[async_trait]
        impl Inbox for Transaction<'_, $kind> {
            async fn outcome(
                &mut self,
                inbox: InboxTable,
                command: EventId,
            ) -> Result<Option<Outcome>, sqlx::Error> {
                let outcome: Option<String> = sqlx::query_scalar(inbox.select)
                    .bind(String::from(command))
                    .fetch_optional(&mut **self)
                    .await?;
                outcome.map(|outcome| parsed(&outcome)).transpose()
            }

            async fn note_outcome(
                &mut self,
                inbox: InboxTable,
                command: EventId,
                outcome: Outcome,
                now: Timestamp,
            ) -> Result<(), sqlx::Error> {
                sqlx::query(inbox.insert)
                    .bind(String::from(command))
                    .bind(json(&outcome))
                    .bind(ms(now))
                    .execute(&mut **self)
                    .await
                    .map(drop)
            }
        }
    };
}

inbox!(sqlx::Sqlite);
inbox!(sqlx::Postgres);
