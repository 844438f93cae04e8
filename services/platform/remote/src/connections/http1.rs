//! HTTP/1.1 connections, each polled by the call that uses it.
//!
//! A connection of hyper's is a future that somebody has to poll. Its client library gives each to a task of its own,
//! which costs a call a channel and two changes of task (decision 0020). Here the call polls it, and an idle one needs
//! nobody.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::{Pin, pin},
    sync::{Mutex, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header::HOST, uri::Authority};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use tokio::{net::TcpStream, task::unconstrained, time::Instant};
use tower::Service as _;

use super::{Lost, connector, root_of};
use crate::{
    MAX_MESSAGE_BYTES,
    body::{BodyError, read_body},
};

/// Idle connections to one peer that are kept for the next call.
const IDLE_CONNECTIONS: usize = 64;
/// How long an idle connection is kept; shorter than the server's own limit, so that the client closes first.
const IDLE_FOR: Duration = Duration::from_secs(20);

/// The HTTP/1.1 connections to one peer: as many as there are calls under way, and a few idle ones.
pub(crate) struct Connections {
    connector: HttpConnector,
    peer: Uri,
    host: HeaderValue,
    /// The one that was used last stands last. Boxed, because they change hands with every call.
    idle: Mutex<VecDeque<(Instant, Box<Connection>)>>,
}

impl Connections {
    /// None yet; the first call makes one.
    pub(crate) fn new(peer: Authority) -> Self {
        let host = HeaderValue::from_str(peer.as_str()).expect("an authority is visible ASCII");
        Self { connector: connector(), peer: root_of(peer), host, idle: Mutex::default() }
    }

