//! The bare reference: an axum handler that answers 302 from a `HashMap`, and nothing else.
//!
//! No limits, no time-outs, no request id, no metrics, no clicks.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::ListenerExt,
};
use serde_json::{Value, json};

type Links = Arc<RwLock<HashMap<String, String>>>;

/// Serves on that address with one thread, until the process is killed.
pub fn serve(address: SocketAddr) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let router = Router::new()
            .route("/{code}", get(follow))
            .route("/links", post(shorten))
            .with_state(Links::default());
        let listener = tokio::net::TcpListener::bind(address).await?.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, router).await
    })
}

async fn follow(State(links): State<Links>, Path(code): Path<String>) -> Response {
    match links.read().unwrap_or_else(PoisonError::into_inner).get(&code) {
        Some(target) => (StatusCode::FOUND, [(header::LOCATION, target.clone())]).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// As much of creating a link as the generator needs to have links to follow.
async fn shorten(State(links): State<Links>, Json(body): Json<Value>) -> Response {
    let target = body["target"].as_str().unwrap_or_default().to_owned();
    let mut links = links.write().unwrap_or_else(PoisonError::into_inner);
    let code = format!("{:07}", links.len());
    links.insert(code.clone(), target.clone());
    let location = [(header::LOCATION, format!("/{code}"))];
    (StatusCode::CREATED, location, Json(json!({ "code": code, "target": target }))).into_response()
}
