//! What the stores have in common: values as columns.

use chat::{RoomId, Term, User};
use contract::Timestamp;
use serde::Serialize;

/// A list as a parameter of JSON.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("the values of the contracts are JSON")
}

/// The error for a column that violates the contract.
pub(super) fn undecoded(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

/// A timestamp as a column, in milliseconds.
pub(super) fn ms(moment: Timestamp) -> i64 {
    count(moment.millis())
}

/// A timestamp from a column.
pub(super) fn moment(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms.unsigned_abs())
}

/// A number as a column. One beyond 63 bits is beyond whatever is stored, and stays so.
pub(super) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A term from a column.
pub(super) fn term(column: i64) -> Result<Term, sqlx::Error> {
    u32::try_from(column).map(Term).map_err(undecoded)
}

/// A user from a column.
pub(super) fn user(column: String) -> Result<User, sqlx::Error> {
    User::parse(column).map_err(undecoded)
}

/// A room's id from a column.
pub(super) fn room(column: &str) -> Result<RoomId, sqlx::Error> {
    RoomId::parse(column).map_err(undecoded)
}
