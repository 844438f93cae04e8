//! What lies between hyper and a socket: problem documents in place of hyper's bare replies, and a lingering close.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{body::Bytes, http::StatusCode};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// How long a client may go on sending what nobody reads, so that it gets to the reply: nginx's `lingering_close`, whose
/// `lingering_time` this is.
const LINGER: Duration = Duration::from_secs(2);

/// As much of a client's first line as is looked at, bytes.
const LINE: usize = 64;

/// Makes the reply with a problem document that stands for a bare one of hyper's: from the status, and the line with the
/// date.
pub(crate) type ProblemReply = Arc<dyn Fn(StatusCode, &str) -> Bytes + Send + Sync>;

/// A socket as hyper is given it.
///
/// Hyper writes bare 400, 414 and 431 replies by itself; this wrapper recognises their bytes and writes a problem document
/// in their place.
pub(crate) struct Socket<S> {
    stream: S,
    problem_reply: ProblemReply,
    /// What the client began with, up to the end of a line.
    first: Vec<u8>,
    /// What of a problem document is not written yet.
    replacement: Bytes,
    /// Whether the client may still be sending when the connection ends.
    drain_input_on_close: Arc<AtomicBool>,
    linger: Option<Pin<Box<Sleep>>>,
}

impl<S> Socket<S> {
    pub(crate) fn new(stream: S, problem_reply: ProblemReply, drain_input_on_close: Arc<AtomicBool>) -> Self {
        Self {
            stream,
            problem_reply,
            first: Vec::new(),
            replacement: Bytes::new(),
            drain_input_on_close,
            linger: None,
        }
    }

    /// The stream below.
    pub(crate) fn into_inner(self) -> S {
        self.stream
    }
}

/// The length of `date: ` and a date, which has always the same (RFC 9110, 5.6.7), and the ends of line and head.
const DATE: usize = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n".len();

/// Everything that hyper says to a request that it cannot parse, up to the date.
///
/// `Connection` is not there for a client of HTTP/1.0, nor a length after a HEAD on the same connection.
static OWN: LazyLock<Vec<(StatusCode, String)>> = LazyLock::new(|| {
    let statuses =
        [StatusCode::BAD_REQUEST, StatusCode::URI_TOO_LONG, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE];
    let mut own = Vec::new();
    for (status, version) in statuses.into_iter().flat_map(|status| [(status, "1.1"), (status, "1.0")]) {
        for close in ["connection: close\r\n", ""] {
            for length in ["content-length: 0\r\n", ""] {
                own.push((status, format!("HTTP/{version} {status}\r\n{close}{length}")));
            }
        }
    }
    own
});

/// Where such a reply begins, if that is what the bytes end with.
///
/// No reply of a handler is one: each error has a document. If a later hyper writes other bytes, they are not recognised
/// and go out as they are, which is a sound reply without a document; `tests/tests/wire.rs` then fails.
fn own_reply(bytes: &[u8]) -> Option<(usize, StatusCode)> {
    let date = bytes.len().checked_sub(DATE).filter(|_| bytes.ends_with(b"\r\n\r\n"))?;
    OWN.iter().find_map(|(status, text)| {
        let at = date.checked_sub(text.len())?;
        (bytes[at] == b'H' && &bytes[at..date] == text.as_bytes()).then_some((at, *status))
    })
}

impl<S: AsyncRead + Unpin> Socket<S> {
    fn is_line_whole(&self) -> bool {
        self.first.len() >= LINE || self.first.ends_with(b"\r")
    }

    /// Notes what the client said, if it is of its first line.
    fn note(&mut self, said: &[u8]) {
        if !self.is_line_whole() {
            self.first.extend(said.split_inclusive(|byte| *byte == b'\r').next().unwrap_or_default());
        }
    }

    /// Whether the first line is made as a request's is, and names a protocol that is not HTTP/1:
    /// `INVALID CONNECTION PREFACE`.
    fn is_foreign(&mut self, context: &mut Context<'_>) -> bool {
        // Hyper gives up where it is wrong, which may be before its end; nobody else reads what comes now.
        while !self.is_line_whole() {
            let mut bytes = [0; LINE];
            let mut more = ReadBuf::new(&mut bytes);
            let read = Pin::new(&mut self.stream).poll_read(context, &mut more);
            if !matches!(read, Poll::Ready(Ok(()))) || more.filled().is_empty() {
                return false;
            }
            self.note(more.filled());
        }
        let mut words = self.first.split(|byte| *byte == b' ');
        let protocol = words.nth(2).filter(|_| self.first.ends_with(b"\r"));
        words.next().is_none() && protocol.is_some_and(|protocol| !protocol.starts_with(b"HTTP/"))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.note(&buffer.filled()[before..]);
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.replacement.is_empty() {
            match own_reply(bytes) {
                None => return Pin::new(&mut self.stream).poll_write(context, bytes),
                // A mistaken preface of HTTP/2 is such a beginning: a reply in HTTP/1 would be noise to its client.
                Some((0, _)) if self.is_foreign(context) => return Poll::Ready(Ok(bytes.len())),
                Some((0, status)) => {
                    let date = String::from_utf8_lossy(&bytes[bytes.len() - DATE..]);
                    self.replacement = (self.problem_reply)(status, date.trim_end());
                    self.drain_input_on_close.store(true, Ordering::Relaxed);
                }
                // First what stands before it.
                Some((at, _)) => return Pin::new(&mut self.stream).poll_write(context, &bytes[..at]),
            }
        }
        let this = &mut *self;
        while !this.replacement.is_empty() {
            let written = ready!(Pin::new(&mut this.stream).poll_write(context, &this.replacement))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            drop(this.replacement.split_to(written));
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Ends what is written. If the client is still sending, what it sends is read and discarded for a while (nginx's
    /// `lingering_close`): to close at once would reset the connection, and the reply with it.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            if !self.drain_input_on_close.load(Ordering::Relaxed) {
                return Poll::Ready(Ok(()));
            }
        }
        let this = &mut *self;
        let over = this.linger.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut unwanted = [0; 16 * 1_024];
        while over.as_mut().poll(context).is_pending() {
            let mut unwanted = ReadBuf::new(&mut unwanted);
            match ready!(Pin::new(&mut this.stream).poll_read(context, &mut unwanted)) {
                Ok(()) if !unwanted.filled().is_empty() => {}
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}
