//! Connections to a peer.
//!
//! A connection of hyper's is a future that somebody has to poll. Its client library gives each to a task of its own,
//! which costs a call a channel and two changes of task. Here the call that uses an HTTP/1.1 connection polls it, and an
//! idle one needs nobody ([`Connections`]). An HTTP/2 connection carries many calls at once and has its task
//! ([`SharedConnection`]).

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::{Pin, pin},
    sync::{Mutex, PoisonError},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::Bytes;
use h2::{Ping, RecvStream, client::SendRequest};
use http::{HeaderValue, Request, Response, Uri, header::HOST, uri::Authority};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    body::{Body, Frame},
    client::conn::http1,
};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use tokio::{
    net::TcpStream,
    task::unconstrained,
    time::{Instant, sleep, timeout},
};
use tower::Service as _;

use crate::MAX_MESSAGE_BYTES;

/// Idle connections to one peer that are kept for the next call.
const IDLE_CONNECTIONS: usize = 64;
/// How long an idle connection is kept; shorter than the server's own limit, so that the client closes first.
const IDLE_FOR: Duration = Duration::from_secs(20);
/// How long a connection may take to be made.
const CONNECT_WITHIN: Duration = Duration::from_millis(500);

/// How often the peer of an HTTP/2 connection is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(10);
/// How long it may take to say so.
const PONG_WITHIN: Duration = Duration::from_secs(5);

/// The peer cannot be reached, or broke off.
#[derive(Debug, thiserror::Error)]
#[error("the peer cannot be reached, or broke off")]
pub(crate) struct Lost;

/// The connector of every client: the same socket options whatever runs on top.
pub fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_WITHIN));
    connector
}

fn root_of(peer: Authority) -> Uri {
    let root = Uri::builder().scheme("http").authority(peer).path_and_query("/").build();
    root.expect("an authority and a root path are a URI")
}

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
    pub(crate) async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Lost> {
        request.headers_mut().insert(HOST, self.host.clone());
        while let Some(connection) = self.take() {
            match self.exchange(connection, request).await {
                Err(Failed::Unsent(unsent)) => request = unsent,
                Err(Failed::Lost) => return Err(Lost),
                Ok(reply) => return Ok(reply),
            }
        }
        let connection = Box::new(self.connect().await?);
        self.exchange(connection, request).await.map_err(|_| Lost)
    }

    async fn connect(&self) -> Result<Connection, Lost> {
        let stream = self.connector.clone().call(self.peer.clone()).await.map_err(|_| Lost)?;
        // A request is small: its head and body are put together more cheaply here than by the kernel.
        let handshake = http1::Builder::new().writev(false).handshake(stream);
        let (requests, wire) = handshake.await.map_err(|_| Lost)?;
        Ok(Connection { requests, wire })
    }

    async fn exchange(
        &self,
        mut connection: Box<Connection>,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, Failed> {
        let reply = connection.exchange(request).await?;
        if connection.is_ready() {
            self.keep(connection);
        }
        Ok(reply)
    }

    /// The idle connection that was used last. The peer may have closed it meanwhile.
    fn take(&self) -> Option<Box<Connection>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, connection) = idle.pop_back().filter(|(since, _)| since.elapsed() < IDLE_FOR)?;
        Some(connection)
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

/// Why there is no reply.
enum Failed {
    /// The peer had closed the connection: nothing of this request has left, it can be sent on another one.
    Unsent(Request<Full<Bytes>>),
    /// Whether the request has had an effect is not known.
    Lost,
}

/// One HTTP/1.1 connection, and the way of requests into it.
struct Connection {
    requests: http1::SendRequest<Full<Bytes>>,
    wire: http1::Connection<TokioIo<TcpStream>, Full<Bytes>>,
}

