//! The unread rest of a request's body.
//!
//! A request is answered after its body has been read to the end: otherwise an error at its end, such as a
//! pseudo-header field among the trailers (RFC 9113, 8.1), goes unnoticed. Over HTTP/1, an unread rest also
//! blocks the next request.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{Request, StatusCode, Version, header},
};
use futures::FutureExt as _;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::timeout;

/// The limits on draining an unread rest: its time, and its size in bytes.
const DRAIN_WITHIN: Duration = Duration::from_secs(1);
const DRAIN_BYTES: usize = 64 * 1_024;

/// The unread rest of a body, after its reader has dropped it.
pub(crate) struct Unread {
    left: Arc<Mutex<Option<Left>>>,
    version: Version,
    expects_continue: bool,
}

struct Left {
    body: Incoming,
    begun: bool,
}

/// Replaces a request's body by a tracked one; `None` for an empty body.
pub(crate) fn lend(request: Request<Incoming>) -> (Request<Body>, Option<Unread>) {
    if request.body().is_end_stream() {
        return (request.map(Body::new), None);
    }
    let left = Arc::default();
    let unread = Unread {
        left: Arc::clone(&left),
        version: request.version(),
        expects_continue: request.headers().contains_key(header::EXPECT),
    };
    (request.map(|body| Body::new(Lent { body: Some(body), begun: false, left })), Some(unread))
}

impl Unread {
    /// Reads and discards the rest of the body. Returns whether the connection can be reused.
    ///
    /// Over HTTP/2 up to [`DRAIN_WITHIN`] and [`DRAIN_BYTES`]; a client that sends more gets its reply
    /// meanwhile. A reply that refuses the body does not wait. Over HTTP/1 only bytes that have arrived are
    /// read, and the connection closes if that is not all.
    pub(crate) async fn drain_body(self, status: StatusCode) -> bool {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Left { mut body, begun }) = left else { return true };
        if self.version == Version::HTTP_2 {
            let refuses = begun || status.is_server_error() || REFUSE_THE_BODY.contains(&status);
            if !refuses {
                let rest = Limited::new(body, DRAIN_BYTES).collect();
                let _ = timeout(DRAIN_WITHIN, rest).await;
            }
            return true;
        }
        // Only bytes that are there already, because reading would make hyper send `100 Continue`.
        if self.expects_continue {
            return false;
        }
        loop {
            match body.frame().now_or_never() {
                Some(Some(Ok(_))) if !body.is_end_stream() => {}
                Some(Some(Ok(_)) | None) => return true,
                Some(Some(Err(_))) | None => return false,
            }
        }
    }
}

/// Statuses that refuse the body.
const REFUSE_THE_BODY: [StatusCode; 3] =
    [StatusCode::REQUEST_TIMEOUT, StatusCode::PAYLOAD_TOO_LARGE, StatusCode::UNSUPPORTED_MEDIA_TYPE];

/// A body that returns itself when it is dropped before its end.
struct Lent {
    /// `None` after its end or a failure.
    body: Option<Incoming>,
    begun: bool,
    left: Arc<Mutex<Option<Left>>>,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(context));
        self.begun = true;
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            let left = Left { body, begun: self.begun };
            *self.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(left);
        }
    }
}
