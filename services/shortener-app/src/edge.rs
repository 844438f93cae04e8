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
//! All of them: 400 for a malformed request, 414 and 431 for a target or header fields that are too long, 503
//! when a component is unavailable, 504 when the deadline passed. Errors are `application/problem+json` (RFC
//! 9457).

mod body;
mod parameters;
mod schemas;

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderValue, Method, StatusCode, header, uri},
    response::{IntoResponse, Response},
};
use backing::{Event, TopicPublisher};
use body::{LinkShown, PendingShown, ShortenAsked};
use contract::Unavailable;
use parameters::{ByCode, Keyed};
use remote::Priority;
use runtime::{
    RoutePriority,
    edge::{JsonBody, Problem, described},
};
use shortener::{
    Authority, ClickError, Clicked, Clicks, Code, LinkError, Links, OwnHosts, RequestKey, Shorten, Target,
};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{SYSTEM, topics::Follows};

/// The largest request body, in bytes.
const MAX_BODY_BYTES: usize = 64 * 1_024;

/// Forbids caching of redirects, so that the shortener sees every click.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// What a full process refuses last and first: links are followed before anything else, and figures can wait.
pub const PRIORITIES: [RoutePriority; 3] = [
    (Method::GET, "/{code}", Priority::Critical),
    (Method::GET, "/links/{code}", Priority::Background),
    (Method::GET, "/clicks/pending", Priority::Background),
];

/// The state of the handlers.
struct Edge {
    links: Arc<dyn Links>,
    clicks: Arc<dyn Clicks>,
    followed: TopicPublisher<Follows>,
    own_hosts: OwnHosts,
}

/// The routes. Following a link publishes an event; no link may lead to one of `own_hosts`.
pub fn router(
    links: Arc<dyn Links>,
    clicks: Arc<dyn Clicks>,
    followed: TopicPublisher<Follows>,
    own_hosts: OwnHosts,
) -> Router {
    let routes = OpenApiRouter::default()
        .routes(routes!(shorten))
        .routes(routes!(show, remove))
        .routes(routes!(pending))
        .routes(routes!(follow))
        .with_state(Arc::new(Edge { links, clicks, followed, own_hosts }));
    described("URL shortener", SYSTEM.summary, routes)
}

type ShortenBody = JsonBody<ShortenAsked, MAX_BODY_BYTES>;

/// Makes a short link.
#[utoipa::path(post, path = "/links", params(Keyed), request_body = ShortenAsked, responses(
    Problem,
    ShortenBody,
    (status = 201, description = "The link; `Location` is its path", body = LinkShown,
        headers(("Location" = inline(schemas::LinkPath)))),
    (status = 409, description = "The alias is taken"),
    (status = 422, description = "A value is not acceptable, or the key was used for a different request"),
))]
async fn shorten(
    State(edge): State<Arc<Edge>>,
    Keyed(key): Keyed,
    JsonBody(asked): ShortenBody,
) -> Result<Response, Problem> {
    let asked = parse(asked, key)?;
    if asked.target.authority().is_some_and(|authority| edge.own_hosts.include(&authority)) {
        let detail = "a short link may not lead to the shortener itself".to_owned();
        return Err(Problem::unprocessable("leads-to-itself", "Leads to itself", detail));
    }
    let link = edge.links.shorten(asked).await.map_err(of_links)?;
    let location = HeaderValue::try_from(format!("/{}", link.code)).map_err(|_| unwritable())?;
    let shown = Json(LinkShown::new(&link, None)?);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], shown).into_response())
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

/// Leads to the target, and counts a click.
#[utoipa::path(get, path = "/{code}", params(ByCode), responses(
    Problem,
    (status = 302, description = "`Location` is the target", headers(("Location" = inline(schemas::TargetShown)))),
    (status = 404, description = "There is no such link"),
    (status = 410, description = "The link has expired"),
    (status = 421, description = "The link leads to where it was asked for: to follow it would go round for ever"),
))]
async fn follow(
    State(edge): State<Arc<Edge>>,
    ByCode(code): ByCode,
    request: axum::extract::Request,
) -> Result<Response, Problem> {
    let link = edge.links.resolve(code).await.map_err(of_links)?;
    if leads_back(&edge, &link.target, &request) {
        let detail = format!("the link `{}` leads to where it was asked for", link.code);
        return Err(Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "leads-to-itself",
            "Leads to itself",
            detail,
        ));
    }
    // HEAD inspects a link without following it.
    if request.method() == Method::GET {
        let click = Event::new(Uuid::now_v7().as_u128(), link.id, Clicked { link: link.id });
        edge.followed.publish(click).await.map_err(Unavailable::from)?;
    }
    let target = Bytes::from(String::from(link.target));
    let target = HeaderValue::from_maybe_shared(target).map_err(|_| unwritable())?;
    let mut response = StatusCode::FOUND.into_response();
    response.headers_mut().insert(header::LOCATION, target);
    response.headers_mut().insert(header::CACHE_CONTROL, NO_STORE);
    Ok(response)
}

/// Whether the target is the shortener itself: one of its own hosts, or the host that the client requested.
///
/// The requested host need not be configured. A client that forges it affects only its own request.
fn leads_back(edge: &Edge, target: &Target, request: &axum::extract::Request) -> bool {
    let Some(authority) = target.authority() else { return false };
    let named = || request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    // HTTP/2 has it in the request's `:authority`.
    let asked = request.uri().authority().map(uri::Authority::as_str).or_else(named);
    edge.own_hosts.include(&authority) || asked.and_then(Authority::parse) == Some(authority)
}

/// Shows a link and its clicks.
#[utoipa::path(get, path = "/links/{code}", params(ByCode), responses(
    Problem,
    (status = 200, description = "The link and its clicks", body = LinkShown),
    (status = 404, description = "There is no such link"),
    (status = 410, description = "The link has expired"),
))]
async fn show(State(edge): State<Arc<Edge>>, ByCode(code): ByCode) -> Result<Json<LinkShown>, Problem> {
    let link = edge.links.resolve(code).await.map_err(of_links)?;
    let count = edge.clicks.count(link.id).await.map_err(of_clicks)?;
    LinkShown::new(&link, Some(count.clicks)).map(Json)
}

/// How many follows are acknowledged and not counted yet: what is missing beyond that is lost.
#[utoipa::path(get, path = "/clicks/pending", responses(
    Problem,
    (status = 200, description = "How many follows are acknowledged and not counted yet", body = PendingShown),
))]
async fn pending(State(edge): State<Arc<Edge>>) -> Result<Json<PendingShown>, Problem> {
    Ok(Json(PendingShown { pending: edge.followed.pending().await? }))
}

/// Removes a link, if there is one.
#[utoipa::path(delete, path = "/links/{code}", params(ByCode), responses(
    Problem,
    (status = 204, description = "The code leads nowhere now"),
    (status = 404, description = "The path is not a valid code"),
))]
async fn remove(State(edge): State<Arc<Edge>>, ByCode(code): ByCode) -> Result<StatusCode, Problem> {
    edge.links.remove(code).await.map_err(of_links)?;
    Ok(StatusCode::NO_CONTENT)
}

fn no_such_link(detail: String) -> Problem {
    Problem::not_found("no-such-link", "No such link", detail)
}

/// The error for a reply that cannot be serialised, which the types rule out.
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
        LinkError::AliasTaken { .. } => Problem::conflict("alias-taken", "Alias taken", detail),
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
