//! The memory of idle WebSockets, in a process of its own: other tests would be counted, too.

use axum::{Router, routing::any};
use design::Limits;
use prometheus_client::registry::Registry;
use runtime::{
    Ingress, Sampling, ServeLimits, ServerMetrics,
    live::{self, Close, Closed, Live, Message, Session, Upgrade},
    serve,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

const CONNECTIONS: usize = 2_000;

/// The bound, bytes: half of what `Limits::connections` counts on: a system keeps something for each as well.
const EACH: usize = 12 * 1_024;

/// Does nothing.
struct Idle;

impl Session for Idle {
    async fn received(&mut self, _: Message) -> Result<(), Close> {
        Ok(())
    }

    async fn closed(self, _: Closed) {}
}

/// The resident memory of this process, bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("this is Linux");
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).expect("a number") * 4_096
}

/// A connected client that keeps only its socket, so that the memory is the server's.
async fn connect(address: std::net::SocketAddr) -> std::net::TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request = "GET / HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("it can be written");
    let mut head = [0; 256];
    let read = stream.read(&mut head).await.expect("a response");
    assert!(head[..read].starts_with(b"HTTP/1.1 101 ") && head[..read].ends_with(b"\r\n\r\n"));
    stream.into_std().expect("a socket")
}

#[tokio::test]
async fn an_idle_connection_takes_little_memory() {
    let mut registry = Registry::default();
    let live = Live::new(live::Limits::default(), Sampling::Off, &mut registry);
    let metrics = ServerMetrics::register(&mut registry).of("public");
    let sockets = live.clone();
    let routes =
        Router::new().route("/", any(async move |upgrade: Upgrade| sockets.websocket(upgrade, |_| Idle)));
    let ingress = Ingress::public(routes, Limits::default(), Sampling::Off, metrics).with_live(live);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(serve(listener, ingress, ServeLimits::from(&Limits::default()), CancellationToken::new()));

    // The first connections pay for what all share.
    let mut clients = Vec::with_capacity(CONNECTIONS);
    for _ in 0..100 {
        clients.push(connect(address).await);
    }
    let before = resident();
    while clients.len() < CONNECTIONS {
        clients.push(connect(address).await);
    }
    let each = (resident() - before) / (CONNECTIONS - 100);
    println!("{each} bytes resident for each of {CONNECTIONS} idle connections");
    assert!(each <= EACH, "{each} bytes each");
}
