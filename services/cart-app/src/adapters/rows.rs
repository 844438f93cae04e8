//! What the stores have in common: values as columns, and why a transaction ends without a commit.

use backing::PublishError;
use contract::{Timestamp, Unavailable, Why};
use serde::{Serialize, de::DeserializeOwned};

/// A value as a column of JSON, for what is read and written as a whole.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("the values of the contracts are JSON")
}

/// Parses a column of JSON.
pub(super) fn parsed<T: DeserializeOwned>(column: &str) -> Result<T, sqlx::Error> {
    serde_json::from_str(column).map_err(undecoded)
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

/// A number as a column. The contracts' own limits are below those of 63 bits.
pub(super) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Why a transaction was not committed.
#[derive(Debug)]
pub(super) enum Aborted {
    /// A statement failed.
    Statement(sqlx::Error),
    /// A message of it cannot be published.
    Unpublished(PublishError),
    /// Another transaction has changed what this one had read: it can be tried anew.
    Conflict,
}

impl Aborted {
    /// The contract's error, with the database's own translation of errors of statements.
    pub(super) fn unavailable(self, of_statement: impl FnOnce(&sqlx::Error) -> Unavailable) -> Unavailable {
        match self {
            Self::Statement(error) => of_statement(&error),
            Self::Unpublished(error) => error.into(),
            Self::Conflict => Unavailable::new("database", Why::Overloaded),
        }
    }
}

impl From<sqlx::Error> for Aborted {
    fn from(error: sqlx::Error) -> Self {
        Self::Statement(error)
    }
}

impl From<PublishError> for Aborted {
    fn from(error: PublishError) -> Self {
        Self::Unpublished(error)
    }
}
