//! Appending in PostgreSQL.

use backing::Postgres;
use chat::{Entry, Sequence};
use sqlx::{Acquire as _, PgExecutor};

use super::rows::{Columns, Stored, position, sender_term};
use crate::adapters::rows::count;

/// `is_known, is_ended`, and if a number was taken `epoch, last`
type TakenRow = (bool, bool, Option<i64>, Option<i64>);

/// Takes the next number and stores a record under it, in one statement and so in one round trip. If it fails, nothing of it
/// has happened, and no number is missing.
///
/// `taken` may wait for the log's row, and goes on with the row as it is then. `seen` does not: it is of the snapshot with
/// which the statement began, and so it lacks whatever was appended during the wait (READ COMMITTED,
/// <https://www.postgresql.org/docs/current/transaction-iso.html#XACT-READ-COMMITTED>). Two things could be lacking. A record
/// with the same key violates the constraint, and the statement fails as a whole. The end of a membership would let a message
/// follow the removal of its sender; therefore each end changes `ends` of the row, and a message whose snapshot has another
/// number there than the row is not appended.
const APPEND: &str = "WITH seen AS (
        SELECT ends,
            EXISTS (SELECT 1 FROM records WHERE room = $1 AND user_name = $2 AND what = $3) AS is_known,
            EXISTS (SELECT 1 FROM records WHERE room = $1 AND user_name = $2 AND term >= $4) AS is_ended
        FROM logs WHERE room = $1
    ), taken AS (
        UPDATE logs SET last = last + 1, ends = logs.ends + CASE WHEN $7 IS NULL THEN 0 ELSE 1 END
        FROM seen
        WHERE room = $1 AND NOT is_known AND NOT is_ended AND ($4 IS NULL OR logs.ends = seen.ends)
        RETURNING epoch, last
    ), stored AS (
        INSERT INTO records (room, sequence, user_name, what, message_id, text, term, at_ms)
        SELECT $1, last, $2, $3, $5, $6, $7, $8 FROM taken
    )
    SELECT is_known, is_ended, epoch, last FROM seen LEFT JOIN taken ON TRUE";

/// Locks a log until the end of the transaction; begins it if need be.
const LOCK: &str = "INSERT INTO logs (room, epoch) VALUES ($1, $2)
    ON CONFLICT (room) DO UPDATE SET room = excluded.room";

/// Stores a record under a number that was taken before, unless the sender's membership has ended. The log's row comes first,
/// as everywhere.
const PUT: &str = "WITH counted AS (
        UPDATE logs SET ends = ends + 1 WHERE room = $1 AND $7 IS NOT NULL RETURNING room
    )
    INSERT INTO records (room, sequence, user_name, what, message_id, text, term, at_ms)
    SELECT $1, $9, $2, $3, $5, $6, $7, $8 FROM (SELECT count(*) FROM counted) AS first
    WHERE NOT EXISTS (SELECT 1 FROM records WHERE room = $1 AND user_name = $2 AND term >= $4)
    ON CONFLICT ON CONSTRAINT records_key DO NOTHING";

/// A statement with the record as its first eight parameters.
macro_rules! bound {
    ($query:expr, $entry:expr) => {{
        let columns = Columns::of($entry);
        $query
            .bind(columns.room)
            .bind(columns.user)
            .bind(columns.what)
            .bind(sender_term($entry))
            .bind(columns.message_id)
            .bind(columns.text)
            .bind(columns.term)
            .bind(columns.at_ms)
    }};
}

/// Appends a record: one round trip, unless its log has not begun or somebody's membership ends at the same time.
pub(super) async fn append(database: &Postgres, entry: &Entry) -> Result<Stored, sqlx::Error> {
    if let Some(stored) = attempt(database.pool(), entry).await? {
        return Ok(stored);
    }
    // A statement that follows the lock has a snapshot that lacks nothing.
    let mut transaction = database.pool().begin().await?;
    sqlx::query(LOCK)
        .bind(String::from(entry.room))
        .bind(count(entry.epoch.get()))
        .execute(&mut *transaction)
        .await?;
    let stored = attempt(&mut *transaction, entry).await?.ok_or(sqlx::Error::RowNotFound)?;
    transaction.commit().await?;
    Ok(stored)
}

/// What comes of the statement; `None` if there is no log, or one to which an end of a membership was appended meanwhile.
async fn attempt<'c>(connection: impl PgExecutor<'c>, entry: &Entry) -> Result<Option<Stored>, sqlx::Error> {
    let row: Result<Option<TakenRow>, _> =
        bound!(sqlx::query_as(APPEND), entry).fetch_optional(connection).await;
    match row {
        Ok(Some((true, ..))) => Ok(Some(Stored::Known)),
        Ok(Some((_, true, ..))) => Ok(Some(Stored::Ended)),
        Ok(Some((.., Some(epoch), Some(last)))) => position(epoch, last).map(|at| Some(Stored::New(at))),
        Ok(_) => Ok(None),
        Err(error) if is_known(&error) => Ok(Some(Stored::Known)),
        Err(error) => Err(error),
    }
}

/// Whether a record with the same key was appended meanwhile.
fn is_known(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.constraint() == Some("records_key"))
}

/// Stores a record under a number that was reserved. Returns whether it is stored: if not, its key is known, or the sender's
/// membership has ended.
pub(super) async fn put(database: &Postgres, entry: &Entry, sequence: Sequence) -> Result<bool, sqlx::Error> {
    let put = bound!(sqlx::query(PUT), entry).bind(count(sequence.0)).execute(database.pool()).await?;
    Ok(put.rows_affected() == 1)
}
