//! A transaction that writes into the books.

use sqlx::{Sqlite, SqliteConnection, Transaction};

use super::{COLUMNS, Reply, Row, Stored, deliveries, deliveries::NewDelivery, ms, read};
use crate::charge::{Charge, Decline};

/// A transaction that writes. Dropped without a commit, it changes nothing.
pub(crate) struct Entry(Transaction<'static, Sqlite>);

impl Entry {
    pub(super) fn new(transaction: Transaction<'static, Sqlite>) -> Self {
        Self(transaction)
    }

    /// A charge.
    pub(crate) async fn charge(&mut self, id: &str) -> Result<Option<Charge>, sqlx::Error> {
        charge(&mut self.0, id).await
    }

    /// Enters a new charge, and returns its number: how many there are.
    pub(crate) async fn insert(&mut self, charge: &Charge) -> Result<i64, sqlx::Error> {
        let insert = "INSERT INTO charges
                (id, order_id, amount, currency, status, decline, captured, refunded, created_at, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        let inserted = sqlx::query(insert)
            .bind(&charge.id)
            .bind(&charge.order)
            .bind(charge.amount)
            .bind(&charge.currency)
            .bind(charge.status.name())
            .bind(charge.decline.map(Decline::name))
            .bind(charge.captured)
            .bind(charge.refunded)
            .bind(ms(charge.created_at))
            .bind(ms(charge.expires_at))
            .execute(&mut *self.0)
            .await?;
        Ok(inserted.last_insert_rowid())
    }

    /// Writes what a charge has become.
    pub(crate) async fn update(&mut self, charge: &Charge) -> Result<(), sqlx::Error> {
        let update = "UPDATE charges SET status = $2, captured = $3, refunded = $4 WHERE id = $1";
        sqlx::query(update)
            .bind(&charge.id)
            .bind(charge.status.name())
            .bind(charge.captured)
            .bind(charge.refunded)
            .execute(&mut *self.0)
            .await
            .map(drop)
    }

    /// Stores the reply to a key.
    pub(crate) async fn store(
        &mut self,
        key: &str,
        fingerprint: &[u8],
        reply: &Reply,
    ) -> Result<(), sqlx::Error> {
        sqlx::query("INSERT INTO replies (key, fingerprint, status, body) VALUES ($1, $2, $3, $4)")
            .bind(key)
            .bind(fingerprint)
            .bind(reply.status)
            .bind(&reply.body)
            .execute(&mut *self.0)
            .await
            .map(drop)
    }

    /// Whether a webhook of a charge waits for a later one.
    pub(crate) async fn holds_back(&mut self, charge: &str) -> Result<bool, sqlx::Error> {
        deliveries::holds_back(&mut self.0, charge).await
    }

    /// Enters a webhook to deliver, and returns its number.
    pub(crate) async fn queue(&mut self, delivery: &NewDelivery<'_>) -> Result<i64, sqlx::Error> {
        deliveries::insert(&mut self.0, delivery).await
    }

    /// Makes it last.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        self.0.commit().await
    }
}

pub(super) async fn stored(
    connection: &mut SqliteConnection,
    key: &str,
) -> Result<Option<Stored>, sqlx::Error> {
    let row: Option<(Vec<u8>, u16, String)> =
        sqlx::query_as("SELECT fingerprint, status, body FROM replies WHERE key = $1")
            .bind(key)
            .fetch_optional(connection)
            .await?;
    Ok(row.map(|(fingerprint, status, body)| Stored { fingerprint, reply: Reply { status, body } }))
}

pub(super) async fn charge(
    connection: &mut SqliteConnection,
    id: &str,
) -> Result<Option<Charge>, sqlx::Error> {
    let select = format!("SELECT {COLUMNS} FROM charges WHERE id = $1");
    let row: Option<Row> =
        sqlx::query_as(sqlx::AssertSqlSafe(select)).bind(id).fetch_optional(connection).await?;
    row.map(read).transpose()
}
