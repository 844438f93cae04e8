//! The public API of the shortener.
//!
//! | request | replies |
//! |---|---|
//! | `POST /links` | 201 with `Location`; 408, 409, 413, 415, 422 |
//! | `GET /links/{code}` | 200; 404, 410 |
//! | `DELETE /links/{code}` | 204; 404 |
//! | `GET /clicks/pending` | 200 |
//! | `GET /{code}` | 302 with `Location`; 404, 410, 421 |
//! | `GET /openapi.json` | 200 |
//!
//! Any of them: 400 for a request that is malformed, 414 and 431 for a target or header fields that are too long, 503
//! when a component is away, 504 when the deadline passed. Errors are `application/problem+json` (RFC 9457).

mod body;
mod openapi;
mod schemas;

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, uri},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use backing::{Event, Publisher};
use runtime::edge::{Problem, json_body, single, with_fallbacks};
use shortener::{
    Authority, ClickError, Clicks, Code, CodeError, Link, LinkError, Links, OwnHosts, RequestKey,
    RequestKeyError, Shorten, Target,
};
use uuid::Uuid;

use body::{LinkShown, PendingShown, ShortenAsked};

/// The largest request body, bytes.
const MAX_BODY_BYTES: usize = 64 * 1_024;

/// What a client names its request by.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A browser asks again each time, so that every click is seen.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// What the edge stands on.
struct Edge {
    links: Arc<dyn Links>,
    clicks: Arc<dyn Clicks>,
    followed: Arc<dyn Publisher>,
    own_hosts: OwnHosts,
}

/// The routes; for each link that is followed an event is published, and none leads to a host of its own.
pub fn router(
    links: Arc<dyn Links>,
    clicks: Arc<dyn Clicks>,
    followed: Arc<dyn Publisher>,
    own_hosts: OwnHosts,
) -> Router {
    let routes = Router::new()
        .route("/links", post(shorten))
        .route("/links/{code}", get(show).delete(remove))
        .route("/clicks/pending", get(pending))
        .route("/{code}", get(follow))
        .route("/openapi.json", get(openapi::document))
        .with_state(Arc::new(Edge { links, clicks, followed, own_hosts }));
    with_fallbacks(routes)
}

async fn shorten(
    State(edge): State<Arc<Edge>>,
    headers: HeaderMap,
    request: axum::extract::Request,
) -> Result<Response, Problem> {
    let key = request_key(&headers)?;
    let asked = parse(json_body(request, MAX_BODY_BYTES).await?, key)?;
    if asked.target.authority().is_some_and(|authority| edge.own_hosts.include(&authority)) {
        let detail = "a short link may not lead to the shortener itself".to_owned();
        return Err(Problem::unprocessable("leads-to-itself", "Leads to itself", detail));
    }
    let link = edge.links.shorten(asked).await.map_err(of_links)?;
    let location = HeaderValue::try_from(format!("/{}", link.code)).map_err(|_| unwritable())?;
    let shown = Json(LinkShown::new(&link, None)?);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], shown).into_response())
}

/// The client's own key, or a fresh one: either way the call to the component is repeatable.
fn request_key(headers: &HeaderMap) -> Result<RequestKey, Problem> {
    match single(headers, &IDEMPOTENCY_KEY)? {
        None => RequestKey::parse(Uuid::new_v4().simple().to_string()),
        Some(value) => value.to_str().map_err(|_| RequestKeyError).and_then(RequestKey::parse),
    }
    .map_err(|error| Problem::invalid("idempotency-key", &error))
}

fn parse(asked: ShortenAsked, key: RequestKey) -> Result<Shorten, Problem> {
    let alias = asked.alias.map(Code::parse).transpose();
    let expires_at = asked.expires_at.as_deref().map(body::moment).transpose();
    Ok(Shorten {
        target: Target::parse(asked.target).map_err(|error| Problem::invalid("target", &error))?,
        alias: alias.map_err(|error| Problem::invalid("alias", &error))?,
        expires_at: expires_at.map_err(|error| Problem::invalid("expires_at", &error))?,
        key,
    })
}

