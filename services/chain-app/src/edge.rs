//! The public API of the chain.
//!
//! | request | replies |
//! |---|---|
//! | `GET /pages` | 200: how many parts a page has |
//! | `GET /pages/{number}` | 200: all parts of a page |
//! | `GET /pages/{number}/preview` | 200: the same, for whom nobody waits |
//! | `GET /pages/{number}/reviews` | 200: what readers said of it |
//! | `GET /openapi.json` | 200 |
//!
//! All of them: 400 for a malformed request, 414 and 431 for a target or header fields that are too long, 503
//! when a component is unavailable, 504 when the deadline passed. Errors are `application/problem+json` (RFC
//! 9457).

mod body;
mod schemas;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRequestParts, Path, State},
    http::{Method, request::Parts as Head},
};
use body::{PageShown, PagesShown, ReviewShown};
use chain::{PageKey, Part, PartError, PartKey, Parts, ReviewError, Reviews};
use futures::future::try_join_all;
use remote::Priority;
use runtime::{
    RoutePriority,
    edge::{Problem, described},
};
use utoipa::{IntoParams, PartialSchema as _};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::SYSTEM;

/// What a full process refuses last and first: somebody waits for pages and reviews, and nobody for a preview.
pub(crate) const PRIORITIES: [RoutePriority; 3] = [
    (Method::GET, "/pages/{number}", Priority::Critical),
    (Method::GET, "/pages/{number}/reviews", Priority::Critical),
    (Method::GET, "/pages/{number}/preview", Priority::Background),
];

/// The state of the handlers.
struct Edge {
    /// The first of the chain.
    parts: Arc<dyn Parts>,
    reviews: Arc<dyn Reviews>,
    /// How many parts a page has.
    fanout: u32,
}

/// The routes. A page has `fanout` parts, each asked for by a call of its own.
pub(crate) fn router(parts: Arc<dyn Parts>, reviews: Arc<dyn Reviews>, fanout: u32) -> Router {
    let routes = OpenApiRouter::default()
        .routes(routes!(pages))
        .routes(routes!(page))
        .routes(routes!(preview))
        .routes(routes!(review))
        .with_state(Arc::new(Edge { parts, reviews, fanout }));
    described("Chain", SYSTEM.summary, routes)
}

/// The page in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path, names("number"))]
struct ByNumber(#[param(schema_with = schemas::Number::schema)] u64);

impl<S: Send + Sync> FromRequestParts<S> for ByNumber {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Head, state: &S) -> Result<Self, Problem> {
        // Digits only: `parse` accepts a sign as well.
        let text = Path::<String>::from_request_parts(head, state).await.ok();
        let digits = text.filter(|Path(text)| text.bytes().all(|byte| byte.is_ascii_digit()));
        let number = digits.and_then(|Path(text)| text.parse().ok());
        number.map(Self).ok_or_else(|| {
            let detail = "a page's number is a whole number from 0 on".to_owned();
            Problem::malformed(detail)
        })
    }
}

/// Says how many parts a page has.
#[utoipa::path(get, path = "/pages", responses(
    Problem,
    (status = 200, description = "How many parts a page has", body = PagesShown),
))]
async fn pages(State(edge): State<Arc<Edge>>) -> Json<PagesShown> {
    Json(PagesShown { parts: edge.fanout })
}

/// Gives a page with all its parts.
#[utoipa::path(get, path = "/pages/{number}", params(ByNumber), responses(
    Problem,
    (status = 200, description = "The page, with all its parts", body = PageShown),
))]
async fn page(State(edge): State<Arc<Edge>>, ByNumber(page): ByNumber) -> Result<Json<PageShown>, Problem> {
    let parts = made_of(edge.fanout, page, |key| edge.parts.read(key)).await?;
    Ok(Json(PageShown::new(page, parts)))
}

/// Gives a preview of a page: the same, and an overloaded process refuses it first.
#[utoipa::path(get, path = "/pages/{number}/preview", params(ByNumber), responses(
    Problem,
    (status = 200, description = "The page, with all its parts", body = PageShown),
))]
async fn preview(
    State(edge): State<Arc<Edge>>,
    ByNumber(page): ByNumber,
) -> Result<Json<PageShown>, Problem> {
    let parts = made_of(edge.fanout, page, |key| edge.parts.preview(key)).await?;
    Ok(Json(PageShown::new(page, parts)))
}

/// All parts of a page, asked for at once. One that fails ends the others: without it there is no page.
async fn made_of<F>(fanout: u32, page: u64, ask: impl Fn(PartKey) -> F) -> Result<Vec<Part>, Problem>
where
    F: Future<Output = Result<Part, PartError>>,
{
    let asked = (1..=fanout).map(|number| ask(PartKey { page, number }));
    try_join_all(asked).await.map_err(of_parts)
}

/// Gives what readers said of a page.
#[utoipa::path(get, path = "/pages/{number}/reviews", params(ByNumber), responses(
    Problem,
    (status = 200, description = "What readers said of the page", body = ReviewShown),
))]
async fn review(
    State(edge): State<Arc<Edge>>,
    ByNumber(page): ByNumber,
) -> Result<Json<ReviewShown>, Problem> {
    let review = edge.reviews.of(PageKey { page }).await.map_err(of_reviews)?;
    Ok(Json(ReviewShown { page: review.page, stars: review.stars }))
}

fn of_parts(error: PartError) -> Problem {
    match error {
        // The edge counts from one to the fan-out.
        PartError::NoSuchPart { .. } => Problem::internal(error.to_string()),
        PartError::Unavailable(unavailable) => unavailable.into(),
    }
}

fn of_reviews(error: ReviewError) -> Problem {
    match error {
        ReviewError::Unavailable(unavailable) => unavailable.into(),
    }
}
