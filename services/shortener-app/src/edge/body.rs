//! What the public API reads and writes.

use contract::Timestamp;
use runtime::edge::Problem;
use serde::{Deserialize, Serialize};
use shortener::Link;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use utoipa::ToSchema;

/// The body of `POST /links`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShortenAsked {
    /// Where the link shall lead: an absolute `http` or `https` URL, at most 2,048 bytes.
    pub(super) target: String,
    /// The code that you wish for: 1 to 32 characters of `[0-9A-Za-z_-]`.
    pub(super) alias: Option<String>,
    /// From when on the link shall lead nowhere: RFC 3339, in the future.
    pub(super) expires_at: Option<String>,
}

/// A link as the public API shows it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LinkShown {
    /// Its code: the path of the short link.
    code: String,
    /// Where it leads.
    target: String,
    /// When it was made, RFC 3339.
    created_at: String,
    /// From when on it leads nowhere, RFC 3339.
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
    pub(super) fn new(link: &Link, clicks: Option<u64>) -> Self {
        Self {
            code: link.code.to_string(),
            target: link.target.as_str().to_owned(),
            created_at: text(link.created_at),
            expires_at: link.expires_at.map(text),
            clicks,
        }
    }
}

/// Reads a moment.
pub(super) fn moment(text: &str) -> Result<Timestamp, Problem> {
    let moment =
        OffsetDateTime::parse(text, &Rfc3339).map_err(|error| Problem::invalid("expires_at", &error))?;
    let millis = u64::try_from(moment.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
    Ok(Timestamp::from_millis(millis))
}

/// A moment as RFC 3339.
fn text(moment: Timestamp) -> String {
    let nanos = i128::from(moment.millis()) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos)
        .ok()
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_default()
}
