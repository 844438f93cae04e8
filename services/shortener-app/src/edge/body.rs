//! The requests and replies of the public API.

use contract::Timestamp;
use runtime::edge::Problem;
use serde::{Deserialize, Serialize};
use shortener::Link;
use time::{OffsetDateTime, UtcOffset, error::Parse, format_description::well_known::Rfc3339};
use utoipa::{PartialSchema as _, ToSchema};

use super::schemas;

/// The body of `POST /links`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShortenAsked {
    #[schema(schema_with = schemas::TargetAsked::schema)]
    pub(super) target: String,
    #[schema(schema_with = schemas::Alias::schema)]
    pub(super) alias: Option<String>,
    #[schema(schema_with = schemas::ExpiresAtAsked::schema)]
    pub(super) expires_at: Option<String>,
}

/// A link as the public API shows it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LinkShown {
    #[schema(schema_with = schemas::CodeShown::schema)]
    code: String,
    #[schema(schema_with = schemas::TargetShown::schema)]
    target: String,
    #[schema(schema_with = schemas::CreatedAt::schema)]
    created_at: String,
    #[schema(schema_with = schemas::ExpiresAt::schema)]
    expires_at: Option<String>,
    /// How often it was followed, as far as is known by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    clicks: Option<u64>,
}

/// Clicks that are on their way.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PendingShown {
    /// How many follows are acknowledged and not counted yet, of all links together; never too few.
    pub(super) pending: u64,
}

impl LinkShown {
    pub(super) fn new(link: &Link, clicks: Option<u64>) -> Result<Self, Problem> {
        Ok(Self {
            code: link.code.to_string(),
            target: link.target.as_str().to_owned(),
            created_at: text(link.created_at)?,
            expires_at: link.expires_at.map(text).transpose()?,
            clicks,
        })
    }
}

/// The reasons why a text is not a valid time.
#[derive(Debug, thiserror::Error)]
pub(super) enum MomentError {
    /// It is not RFC 3339.
    #[error("{0}; write a time as `2030-12-31T23:59:59Z` (RFC 3339)")]
    Malformed(#[from] Parse),
    /// Its year in UTC has more than four digits, which RFC 3339 does not allow.
    #[error("the latest time is 9999-12-31T23:59:59.999Z")]
    TooLate,
}

/// Parses a time that can be formatted again; a time before 1970 becomes the start of 1970, which has expired
/// just the same.
pub(super) fn moment(text: &str) -> Result<Timestamp, MomentError> {
    let moment = OffsetDateTime::parse(text, &Rfc3339)?;
    // Without an offset, the year 10000 is not representable.
    let moment = moment.checked_to_offset(UtcOffset::UTC).ok_or(MomentError::TooLate)?;
    let millis = moment.unix_timestamp_nanos().max(0) / 1_000_000;
    u64::try_from(millis).map(Timestamp::from_millis).map_err(|_| MomentError::TooLate)
}

/// Formats a time as RFC 3339. This cannot fail for a time from [`moment`], but may for any other time in a
/// store.
fn text(moment: Timestamp) -> Result<String, Problem> {
    let nanos = i128::from(moment.millis()) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos)
        .map_err(time::Error::from)
        .and_then(|moment| moment.format(&Rfc3339).map_err(time::Error::from))
        .map_err(|error| {
            Problem::internal(format!("a stored link has a moment that cannot be written: {error}"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_that_is_read_can_be_written() {
        for (given, shown) in [
            ("2999-12-31T23:59:59.9999Z", "2999-12-31T23:59:59.999Z"),
            ("2999-12-31T23:59:59+02:00", "2999-12-31T21:59:59Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
            ("9999-12-31T23:59:59+23:59", "9999-12-31T00:00:59Z"),
            ("0000-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
            ("0000-01-01T00:00:00+23:59", "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(text(moment(given).unwrap()).unwrap(), shown, "{given}");
        }
    }

    #[test]
    fn a_moment_that_could_not_be_written_is_refused() {
        for given in ["9999-12-31T23:59:59-00:01", "9999-12-31T00:01:00-23:59"] {
            assert!(matches!(moment(given), Err(MomentError::TooLate)), "{given}");
        }
        for given in
            ["10000-01-01T00:00:00Z", "+10000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "2999-01-01"]
        {
            assert!(matches!(moment(given), Err(MomentError::Malformed(_))), "{given}");
        }
    }

    #[test]
    fn what_cannot_be_written_is_an_error_and_no_empty_text() {
        assert!(text(Timestamp::from_millis(u64::MAX)).is_err());
    }
}
