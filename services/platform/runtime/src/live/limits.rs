//! The limits of long-lived connections, each with its reason.

use std::time::Duration;

use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// The read buffer of a WebSocket, bytes. It is allocated with the connection: the library's default of 128 KiB would be most
/// of an idle connection's memory, and few messages are over 4 KiB.
const READ_BUFFER: usize = 4 * 1_024;

/// The write buffer, bytes: it batches small queued messages into one system call.
const WRITE_BUFFER: usize = 4 * 1_024;

/// Room for control frames behind a full write buffer: a pong, a ping and a close, at most 131 bytes each.
const CONTROL_FRAMES: usize = 1_024;

/// The time limit of the closing handshake: less than the drain time of a process, and long enough for any round trip.
pub(super) const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// The limits of long-lived connections.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections; a further one gets a 503. 10,000 take some 240 MiB, at 24 KiB each.
    pub connections: usize,
    /// The largest message from a client, bytes: 64 KiB, Centrifugo's default. An incomplete message takes up to as much
    /// memory.
    pub message_bytes: usize,
    /// Queued messages for one client: 1,024, more than anybody reads in a minute.
    pub queued_messages: usize,
    /// Queued bytes for one client: 256 KiB. This and the kernel's buffers are the cost of a client that does not read.
    pub queued_bytes: usize,
    /// `SO_SNDBUF` and `SO_RCVBUF` of a WebSocket, bytes: 64 KiB, which the kernel doubles for its bookkeeping. By default the
    /// kernel lets a send buffer grow to 4 MiB, which no process's memory figure shows. `None` keeps that default.
    pub kernel_buffer: Option<usize>,
    /// The deadline of a session for one message: as long as that of a request at the edge.
    pub handling: Duration,
    /// The silence after which a client is pinged, with a tenth of jitter: 25 s, Centrifugo's default, below the 30 s after
    /// which the strictest NATs and proxies drop a connection. An event stream gets a comment instead.
    pub ping_every: Duration,
    /// The longest wait for a pong. A half-open connection is closed after the sum of both.
    pub pong_within: Duration,
    /// The longest time for which a socket may stay unwritable.
    pub write_within: Duration,
    /// The longest time without a message in either direction: an hour, `HAProxy`'s usual `timeout tunnel`. A forgotten browser
    /// tab answers pings for days.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            message_bytes: 64 * 1_024,
            queued_messages: 1_024,
            queued_bytes: 256 * 1_024,
            kernel_buffer: Some(64 * 1_024),
            handling: Duration::from_secs(2),
            ping_every: Duration::from_secs(25),
            pong_within: Duration::from_secs(10),
            write_within: Duration::from_secs(10),
            idle: Duration::from_hours(1),
        }
    }
}

impl Limits {
    /// The limits as `tungstenite`'s configuration.
    ///
    /// The driver adds a message only while the write buffer is not full, so it holds at most a full buffer and one message.
    pub(super) fn protocol(&self) -> WebSocketConfig {
        WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_write_buffer_size(self.queued_bytes.saturating_add(WRITE_BUFFER + CONTROL_FRAMES))
            .max_message_size(Some(self.message_bytes))
            .max_frame_size(Some(self.message_bytes))
    }
}
