//! The OpenAPI document of the public API.

use axum::{http::header, response::IntoResponse};
use runtime::edge::{EveryOperation, ProblemShown};
use utoipa::OpenApi;

use super::body::{LinkShown, PendingShown, ShortenAsked};

/// `GET /openapi.json`
pub(super) async fn document() -> impl IntoResponse {
    let document = Shortener::openapi().to_json().unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], document)
}

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

#[utoipa::path(
    post, path = "/links", request_body = ShortenAsked,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters; the same key and body again return the same link")),
    responses(
        (status = 201, description = "The link; `Location` is its path", body = LinkShown, headers(("Location" = String))),
        (status = 400, description = "The body is malformed", body = ProblemShown, content_type = "application/problem+json"),
        (status = 409, description = "The alias is taken", body = ProblemShown, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 64 KiB", body = ProblemShown, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = ProblemShown, content_type = "application/problem+json"),
        (status = 422, description = "A value is not acceptable, or the key was used for a different request", body = ProblemShown, content_type = "application/problem+json"),
        (status = 503, description = "A component is away", body = ProblemShown, content_type = "application/problem+json"),
        (status = 504, description = "The deadline passed; whether it had an effect is not known", body = ProblemShown, content_type = "application/problem+json"),
    )
)]
#[expect(dead_code, reason = "stands for the handler in the document")]
fn shorten() {}

#[utoipa::path(
    get, path = "/links/{code}", params(("code" = String, Path)),
    responses(
        (status = 200, description = "The link and its clicks", body = LinkShown),
        (status = 404, description = "There is no such link", body = ProblemShown, content_type = "application/problem+json"),
        (status = 410, description = "The link has expired", body = ProblemShown, content_type = "application/problem+json"),
        (status = 503, description = "A component is away", body = ProblemShown, content_type = "application/problem+json"),
        (status = 504, description = "The deadline passed", body = ProblemShown, content_type = "application/problem+json"),
    )
)]
#[expect(dead_code, reason = "stands for the handler in the document")]
fn show() {}

#[utoipa::path(
    delete, path = "/links/{code}", params(("code" = String, Path)),
    responses(
        (status = 204, description = "The code leads nowhere now"),
        (status = 503, description = "A component is away", body = ProblemShown, content_type = "application/problem+json"),
        (status = 504, description = "The deadline passed", body = ProblemShown, content_type = "application/problem+json"),
    )
)]
#[expect(dead_code, reason = "stands for the handler in the document")]
fn remove() {}

#[utoipa::path(
    get, path = "/clicks/pending",
    responses(
        (status = 200, description = "How many follows are acknowledged and not counted yet", body = PendingShown),
        (status = 503, description = "What carries clicks cannot be asked", body = ProblemShown, content_type = "application/problem+json"),
        (status = 504, description = "The deadline passed", body = ProblemShown, content_type = "application/problem+json"),
    )
)]
#[expect(dead_code, reason = "stands for the handler in the document")]
fn pending() {}

#[utoipa::path(
    get, path = "/{code}", params(("code" = String, Path)),
    responses(
        (status = 302, description = "`Location` is the target", headers(("Location" = String))),
        (status = 404, description = "There is no such link", body = ProblemShown, content_type = "application/problem+json"),
        (status = 410, description = "The link has expired", body = ProblemShown, content_type = "application/problem+json"),
        (status = 421, description = "The link leads to where it was asked for: to follow it would go round for ever", body = ProblemShown, content_type = "application/problem+json"),
        (status = 503, description = "A component is away", body = ProblemShown, content_type = "application/problem+json"),
        (status = 504, description = "The deadline passed", body = ProblemShown, content_type = "application/problem+json"),
    )
)]
#[expect(dead_code, reason = "stands for the handler in the document")]
fn follow() {}
