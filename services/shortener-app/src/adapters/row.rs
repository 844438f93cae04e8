//! A link as a row: the same columns in every store.

use contract::Timestamp;
use shortener::{Code, Link, Target};

/// `code, target, created_ms, expires_ms`
pub(super) type LinkRow = (String, String, i64, Option<i64>);

/// The columns of a [`LinkRow`].
pub(super) const COLUMNS: &str = "code, target, created_ms, expires_ms";

/// The link in a row.
pub(super) fn link(row: LinkRow) -> Result<Link, sqlx::Error> {
    let (code, target, created_ms, expires_ms) = row;
    Ok(Link {
        code: Code::parse(code).map_err(|error| sqlx::Error::Decode(error.into()))?,
        target: Target::try_from(target).map_err(|error| sqlx::Error::Decode(error.into()))?,
        created_at: Timestamp::from_millis(created_ms.unsigned_abs()),
        expires_at: expires_ms.map(|ms| Timestamp::from_millis(ms.unsigned_abs())),
    })
}

/// A moment as a column.
pub(super) fn ms(moment: Timestamp) -> i64 {
    i64::try_from(moment.millis()).unwrap_or(i64::MAX)
}
