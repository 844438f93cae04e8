//! What a client is told when something is wrong: a problem document (RFC 9457).

use std::borrow::Cow;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use contract::{Unavailable, Why};
use shortener::ClickError;

/// A problem on its way to a client.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    slug: Cow<'static, str>,
    title: &'static str,
    detail: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, slug: &'static str, title: &'static str, detail: String) -> Self {
        Self { status, slug: slug.into(), title, detail }
    }

    pub(super) fn unprocessable(slug: &'static str, title: &'static str, detail: String) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, slug, title, detail)
    }

    /// A field that does not hold what it should.
    pub(super) fn invalid(field: &str, error: &dyn std::error::Error) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            slug: format!("invalid-{}", field.replace('_', "-")).into(),
            title: "Invalid value",
            detail: format!("`{field}`: {error}"),
        }
    }

    /// A path that can be no code: to its reader a link that is not there.
    pub(super) fn no_such_code(error: &dyn std::error::Error) -> Self {
        Self::new(StatusCode::NOT_FOUND, "no-such-link", "No such link", error.to_string())
    }

    /// What the types rule out.
    pub(super) fn internal() -> Self {
        let detail = "a stored link cannot be written as a header".to_owned();
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Unavailable", detail)
    }
}

impl From<Unavailable> for Problem {
    fn from(unavailable: Unavailable) -> Self {
        let detail = unavailable.to_string();
        match unavailable.why {
            Why::TimedOut => Self::new(StatusCode::GATEWAY_TIMEOUT, "too-late", "Deadline exceeded", detail),
            _ => Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Unavailable", detail),
        }
    }
}

impl From<ClickError> for Problem {
    fn from(error: ClickError) -> Self {
        match error {
            ClickError::Unavailable(unavailable) => unavailable.into(),
            ClickError::TooManyCounts => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Unavailable", error.to_string())
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = remote::problem(self.status, &self.slug, self.title, &self.detail);
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
