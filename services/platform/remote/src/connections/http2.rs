//! HTTP/2 connections, each shared by all calls under way.

use std::{
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use h2::{Ping, Reason, RecvStream, client::SendRequest};
use http::{Request, Response, Uri, uri::Authority};
use hyper::body::{Body, Frame};
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{sleep, timeout},
};
use tower::Service as _;

use super::{Lost, connector, root_of};

/// How often the peer of a connection is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(10);
/// How long it may take to say so.
const PONG_WITHIN: Duration = Duration::from_secs(5);

/// The HTTP/2 connection to one peer, shared by all calls under way.
///
/// On `h2` itself: hyper's client writes the head of a request and its body one after the other, which costs both sides
/// a second packet and the peer a second wake.
pub(crate) struct SharedConnection {
    connector: HttpConnector,
    peer: Uri,
    /// Held while a connection is made, so that all who need it make one.
    live: tokio::sync::Mutex<Option<SendRequest<Bytes>>>,
    /// How many could not be made.
    failures: AtomicU64,
}

impl SharedConnection {
    /// None yet; the first call makes it.
    pub(crate) fn new(peer: Authority) -> Self {
        Self {
            connector: connector(),
            peer: root_of(peer),
            live: tokio::sync::Mutex::default(),
            failures: AtomicU64::new(0),
        }
    }

    /// The peer's root.
    pub(crate) fn peer(&self) -> &Uri {
        &self.peer
    }

    /// Sends a request whose body is there already; once, whatever happens.
    pub(crate) async fn send(&self, head: Request<()>, body: Bytes) -> Result<Response<Received>, Lost> {
        let (mut requests, is_reused) = self.live().await?;
        // Of the connection, and not of this call alone, which the peer may reset as an answer.
        let lost = |error: h2::Error| {
            let broke_off = error.is_io() || error.is_go_away();
            if was_not_taken_up(&error) {
                Lost::NotTakenUp
            } else if is_reused && broke_off {
                Lost::OnReuse
            } else {
                Lost::Away
            }
        };
        let (response, mut stream) = requests.send_request(head, false).map_err(lost)?;
        stream.send_data(body, true).map_err(lost)?;
        Ok(response.await.map_err(lost)?.map(Received))
    }

    /// The connection, made if there is none; and whether it was there.
    async fn live(&self) -> Result<(SendRequest<Bytes>, bool), Lost> {
        let failures = self.failures.load(Ordering::Relaxed);
        let mut live = self.live.lock().await;
        if let Some(requests) = live.clone()
            && let Ok(requests) = requests.ready().await
        {
            return Ok((requests, true));
        }
        // Whoever waited for an attempt that failed has failed as well: each trying again would take the last for ever.
        if self.failures.load(Ordering::Relaxed) != failures {
            return Err(Lost::Away);
        }
        *live = None;
        let made = self.connect().await.inspect_err(|_| {
            self.failures.fetch_add(1, Ordering::Relaxed);
        });
        Ok((live.insert(made?).clone(), false))
    }

    async fn connect(&self) -> Result<SendRequest<Bytes>, Lost> {
        let stream = self.connector.clone().call(self.peer.clone()).await.map_err(|_| Lost::Away)?;
        let (requests, wire) = h2::client::handshake(stream.into_inner()).await.map_err(|_| Lost::Away)?;
        tokio::spawn(drive(wire));
        Ok(requests)
    }
}

/// A request that is open when GOAWAY comes fails by it only if the peer names an earlier one as its last.
fn was_not_taken_up(error: &h2::Error) -> bool {
    error.is_go_away() && error.is_remote() && error.reason() == Some(Reason::NO_ERROR)
}

/// Polls a connection until it ends, or until the peer does not answer any more.
async fn drive<T>(mut wire: h2::client::Connection<T>)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
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

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use tokio::{io::duplex, net::TcpListener};

    use super::*;

    /// Accepts a connection, answers that many calls with what they brought, and closes it.
    async fn serve(listener: &TcpListener, calls: usize) {
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut wire = h2::server::handshake(stream).await.expect("HTTP/2");
        for _ in 0..calls {
            let (mut request, mut respond) = wire.accept().await.expect("a call").expect("a whole one");
            let asked = request.body_mut().data().await.expect("a body").expect("a whole one");
            let mut reply = respond.send_response(Response::new(()), false).expect("it can be answered");
            reply.send_data(asked, true).expect("it can be answered");
        }
        wire.graceful_shutdown();
        while wire.accept().await.is_some() {}
    }

    #[tokio::test]
    async fn calls_share_a_connection_and_find_the_next_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let connection = SharedConnection::new(address.parse().expect("an authority"));
        let ask = async |what: &'static [u8]| {
            let head = Request::post(connection.peer().clone()).body(()).expect("a request");
            let reply = connection.send(head, Bytes::from_static(what)).await.expect("an answer");
            reply.into_body().collect().await.expect("a whole one").to_bytes()
        };
        let serves = async {
            serve(&listener, 2).await;
            serve(&listener, 1).await;
        };
        let calls = async {
            let (one, other) = tokio::join!(ask(b"one"), ask(b"other"));
            assert_eq!((one.as_ref(), other.as_ref()), (b"one".as_slice(), b"other".as_slice()));
            // The peer ends the connection; the runtime is told so when it next waits.
            sleep(Duration::from_millis(1)).await;
            assert_eq!(ask(b"again").await.as_ref(), b"again");
        };
        tokio::join!(serves, calls);
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_wait_for_a_peer_that_does_not_take_connections_fail_together() {
        // Room for one that nobody accepts; the kernel lets further ones wait.
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let full = socket.listen(0).expect("it listens");
        let address = full.local_addr().expect("it is bound");
        let _first = std::net::TcpStream::connect(address).expect("there is room for one");
        let connection = SharedConnection::new(address.to_string().parse().expect("an authority"));
        let began = tokio::time::Instant::now();
        let ask = || async {
            let head = Request::post(connection.peer().clone()).body(()).expect("a request");
            assert!(connection.send(head, Bytes::new()).await.is_err());
        };
        futures::future::join_all((0..20).map(|_| ask())).await;
        assert_eq!(began.elapsed().as_millis(), super::super::CONNECT_WITHIN.as_millis());
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_says_nothing_any_more_is_given_up() {
        for is_there in [true, false] {
            let (here, there) = duplex(1 << 16);
            let peer = tokio::spawn(async move {
                let mut wire = h2::server::handshake(there).await.expect("HTTP/2");
                if is_there {
                    while wire.accept().await.is_some() {}
                }
                std::future::pending::<()>().await;
            });
            // Held, so that the connection does not end for want of callers.
            let (_requests, wire) = h2::client::handshake(here).await.expect("HTTP/2");
            let ended = timeout(3 * PING_EVERY, drive::<tokio::io::DuplexStream>(wire)).await;
            assert_eq!(ended.is_err(), is_there);
            peer.abort();
        }
    }
}
