//! The OpenAPI document of the public API.

use std::sync::LazyLock;

use axum::{http::header, response::IntoResponse};
use runtime::edge::{EveryOperation, ProblemShown};
use utoipa::{IntoParams, OpenApi};

use super::{
    body::{
        BoundShown, DecisionAsked, DecisionShown, LimitText, PoliciesAsked, PoliciesShown, PolicyText,
        QuoteShown,
    },
    schemas,
};

/// `GET /openapi.json`
pub(super) async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}

static DOCUMENT: LazyLock<String> =
    LazyLock::new(|| Limiter::openapi().to_json().expect("a document of texts and numbers"));

#[derive(OpenApi)]
#[openapi(
    modifiers(&EveryOperation),
    info(
        title = "Rate limiter",
        description = "Ask for a quote; if that was too often, be told when to come back.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    paths(quote, policies_in_force, replace_policies, decide),
    components(schemas(
        QuoteShown,
        PoliciesAsked,
        PoliciesShown,
        PolicyText,
        LimitText,
        BoundShown,
        DecisionAsked,
        DecisionShown,
        ProblemShown
    ))
)]
struct Limiter;

/// The quote that a path names.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "stands for the path in the document")]
struct ByNumber {
    #[param(schema_with = schemas::number)]
    number: u64,
}

/// What policies replace.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "stands for the header field in the document")]
struct Expected {
    #[param(rename = "If-Match", required = false, schema_with = schemas::if_match)]
    versions: Option<String>,
}

#[utoipa::path(
    get, path = "/quotes/{number}",
    params(
        ByNumber,
        ("Authorization" = Option<String>, Header, description = "`Bearer TOKEN`: the fact `token`; each header `x-...` is the fact `header:x-...`"),
    ),
    responses(
        (status = 200, description = "The quote", body = QuoteShown, headers(("RateLimit" = String), ("RateLimit-Policy" = String))),
        (status = 400, description = "The request or its number is malformed", body = ProblemShown, content_type = "application/problem+json"),
        (status = 429, description = "A limit is used up; `Retry-After` says for how long", body = ProblemShown, content_type = "application/problem+json", headers(("Retry-After" = u64), ("RateLimit" = String), ("RateLimit-Policy" = String))),
        (status = 503, description = "Nobody can count, and `on-failure` is `closed`; or a component is away, or too many requests are in flight", body = ProblemShown, content_type = "application/problem+json"),
    )
)]
#[expect(dead_code, reason = "stands for the handler in the document")]
fn quote() {}

#[utoipa::path(
    get, path = "/policies",
    responses(
        (status = 200, description = "The policies in force; `ETag` is their version", body = PoliciesShown, headers(("ETag" = inline(schemas::VersionTag)))),
    )
)]
#[expect(dead_code, reason = "stands for the handler in the document")]
fn policies_in_force() {}

#[utoipa::path(
    put, path = "/policies", request_body = PoliciesAsked,
    params(Expected),
    responses(
        (status = 200, description = "The policies that are in force now", body = PoliciesShown, headers(("ETag" = inline(schemas::VersionTag)))),
        (status = 400, description = "The request, its body or `If-Match` is malformed, or `If-None-Match` lists versions, which `If-Match` is for", body = ProblemShown, content_type = "application/problem+json"),
        (status = 412, description = "Another version is in force; `If-None-Match: *` never holds, because policies always exist", body = ProblemShown, content_type = "application/problem+json"),
        (status = 413, description = "The body has, or announces, more than 256 KiB", body = ProblemShown, content_type = "application/problem+json"),
        (status = 422, description = "A policy is not acceptable", body = ProblemShown, content_type = "application/problem+json"),
    )
)]
#[expect(dead_code, reason = "stands for the handler in the document")]
fn replace_policies() {}

#[utoipa::path(
    post, path = "/decisions", request_body = DecisionAsked,
    responses(
        (status = 200, description = "The decision; one that admits has counted the request", body = DecisionShown),
        (status = 413, description = "The body has, or announces, more than 64 KiB", body = ProblemShown, content_type = "application/problem+json"),
        (status = 422, description = "A value is not acceptable", body = ProblemShown, content_type = "application/problem+json"),
    )
)]
#[expect(dead_code, reason = "stands for the handler in the document")]
fn decide() {}