    /// Sends a request and gives back the whole reply; once, whatever happens.
    ///
    /// Dropped before the reply is whole, it closes its connection.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Lost> {
        match self.take() {
            Some(connection) => self.send_on(connection, request).await,
            None => self.send_afresh(request).await,
        }
    }

    /// The same on a connection that is made for it.
    pub(crate) async fn send_afresh(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Lost> {
        let connection = Box::new(self.connect().await?);
        let sent = self.send_on(connection, request).await;
        sent.map_err(|lost| if matches!(lost, Lost::OnReuse) { Lost::Away } else { lost })
    }

    async fn send_on(
        &self,
        mut connection: Box<Connection>,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, Lost> {
        request.headers_mut().insert(HOST, self.host.clone());
        let reply = connection.exchange(request).await?;
        self.keep(connection);
        Ok(reply)
    }

    async fn connect(&self) -> Result<Connection, Lost> {
        let stream = self.connector.clone().call(self.peer.clone()).await.map_err(|_| Lost::Away)?;
        // A request is small: its head and body are put together more cheaply here than by the kernel.
        let handshake = http1::Builder::new().writev(false).handshake(stream);
        let (requests, wire) = handshake.await.map_err(|_| Lost::Away)?;
        Ok(Connection { requests, wire })
    }

    /// The idle connection that was used last, of those that the peer still holds.
    fn take(&self) -> Option<Box<Connection>> {
        loop {
            // In a statement of its own, so that the lock is let go before the connection is looked at.
            let newest = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop_back();
            let (since, mut connection) = newest?;
            if since.elapsed() < IDLE_FOR && connection.is_ready() {
                return Some(connection);
            }
        }
    }

    fn keep(&self, connection: Box<Connection>) {
        let now = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while idle.front().is_some_and(|(since, _)| now - *since >= IDLE_FOR) {
            idle.pop_front();
        }
        if idle.len() < IDLE_CONNECTIONS {
            idle.push_back((now, connection));
        }
    }
}

/// One HTTP/1.1 connection, and the way of requests into it.
struct Connection {
    requests: http1::SendRequest<Full<Bytes>>,
    wire: http1::Connection<TokioIo<TcpStream>, Full<Bytes>>,
}

impl Connection {
    /// Whether it can carry another request: what the peer did meanwhile, such as closing it, is seen here.
    fn is_ready(&mut self) -> bool {
        let nobody = &mut Context::from_waker(Waker::noop());
        pin!(unconstrained(&mut self.wire)).poll(nobody).is_pending() && self.requests.is_ready()
    }

    /// Sends a request and gives back the whole reply; [`Lost::OnReuse`] if it broke off before its head was complete.
    fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> impl Future<Output = Result<Response<Bytes>, Lost>> {
        let Self { requests, wire } = self;
        // From here on the request is the wire's.
        let head = requests.send_request(request);
        // The answer moves on by what the wire does and by nothing else. So it is polled whenever the wire was, nobody
        // has to wake it, and it is exempt from tokio's budget, which would have it wait for a wake.
        let mut answer = Box::pin(unconstrained(async {
            // What is no reply of HTTP came all the same.
            let lost = |error: hyper::Error| if error.is_parse() { Lost::Away } else { Lost::OnReuse };
            let (head, body) = head.await.map_err(lost)?.into_parts();
            let body = read_body(body, MAX_MESSAGE_BYTES).await.map_err(|error| match error {
                BodyError::TooLarge { .. } => Lost::TooLarge,
                BodyError::Broken => Lost::Away,
            })?;
            Ok(Response::from_parts(head, body))
        }));
        poll_fn(move |task| {
            let over = Pin::new(&mut *wire).poll(task).is_ready();
            match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Pending if over => Poll::Ready(Err(Lost::Away)),
                answer => answer,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
        sync::oneshot,
        time::{sleep, timeout},
    };

    use super::*;

    const SHORT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

    /// A peer, and the connections to it.
    async fn peer() -> (TcpListener, Connections) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        (listener, Connections::new(address.parse().expect("an authority")))
    }

    fn request() -> Request<Full<Bytes>> {
        Request::post("/probe/ask").body(Full::new(Bytes::from_static(b"{}"))).expect("a request")
    }

    /// Reads a request; its head, as the peer sees it.
    async fn asked(stream: &mut TcpStream) -> String {
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\n{}") {
            assert_ne!(stream.read_buf(&mut text).await.expect("it can be read"), 0, "it is whole");
        }
        String::from_utf8(text).expect("a request is text")
    }

    async fn says(stream: &mut TcpStream, text: &str) {
        stream.write_all(text.as_bytes()).await.expect("it can be written");
    }

    async fn reply(connections: &Connections) -> Option<Bytes> {
        connections.send(request()).await.ok().map(Response::into_body)
    }

    #[tokio::test]
    async fn one_call_after_the_other_takes_the_same_connection() {
        let (listener, connections) = peer().await;
        let serves = async {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let address = listener.local_addr().expect("it is bound");
            for _ in 0..3 {
                let head = asked(&mut stream).await;
                assert!(head.starts_with("POST /probe/ask HTTP/1.1\r\n"), "{head}");
                assert!(head.contains(&format!("host: {address}\r\n")), "{head}");
                says(&mut stream, SHORT).await;
            }
        };
        let calls = async {
            for _ in 0..3 {
                assert_eq!(reply(&connections).await.as_deref(), Some(b"ok".as_slice()));
            }
        };
        tokio::join!(serves, calls);
    }

    #[tokio::test]
    async fn a_connection_that_the_peer_closed_meanwhile_loses_no_call() {
        let (listener, connections) = peer().await;
        let (kept, is_kept) = oneshot::channel();
        let (closed, is_closed) = oneshot::channel();
        let serves = async {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            asked(&mut stream).await;
            says(&mut stream, SHORT).await;
            is_kept.await.expect("a reply");
            drop(stream);
            closed.send(()).expect("a caller that waits");
            let (mut stream, _) = listener.accept().await.expect("another connection");
            asked(&mut stream).await;
            says(&mut stream, SHORT).await;
        };
        let calls = async {
            assert!(reply(&connections).await.is_some());
            assert_eq!(connections.idle.lock().expect("nobody panicked").len(), 1, "it is kept");
            kept.send(()).expect("a peer that waits");
            is_closed.await.expect("a peer that closes");
            // The runtime is told so when it next waits.
            sleep(Duration::from_millis(1)).await;
            assert!(reply(&connections).await.is_some());
        };
        tokio::join!(serves, calls);
    }

    #[tokio::test]
    async fn a_reply_in_pieces_is_whole_and_one_that_ends_early_is_lost() {
        let (listener, connections) = peer().await;
        let serves = async {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            asked(&mut stream).await;
            for piece in [
                "HTTP/1.1 200 OK\r\ntransfer-enc",
                "oding: chunked\r\n\r\n1\r\na",
                "\r\n2\r\nbc\r\n0\r\n\r\n",
            ] {
                says(&mut stream, piece).await;
                sleep(Duration::from_millis(1)).await;
            }
            asked(&mut stream).await;
            says(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc").await;
        };
        let calls = async {
            assert_eq!(reply(&connections).await.as_deref(), Some(b"abc".as_slice()));
            assert_eq!(reply(&connections).await, None);
        };
        tokio::join!(serves, calls);
    }

    #[tokio::test]
    async fn a_call_is_lost_on_reuse_until_the_head_of_its_reply_is_complete() {
        for (part, is_on_reuse) in [("", true), (&SHORT[..20], true), (&SHORT[..SHORT.len() - 1], false)] {
            let (listener, connections) = peer().await;
            let serves = async {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                asked(&mut stream).await;
                says(&mut stream, SHORT).await;
                asked(&mut stream).await;
                says(&mut stream, part).await;
            };
            let calls = async {
                assert!(reply(&connections).await.is_some());
                connections.send(request()).await
            };
            let ((), lost) = tokio::join!(serves, calls);
            assert_eq!(matches!(lost, Err(Lost::OnReuse)), is_on_reuse, "after {part:?}: {lost:?}");
            assert_eq!(matches!(lost, Err(Lost::Away)), !is_on_reuse, "after {part:?}: {lost:?}");
        }
    }

    #[tokio::test]
    async fn a_reply_that_is_too_large_is_refused() {
        let (listener, connections) = peer().await;
        let serves = async {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            asked(&mut stream).await;
            says(
                &mut stream,
                &format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", MAX_MESSAGE_BYTES + 1),
            )
            .await;
            // Until the caller closes.
            let _ = stream.write_all(&vec![b'x'; MAX_MESSAGE_BYTES + 1]).await;
        };
        let ((), reply) = tokio::join!(serves, connections.send(request()));
        assert!(matches!(reply, Err(Lost::TooLarge)), "{reply:?}");
    }

    #[tokio::test]
    async fn a_call_that_is_given_up_closes_its_connection() {
        let (listener, connections) = peer().await;
        let serves = async {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            asked(&mut stream).await;
            assert_eq!(stream.read(&mut [0; 16]).await.expect("it can be read"), 0, "the caller is gone");
        };
        let gives_up = async {
            assert!(timeout(Duration::from_millis(20), connections.send(request())).await.is_err());
        };
        tokio::join!(serves, gives_up);
    }
}
