//! The provider's books: charges, the reply to each key, and the webhooks that are still to be delivered.
//!
//! A SQLite file in WAL mode, written over one connection, so that commands are serialised.
//! `synchronous = NORMAL`: what is committed survives SIGKILL of the process, which is all that the lab does to it, and
//! not a power failure (<https://www.sqlite.org/pragma.html#pragma_synchronous>).
//! With `FULL` each commit would wait for the disk that the shop's own database waits for, and slow it down: at a real
//! provider they are not the same disk.
//! A real provider's books survive a power failure as well.

mod deliveries;
mod entry;

use std::{path::Path, time::Duration};

use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

pub(crate) use self::{
    deliveries::{Delivery, NewDelivery},
    entry::Entry,
};
use crate::charge::{Charge, Decline, Status};

/// Connections that read; one more writes.
const READERS: u32 = 4;
/// How long a request waits for a connection: for its turn to write.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(5);
/// The most charges of a page.
pub(crate) const PAGE: u32 = 1_000;

/// The open books. Cheap to clone; clones share the connections.
#[derive(Clone, Debug)]
pub(crate) struct Books {
    readers: SqlitePool,
    writer: SqlitePool,
}

/// A reply as it is stored under its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// JSON.
    pub(crate) body: String,
}

/// The reply to a key, and a hash of the request that it replied to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) reply: Reply,
}

/// Some charges in the order in which they were made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) charges: Vec<Charge>,
    /// What the next page comes after, if there is one.
    pub(crate) next: Option<i64>,
}

/// The columns of a [`Row`].
const COLUMNS: &str =
    "number, id, order_id, amount, currency, status, decline, captured, refunded, created_at, expires_at";

type Row = (i64, String, String, i64, String, String, Option<String>, i64, i64, i64, i64);

impl Books {
    /// Opens the file, and makes it if it is not there.
    pub(crate) async fn open(path: &Path) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal);
        let pool = || SqlitePoolOptions::new().acquire_timeout(ACQUIRE_WITHIN).test_before_acquire(false);
        // The writer first: it makes the file and sets its journal mode.
        let writer = pool().max_connections(1).connect_with(options.clone()).await?;
        sqlx::raw_sql(include_str!("books/schema.sql")).execute(&writer).await?;
        let readers = pool().max_connections(READERS).connect_with(options.read_only(true)).await?;
        Ok(Self { readers, writer })
    }

    /// Closes the file; the last connection writes a checkpoint.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Begins a transaction that writes. Dropped without a commit, it changes nothing.
    pub(crate) async fn entry(&self) -> Result<Entry, sqlx::Error> {
        // A transaction that began by reading could not be sure to become one that writes.
        Ok(Entry::new(self.writer.begin_with("BEGIN IMMEDIATE").await?))
    }

    /// The reply to a key, if there was one.
    pub(crate) async fn stored(&self, key: &str) -> Result<Option<Stored>, sqlx::Error> {
        entry::stored(&mut *self.readers.acquire().await?, key).await
    }

    /// A charge.
    pub(crate) async fn charge(&self, id: &str) -> Result<Option<Charge>, sqlx::Error> {
        entry::charge(&mut *self.readers.acquire().await?, id).await
    }

    /// Charges after a number, of one order or of all: at most `limit`, which is at most [`PAGE`].
    pub(crate) async fn page(
        &self,
        order: Option<&str>,
        after: i64,
        limit: u32,
    ) -> Result<Page, sqlx::Error> {
        let of_order = if order.is_some() { "order_id = $3" } else { "$3 IS NULL" };
        // One more than asked for says whether there is a next page.
        let select = format!(
            "SELECT {COLUMNS} FROM charges WHERE number > $1 AND {of_order} ORDER BY number LIMIT $2"
        );
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(select))
            .bind(after)
            .bind(i64::from(limit) + 1)
            .bind(order)
            .fetch_all(&self.readers)
            .await?;
        let limit = limit as usize;
        let next = (rows.len() > limit).then(|| rows[limit - 1].0);
        let charges = rows.into_iter().take(limit).map(read).collect::<Result<_, _>>()?;
        Ok(Page { charges, next })
    }

    /// Where webhooks go, if that was said.
    pub(crate) async fn endpoint(&self) -> Result<Option<String>, sqlx::Error> {
        sqlx::query_scalar("SELECT url FROM endpoint").fetch_optional(&self.readers).await
    }

    /// Says where webhooks go from now on.
    pub(crate) async fn set_endpoint(&self, url: &str) -> Result<(), sqlx::Error> {
        let upsert = "INSERT INTO endpoint (one, url) VALUES (1, $1) ON CONFLICT DO UPDATE SET url = $1";
        sqlx::query(upsert).bind(url).execute(&self.writer).await.map(drop)
    }
}

/// The charge of a row.
fn read(row: Row) -> Result<Charge, sqlx::Error> {
    let (_, id, order, amount, currency, status, decline, captured, refunded, created_at, expires_at) = row;
    let unknown = |word: &str| sqlx::Error::Decode(format!("`{word}` is no word of a charge").into());
    let decline = decline.map(|word| Decline::parse(&word).ok_or_else(|| unknown(&word))).transpose()?;
    Ok(Charge {
        id,
        order,
        amount,
        currency,
        status: Status::parse(&status).ok_or_else(|| unknown(&status))?,
        decline,
        captured,
        refunded,
        created_at: created_at.unsigned_abs(),
        expires_at: expires_at.unsigned_abs(),
    })
}

/// A time for SQLite, whose integers have a sign.
fn ms(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
