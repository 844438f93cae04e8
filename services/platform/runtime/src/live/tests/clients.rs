//! A server that echoes, and clients that do as a test says.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    routing::{any, get},
};
use design::Limits as ProcessLimits;
use futures::{SinkExt as _, StreamExt as _};
use prometheus_client::{encoding::text::encode, registry::Registry};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message as Frame,
        protocol::{CloseFrame, Role},
    },
};
use tokio_util::sync::CancellationToken;

use crate::{
    Ingress, Sampling, ServeLimits, ServerMetrics,
    live::{Close, Closed, Limits, Live, Message, Sender, Session, Upgrade},
    serve,
};

/// Longer than anything takes here.
pub(super) const SOON: Duration = Duration::from_secs(10);

/// What the server said of a session.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    Opened,
    Closed(Closed),
}

/// Echoes; but `close` closes, `hang` hangs, and `panic` panics.
struct Echo {
    sender: Sender,
    told: mpsc::Sender<Said>,
}

impl Session for Echo {
    async fn opened(&mut self) -> Result<(), Close> {
        let _ = self.told.send(Said::Opened).await;
        Ok(())
    }

    async fn received(&mut self, message: Message) -> Result<(), Close> {
        match &message {
            Message::Text(text) if text.as_str() == "close" => {
                let _ = self.sender.send("last words".to_owned());
                return Err(Close::new(4000, "as you wish"));
            }
            Message::Text(text) if text.as_str() == "hang" => std::future::pending().await,
            Message::Text(text) if text.as_str() == "panic" => panic!("a session panics"),
            _ => {}
        }
        let _ = self.sender.send(message);
        Ok(())
    }

    async fn closed(self, why: Closed) {
        let _ = self.told.send(Said::Closed(why)).await;
    }
}

/// A server, and what it says.
pub(super) struct Scene {
    pub(super) address: SocketAddr,
    /// The senders of all connections, in the order in which they came.
    pub(super) senders: mpsc::Receiver<Sender>,
    pub(super) told: mpsc::Receiver<Said>,
    pub(super) stop: CancellationToken,
    pub(super) served: tokio::task::JoinHandle<()>,
    registry: Registry,
}

impl Scene {
    /// A server whose connections that live have these limits, and whose processes have those.
    pub(super) async fn with(limits: Limits, process: ProcessLimits, serving: ServeLimits) -> Self {
        let mut registry = Registry::default();
        let live = Live::new(limits, Sampling::Off, &mut registry);
        let metrics = ServerMetrics::register(&mut registry).of("public");
        let (senders, all_senders) = mpsc::channel(10_000);
        let (tell, told) = mpsc::channel(10_000);
        let (sockets, streams) = (live.clone(), live.clone());
        let event_senders = senders.clone();
        let routes = Router::new()
            .route(
                "/socket",
                any(async move |mut upgrade: Upgrade| {
                    upgrade.choose(&["echo.v2", "echo.v1"]);
                    sockets.websocket(upgrade, |sender| {
                        let _ = senders.try_send(sender.clone());
                        Echo { sender, told: tell.clone() }
                    })
                }),
            )
            .route(
                "/events",
                get(async move || streams.events(|sender| event_senders.try_send(sender).is_ok())),
            )
            .route("/", get(async || "a request"));
        let ingress = Ingress::public(routes, process, Sampling::Off, metrics).with_live(live);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve(listener, ingress, serving, stop.clone()));
        Self { address, senders: all_senders, told, stop, served, registry }
    }

    /// The same, of a process with the usual limits.
    pub(super) async fn new(limits: Limits) -> Self {
        let process = ProcessLimits::default();
        Self::with(limits, process, ServeLimits::from(&process)).await
    }

    /// What the server says next.
    pub(super) async fn said(&mut self) -> Said {
        timeout(SOON, self.told.recv()).await.expect("in time").expect("it lives")
    }

    /// The sender of the next connection.
    pub(super) async fn sender(&mut self) -> Sender {
        timeout(SOON, self.senders.recv()).await.expect("in time").expect("it lives")
    }

    /// A connection whose session has been opened.
    pub(super) async fn client(&mut self) -> Client {
        let client = connect(self.address, "").await;
        assert_eq!(self.said().await, Said::Opened);
        client
    }

    /// Fails unless a metric has this value, soon.
    pub(super) async fn counts(&self, line: &str) {
        let counted = async {
            while !self.metrics().lines().any(|found| found == line) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let counted = timeout(SOON, counted).await;
        assert!(counted.is_ok(), "no `{line}` in\n{}", self.metrics());
    }

    fn metrics(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("metrics");
        text
    }
}

/// Limits of which none is reached by chance.
pub(super) fn patient() -> Limits {
    Limits { handling: SOON, ping_every: SOON, pong_within: SOON, write_within: SOON, ..Limits::default() }
}

pub(super) type Client = WebSocketStream<TcpStream>;

/// The head of a handshake with more fields.
pub(super) fn handshake(fields: &str) -> String {
    format!(
        "GET /socket HTTP/1.1\r\nHost: here\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n"
    )
}

/// Sends this, and reads the head of the reply; nothing of what follows it.
pub(super) async fn ask(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.expect("it can be written");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(SOON, stream.read_u8()).await.expect("in time").expect("a head"));
    }
    String::from_utf8(head).expect("text")
}

/// A WebSocket.
pub(super) async fn connect(address: SocketAddr, fields: &str) -> Client {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let head = ask(&mut stream, &handshake(fields)).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    WebSocketStream::from_raw_socket(stream, Role::Client, None).await
}

/// The next frame that is neither a ping nor a pong.
pub(super) async fn next(client: &mut Client) -> Option<Result<Frame, Error>> {
    loop {
        match timeout(SOON, client.next()).await.expect("in time") {
            Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => {}
            other => return other,
        }
    }
}

/// The text that comes next.
pub(super) async fn text(client: &mut Client) -> String {
    match next(client).await {
        Some(Ok(Frame::Text(text))) => text.as_str().to_owned(),
        other => panic!("{other:?} is no text"),
    }
}

/// Sends a text, and reads it back.
pub(super) async fn echoes(client: &mut Client) {
    client.send(Frame::Text("hello".into())).await.expect("it is sent");
    assert_eq!(text(client).await, "hello");
}

/// How the connection ends: the code and the reason, whatever comes before; and then in order.
pub(super) async fn end(client: &mut Client) -> (u16, String) {
    let close = loop {
        match next(client).await {
            Some(Ok(Frame::Close(Some(CloseFrame { code, reason })))) => {
                break (code.into(), reason.to_string());
            }
            Some(Ok(Frame::Text(_) | Frame::Binary(_))) => {}
            other => panic!("{other:?} is no close frame"),
        }
    };
    assert!(next(client).await.is_none(), "it ends in order");
    close
}
