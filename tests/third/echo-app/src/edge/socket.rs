//! A WebSocket that sends back every message, texts and bytes: what external suites hold the platform's hosting to.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use runtime::{
    edge::Problem,
    live::{Close, Closed, Limits, Message, Sender, Session, Upgrade},
};

use super::Edge;

/// The largest message: what the largest cases of Autobahn's suite send.
const MESSAGE_BYTES: usize = 16 * 1_024 * 1_024;

/// The platform's limits, with room for such messages: for one that is sent while the next is echoed.
pub(crate) fn limits() -> Limits {
    Limits { message_bytes: MESSAGE_BYTES, queued_bytes: 2 * MESSAGE_BYTES, ..Limits::default() }
}

/// Opens a socket that sends back every message.
#[utoipa::path(get, path = "/echoes/socket", responses(
    Problem,
    (status = 101, description = "It is open"),
    (status = 426, description = "The request is no handshake of a WebSocket"),
))]
pub(super) async fn open(State(edge): State<Arc<Edge>>, upgrade: Upgrade) -> Response {
    edge.live.websocket(upgrade, |sender| Repeating { sender })
}

/// The conversation with one client.
struct Repeating {
    sender: Sender,
}

impl Session for Repeating {
    async fn received(&mut self, message: Message) -> Result<(), Close> {
        // If the client does not read, the hosting closes the connection.
        let _ = self.sender.send(message);
        Ok(())
    }

    async fn closed(self, _: Closed) {}
}
