//! The public API of the limiter: something to protect, the policies, and decisions for whoever asks.
//!
//! | request | replies |
//! |---|---|
//! | `GET /quotes/{number}` | 200; 429: this is what is protected |
//! | `GET /policies` | 200 with `ETag` |
//! | `PUT /policies` | 200 with `ETag`; 408, 412, 413, 415, 422 |
//! | `POST /decisions` | 200; 408, 413, 415, 422 |
//! | `GET /openapi.json` | 200 |
//!
//! Any of them: 400 for a request that is malformed, 414 and 431 for a target or header fields that are too long, 503
//! when a component is away, 504 when the deadline passed. Errors are `application/problem+json` (RFC 9457). A proxy
//! asks by gRPC, on the same port: `envoy`.

mod body;
mod facts;
mod if_match;
mod openapi;
mod quotes;
mod schemas;
mod whole;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Request, State, rejection::PathRejection},
    handler::Handler as _,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use limiter::{DecisionError, Decisions, Known, OnFailure, Policies, PolicyError, PolicySet, Replacement};
use prometheus_client::registry::Registry;
use runtime::edge::{Problem, json_body, with_fallbacks};

use crate::{envoy, limiting::Limiting};
pub use body::Promise;
use body::{DecisionAsked, DecisionShown, PoliciesAsked, PoliciesShown, QuoteShown};

/// The largest body of a question, bytes.
const MAX_BODY_BYTES: usize = 64 * 1_024;
/// The largest body of policies, bytes: a set travels between processes in one message.
const MAX_POLICIES_BYTES: usize = 256 * 1_024;

/// What the edge stands on.
struct Edge {
    policies: Arc<dyn Policies>,
    decisions: Arc<dyn Decisions>,
    promise: Promise,
}

/// The routes; `on_failure` says what a request is when decisions are away.
pub fn router(
    policies: Arc<dyn Policies>,
    decisions: Arc<dyn Decisions>,
    on_failure: OnFailure,
    promise: Promise,
    registry: &mut Registry,
) -> Router {
    let limiting = Limiting::new(Arc::clone(&decisions), on_failure);
    let for_a_proxy = envoy::router(Arc::clone(&decisions), registry);
    let routes = Router::new()
        .route("/quotes/{number}", get(quote.layer(limiting)))
        .route("/policies", get(policies_in_force).put(replace_policies))
        .route("/decisions", post(decide))
        .route("/openapi.json", get(openapi::document))
        .with_state(Arc::new(Edge { policies, decisions, promise }))
        .merge(for_a_proxy);
    with_fallbacks(routes)
}

/// Cheap on purpose, so that what is measured is the limiter.
async fn quote(number: Result<Path<String>, PathRejection>) -> Result<Json<QuoteShown>, Problem> {
    // Digits alone: `parse` would take a sign as well.
    let digits = number.ok().filter(|Path(number)| number.bytes().all(|byte| byte.is_ascii_digit()));
    let number: Option<u64> = digits.and_then(|Path(number)| number.parse().ok());
    let number = number.ok_or_else(|| {
        let detail = "a quote's number is a whole number from 0 on".to_owned();
        Problem::malformed(detail)
    })?;
    Ok(Json(QuoteShown { number, text: quotes::quote(number) }))
}

async fn policies_in_force(State(edge): State<Arc<Edge>>) -> Result<Response, Problem> {
    // A version that nothing has.
    let known = Known { version: u64::MAX };
    let set = edge.policies.current(known).await.map_err(of_policies)?;
    Ok(shown(&edge, &set.unwrap_or_default()))
}

async fn replace_policies(
    State(edge): State<Arc<Edge>>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let expected = if_match::versions(&headers)?;
    let asked: PoliciesAsked = json_body(request, MAX_POLICIES_BYTES).await?;
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

async fn decide(State(edge): State<Arc<Edge>>, request: Request) -> Result<Json<DecisionShown>, Problem> {
    let asked: DecisionAsked = json_body(request, MAX_BODY_BYTES).await?;
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
