//! The limits of a lane.

use std::time::Duration;

use tungstenite::protocol::WebSocketConfig;

/// The read buffer of a connection, bytes. The library's default of 128 KiB would be a quarter of a gigabyte for two thousand
/// idle connections.
const READ_BUFFER: usize = 4 * 1_024;

/// The limits of a lane.
///
/// An idle connection takes at most [`IDLE_BYTES`](Self::IDLE_BYTES) of memory. An incomplete message adds at most
/// `message_bytes`, a target that does not read at most `unsent_bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveLimits {
    /// Connections.
    pub connections: usize,
    /// Handshakes in progress at once. Further ones wait, and their time counts from their due time. 512: what overflows a
    /// listener's backlog, usually 1,024 or more, the kernel drops, and TCP tries again only after a second.
    pub opening: usize,
    /// The largest received message, bytes; a larger one ends its connection.
    pub message_bytes: usize,
    /// Unsent bytes of one connection; a message that does not fit is not sent.
    pub unsent_bytes: usize,
    /// The time limit of connecting and the handshake.
    pub timeout: Duration,
}

impl Default for LiveLimits {
    fn default() -> Self {
        Self {
            connections: 1_000,
            opening: 512,
            message_bytes: 256 * 1_024,
            unsent_bytes: 64 * 1_024,
            timeout: Duration::from_secs(5),
        }
    }
}

impl LiveLimits {
    /// The most memory of an idle connection, bytes: the read buffer, the library's state, the slot, the allocator's overhead.
    /// A test measures it with 2,000 connections.
    pub const IDLE_BYTES: usize = 6 * 1_024;

    /// The limits as `tungstenite`'s configuration. Without a write buffer's threshold, each message is written at once.
    pub(super) fn protocol(&self) -> WebSocketConfig {
        WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_write_buffer_size(self.unsent_bytes.max(1))
            .max_message_size(Some(self.message_bytes))
            .max_frame_size(Some(self.message_bytes))
    }
}