impl Connection {
    /// Whether it can carry another request.
    fn is_ready(&mut self) -> bool {
        let nobody = &mut Context::from_waker(Waker::noop());
        // Most often it says so already; otherwise it has to move on once more from the end of the last reply.
        self.requests.is_ready()
            || pin!(unconstrained(&mut self.wire)).poll(nobody).is_pending() && self.requests.is_ready()
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Failed> {
        // The answer moves on by what the wire does and by nothing else. So it is polled whenever the wire was, nobody
        // has to wake it, and it is exempt from tokio's budget, which would have it wait for a wake.
        let mut answer = pin!(unconstrained(answer(&mut self.requests, request)));
        let mut sent = false;
        poll_fn(|task| {
            let nobody = &mut Context::from_waker(Waker::noop());
            if !sent {
                // The first poll hands the request to the wire.
                sent = true;
                if let Poll::Ready(refused) = answer.as_mut().poll(nobody) {
                    return Poll::Ready(refused);
                }
            }
            let over = Pin::new(&mut self.wire).poll(task).is_ready();
            match answer.as_mut().poll(nobody) {
                Poll::Pending if over => Poll::Ready(Err(Failed::Lost)),
                answer => answer,
            }
        })
        .await
    }
}

async fn answer(
    requests: &mut http1::SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, Failed> {
    let response = requests.try_send_request(request).await;
    let (head, body) = match response {
        Ok(response) => response.into_parts(),
        Err(mut error) => return Err(error.take_message().map_or(Failed::Lost, Failed::Unsent)),
    };
    let body = whole(body, MAX_MESSAGE_BYTES).await.ok_or(Failed::Lost)?;
    Ok(Response::from_parts(head, body))
}

/// The whole of a body; `None` if it has more bytes than that, or breaks off.
///
/// Most often it is one frame, and then it is passed on as it came.
pub(crate) async fn whole<B>(body: B, at_most: usize) -> Option<Bytes>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut body = Limited::new(body, at_most);
    let Some(first) = body.frame().await else { return Some(Bytes::new()) };
    let first = first.ok()?.into_data().unwrap_or_default();
    if body.is_end_stream() {
        return Some(first);
    }
    let rest = body.collect().await.ok()?.to_bytes();
    Some(if rest.is_empty() { first } else { [first, rest].concat().into() })
}

/// The HTTP/2 connection to one peer, shared by all calls under way.
///
/// On `h2` itself: hyper's client writes the head of a request and its body one after the other, which costs both sides
/// a second packet and the peer a second wake.
pub(crate) struct SharedConnection {
    connector: HttpConnector,
    peer: Uri,
    /// Held while a connection is made, so that all who need it make one.
    live: tokio::sync::Mutex<Option<SendRequest<Bytes>>>,
}

impl SharedConnection {
    /// None yet; the first call makes it.
    pub(crate) fn new(peer: Authority) -> Self {
        Self { connector: connector(), peer: root_of(peer), live: tokio::sync::Mutex::default() }
    }

    /// The peer's root.
    pub(crate) fn peer(&self) -> &Uri {
        &self.peer
    }

    /// Sends a request whose body is there already; once, whatever happens.
    pub(crate) async fn send(&self, head: Request<()>, body: Bytes) -> Result<Response<Received>, Lost> {
        let mut requests = self.live().await?;
        let (response, mut stream) = requests.send_request(head, false).map_err(|_| Lost)?;
        stream.send_data(body, true).map_err(|_| Lost)?;
        Ok(response.await.map_err(|_| Lost)?.map(Received))
    }

    async fn live(&self) -> Result<SendRequest<Bytes>, Lost> {
        let mut live = self.live.lock().await;
        if let Some(requests) = live.clone()
            && let Ok(requests) = requests.ready().await
        {
            return Ok(requests);
        }
        let stream = self.connector.clone().call(self.peer.clone()).await.map_err(|_| Lost)?;
        let (requests, wire) = h2::client::handshake(stream.into_inner()).await.map_err(|_| Lost)?;
        tokio::spawn(drive(wire));
        Ok(live.insert(requests).clone())
    }
}

/// Polls a connection until it ends, or until the peer does not answer any more.
async fn drive(mut wire: h2::client::Connection<TcpStream>) {
    let pings = wire.ping_pong();
    let silent = async move {
        let Some(mut pings) = pings else { return std::future::pending().await };
        loop {
            sleep(PING_EVERY).await;
            match timeout(PONG_WITHIN, pings.ping(Ping::opaque())).await {
                Ok(Ok(_)) => {}
                Ok(Err(_)) | Err(_) => return,
            }
        }
    };
    // How it ended is seen by the next call.
    tokio::select! {
        biased;
        _ = wire => {}
        () = silent => {}
    }
}

/// The body of a reply as it comes in.
pub(crate) struct Received(RecvStream);

impl Body for Received {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        match ready!(self.0.poll_data(task)) {
            Some(Ok(data)) => {
                // Taken: the peer may send as much again.
                let released = self.0.flow_control().release_capacity(data.len());
                Poll::Ready(Some(released.map(|()| Frame::data(data))))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            None => {
                let trailers = ready!(self.0.poll_trailers(task)).transpose();
                Poll::Ready(trailers.map(|trailers| trailers.map(Frame::trailers)))
            }
        }
    }
}
