//! The tables of an outbox, in SQLite and in PostgreSQL.
//!
//! There is no cursor. A relay that remembers the last position that it published skips rows that commit late: a row gets
//! its position when it is written, not when its transaction commits, so a lower position may become visible after a higher
//! one was published. Here the relay deletes a row when it has published the event. So every visible row is unpublished,
//! whenever it became visible (decision 0051).

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use contract::{Timestamp, Unavailable};
use sqlx::Transaction;

use crate::{
    Database, Postgres, Sqlite,
    events::event::{Encoded, Event, Headers},
    migrate,
};

/// An unpublished event.
#[derive(Debug)]
pub(super) struct Row {
    /// The order in which rows were written.
    pub(super) position: i64,
    pub(super) event: Event,
}

/// A lease: until it expires, its holder alone publishes the topic's events.
#[derive(Debug)]
pub(super) struct Lease<'a> {
    pub(super) topic: &'a str,
    pub(super) holder: &'a str,
    pub(super) now: Timestamp,
    pub(super) until: Timestamp,
}

/// The tables of a database.
#[async_trait]
pub(super) trait Table: Send + Sync {
    /// Acquires or renews a lease; returns whether this holder has it.
    async fn lease(&self, lease: Lease<'_>) -> Result<bool, Unavailable>;

    /// The first rows of a topic by position, without the rows of these keys.
    ///
    /// This order is right for each key, although positions are not the order of commits: transactions that publish events
    /// of one key exclude each other, so the second one writes its row after the first one has committed. A snapshot that
    /// contains a row of a key therefore contains all its earlier rows that are not deleted.
    async fn next(&self, topic: &str, except: &[&str], most: usize) -> Result<Vec<Row>, Unavailable>;

    /// The first row of each of these keys, if it has any.
    async fn first(&self, topic: &str, keys: &[&str]) -> Result<Vec<Row>, Unavailable>;

    /// Deletes rows whose events are published.
    async fn delete(&self, positions: &[i64]) -> Result<(), Unavailable>;

    /// Marks a row as a dead letter.
    async fn give_up(&self, position: i64, reason: &str) -> Result<(), Unavailable>;

    /// The dead letters of a topic, with their reasons.
    async fn dead(&self, topic: &str, most: usize) -> Result<Vec<(Row, String)>, Unavailable>;

    /// Turns all dead letters of a topic into ordinary rows; returns their number.
    async fn revive(&self, topic: &str) -> Result<u64, Unavailable>;

    /// The number of unpublished events of a topic.
    async fn waiting(&self, topic: &str) -> Result<u64, Unavailable>;
}

/// A transaction of SQLite or PostgreSQL.
#[async_trait]
pub trait OutboxTransaction: Send {
    /// Writes an event into the outbox, for [`Outbox::publish`](super::Outbox::publish).
    #[doc(hidden)]
    async fn insert(&mut self, topic: &str, event: &Event) -> Result<(), sqlx::Error>;
}

/// The tables of this database, created if necessary.
pub(super) async fn tables(database: &Database) -> anyhow::Result<Arc<dyn Table>> {
    const LIST: &str = "outbox_migrations";
    Ok(match database {
        Database::Sqlite(sqlite) => {
            let script = include_str!("../../../migrations/outbox/sqlite/1_outbox.sql");
            migrate(&[script], LIST, sqlite.writer()).await?;
            Arc::new(sqlite.clone())
        }
        Database::Postgres(postgres) => {
            let script = include_str!("../../../migrations/outbox/postgres/1_outbox.sql");
            migrate(&[script], LIST, postgres.pool()).await?;
            Arc::new(postgres.clone())
        }
    })
}

/// The columns of a row.
type Columns = (i64, Vec<u8>, String, String, Vec<u8>, i64, Option<String>);
/// The columns of a dead letter: the same, and the reason.
type DeadColumns = (i64, Vec<u8>, String, String, Vec<u8>, i64, Option<String>, String);

fn row(columns: Columns) -> Result<Row, sqlx::Error> {
    let (position, id, key, type_name, payload, published_ms, trace) = columns;
    let id = id.try_into().map_err(|_| sqlx::Error::Decode("an event id is 16 bytes".into()))?;
    let headers = Headers { published: Timestamp::from_millis(published_ms.unsigned_abs()), trace };
    let payload = Encoded { type_name: type_name.into(), bytes: Bytes::from(payload) };
    Ok(Row { position, event: Event { id: u128::from_be_bytes(id), key, headers, payload } })
}

fn ms(moment: Timestamp) -> i64 {
    i64::try_from(moment.millis()).unwrap_or(i64::MAX)
}

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// Any number of positions or keys as one parameter.
fn json<T: serde::Serialize>(list: &[T]) -> String {
    serde_json::to_string(list).expect("numbers and strings are JSON")
}

/// Both databases have the same statements, and different types.
macro_rules! outbox {
    ($database:ident of $kind:ty: reads by $reader:ident, writes by $writer:ident, lists positions by $positions:literal and keys by $keys:literal) => {
        #[async_trait]
        impl Table for $database {
            async fn lease(&self, lease: Lease<'_>) -> Result<bool, Unavailable> {
                let take = "INSERT INTO outbox_leases (topic, holder, expires_ms) VALUES ($1, $2, $3)
                    ON CONFLICT (topic) DO UPDATE SET holder = excluded.holder, expires_ms = excluded.expires_ms
                    WHERE outbox_leases.holder = excluded.holder OR outbox_leases.expires_ms <= $4";
                let taken = sqlx::query(take)
                    .bind(lease.topic)
                    .bind(lease.holder)
                    .bind(ms(lease.until))
                    .bind(ms(lease.now))
                    .execute(self.$writer())
                    .await;
                taken.map(|taken| taken.rows_affected() == 1).map_err(|error| self.unavailable(&error))
            }

            async fn next(&self, topic: &str, except: &[&str], most: usize) -> Result<Vec<Row>, Unavailable> {
                let select = concat!(
                    "SELECT position, event_id, event_key, type_name, payload, published_ms, traceparent
                    FROM outbox WHERE topic = $2 AND dead_reason IS NULL AND event_key NOT IN ",
                    $keys,
                    " ORDER BY position LIMIT $3"
                );
                let query = sqlx::query_as(select).bind(json(except)).bind(topic).bind(limit(most));
                let rows: Result<Vec<Columns>, _> = query.fetch_all(self.$reader()).await;
                let rows = rows.and_then(|rows| rows.into_iter().map(row).collect());
                rows.map_err(|error| self.unavailable(&error))
            }

            async fn first(&self, topic: &str, keys: &[&str]) -> Result<Vec<Row>, Unavailable> {
                let select = concat!(
                    "SELECT position, event_id, event_key, type_name, payload, published_ms, traceparent
                    FROM outbox WHERE position IN (SELECT min(position) FROM outbox
                        WHERE topic = $2 AND dead_reason IS NULL AND event_key IN ",
                    $keys,
                    " GROUP BY event_key)"
                );
                let query = sqlx::query_as(select).bind(json(keys)).bind(topic);
                let rows: Result<Vec<Columns>, _> = query.fetch_all(self.$reader()).await;
                let rows = rows.and_then(|rows| rows.into_iter().map(row).collect());
                rows.map_err(|error| self.unavailable(&error))
            }

            async fn delete(&self, positions: &[i64]) -> Result<(), Unavailable> {
                let delete = concat!("DELETE FROM outbox WHERE position IN ", $positions);
                let deleted = sqlx::query(delete).bind(json(positions)).execute(self.$writer()).await;
                deleted.map(drop).map_err(|error| self.unavailable(&error))
            }

            async fn give_up(&self, position: i64, reason: &str) -> Result<(), Unavailable> {
                let give_up = "UPDATE outbox SET dead_reason = $1 WHERE position = $2";
                let given_up = sqlx::query(give_up).bind(reason).bind(position).execute(self.$writer()).await;
                given_up.map(drop).map_err(|error| self.unavailable(&error))
            }

            async fn dead(&self, topic: &str, most: usize) -> Result<Vec<(Row, String)>, Unavailable> {
                let select = "SELECT position, event_id, event_key, type_name, payload, published_ms, traceparent, dead_reason
                    FROM outbox WHERE topic = $1 AND dead_reason IS NOT NULL ORDER BY position LIMIT $2";
                let rows: Result<Vec<DeadColumns>, _> =
                    sqlx::query_as(select).bind(topic).bind(limit(most)).fetch_all(self.$reader()).await;
                let rows = rows.and_then(|rows| {
                    let letter = |(position, id, key, name, payload, ms, trace, reason): DeadColumns| {
                        Ok((row((position, id, key, name, payload, ms, trace))?, reason))
                    };
                    rows.into_iter().map(letter).collect()
                });
                rows.map_err(|error| self.unavailable(&error))
            }

            async fn revive(&self, topic: &str) -> Result<u64, Unavailable> {
                let revive = "UPDATE outbox SET dead_reason = NULL WHERE topic = $1 AND dead_reason IS NOT NULL";
                let revived = sqlx::query(revive).bind(topic).execute(self.$writer()).await;
                revived.map(|revived| revived.rows_affected()).map_err(|error| self.unavailable(&error))
            }

            async fn waiting(&self, topic: &str) -> Result<u64, Unavailable> {
                let count = "SELECT count(*) FROM outbox WHERE topic = $1 AND dead_reason IS NULL";
                let counted: Result<i64, _> =
                    sqlx::query_scalar(count).bind(topic).fetch_one(self.$reader()).await;
                counted.map(i64::unsigned_abs).map_err(|error| self.unavailable(&error))
            }
        }

        #[async_trait]
        impl OutboxTransaction for Transaction<'_, $kind> {
            async fn insert(&mut self, topic: &str, event: &Event) -> Result<(), sqlx::Error> {
                let insert = "INSERT INTO outbox
                    (topic, event_id, event_key, type_name, payload, published_ms, traceparent)
                    VALUES ($1, $2, $3, $4, $5, $6, $7)";
                sqlx::query(insert)
                    .bind(topic)
                    .bind(event.id.to_be_bytes().to_vec())
                    .bind(event.key.as_str())
                    .bind(&*event.payload.type_name)
                    .bind(event.payload.bytes.to_vec())
                    .bind(ms(event.headers.published))
                    .bind(event.headers.trace.as_deref())
                    .execute(&mut **self)
                    .await
                    .map(drop)
            }
        }
    };
}

outbox! { Sqlite of sqlx::Sqlite: reads by reader, writes by writer,
lists positions by "(SELECT value FROM json_each($1))" and keys by "(SELECT value FROM json_each($1))" }
outbox! { Postgres of sqlx::Postgres: reads by pool, writes by pool,
lists positions by "(SELECT value::bigint FROM json_array_elements_text($1::json))"
and keys by "(SELECT value FROM json_array_elements_text($1::json))" }
