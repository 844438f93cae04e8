//! The common parts of all public APIs: reading a body, errors as problem documents (RFC 9457), and the API's
//! description.

mod body;
pub mod integers;
mod openapi;
pub mod parameters;
mod schemas;

use std::{borrow::Cow, fmt::Display};

use axum::{
    Router,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
pub use body::{JsonBody, body_in_time};
use contract::{Unavailable, Why};
pub use openapi::described;
#[doc(hidden)]
pub use schemas::with_description;
pub use schemas::{moment, or_null, text, text_of, whole};
use utoipa::ToSchema;

pub use crate::own_grpc::reflection;

/// A problem on its way to a client, as a problem document: `application/problem+json` (RFC 9457).
#[derive(Debug, ToSchema)]
pub struct Problem {
    /// The status code.
    #[schema(value_type = u16, minimum = 400, maximum = 599)]
    status: StatusCode,
    /// A relative URI that names the kind of problem.
    #[schema(rename = "type", pattern = "^/problems/[a-z0-9-]+$", example = "/problems/malformed")]
    slug: Cow<'static, str>,
    /// The kind of problem, for a person.
    #[schema(min_length = 1)]
    title: &'static str,
    /// What is wrong with this request.
    #[schema(min_length = 1)]
    detail: String,
}

impl Problem {
    /// A problem of this kind; `slug` is the last part of its type URI.
    pub fn new(status: StatusCode, slug: &'static str, title: &'static str, detail: String) -> Self {
        Self { status, slug: slug.into(), title, detail }
    }

    /// A well-formed request with an invalid meaning: 422.
    pub fn unprocessable(slug: &'static str, title: &'static str, detail: String) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, slug, title, detail)
    }

    /// What a path names is not there: 404.
    pub fn not_found(slug: &'static str, title: &'static str, detail: String) -> Self {
        Self::new(StatusCode::NOT_FOUND, slug, title, detail)
    }

    /// A request that contradicts what there is: 409.
    pub fn conflict(slug: &'static str, title: &'static str, detail: String) -> Self {
        Self::new(StatusCode::CONFLICT, slug, title, detail)
    }

    /// A request that cannot be parsed: 400.
    pub fn malformed(detail: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "Malformed request", detail)
    }

    /// A field with an invalid value: 422.
    pub fn invalid(field: &str, error: &dyn Display) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            slug: format!("invalid-{}", field.replace('_', "-")).into(),
            title: "Invalid value",
            detail: format!("`{field}`: {error}"),
        }
    }

    /// An internal error, 500: something that the types rule out, or processes that disagree about a
    /// contract.
    ///
    /// Nothing is unavailable, so a retry does not help.
    pub fn internal(detail: String) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal-error", "Internal error", detail)
    }

    /// Its status code.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The last part of its type URI.
    pub fn slug(&self) -> &str {
        &self.slug
    }

    /// What is wrong with this request.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// A component, or its backing, is unavailable: 503.
    fn unavailable(detail: String) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Unavailable", detail)
    }
}

impl From<Unavailable> for Problem {
    fn from(unavailable: Unavailable) -> Self {
        let detail = unavailable.to_string();
        match unavailable.why {
            Why::TimedOut => Self::new(StatusCode::GATEWAY_TIMEOUT, "too-late", "Deadline exceeded", detail),
            why if why.is_transient() => Self::unavailable(detail),
            _ => Self::internal(detail),
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

/// A header field with a single value: `None` if it is absent, 400 if it occurs more than once.
///
/// The server must not guess which of several values the sender meant.
pub fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Problem> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_none() {
        return Ok(first);
    }
    let detail = format!("the header field `{name}` is there more than once: send it once");
    Err(Problem::malformed(detail))
}

/// Adds problems as fallbacks: 404 for an unknown path, 405 for an unknown method of a path.
fn with_fallbacks(routes: Router) -> Router {
    routes.fallback(no_such_path).method_not_allowed_fallback(method_not_allowed)
}

async fn no_such_path(path: Uri) -> Response {
    let detail = format!("nothing is at `{}`; `/openapi.json` says what there is", path.path());
    remote::problem(StatusCode::NOT_FOUND, "no-such-path", "No such path", &detail)
}

async fn method_not_allowed(method: Method) -> Response {
    let detail = format!("this resource does not answer {method}; the header `Allow` says what it answers");
    remote::problem(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed", &detail)
}
