//! The bare reference of a chat: axum, a broadcast channel of tokio for each room, and a task for each WebSocket, as in axum's
//! own example of a chat.
//!
//! It sends the chat's records, each encoded once. There is no log, no member, no token, no ping, no limit; a client that lags
//! loses its connection. The upgrade is what axum's `ws` does, with the version of the library that the chat uses.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::{
        StatusCode,
        header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE},
    },
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use futures::{SinkExt as _, StreamExt as _};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{
    select,
    sync::broadcast::{self, Receiver, Sender},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, Utf8Bytes, handshake::derive_accept_key, protocol::Role},
};

/// The records that a room keeps for those who lag, as in axum's example.
const KEPT: usize = 100;

/// Serves on this address with one thread, until the process is killed.
pub(super) fn serve(address: SocketAddr) -> std::io::Result<()> {
    super::serve_router(address, || {
        Router::new()
            .route("/rooms/{room}/messages", post(send))
            .route("/rooms/{room}/socket", get(open))
            .with_state(Rooms::default())
    })
}

#[derive(Clone, Default)]
struct Rooms(Arc<Mutex<HashMap<String, Room>>>);

/// A room; all clones are the same.
#[derive(Clone)]
struct Room {
    records: Sender<Utf8Bytes>,
    sequence: Arc<AtomicU64>,
}

impl Rooms {
    fn room(&self, name: &str) -> Room {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Room { records: broadcast::channel(KEPT).0, sequence: Arc::default() };
        rooms.entry(name.to_owned()).or_insert_with(new).clone()
    }
}

#[derive(Deserialize)]
struct Asked {
    id: String,
    text: String,
}

/// A record, as the chat writes it.
#[derive(Serialize)]
#[serde(tag = "type", rename = "message")]
struct Record<'a> {
    room: &'a str,
    sequence: u64,
    at_ms: u64,
    sender: &'a str,
    id: &'a str,
    text: &'a str,
}

async fn send(
    State(rooms): State<Rooms>,
    Path(name): Path<String>,
    Json(Asked { id, text }): Json<Asked>,
) -> (StatusCode, Json<Value>) {
    let room = rooms.room(&name);
    let sequence = room.sequence.fetch_add(1, Ordering::Relaxed) + 1;
    let at_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    let record = Record { room: &name, sequence, at_ms, sender: "ann", id: &id, text: &text };
    let record = serde_json::to_string(&record).unwrap_or_default();
    // Without a receiver there is nobody to send it to.
    let _ = room.records.send(record.into());
    (StatusCode::CREATED, Json(json!({ "position": sequence, "at_ms": at_ms })))
}

async fn open(State(rooms): State<Rooms>, Path(name): Path<String>, mut request: Request) -> Response {
    let Some(key) = request.headers().get(SEC_WEBSOCKET_KEY) else {
        return StatusCode::UPGRADE_REQUIRED.into_response();
    };
    let accept = derive_accept_key(key.as_bytes());
    let (records, upgrade) = (rooms.room(&name).records.subscribe(), hyper::upgrade::on(&mut request));
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            let io = TokioIo::new(upgraded);
            pass_on(WebSocketStream::from_raw_socket(io, Role::Server, None).await, records).await;
        }
    });
    let headers = [
        (CONNECTION, "upgrade".to_owned()),
        (UPGRADE, "websocket".to_owned()),
        (SEC_WEBSOCKET_ACCEPT, accept),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

/// Sends records to a client until it is gone or lags.
async fn pass_on(
    mut socket: WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>,
    mut records: Receiver<Utf8Bytes>,
) {
    loop {
        select! {
            record = records.recv() => {
                let Ok(record) = record else { return };
                if socket.send(Message::Text(record)).await.is_err() {
                    return;
                }
            }
            heard = socket.next() => if !matches!(heard, Some(Ok(_))) { return },
        }
    }
}