async fn follow(
    State(edge): State<Arc<Edge>>,
    code: PathText,
    request: axum::extract::Request,
) -> Result<Response, Problem> {
    let link = resolve(&edge, code).await?;
    if leads_back(&edge, &link.target, &request) {
        let detail = format!("the link `{}` leads to where it was asked for", link.code);
        return Err(Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "leads-to-itself",
            "Leads to itself",
            detail,
        ));
    }
    // A HEAD request looks at a link and does not follow it.
    if request.method() == Method::GET {
        let click = Event::new(Uuid::now_v7().as_u128(), link.id);
        edge.followed.publish(click).await?;
    }
    let target = Bytes::from(String::from(link.target));
    let target = HeaderValue::from_maybe_shared(target).map_err(|_| unwritable())?;
    let mut response = StatusCode::FOUND.into_response();
    response.headers_mut().insert(header::LOCATION, target);
    response.headers_mut().insert(header::CACHE_CONTROL, NO_STORE);
    Ok(response)
}

/// Whether a client that follows the link comes back here: to a host of the shortener's own, or to the one that it asked.
///
/// The latter is a name that nobody configured; whoever forges it keeps nobody else from following the link.
fn leads_back(edge: &Edge, target: &Target, request: &axum::extract::Request) -> bool {
    let Some(authority) = target.authority() else { return false };
    let named = || request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    // Over HTTP/2 it stands in the request's address.
    let asked = request.uri().authority().map(uri::Authority::as_str).or_else(named);
    edge.own_hosts.include(&authority) || asked.and_then(Authority::parse) == Some(authority)
}

async fn show(State(edge): State<Arc<Edge>>, code: PathText) -> Result<Json<LinkShown>, Problem> {
    let link = resolve(&edge, code).await?;
    let count = edge.clicks.count(link.id).await.map_err(of_clicks)?;
    LinkShown::new(&link, Some(count.clicks)).map(Json)
}

/// How many follows are acknowledged and not counted yet: what is missing beyond that is lost.
async fn pending(State(edge): State<Arc<Edge>>) -> Result<Json<PendingShown>, Problem> {
    Ok(Json(PendingShown { pending: edge.followed.pending().await? }))
}

async fn remove(State(edge): State<Arc<Edge>>, code: PathText) -> Result<StatusCode, Problem> {
    edge.links.remove(parse_code(code)?).await.map_err(of_links)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A part of the path, if it is text.
type PathText = Result<Path<String>, PathRejection>;

/// The code in a path; what can be none is to its reader a link that is not there.
fn parse_code(part: PathText) -> Result<Code, Problem> {
    let code = part.map_or(Err(CodeError), |Path(text)| Code::parse(text));
    code.map_err(|error| no_such_link(error.to_string()))
}

async fn resolve(edge: &Edge, code: PathText) -> Result<Link, Problem> {
    edge.links.resolve(parse_code(code)?).await.map_err(of_links)
}

fn no_such_link(detail: String) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no-such-link", "No such link", detail)
}

/// What the types rule out.
fn unwritable() -> Problem {
    Problem::internal("a stored link cannot be written as a header".to_owned())
}

fn of_links(error: LinkError) -> Problem {
    let detail = error.to_string();
    match error {
        LinkError::AliasReserved { .. } => Problem::unprocessable("alias-reserved", "Alias reserved", detail),
        LinkError::ExpiryInThePast => {
            Problem::unprocessable("expiry-in-the-past", "Expiry in the past", detail)
        }
        LinkError::AliasTaken { .. } => {
            Problem::new(StatusCode::CONFLICT, "alias-taken", "Alias taken", detail)
        }
        LinkError::KeyReused => Problem::unprocessable("key-reused", "Idempotency key reused", detail),
        LinkError::NotFound { .. } => no_such_link(detail),
        LinkError::Expired { .. } => Problem::new(StatusCode::GONE, "link-expired", "Link expired", detail),
        LinkError::Unavailable(unavailable) => unavailable.into(),
    }
}

fn of_clicks(error: ClickError) -> Problem {
    match error {
        ClickError::Unavailable(unavailable) => unavailable.into(),
        ClickError::TooManyCounts => Problem::internal(error.to_string()),
    }
}
