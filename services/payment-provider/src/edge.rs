//! The API.

mod body;
mod parameters;

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json, Router,
    extract::State,
    http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Serialize;
use serde_json::json;
use tokio::{sync::Semaphore, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    body::{AmountAsked, Body, ChargeAsked, EndpointAsked, VoidAsked},
    parameters::{ChargeId, Key, OfOrder, Paged},
};
use crate::{
    books::Page,
    charge::Change,
    clock::now_ms,
    config::Limits,
    execution::{Command, Executed, Executor},
    problem::{PROBLEM_JSON, Problem},
    shown::ChargeShown,
};

/// The header of a reply that is repeated, as Stripe's.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The mark of a response that is not to be sent: its connection is closed instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lost;

/// How long a body may take to arrive.
#[derive(Clone, Copy, Debug)]
struct BodyWithin(Duration);

/// The state of the handlers.
struct Edge {
    executor: Executor,
    permits: Arc<Semaphore>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// The routes. Work that its client no longer waits for goes on, tracked by `tasks`.
pub(crate) fn router(
    executor: Executor,
    limits: &Limits,
    tasks: TaskTracker,
    stop: CancellationToken,
) -> Router {
    let permits = Arc::new(Semaphore::new(limits.in_flight));
    Router::new()
        .route("/charges", post(charge).get(of_order))
        .route("/charges/{id}", get(show))
        .route("/charges/{id}/capture", post(capture))
        .route("/charges/{id}/void", post(void))
        .route("/charges/{id}/refunds", post(refund))
        .route("/books", get(books))
        .route("/webhook-endpoint", get(endpoint).put(set_endpoint))
        .route("/health", get(async || StatusCode::OK))
        .fallback(no_such_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(Extension(BodyWithin(Duration::from_millis(limits.body_ms))))
        .with_state(Arc::new(Edge { executor, permits, tasks, stop }))
}

async fn charge(
    State(edge): State<Arc<Edge>>,
    Key(key): Key,
    Body(asked): Body<ChargeAsked>,
) -> Result<Response, Problem> {
    edge.execute(key, Command::Charge(asked.parse()?)).await
}

async fn capture(
    State(edge): State<Arc<Edge>>,
    ChargeId(id): ChargeId,
    Key(key): Key,
    Body(asked): Body<AmountAsked>,
) -> Result<Response, Problem> {
    edge.execute(key, Command::Change(id, Change::Capture(asked.parse()?))).await
}

async fn void(
    State(edge): State<Arc<Edge>>,
    ChargeId(id): ChargeId,
    Key(key): Key,
    Body(VoidAsked {}): Body<VoidAsked>,
) -> Result<Response, Problem> {
    edge.execute(key, Command::Change(id, Change::Void)).await
}

async fn refund(
    State(edge): State<Arc<Edge>>,
    ChargeId(id): ChargeId,
    Key(key): Key,
    Body(asked): Body<AmountAsked>,
) -> Result<Response, Problem> {
    edge.execute(key, Command::Change(id, Change::Refund(asked.parse()?))).await
}

impl Edge {
    /// Executes a command to its end, whether its client waits for it or not: a client that gave up after its time-out
    /// finds it done.
    async fn execute(&self, key: String, command: Command) -> Result<Response, Problem> {
        let full = |_| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "too many requests");
        let permit = Arc::clone(&self.permits).try_acquire_owned().map_err(full)?;
        let claimed = self.executor.claim(key)?;
        let working = self.tasks.spawn(async move {
            let executed = claimed.execute(command).await;
            drop(permit);
            (executed, claimed.key().to_owned())
        });
        let broken = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "it broke off");
        let (executed, key) = working.await.map_err(broken)?;
        let Executed { reply, is_first } = executed?;
        if is_first && self.executor.script().loses_reply(&key) {
            return Ok(self.lost().await);
        }
        let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let is_problem = status.is_client_error() || status.is_server_error();
        let kind = if is_problem { PROBLEM_JSON } else { HeaderValue::from_static("application/json") };
        let mut response = (status, [(header::CONTENT_TYPE, kind)], reply.body).into_response();
        if !is_first {
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        }
        Ok(response)
    }

    /// Keeps a client waiting for a reply that never comes.
    async fn lost(&self) -> Response {
        tokio::select! {
            () = sleep(Duration::from_millis(self.executor.script().lost_reply_held_ms)) => {}
            () = self.stop.cancelled() => {}
        }
        let mut never_sent = Response::default();
        never_sent.extensions_mut().insert(Lost);
        never_sent
    }

    /// Where webhooks go, the secret of their signatures, and how many are still to be delivered.
    async fn endpoint(&self) -> Result<Response, Problem> {
        let webhooks = self.executor.webhooks();
        let pending = self.executor.books().pending().await?;
        let url = webhooks.endpoint().map(|url| url.to_string());
        Ok(Json(json!({ "url": url, "secret": webhooks.secret(), "pending": pending })).into_response())
    }
}

async fn show(State(edge): State<Arc<Edge>>, ChargeId(id): ChargeId) -> Result<Response, Problem> {
    let charge = edge.executor.books().charge(&id).await?.ok_or_else(|| Problem::no_such_charge(&id))?;
    Ok(Json(ChargeShown::new(&charge, now_ms())).into_response())
}

async fn of_order(
    State(edge): State<Arc<Edge>>,
    OfOrder(order): OfOrder,
    paged: Paged,
) -> Result<Response, Problem> {
    Ok(page(&edge.executor.books().page(Some(&order), paged.after, paged.limit).await?))
}

async fn books(State(edge): State<Arc<Edge>>, paged: Paged) -> Result<Response, Problem> {
    Ok(page(&edge.executor.books().page(None, paged.after, paged.limit).await?))
}

/// Charges in the order in which they were made.
#[derive(Serialize)]
struct PageShown<'a> {
    charges: Vec<ChargeShown<'a>>,
    /// `after` of the next page; null at the end.
    next: Option<i64>,
}

fn page(page: &Page) -> Response {
    let now = now_ms();
    let charges = page.charges.iter().map(|charge| ChargeShown::new(charge, now)).collect();
    Json(PageShown { charges, next: page.next }).into_response()
}

async fn set_endpoint(
    State(edge): State<Arc<Edge>>,
    Body(asked): Body<EndpointAsked>,
) -> Result<Response, Problem> {
    edge.executor.webhooks().set_endpoint(asked.parse()?).await?;
    edge.endpoint().await
}

async fn endpoint(State(edge): State<Arc<Edge>>) -> Result<Response, Problem> {
    edge.endpoint().await
}

async fn no_such_path(path: Uri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no-such-path", format!("nothing is at `{}`", path.path()))
}

async fn method_not_allowed(method: Method) -> Problem {
    let detail = format!("this resource does not answer {method}; the header `Allow` says what it answers");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}
