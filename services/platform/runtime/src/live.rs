//! Long-lived connections: WebSockets (RFC 6455) and server-sent events (WHATWG HTML, 9.2).
//!
//! A request has a deadline and an in-flight permit. A long-lived connection has neither, but the [`Limits`] of this module.
//! Its handshake is an ordinary request; the response returns the request's permit, and over HTTP/1 the connection's.
//!
//! - A handler takes an [`Upgrade`] as an argument and passes it to [`Live::websocket`] with a [`Session`].
//! - Whoever sends to a client holds the [`Sender`] of its connection. It never waits: a client that does not read in time
//!   loses its connection, and no other client is affected.
//! - A stopping process closes every connection ([`Closed::Restart`]), spread over its lame-duck period.
//! - [`Closed`] lists the reasons why a connection ends, with their close codes and metric labels.
//!
//! It uses `tokio-tungstenite` and not axum's `ws`, which hides the socket: without it there is no lingering close, so a
//! client may lose the close frame (decision 0048).
//!
//! Not here: authentication, rooms, positions, the meaning of messages. They belong to a system.
//!
//! Read in this order: `limits`, `closed`, `send_queue`, `hub`, `handshake`, `websocket`, `traced`, `driver`, `events`, `metrics`.

mod closed;
mod driver;
mod events;
mod handshake;
mod hub;
mod limits;
mod metrics;
mod send_queue;
mod traced;
mod websocket;

pub use tokio_tungstenite::tungstenite::Utf8Bytes;

pub(crate) use self::events::{EventStreamAttachment, EventStreamCarrier};
pub use self::{
    closed::{Close, Closed},
    events::event,
    handshake::Upgrade,
    hub::Live,
    limits::Limits,
    send_queue::{Message, NotSent, Sender},
    websocket::Session,
};

#[cfg(test)]
mod tests;
