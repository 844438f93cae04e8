//! The public API of the echo.
//!
//! | request | replies |
//! |---|---|
//! | `POST /echoes` | 200; 408, 413, 415 |
//! | `GET /echoes/socket` | 101; 426 |
//! | `GET /openapi.json` | 200 |

mod socket;

use std::sync::Arc;

use axum::{Json, Router, extract::State};
use echo::{EchoError, Echoes, Said};
use prometheus_client::{metrics::counter::Counter, registry::Registry};
use runtime::{
    edge::{JsonBody, Problem, described},
    live::Live,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) use self::socket::limits;
use crate::SYSTEM;

/// The largest request body, in bytes.
const MAX_BODY_BYTES: usize = 1_024;

/// The state of the handlers.
struct Edge {
    echoes: Arc<dyn Echoes>,
    live: Live,
    /// Replies with an echo.
    heard: Counter,
}

/// The routes.
pub(crate) fn router(echoes: Arc<dyn Echoes>, live: Live, registry: &mut Registry) -> Router {
    let heard = Counter::default();
    registry.register("echoes", "Replies with an echo", heard.clone());
    let edge = Arc::new(Edge { echoes, live, heard });
    let routes = OpenApiRouter::default().routes(routes!(say)).routes(routes!(socket::open)).with_state(edge);
    described("Echo", SYSTEM.summary, routes)
}

/// The body of `POST /echoes`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SayAsked {
    /// The words.
    words: String,
}

/// An echo as the public API shows it.
#[derive(Debug, Serialize, ToSchema)]
struct EchoShown {
    /// The same words.
    words: String,
    /// How many echoes the process has made, this one included.
    number: u64,
}

type SayBody = JsonBody<SayAsked, MAX_BODY_BYTES>;

/// Says it again.
#[utoipa::path(post, path = "/echoes", request_body = SayAsked, responses(
    Problem,
    SayBody,
    (status = 200, description = "The echo", body = EchoShown),
))]
async fn say(State(edge): State<Arc<Edge>>, JsonBody(asked): SayBody) -> Result<Json<EchoShown>, Problem> {
    let echoed = edge.echoes.echo(Said { words: asked.words }).await.map_err(of_echoes)?;
    edge.heard.inc();
    Ok(Json(EchoShown { words: echoed.words, number: echoed.number }))
}

fn of_echoes(error: EchoError) -> Problem {
    match error {
        EchoError::Unavailable(unavailable) => unavailable.into(),
    }
}
