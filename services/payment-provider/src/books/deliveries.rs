//! The webhooks that are still to be delivered.

use sqlx::SqliteConnection;

use super::{Books, ms};

/// A webhook to deliver, as it is entered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewDelivery<'a> {
    /// The charge that it tells of.
    pub(crate) charge: &'a str,
    /// The event's id.
    pub(crate) event: &'a str,
    /// What is sent.
    pub(crate) body: &'a str,
    /// Whether it waits for a later event of its charge, or until it is due.
    pub(crate) is_held: bool,
    /// Attempts that whoever enters it makes itself: 0 or 1.
    pub(crate) attempts: u32,
    /// When the next attempt is due.
    pub(crate) due_at: u64,
    /// No attempt is made after this.
    pub(crate) until: u64,
}

/// A webhook whose attempt is due, and noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) number: i64,
    pub(crate) charge: String,
    pub(crate) event: String,
    pub(crate) body: String,
    /// Attempts, with this one.
    pub(crate) attempts: u32,
    pub(crate) until: u64,
}

impl Books {
    /// Takes webhooks that are due, and notes an attempt of each. What becomes of it is to be said before `again_at`: then
    /// the next attempt is due, as after a crash.
    pub(crate) async fn take_due(
        &self,
        now: u64,
        again_at: u64,
        at_most: usize,
    ) -> Result<Vec<Delivery>, sqlx::Error> {
        if at_most == 0 {
            return Ok(Vec::new());
        }
        let update = "UPDATE deliveries SET attempts = attempts + 1, is_held = 0, due_at = $2
            WHERE number IN (SELECT number FROM deliveries WHERE due_at <= $1 ORDER BY due_at, number LIMIT $3)
            RETURNING number, charge, event, body, attempts, until";
        let rows: Vec<(i64, String, String, String, u32, i64)> = sqlx::query_as(update)
            .bind(ms(now))
            .bind(ms(again_at))
            .bind(i64::try_from(at_most).unwrap_or(i64::MAX))
            .fetch_all(&self.writer)
            .await?;
        let delivery = |(number, charge, event, body, attempts, until): (_, _, _, _, _, i64)| Delivery {
            number,
            charge,
            event,
            body,
            attempts,
            until: until.unsigned_abs(),
        };
        Ok(rows.into_iter().map(delivery).collect())
    }

    /// When the next attempt is due, if there is one.
    pub(crate) async fn next_due(&self) -> Result<Option<u64>, sqlx::Error> {
        let due: Option<i64> =
            sqlx::query_scalar("SELECT min(due_at) FROM deliveries").fetch_one(&self.readers).await?;
        Ok(due.map(i64::unsigned_abs))
    }

    /// How many webhooks are still to be delivered.
    pub(crate) async fn pending(&self) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("SELECT count(*) FROM deliveries").fetch_one(&self.readers).await
    }

    /// A webhook was acknowledged: an earlier one of its charge that waited for it is due now.
    pub(crate) async fn delivered(&self, delivery: &Delivery, now: u64) -> Result<(), sqlx::Error> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        delete(&mut transaction, delivery.number).await?;
        let release = "UPDATE deliveries SET is_held = 0, due_at = min(due_at, $3)
            WHERE charge = $1 AND number < $2 AND is_held = 1";
        sqlx::query(release)
            .bind(&delivery.charge)
            .bind(delivery.number)
            .bind(ms(now))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    }

    /// An attempt failed, and another one is due then.
    pub(crate) async fn postpone(&self, number: i64, due_at: u64) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE deliveries SET due_at = $2 WHERE number = $1")
            .bind(number)
            .bind(ms(due_at))
            .execute(&self.writer)
            .await
            .map(drop)
    }

    /// No further attempt is made.
    pub(crate) async fn give_up(&self, number: i64) -> Result<(), sqlx::Error> {
        delete(&mut *self.writer.acquire().await?, number).await
    }
}

async fn delete(connection: &mut SqliteConnection, number: i64) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM deliveries WHERE number = $1").bind(number).execute(connection).await.map(drop)
}

pub(super) async fn holds_back(connection: &mut SqliteConnection, charge: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM deliveries WHERE charge = $1 AND is_held = 1)")
        .bind(charge)
        .fetch_one(connection)
        .await
}

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    new: &NewDelivery<'_>,
) -> Result<i64, sqlx::Error> {
    let insert = "INSERT INTO deliveries (charge, event, body, is_held, attempts, due_at, until)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let inserted = sqlx::query(insert)
        .bind(new.charge)
        .bind(new.event)
        .bind(new.body)
        .bind(new.is_held)
        .bind(new.attempts)
        .bind(ms(new.due_at))
        .bind(ms(new.until))
        .execute(connection)
        .await?;
    Ok(inserted.last_insert_rowid())
}
