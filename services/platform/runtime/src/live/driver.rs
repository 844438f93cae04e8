//! Reads and writes one WebSocket, and enforces its limits.
//!
//! One task serves both directions: it writes queued messages whenever the socket is writable, and reads whenever the session
//! is ready for the next message. It polls by hand, because two branches of `select!` cannot both borrow the socket.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use tokio::{
    io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, protocol::Role},
};

use super::{
    Closed, Limits, Message, hub::Admitted, limits::CLOSE_WITHIN, metrics::MessageCounts,
    send_queue::SendQueue,
};
use crate::counted::Counted;

/// The transport of a WebSocket.
pub(super) type Stream = Counted<TcpStream>;

/// Longer than any connection lasts: `Instant` overflows with `Duration::MAX`.
const NEVER: Duration = Duration::from_hours(24 * 365);

/// One WebSocket and its state.
pub(super) struct Driver {
    socket: WebSocketStream<Stream>,
    queue: Arc<SendQueue>,
    messages: MessageCounts,
    limits: Limits,
    ping_every: Duration,
    /// Whether the write buffer holds unsent bytes.
    is_unflushed: bool,
    /// Whether the write buffer is full, so that it takes no further message before it is flushed.
    is_full: bool,
    /// When the socket stopped being writable, if it is not.
    blocked: Option<Instant>,
    /// When the last frame arrived, control frames included.
    last_frame: Instant,
    /// When the unanswered ping was sent, if there is one.
    ping_sent: Option<Instant>,
    /// When the last message was received or sent.
    last_message: Instant,
    /// Fires when the first limit can be reached, or earlier: traffic extends limits and does not reset the timer, which is
    /// cheaper than to reset it with each message.
    timer: Pin<Box<Sleep>>,
}

impl Driver {
    /// A driver for a stream, of which `begun` has been read already.
    pub(super) async fn new(stream: Stream, begun: Vec<u8>, admitted: &Admitted) -> Self {
        let limits = *admitted.limits();
        let protocol = Some(limits.protocol());
        let now = Instant::now();
        // Jitter: connections that were opened together are not pinged together.
        let ping_every = limits.ping_every.mul_f64(rand::random_range(0.9..1.1));
        Self {
            socket: WebSocketStream::from_partially_read(stream, begun, Role::Server, protocol).await,
            queue: Arc::clone(&admitted.queue),
            messages: admitted.messages.clone(),
            limits,
            ping_every,
            is_unflushed: false,
            is_full: false,
            blocked: None,
            last_frame: now,
            ping_sent: None,
            last_message: now,
            timer: Box::pin(sleep_until(after(now, ping_every.min(limits.idle)))),
        }
    }

    /// Waits for the next message, or for the reason to close. Writes queued messages meanwhile.
    pub(super) async fn receive(&mut self) -> Result<Message, Closed> {
        poll_fn(|context| {
            if let Err(closed) = self.write(context) {
                return Poll::Ready(Err(closed));
            }
            if let Poll::Ready(read) = self.read(context) {
                return Poll::Ready(read);
            }
            self.check_limits(context, true).map(Err)
        })
        .await
    }

