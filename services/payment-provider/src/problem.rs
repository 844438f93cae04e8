//! An error as a client gets it: a problem document (RFC 9457).

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::charge::Refusal;

/// The media type of a problem document.
pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A problem.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    /// The last part of its type.
    slug: &'static str,
    detail: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, slug: &'static str, detail: impl Into<String>) -> Self {
        Self { status, slug, detail: detail.into() }
    }

    /// A request that cannot be read.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    /// A value that cannot be meant.
    pub(crate) fn invalid(field: &str, detail: &str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", format!("`{field}`: {detail}"))
    }

    /// A charge that is not there.
    pub(crate) fn no_such_charge(id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "no-such-charge", format!("there is no charge `{id}`"))
    }

    /// Its status code.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The document.
    pub(crate) fn body(&self) -> String {
        let title = self.status.canonical_reason().unwrap_or_default();
        let kind = format!("/problems/{}", self.slug);
        let document =
            json!({ "type": kind, "title": title, "status": self.status.as_u16(), "detail": self.detail });
        document.to_string()
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let slug = match refusal {
            Refusal::Captured => "charge-captured",
            Refusal::Ended(_) => "charge-ended",
            Refusal::NotCaptured => "charge-not-captured",
            Refusal::ExceedsHeld { .. } => "exceeds-held",
            Refusal::ExceedsCaptured { .. } => "exceeds-captured",
        };
        Self::new(StatusCode::CONFLICT, slug, refusal.to_string())
    }
}

/// The books cannot be read or written; the log has the details.
impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        tracing::warn!(%error, "the books cannot be used");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "the books are away")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, [(header::CONTENT_TYPE, PROBLEM_JSON)], self.body()).into_response();
        let may_pass = matches!(self.status, StatusCode::SERVICE_UNAVAILABLE) || self.slug == KEY_IN_FLIGHT;
        if may_pass {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// The type of the one conflict that passes by itself.
pub(crate) const KEY_IN_FLIGHT: &str = "key-in-flight";
