//! A stream of server-sent events (WHATWG HTML, 9.2): a response body without an end.
//!
//! hyper polls a body only when it has written the previous frame, so a body cannot notice a client that does not read. A
//! guard task does: it looks at the queue at intervals, sends a comment on a quiet stream, and aborts the connection of a
//! stalled one. Over HTTP/2 that aborts all streams of the connection.

use std::{
    convert::Infallible,
    fmt::Write as _,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use hyper::body::Frame;
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    Closed, Limits, Live, Message, Sender,
    hub::Admitted,
    metrics::{Kind, MessageCounts},
    send_queue::SendQueue,
};

/// A comment: browsers ignore it, and proxies see traffic.
const COMMENT: &[u8] = b":\n\n";

/// Disables response buffering in nginx, and in other proxies that follow it.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The upper bound of the random reconnection delay that a stopping process sends to each client.
const RETRY_WITHIN_MS: u64 = 5_000;

/// Encodes an event, once for all readers. A client that reconnects sends the last `id` as `Last-Event-ID`.
///
/// `id` and `name` are truncated at a line break, which they cannot contain; `data` may have several lines.
pub fn event(id: Option<&str>, name: Option<&str>, data: &str) -> Message {
    let mut text = String::with_capacity(data.len() + 64);
    for (field, value) in [("id", id), ("event", name)] {
        if let Some(value) = value {
            let line = value.split(['\r', '\n', '\0']).next().unwrap_or_default();
            // Writing into a `String` cannot fail.
            let _ = writeln!(text, "{field}: {line}");
        }
    }
    for line in data.replace("\r\n", "\n").split(['\r', '\n']) {
        let _ = writeln!(text, "data: {line}");
    }
    text.push('\n');
    Message::from(text)
}

impl Live {
    /// A response that streams the sender's messages, each an [`event`].
    ///
    /// The value that `begin` returns is dropped at the end of the stream: a guard that unsubscribes. Responds 503 if the limit
    /// of connections is reached or the process is stopping.
    pub fn events<T: Send + Unpin + 'static>(&self, begin: impl FnOnce(Sender) -> T) -> Response {
        let admitted = match self.admit(Kind::Events) {
            Ok(admitted) => admitted,
            Err(refused) => return refused.into_response(),
        };
        let (limits, queue) = (*admitted.limits(), Arc::clone(&admitted.queue));
        let kept = begin(Sender(Arc::clone(&queue)));
        let (gone, connection) = (CancellationToken::new(), Carried::default());
        self.spawn(guard(limits, queue, gone.clone(), Arc::clone(&connection)));
        let stream = EventStream {
            messages: admitted.messages.clone(),
            has_sent_retry: false,
            _kept: kept,
            admitted,
            _gone: gone.drop_guard(),
        };
        let mut response = Response::new(Body::new(stream));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
        response.extensions_mut().insert(EventStreamAttachment(connection));
        response
    }
}

/// The HTTP connection that carries an event stream.
pub(crate) trait EventStreamCarrier: Send + Sync {
    /// Aborts it, with all its streams.
    fn abort(&self);
}

/// A response extension by which an event stream learns its connection.
#[derive(Clone)]
pub(crate) struct EventStreamAttachment(Carried);

type Carried = Arc<OnceLock<Box<dyn EventStreamCarrier>>>;

impl EventStreamAttachment {
    pub(crate) fn attach(self, carrier: impl EventStreamCarrier + 'static) {
        let _ = self.0.set(Box::new(carrier));
    }
}

/// The response body.
struct EventStream<T> {
    messages: MessageCounts,
    has_sent_retry: bool,
    _kept: T,
    admitted: Admitted,
    /// Ends the guard task.
    _gone: DropGuard,
}

impl<T> Drop for EventStream<T> {
    fn drop(&mut self) {
        // Without another reason, the client has disconnected.
        self.admitted.queue.end(Closed::ByClient(None));
    }
}

impl<T: Unpin> HttpBody for EventStream<T> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let queue = &self.admitted.queue;
        queue.register(context.waker());
        if let Some(message) = queue.take() {
            self.messages.sent.inc();
            return Poll::Ready(Some(Ok(Frame::data(message.into_bytes()))));
        }
        match queue.ended() {
            None => Poll::Pending,
            Some(Closed::Restart) if !self.has_sent_retry => {
                self.has_sent_retry = true;
                let retry = format!("retry: {}\n\n", rand::random_range(0..RETRY_WITHIN_MS));
                Poll::Ready(Some(Ok(Frame::data(retry.into()))))
            }
            Some(_) => Poll::Ready(None),
        }
    }
}

/// Watches a stream until its body is dropped.
async fn guard(limits: Limits, queue: Arc<SendQueue>, gone: CancellationToken, connection: Carried) {
    // A message that is first in the queue at two looks in a row has waited for `write_within` at least.
    let look_every = limits.write_within.max(Duration::from_millis(1));
    let (mut before, mut quiet, mut was_closing) = (queue.progress(), Duration::ZERO, false);
    while gone.run_until_cancelled(sleep(look_every)).await.is_some() {
        let now = queue.progress();
        let stands_still = now.taken == before.taken && !before.is_empty;
        let is_closing = queue.ended().is_some();
        if (is_closing && was_closing) || stands_still {
            queue.end(Closed::Slow);
            if let Some(connection) = connection.get() {
                connection.abort();
            }
            return;
        }
        quiet = if now == before && now.is_empty { quiet + look_every } else { Duration::ZERO };
        if quiet >= limits.ping_every {
            let _ = Sender(Arc::clone(&queue)).send(Message::Binary(Bytes::from_static(COMMENT)));
            quiet = Duration::ZERO;
        }
        (before, was_closing) = (now, is_closing);
    }
}
