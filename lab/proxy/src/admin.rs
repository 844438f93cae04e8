//! The admin API, on loopback: who reaches it can break the links.
//!
//! | request | reply |
//! |---|---|
//! | `GET /links` | every link: addresses, the faults in force with what is left of their leases, counts |
//! | `PUT /links/NAME/faults` with a list of faults | replaces the link's faults; their leases begin now |
//! | `DELETE /links/NAME/faults` | clears them |
//!
//! A name is percent-encoded, as in any path: `/links/gateway%20-%3E%20links/faults`.
//! An error is `application/problem+json` (RFC 9457).

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, State, rejection::JsonRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, put},
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    fault::Fault,
    link::LinkState,
    links::{Links, SetFaultsError},
};

/// The largest body: a link's faults have a few hundred bytes each.
const MAX_BODY: usize = 64 * 1024;

/// Serves for ever.
///
/// `axum::serve` has no limit on connections; here only the lab and who runs it connect.
pub(crate) async fn serve(listener: TcpListener, links: Links) {
    if let Err(error) = axum::serve(listener, router(links)).await {
        tracing::warn!(%error, "the admin API has ended");
    }
}

fn router(links: Links) -> Router {
    Router::new()
        .route("/links", get(list))
        .route("/links/{name}/faults", put(set).delete(clear))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(links)
}

async fn list(State(links): State<Links>) -> Json<Vec<LinkState>> {
    Json(links.states())
}

async fn set(
    State(links): State<Links>,
    Path(name): Path<String>,
    faults: Result<Json<Vec<Fault>>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let Json(faults) = faults?;
    links.set_faults(&name, &faults)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn clear(State(links): State<Links>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    links.set_faults(&name, &[])?;
    Ok(StatusCode::NO_CONTENT)
}

/// An error as the client gets it.
struct Problem {
    status: StatusCode,
    detail: String,
}

impl From<SetFaultsError> for Problem {
    fn from(error: SetFaultsError) -> Self {
        let status = match error {
            SetFaultsError::Unknown { .. } => StatusCode::NOT_FOUND,
            SetFaultsError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self { status, detail: error.to_string() }
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self { status: rejection.status(), detail: rejection.body_text() }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or_default();
        let body = json!({ "title": title, "status": self.status.as_u16(), "detail": self.detail });
        (self.status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
    }
}
