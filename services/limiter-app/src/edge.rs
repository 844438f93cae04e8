//! The public API of the limiter: a protected resource, the policies, and decisions on request.
//!
//! | request | replies |
//! |---|---|
//! | `GET /quotes/{number}` | 200; 429: this is what is protected |
//! | `GET /policies` | 200 with `ETag` |
//! | `PUT /policies` | 200 with `ETag`; 408, 412, 413, 415, 422 |
//! | `POST /decisions` | 200; 408, 413, 415, 422 |
//! | `GET /openapi.json` | 200 |
//!
//! All of them: 400 for a malformed request, 414 and 431 for a target or header fields that are too long, 503
//! when a component is unavailable, 504 when the deadline passed. Errors are `application/problem+json` (RFC
//! 9457). A proxy gets its decisions by gRPC on the same port: `envoy`.

mod body;
mod facts;
mod if_match;
mod quotes;
mod schemas;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRequestParts, Path, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
pub use body::Promise;
use body::{DecisionAsked, DecisionShown, PoliciesAsked, PoliciesShown, PolicyText, QuoteShown};
use if_match::Expected;
use limiter::{DecisionError, Decisions, Known, OnFailure, Policies, PolicyError, PolicySet, Replacement};
use prometheus_client::registry::Registry;
use remote::Priority;
use runtime::{
    RoutePriority,
    edge::{JsonBody, Problem, described},
};
use utoipa::{
    IntoParams, PartialSchema as _,
    openapi::{ComponentsBuilder, OpenApiBuilder},
};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt as _},
    routes,
};

use crate::{envoy, limiting::Limiting};

/// The largest body of `POST /decisions`, in bytes.
const MAX_BODY_BYTES: usize = 64 * 1_024;
/// The largest body of `PUT /policies`, in bytes: a policy set travels between processes in one message.
const MAX_POLICIES_BYTES: usize = 256 * 1_024;

/// What a full process refuses last: decisions, whoever asks for them. Policies can wait.
pub const PRIORITIES: [RoutePriority; 3] = [
    (Method::GET, "/quotes/{number}", Priority::Critical),
    (Method::POST, "/decisions", Priority::Critical),
    (Method::POST, envoy::SHOULD_RATE_LIMIT, Priority::Critical),
];

/// The state of the handlers.
struct Edge {
    policies: Arc<dyn Policies>,
    decisions: Arc<dyn Decisions>,
    promise: Promise,
}

/// The routes; `on_failure` decides requests while decisions are unavailable.
pub fn router(
    policies: Arc<dyn Policies>,
    decisions: Arc<dyn Decisions>,
    on_failure: OnFailure,
    promise: Promise,
    registry: &mut Registry,
) -> Router {
    let limiting = Limiting::new(Arc::clone(&decisions), on_failure);
    let for_a_proxy = envoy::router(Arc::clone(&decisions), registry);
    // `schemas::Policies` refers to it by name, which no derive follows.
    let policy = ComponentsBuilder::new().schema_from::<PolicyText>().build();
    let document = OpenApiBuilder::new().components(Some(policy)).build();
    let routes = OpenApiRouter::with_openapi(document)
        .routes(routes!(quote).map(|quote| quote.route_layer(limiting)))
        .routes(routes!(policies_in_force, replace_policies))
        .routes(routes!(decide))
        .with_state(Arc::new(Edge { policies, decisions, promise }))
        .merge(for_a_proxy.into());
    let description = "Ask for a quote; if that was too often, be told when to come back.";
    described("Rate limiter", description, routes)
}

/// The quote in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path, names("number"))]
struct ByNumber(#[param(schema_with = schemas::Number::schema)] u64);

impl<S: Send + Sync> FromRequestParts<S> for ByNumber {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // Digits only: `parse` accepts a sign as well.
        let text = Path::<String>::from_request_parts(parts, state).await.ok();
        let digits = text.filter(|Path(text)| text.bytes().all(|byte| byte.is_ascii_digit()));
        let number = digits.and_then(|Path(text)| text.parse().ok());
        number.map(Self).ok_or_else(|| {
            let detail = "a quote's number is a whole number from 0 on".to_owned();
            Problem::malformed(detail)
        })
    }
}

