//! A link as a row, with the same columns in every store.

use contract::Timestamp;
use shortener::{Code, Link, LinkId, NewLink, RequestKey, Target};

/// `id, code, target, created_ms, expires_ms`
pub(super) type LinkRow = (String, String, String, i64, Option<i64>);

/// The columns of a [`LinkRow`].
pub(super) const COLUMNS: &str = "id, code, target, created_ms, expires_ms";

/// A [`LinkRow`] and `aliased`.
pub(super) type MadeRow = (String, String, String, i64, Option<i64>, bool);

/// Parses a row; fails if a column violates the contract.
pub(super) fn link(row: LinkRow) -> Result<Link, sqlx::Error> {
    let (id, code, target, created_ms, expires_ms) = row;
    Ok(Link {
        id: LinkId::parse(&id).map_err(undecoded)?,
        code: Code::parse(code).map_err(undecoded)?,
        target: Target::try_from(target).map_err(undecoded)?,
        created_at: Timestamp::from_millis(created_ms.unsigned_abs()),
        expires_at: expires_ms.map(|ms| Timestamp::from_millis(ms.unsigned_abs())),
    })
}

/// Parses the row of the link that the request with this key made.
pub(super) fn made(row: MadeRow, key: &RequestKey) -> Result<NewLink, sqlx::Error> {
    let (id, code, target, created_ms, expires_ms, aliased) = row;
    let link = link((id, code, target, created_ms, expires_ms))?;
    Ok(NewLink { link, key: key.clone(), aliased })
}

fn undecoded(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

/// A timestamp as a column, in milliseconds.
pub(super) fn ms(moment: Timestamp) -> i64 {
    i64::try_from(moment.millis()).unwrap_or(i64::MAX)
}
