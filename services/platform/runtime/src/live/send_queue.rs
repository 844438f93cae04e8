//! The bounded send queue of one connection: many producers, and the connection's task as its consumer.
//!
//! Not a channel: it is bounded in bytes as well as in messages, it can be cleared when the connection closes, and an empty
//! one allocates nothing, which matters for thousands of idle connections.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use axum::body::Bytes;
use futures::task::AtomicWaker;
use prometheus_client::metrics::gauge::Gauge;
use tokio_tungstenite::tungstenite::{self, Utf8Bytes};

use super::{Close, Closed, Limits};

/// A message in either direction. It is reference-counted: fan-out encodes a message once and clones it for each reader.
///
/// A received message keeps the read buffer alive that it is part of; copy it to keep it for long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A text.
    Text(Utf8Bytes),
    /// Bytes. An event stream sends them unchanged.
    Binary(Bytes),
}

impl Message {
    /// Its length, bytes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    pub(super) fn into_frame(self) -> tungstenite::Message {
        match self {
            Self::Text(text) => tungstenite::Message::Text(text),
            Self::Binary(bytes) => tungstenite::Message::Binary(bytes),
        }
    }

    pub(super) fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.into(),
            Self::Binary(bytes) => bytes,
        }
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Utf8Bytes> for Message {
    fn from(text: Utf8Bytes) -> Self {
        Self::Text(text)
    }
}

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The connection has ended or is closing.
    #[error("the connection has ended")]
    Ended,
    /// The queue was full, so the connection is being closed.
    #[error("the client did not read what was sent to it")]
    Slow,
}

/// The sending half of a connection. Cheap to clone; never waits.
#[derive(Clone)]
pub struct Sender(pub(super) Arc<SendQueue>);

impl Sender {
    /// Queues a message. If the queue is full, the client is too slow, and the connection is closed.
    pub fn send(&self, message: impl Into<Message>) -> Result<(), NotSent> {
        self.0.push(message.into())
    }

    /// Closes the connection at once and drops the queue.
    pub fn close(&self, close: Close) {
        self.0.end(Closed::ByServer(close));
    }

    /// Whether the connection is open.
    pub fn is_open(&self) -> bool {
        self.0.ended().is_none()
    }
}

/// A number of bytes for a gauge.
fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// The queue of one connection.
pub(super) struct SendQueue {
    state: Mutex<State>,
    /// The consumer's waker.
    writer: AtomicWaker,
    messages: usize,
    bytes: usize,
    /// Queued bytes of all connections.
    queued: Gauge,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Message>,
    bytes: usize,
    /// The number of messages taken so far.
    taken: u64,
    /// Why the connection is closing, if it is. The first reason counts.
    ended: Option<Closed>,
}

/// The progress of the consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) taken: u64,
    pub(super) is_empty: bool,
}

impl SendQueue {
    pub(super) fn new(limits: &Limits, queued: Gauge) -> Self {
        let (messages, bytes) = (limits.queued_messages, limits.queued_bytes);
        Self { state: Mutex::default(), writer: AtomicWaker::new(), messages, bytes, queued }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, message: Message) -> Result<(), NotSent> {
        let bytes = message.bytes();
        let mut state = self.state();
        if state.ended.is_some() {
            return Err(NotSent::Ended);
        }
        if state.waiting.len() >= self.messages || bytes > self.bytes.saturating_sub(state.bytes) {
            drop(state);
            self.end(Closed::Slow);
            return Err(NotSent::Slow);
        }
        state.waiting.push_back(message);
        state.bytes += bytes;
        drop(state);
        self.queued.inc_by(signed(bytes));
        self.writer.wake();
        Ok(())
    }

    /// Registers the consumer's waker.
    pub(super) fn register(&self, waker: &Waker) {
        self.writer.register(waker);
    }

    /// Takes the next message; `None` if the queue is empty.
    pub(super) fn take(&self) -> Option<Message> {
        let mut state = self.state();
        let message = state.waiting.pop_front()?;
        let bytes = message.bytes();
        state.bytes -= bytes;
        state.taken += 1;
        if state.waiting.is_empty() {
            // Frees the memory of a burst.
            state.waiting = VecDeque::new();
        }
        drop(state);
        self.queued.dec_by(signed(bytes));
        Some(message)
    }

    /// Closes the connection for this reason, unless it is closing already, and clears the queue.
    pub(super) fn end(&self, why: Closed) {
        let mut state = self.state();
        state.ended.get_or_insert(why);
        let waiting = std::mem::take(&mut state.waiting);
        let bytes = std::mem::take(&mut state.bytes);
        drop(state);
        self.queued.dec_by(signed(bytes));
        drop(waiting);
        self.writer.wake();
    }

    /// Why the connection is closing, if it is.
    pub(super) fn ended(&self) -> Option<Closed> {
        self.state().ended.clone()
    }

    pub(super) fn progress(&self) -> Progress {
        let state = self.state();
        Progress { taken: state.taken, is_empty: state.waiting.is_empty() }
    }
}
