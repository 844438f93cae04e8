//! The OpenAPI document of the public API.

use std::sync::LazyLock;

use axum::{http::header, response::IntoResponse};
use runtime::edge::{EveryOperation, ProblemShown};
use utoipa::{IntoParams, OpenApi};

use super::{
    body::{LinkShown, PendingShown, ShortenAsked},
    schemas,
};

/// `GET /openapi.json`
pub(super) async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}

static DOCUMENT: LazyLock<String> =
    LazyLock::new(|| Shortener::openapi().to_json().expect("a document of texts and numbers"));

#[derive(OpenApi)]
#[openapi(
    modifiers(&EveryOperation),
    info(
        title = "URL shortener",
        description = "Shorten a URL, follow it, see its clicks, delete it.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    paths(shorten, show, remove, pending, follow),
    components(schemas(ShortenAsked, LinkShown, PendingShown, ProblemShown))
)]
struct Shortener;

/// The link that a path names.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "stands for the path in the document")]
struct ByCode {
    #[param(schema_with = schemas::code)]
    code: String,
}

/// What makes a creation repeatable.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "stands for the header fields in the document")]
struct Keyed {
    #[param(rename = "Idempotency-Key", required = false, schema_with = schemas::key)]
    key: Option<String>,
}

#[utoipa::path(
    post, path = "/links", request_body = ShortenAsked,
    params(Keyed),
    responses(
        (status = 201, description = "The link; `Location` is its path", body = LinkShown, headers(("Location" = inline(schemas::LinkPath)))),
        (status = 409, description = "The alias is taken", body = ProblemShown, content_type = "application/problem+json"),
        (status = 422, description = "A value is not acceptable, or the key was used for a different request", body = ProblemShown, content_type = "application/problem+json"),
    )
)]
#[expect(dead_code, reason = "stands for the handler in the document")]
fn shorten() {}

#[utoipa::path(
    get, path = "/links/{code}", params(ByCode),
    responses(
        (status = 200, description = "The link and its clicks", body = LinkShown),
        (status = 404, description = "There is no such link", body = ProblemShown, content_type = "application/problem+json"),
        (status = 410, description = "The link has expired", body = ProblemShown, content_type = "application/problem+json"),
    )
)]
#[expect(dead_code, reason = "stands for the handler in the document")]
fn show() {}

#[utoipa::path(
    delete, path = "/links/{code}", params(ByCode),
    responses(
        (status = 204, description = "The code leads nowhere now"),
        (status = 404, description = "The path is not a valid code", body = ProblemShown, content_type = "application/problem+json"),
    )
)]
#[expect(dead_code, reason = "stands for the handler in the document")]
fn remove() {}

#[utoipa::path(
    get, path = "/clicks/pending",
    responses(
        (status = 200, description = "How many follows are acknowledged and not counted yet", body = PendingShown),
    )
)]
#[expect(dead_code, reason = "stands for the handler in the document")]
fn pending() {}

#[utoipa::path(
    get, path = "/{code}", params(ByCode),
    responses(
        (status = 302, description = "`Location` is the target", headers(("Location" = inline(schemas::LinkTarget)))),
        (status = 404, description = "There is no such link", body = ProblemShown, content_type = "application/problem+json"),
        (status = 410, description = "The link has expired", body = ProblemShown, content_type = "application/problem+json"),
        (status = 421, description = "The link leads to where it was asked for: to follow it would go round for ever", body = ProblemShown, content_type = "application/problem+json"),
    )
)]
#[expect(dead_code, reason = "stands for the handler in the document")]
fn follow() {}