/// Gives a quote: what is protected.
#[utoipa::path(
    get, path = "/quotes/{number}",
    params(
        ByNumber,
        ("Authorization" = Option<String>, Header, description = "`Bearer TOKEN`: the fact `token`; each header `x-...` is the fact `header:x-...`"),
    ),
    responses(
        Problem,
        (status = 200, description = "The quote", body = QuoteShown,
            headers(("RateLimit" = String), ("RateLimit-Policy" = String))),
        (status = 400, description = "The request or its number is malformed"),
        (status = 429, description = "A limit is used up; `Retry-After` says for how long",
            headers(("Retry-After" = u64), ("RateLimit" = String), ("RateLimit-Policy" = String))),
        (status = 503, description = "Nobody can count, and `on-failure` is `closed`; or a component is away, or too many requests are in flight"),
    )
)]
async fn quote(ByNumber(number): ByNumber) -> Json<QuoteShown> {
    // Cheap on purpose, so that a measurement shows the limiter.
    Json(QuoteShown { number, text: quotes::quote(number) })
}

/// Shows the policies in force.
#[utoipa::path(get, path = "/policies", responses(
    Problem,
    (status = 200, description = "The policies in force; `ETag` is their version", body = PoliciesShown,
        headers(("ETag" = inline(schemas::VersionTag)))),
))]
async fn policies_in_force(State(edge): State<Arc<Edge>>) -> Result<Response, Problem> {
    // No version is equal to this one, so the reply has the policies.
    let known = Known { version: u64::MAX };
    let set = edge.policies.current(known).await.map_err(of_policies)?;
    Ok(shown(&edge, &set.unwrap_or_default()))
}

type PoliciesBody = JsonBody<PoliciesAsked, MAX_POLICIES_BYTES>;

/// Puts other policies in force.
#[utoipa::path(put, path = "/policies", params(Expected), request_body = PoliciesAsked, responses(
    Problem,
    PoliciesBody,
    (status = 200, description = "The policies that are in force now", body = PoliciesShown,
        headers(("ETag" = inline(schemas::VersionTag)))),
    (status = 400, description = "The request, its body or `If-Match` is malformed, or `If-None-Match` lists versions, which `If-Match` is for"),
    (status = 412, description = "Another version is in force; `If-None-Match: *` never holds, because policies always exist"),
    (status = 422, description = "A policy is not acceptable"),
))]
async fn replace_policies(
    State(edge): State<Arc<Edge>>,
    Expected(expected): Expected,
    JsonBody(asked): PoliciesBody,
) -> Result<Response, Problem> {
    let policies = asked.parse().map_err(of_policies)?;
    let set = edge.policies.replace(Replacement { expected, policies }).await.map_err(of_policies)?;
    Ok(shown(&edge, &set))
}

fn shown(edge: &Edge, set: &PolicySet) -> Response {
    let mut response = Json(PoliciesShown::new(set, edge.promise)).into_response();
    if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", set.version)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

type DecisionBody = JsonBody<DecisionAsked, MAX_BODY_BYTES>;

/// Decides whether a request passes.
#[utoipa::path(post, path = "/decisions", request_body = DecisionAsked, responses(
    Problem,
    DecisionBody,
    (status = 200, description = "The decision; one that admits has counted the request", body = DecisionShown),
    (status = 422, description = "A value is not acceptable"),
))]
async fn decide(
    State(edge): State<Arc<Edge>>,
    JsonBody(asked): DecisionBody,
) -> Result<Json<DecisionShown>, Problem> {
    let decision = edge.decisions.decide(asked.into()).await.map_err(of_decisions)?;
    Ok(Json(decision.into()))
}

fn of_policies(error: PolicyError) -> Problem {
    let detail = error.to_string();
    match error {
        PolicyError::Invalid { .. } => Problem::unprocessable("invalid-policy", "Invalid policy", detail),
        PolicyError::TooManyExpected => Problem::malformed(detail),
        PolicyError::Changed { .. } => {
            Problem::new(StatusCode::PRECONDITION_FAILED, "policies-changed", "Policies changed", detail)
        }
        PolicyError::Unavailable(unavailable) => unavailable.into(),
    }
}

fn of_decisions(error: DecisionError) -> Problem {
    match error {
        DecisionError::TooManyAsks | DecisionError::TooManyFacts | DecisionError::Cost => {
            Problem::unprocessable("invalid-ask", "Invalid value", error.to_string())
        }
        DecisionError::Unavailable(unavailable) => unavailable.into(),
    }
}
