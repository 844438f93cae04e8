//! Appending in SQLite.

use backing::Sqlite;
use chat::{Entry, Sequence};
use sqlx::Acquire as _;

use super::rows::{BEGIN, Columns, Stored, position, sender_term};
use crate::adapters::rows::count;

/// Whether the log has a record with this key, and whether it has an end of this membership.
const SEEN: &str = "SELECT
    EXISTS (SELECT 1 FROM records WHERE room = $1 AND user_name = $2 AND what = $3),
    EXISTS (SELECT 1 FROM records WHERE room = $1 AND user_name = $2 AND term >= $4)";

/// Takes the next number.
const TAKE: &str = "UPDATE logs SET last = last + 1 WHERE room = $1 RETURNING epoch, last";

/// Stores a record, unless there is one with its key or the sender's membership has ended.
const PUT: &str = "INSERT INTO records (room, sequence, user_name, what, message_id, text, term, at_ms)
    SELECT $1, $9, $2, $3, $5, $6, $7, $8
    WHERE NOT EXISTS (SELECT 1 FROM records WHERE room = $1 AND user_name = $2 AND term >= $4)
    ON CONFLICT (room, user_name, what) DO NOTHING";

/// The statement that stores a record.
macro_rules! put {
    ($entry:expr, $sequence:expr) => {{
        let columns = Columns::of($entry);
        sqlx::query(PUT)
            .bind(columns.room)
            .bind(columns.user)
            .bind(columns.what)
            .bind(sender_term($entry))
            .bind(columns.message_id)
            .bind(columns.text)
            .bind(columns.term)
            .bind(columns.at_ms)
            .bind(count($sequence.0))
    }};
}

/// Appends a record. The first statement locks the file against all other writers, so that the others see all that was
/// appended before.
pub(super) async fn append(database: &Sqlite, entry: &Entry) -> Result<Stored, sqlx::Error> {
    let mut transaction = database.writer().begin().await?;
    sqlx::query(BEGIN)
        .bind(String::from(entry.room))
        .bind(count(entry.epoch.get()))
        .execute(&mut *transaction)
        .await?;
    let seen: (bool, bool) = sqlx::query_as(SEEN)
        .bind(String::from(entry.room))
        .bind(entry.key.user.as_str())
        .bind(entry.key.what.as_str())
        .bind(sender_term(entry))
        .fetch_one(&mut *transaction)
        .await?;
    match seen {
        (true, _) => return Ok(Stored::Known),
        (_, true) => return Ok(Stored::Ended),
        _ => {}
    }
    let (epoch, last): (i64, i64) =
        sqlx::query_as(TAKE).bind(String::from(entry.room)).fetch_one(&mut *transaction).await?;
    let taken = position(epoch, last)?;
    put!(entry, taken.sequence).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(Stored::New(taken))
}

/// Stores a record under a number that was reserved. Returns whether it is stored: if not, its key is known, or the sender's
/// membership has ended.
pub(super) async fn put(database: &Sqlite, entry: &Entry, sequence: Sequence) -> Result<bool, sqlx::Error> {
    let put = put!(entry, sequence).execute(database.writer()).await?;
    Ok(put.rows_affected() == 1)
}
