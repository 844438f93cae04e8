//! The bare references: an axum handler that replies 302 from a `HashMap`: alone, one bare call over
//! HTTP/JSON or gRPC away, or behind the limiter's layer and nothing else; and a broadcast over WebSockets.
//!
//! No limits, no time-outs, no request id, no metrics, no clicks; the call has no deadline, no trace, no
//! metrics.

mod chat;
mod grpc;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    handler::Handler as _,
    http::{Request, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
    serve::ListenerExt,
};
use contract::MonotonicTicks;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use limiter::{
    Algorithm, Capacity, DecisionService, KeySource, Keying, Limit, LocalCounts, Mode, OnFailure, Policy,
    PolicySet,
};
use limiter_app::limiting::Limiting;
use serde_json::{Value, json};

/// The references' addresses: the one alone, the limited one, and those whose links are a call away, each followed by
/// the server that has the links.
pub const ALONE: &str = "127.0.0.1:19999";
/// See [`ALONE`].
pub const LIMITED: &str = "127.0.0.1:19996";
/// See [`ALONE`].
pub const BEFORE: &str = "127.0.0.1:19998";
/// See [`ALONE`].
pub const BEHIND: &str = "127.0.0.1:19997";
/// See [`ALONE`].
pub const BEFORE_GRPC: &str = "127.0.0.1:19995";
/// See [`ALONE`].
pub const BEHIND_GRPC: &str = "127.0.0.1:19994";

/// See [`ALONE`]; this one broadcasts.
pub const CHAT: &str = "127.0.0.1:19993";

/// Serves until the process is killed, as these arguments say: `alone ADDRESS`, `limited ADDRESS`,
/// `before ADDRESS BACK`, `grpc ADDRESS`, `before-grpc ADDRESS BACK`, `chat ADDRESS`.
pub fn main(words: &[&str]) -> anyhow::Result<()> {
    match words {
        ["alone", address] => Ok(serve(address.parse()?)?),
        ["limited", address] => serve_limited(address.parse()?),
        ["before", address, back] => Ok(serve_before(address.parse()?, back.parse()?)?),
        ["chat", address] => Ok(chat::serve(address.parse()?)?),
        ["grpc", address] => grpc::serve(address.parse()?),
        ["before-grpc", address, back] => grpc::serve_before(address.parse()?, back.parse()?),
        _ => anyhow::bail!("no bare server is called that"),
    }
}

type Links = Arc<RwLock<HashMap<String, String>>>;

/// Serves on this address with one thread, until the process is killed.
fn serve(address: SocketAddr) -> std::io::Result<()> {
    serve_router(address, || links(get(follow)))
}

/// The same, with the limiter in front, which counts by address and refuses nothing.
fn serve_limited(address: SocketAddr) -> anyhow::Result<()> {
    let counts = LocalCounts::new(
        Algorithm::Gcra,
        Capacity::default(),
        *b"any secret will ",
        Arc::new(MonotonicTicks::new()),
    );
    let decisions = DecisionService::new(Arc::new(counts), OnFailure::Open, Keying::PerClient);
    let policy = Policy {
        name: "per-address".to_owned(),
        key: KeySource::Address,
        limits: vec![Limit::new(1_000_000, Duration::from_secs(1), None)?],
        exempt: Vec::new(),
        mode: Mode::Enforce,
    };
    decisions.set_policies(PolicySet { version: 1, policies: vec![policy] });
    let limiting = Limiting::new(Arc::new(decisions), OnFailure::Open);
    Ok(serve_router(address, || links(get(follow.layer(limiting))))?)
}

fn links(follow: MethodRouter<Links>) -> Router {
    Router::new()
        .route("/{code}", follow)
        .route("/links", post(shorten))
        .route("/resolve", post(resolve))
        .with_state(Links::default())
}

/// The same, with the links in the bare server at `back`.
fn serve_before(address: SocketAddr, back: SocketAddr) -> std::io::Result<()> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    serve_router(address, move || {
        Router::new()
            .route("/{code}", get(follow_away))
            .route("/links", post(shorten_away))
            .with_state(Arc::new(Away { client, back }))
    })
}

/// Serves a router, which is created within the runtime.
fn serve_router(address: SocketAddr, router: impl FnOnce() -> Router) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await?.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, router().into_make_service_with_connect_info::<SocketAddr>()).await
    })
}

async fn follow(State(links): State<Links>, Path(code): Path<String>) -> Response {
    let target = links.read().unwrap_or_else(PoisonError::into_inner).get(&code).cloned();
    redirect(target)
}

fn redirect(target: Option<String>) -> Response {
    match target {
        Some(target) => (StatusCode::FOUND, [(header::LOCATION, target)]).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn resolve(State(links): State<Links>, Json(code): Json<String>) -> Json<Option<String>> {
    Json(links.read().unwrap_or_else(PoisonError::into_inner).get(&code).cloned())
}

/// A client of the server that has the links.
struct Away {
    client: Client<HttpConnector, Full<Bytes>>,
    back: SocketAddr,
}

impl Away {
    /// The body of the reply to a JSON body; `None` if there is no reply.
    async fn ask(&self, path: &str, body: Vec<u8>) -> Option<Bytes> {
        let request = Request::post(format!("http://{}{path}", self.back))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body.into()));
        let reply = self.client.request(request.ok()?).await.ok()?;
        Some(reply.into_body().collect().await.ok()?.to_bytes())
    }
}

async fn follow_away(State(away): State<Arc<Away>>, Path(code): Path<String>) -> Response {
    let asked = serde_json::to_vec(&code).unwrap_or_default();
    let answer = away.ask("/resolve", asked).await;
    redirect(answer.and_then(|body| serde_json::from_slice(&body).ok()).flatten())
}

async fn shorten_away(State(away): State<Arc<Away>>, body: Bytes) -> Response {
    let answer = away.ask("/links", body.to_vec()).await;
    match answer.and_then(|body| serde_json::from_slice::<Value>(&body).ok()) {
        Some(link) => created(link),
        None => StatusCode::BAD_GATEWAY.into_response(),
    }
}

/// The part of creating a link that the generator needs.
async fn shorten(State(links): State<Links>, Json(body): Json<Value>) -> Response {
    let target = body["target"].as_str().unwrap_or_default().to_owned();
    let mut links = links.write().unwrap_or_else(PoisonError::into_inner);
    let code = format!("{:07}", links.len());
    links.insert(code.clone(), target.clone());
    created(json!({ "code": code, "target": target }))
}

fn created(link: Value) -> Response {
    let location = [(header::LOCATION, format!("/{}", link["code"].as_str().unwrap_or_default()))];
    (StatusCode::CREATED, location, Json(link)).into_response()
}