    /// Runs `work` to its end, and writes queued messages meanwhile. A reason to close is returned after `work` has ended.
    pub(super) async fn during<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Closed> {
        let mut work = pin!(work);
        let mut closed = None;
        poll_fn(|context| {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(closed.take().map_or(Ok(done), Err));
            }
            if closed.is_none() {
                closed = self.write(context).err();
            }
            if closed.is_none()
                && let Poll::Ready(over) = self.check_limits(context, false)
            {
                closed = Some(over);
            }
            Poll::Pending
        })
        .await
    }

    /// Writes queued messages, as far as the socket is writable.
    fn write(&mut self, context: &mut Context<'_>) -> Result<(), Closed> {
        // Before the queue is looked at, so that no wake-up is lost.
        self.queue.register(context.waker());
        if let Some(closed) = self.queue.ended() {
            return Err(closed);
        }
        loop {
            match self.socket.poll_ready_unpin(context)? {
                Poll::Pending => {
                    self.is_full = true;
                    self.note_blocked();
                    return Ok(());
                }
                Poll::Ready(()) if self.is_full => (self.is_full, self.blocked) = (false, None),
                Poll::Ready(()) => {}
            }
            let Some(message) = self.queue.take() else { break };
            self.socket.start_send_unpin(message.into_frame())?;
            self.messages.sent.inc();
            self.is_unflushed = true;
        }
        if self.is_unflushed {
            match self.socket.poll_flush_unpin(context)? {
                Poll::Ready(()) => {
                    (self.is_unflushed, self.blocked) = (false, None);
                    self.last_message = Instant::now();
                }
                Poll::Pending => self.note_blocked(),
            }
        }
        Ok(())
    }

    /// Notes that the socket is not writable.
    fn note_blocked(&mut self) {
        if self.blocked.is_none() {
            let now = Instant::now();
            self.blocked = Some(now);
            let until = after(now, self.limits.write_within);
            if until < self.timer.deadline() {
                self.timer.as_mut().reset(until);
            }
        }
    }

    /// The next message. `tungstenite` queues the replies to pings and to a close frame by itself, and writes them when it
    /// reads next.
    fn read(&mut self, context: &mut Context<'_>) -> Poll<Result<Message, Closed>> {
        loop {
            let Some(frame) = ready!(self.socket.poll_next_unpin(context)?) else {
                return Poll::Ready(Err(Closed::Lost));
            };
            let now = Instant::now();
            (self.last_frame, self.ping_sent) = (now, None);
            let message = match frame {
                tungstenite::Message::Text(text) => Message::Text(text),
                tungstenite::Message::Binary(bytes) => Message::Binary(bytes),
                tungstenite::Message::Close(close) => {
                    return Poll::Ready(Err(Closed::ByClient(close.map(|close| close.code.into()))));
                }
                _ => continue,
            };
            self.last_message = now;
            self.messages.received.inc();
            return Poll::Ready(Ok(message));
        }
    }

    /// Ready when a time limit is reached. Between messages only (`reads`) can a pong be seen.
    fn check_limits(&mut self, context: &mut Context<'_>, reads: bool) -> Poll<Closed> {
        loop {
            ready!(self.timer.as_mut().poll(context));
            let now = Instant::now();
            if !reads && self.ping_sent.is_some() {
                // The pong may have arrived: the session is busy, so nobody reads.
                self.ping_sent = Some(now);
            }
            let since =
                |moment: Option<Instant>, limit| moment.is_some_and(|moment| after(moment, limit) <= now);
            if since(self.blocked, self.limits.write_within) {
                return Poll::Ready(Closed::Slow);
            }
            if since(self.ping_sent, self.limits.pong_within) {
                return Poll::Ready(Closed::NoPong);
            }
            if since(Some(self.last_message), self.limits.idle) {
                return Poll::Ready(Closed::Idle);
            }
            if self.ping_sent.is_none() && since(Some(self.last_frame), self.ping_every) {
                if let Err(closed) = self.ping(context) {
                    return Poll::Ready(closed);
                }
                self.ping_sent = Some(now);
            }
            let next = self.next_limit();
            self.timer.as_mut().reset(next);
        }
    }

    /// The earliest time at which a limit can be reached.
    fn next_limit(&self) -> Instant {
        let asked = match self.ping_sent {
            Some(sent) => after(sent, self.limits.pong_within),
            None => after(self.last_frame, self.ping_every),
        };
        let next = asked.min(after(self.last_message, self.limits.idle));
        self.blocked.map_or(next, |since| next.min(after(since, self.limits.write_within)))
    }

    /// Sends a ping, unless the socket is not writable: then the client cannot answer in time either.
    fn ping(&mut self, context: &mut Context<'_>) -> Result<(), Closed> {
        if self.blocked.is_none() && self.socket.poll_ready_unpin(context)?.is_ready() {
            self.socket.start_send_unpin(tungstenite::Message::Ping(Bytes::new()))?;
            if self.socket.poll_flush_unpin(context)?.is_pending() {
                self.is_unflushed = true;
                self.note_blocked();
            }
        }
        Ok(())
    }

    /// Writes the whole queue, within [`CLOSE_WITHIN`]: a session may send a last message and then close.
    pub(super) async fn flush_queue(&mut self) {
        let written = poll_fn(|context| match self.write(context) {
            Ok(()) if self.is_unflushed || self.is_full => Poll::Pending,
            Ok(()) | Err(_) => Poll::Ready(()),
        });
        let _ = timeout(CLOSE_WITHIN, written).await;
    }

    /// Closes the connection, within [`CLOSE_WITHIN`]. A client that does not read until then gets a reset, which frees the
    /// kernel's buffers.
    pub(super) async fn close(mut self, why: &Closed) {
        let is_over = match why {
            Closed::Lost => false,
            _ => timeout(CLOSE_WITHIN, self.closing_handshake(why)).await.is_ok(),
        };
        if !is_over || why.is_unread() {
            let _ = self.socket.get_ref().get_ref().set_zero_linger();
        }
    }

    /// The closing handshake (RFC 6455, 7.1.2), then a lingering close.
    ///
    /// The server sends its close frame, reads to the client's, and shuts its side down. Then it discards input until the
    /// client closes: to close a socket with unread input resets the connection, and the client would lose the close frame.
    /// After malformed input the client's frames cannot be found any more, so all input is discarded.
    async fn closing_handshake(&mut self, why: &Closed) -> Result<(), tungstenite::Error> {
        match why.close() {
            Some(close) => self.socket.close(Some(close.frame())).await?,
            None => self.socket.flush().await?,
        }
        if why.is_readable() {
            while self.socket.next().await.transpose()?.is_some() {}
        }
        self.socket.get_mut().shutdown().await?;
        discard(self.socket.get_mut()).await;
        Ok(())
    }
}

/// When a limit that began at `moment` is reached.
fn after(moment: Instant, limit: Duration) -> Instant {
    moment + limit.min(NEVER)
}

/// Reads and discards until the peer closes.
async fn discard(stream: &mut Stream) {
    poll_fn(|context| {
        let mut bytes = [0; 4 * 1_024];
        loop {
            let mut unwanted = ReadBuf::new(&mut bytes);
            match ready!(Pin::new(&mut *stream).poll_read(context, &mut unwanted)) {
                Ok(()) if !unwanted.filled().is_empty() => {}
                Ok(()) | Err(_) => return Poll::Ready(()),
            }
        }
    })
    .await;
}
