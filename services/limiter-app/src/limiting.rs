//! The tower layer around protected routes: it requests a decision, and passes the request on or refuses it.
//!
//! The replies carry the fields of draft-ietf-httpapi-ratelimit-headers-10
//! (<https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/>).

mod facts;
mod fields;

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
    response::{IntoResponse, Response},
};
pub use facts::facts;
pub(crate) use facts::text;
pub(crate) use fields::{retry_after, standings};
use limiter::{Ask, Decision, DecisionError, Decisions, OnFailure, RETRY_UNCOUNTED, Verdict};
use runtime::edge::Problem;
use tower::{Layer, Service};

/// The detail for a request that never fits, whenever it comes.
pub(crate) const NEVER_FITS: &str = "the cost is more than a limit ever has room for";

/// Limits the requests to the service inside; each costs 1.
#[derive(Clone)]
pub struct Limiting {
    decisions: Arc<dyn Decisions>,
    on_failure: OnFailure,
}

impl Limiting {
    /// Creates the layer; `on_failure` decides requests while decisions are unavailable.
    pub fn new(decisions: Arc<dyn Decisions>, on_failure: OnFailure) -> Self {
        Self { decisions, on_failure }
    }

    /// Returns after the wait in the queue with the decision to pass (`None` when failing open), or with the complete
    /// reply of a refusal.
    async fn decide(&self, ask: Ask) -> Result<Option<Decision>, Response> {
        let decision = match self.decisions.decide(ask).await {
            Ok(decision) => decision,
            Err(DecisionError::Unavailable(unavailable)) => {
                tracing::debug!(%unavailable, "a request is not decided");
                return match self.on_failure {
                    OnFailure::Open => Ok(None),
                    OnFailure::Closed => Err(undecided()),
                };
            }
            Err(error) => return Err(too_large(error.to_string()).into_response()),
        };
        match decision.verdict {
            Verdict::Admitted(wait) => {
                if !wait.is_zero() {
                    tokio::time::sleep(wait).await;
                }
                Ok(Some(decision))
            }
            Verdict::Refused(_) if !decision.counted => Err(undecided()),
            Verdict::Refused(after) => Err(over_limit(&decision, after)),
        }
    }
}

/// The reply to a request over a limit: 429.
fn over_limit(decision: &Decision, after: Option<Duration>) -> Response {
    let detail = match after {
        Some(after) => format!("a limit is used up; this request finds room in {} ms", whole_millis(after)),
        None => NEVER_FITS.to_owned(),
    };
    let mut response =
        remote::problem(StatusCode::TOO_MANY_REQUESTS, "over-limit", "Over the limit", &detail);
    let headers = response.headers_mut();
    headers.extend(standings(decision));
    if let Some(after) = after {
        headers.insert(header::RETRY_AFTER, retry_after(after));
    }
    response
}

/// Rounded up, so that a client that waits this long finds room.
fn whole_millis(duration: Duration) -> u128 {
    duration.as_nanos().div_ceil(1_000_000)
}

/// The reply to a request that could not be decided, when failing closed.
fn undecided() -> Response {
    let detail = "the limiter cannot count requests, and lets none pass meanwhile";
    let mut response =
        remote::problem(StatusCode::SERVICE_UNAVAILABLE, "not-counted", "Limiter unavailable", detail);
    response.headers_mut().insert(header::RETRY_AFTER, retry_after(RETRY_UNCOUNTED));
    response
}

fn too_large(detail: String) -> Problem {
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    Problem::new(status, "header-fields-too-large", "Header fields too large", detail)
}

impl<S> Layer<S> for Limiting {
    type Service = Limited<S>;

    fn layer(&self, inner: S) -> Limited<S> {
        Limited { limiting: self.clone(), inner }
    }
}

/// A service behind its limits.
#[derive(Clone)]
pub struct Limited<S> {
    limiting: Limiting,
    inner: S,
}

impl<S> Service<Request<Body>> for Limited<S>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let limiting = self.limiting.clone();
        // tower's contract: the clone may not be ready, so the service that was polled is the one to call.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        Box::pin(async move {
            let facts = match facts(&request) {
                Ok(facts) => facts,
                Err(problem) => return Ok(problem.into_response()),
            };
            match limiting.decide(Ask { facts, cost: 1 }).await {
                Ok(decision) => {
                    let mut response = inner.call(request).await?;
                    if let Some(decision) = decision {
                        response.headers_mut().extend(standings(&decision));
                    }
                    Ok(response)
                }
                Err(refusal) => Ok(refusal),
            }
        })
    }
}
