//! A proxy with one link, upstreams for it, and what a client sees.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use proxy::{Config, Directions, Fault, FaultKind, Limits, LinkConfig, LinkState, Proxy};
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

/// The name of the one link.
pub(crate) const LINK: &str = "client -> echo";

/// A lease that no test outlives.
pub(crate) const LONG: u64 = 600_000;

/// After this a test hangs.
const HANGS: Duration = Duration::from_mins(1);

/// How long nothing has to arrive to count as nothing.
const QUIET: Duration = Duration::from_millis(200);

/// A proxy whose one link leads to this upstream.
pub(crate) async fn proxied(upstream: SocketAddr) -> Proxy {
    limited(upstream, Limits::default()).await
}

/// The same with these limits.
pub(crate) async fn limited(upstream: SocketAddr, limits: Limits) -> Proxy {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let link = LinkConfig { name: LINK.to_owned(), listen, upstream };
    Proxy::start(Config { admin: Some(listen), limits, links: vec![link] }).await.unwrap()
}

/// A server that sends back what it gets, and ends when its client has.
pub(crate) async fn echo() -> SocketAddr {
    let (listener, address) = listening().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut reads, mut writes) = stream.split();
                if tokio::io::copy(&mut reads, &mut writes).await.is_ok() {
                    let _ = writes.shutdown().await;
                }
            });
        }
    });
    address
}

/// A server whose connections the test accepts itself.
pub(crate) async fn listening() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A client's connection to the link.
pub(crate) async fn connected(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address(LINK).unwrap()).await.unwrap()
}

/// A connection through the proxy: the client's end and the upstream's.
pub(crate) async fn both_ends(proxy: &Proxy, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let client = connected(proxy).await;
    let (upstream, _) = in_time(listener.accept()).await.unwrap();
    (client, upstream)
}

/// Puts one fault on the link.
pub(crate) fn set(proxy: &Proxy, what: FaultKind, directions: Directions, for_ms: u64) {
    proxy.set_faults(LINK, &[Fault { what, directions, for_ms }]).unwrap();
}

/// Clears the link.
pub(crate) fn clear(proxy: &Proxy) {
    proxy.set_faults(LINK, &[]).unwrap();
}

/// The link.
pub(crate) fn state(proxy: &Proxy) -> LinkState {
    proxy.links().remove(0)
}

/// Fails if it takes so long that it hangs.
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    timeout(HANGS, future).await.expect("it hangs")
}

/// Waits until it is so.
pub(crate) async fn becomes(is_so: impl Fn() -> bool) {
    in_time(async {
        while !is_so() {
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// Random bytes, the same for the same seed.
pub(crate) fn random_bytes(count: usize, seed: u64) -> Vec<u8> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    (0..count).map(|_| rng.random()).collect()
}

/// Sends bytes.
pub(crate) async fn send(stream: &mut TcpStream, bytes: &[u8]) {
    in_time(stream.write_all(bytes)).await.unwrap();
}

/// Fails unless exactly these bytes arrive next.
#[track_caller]
pub(crate) fn arrives<'a>(stream: &'a mut TcpStream, expected: &'a [u8]) -> impl Future<Output = ()> + 'a {
    let caller = std::panic::Location::caller();
    async move {
        let mut bytes = vec![0; expected.len()];
        in_time(stream.read_exact(&mut bytes)).await.unwrap_or_else(|error| panic!("{caller}: {error}"));
        assert!(bytes == expected, "{caller}: other bytes arrived");
    }
}

/// Fails if something arrives, or the connection ends, within a while.
#[track_caller]
pub(crate) fn stays_quiet(stream: &mut TcpStream) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let mut byte = [0];
        let read = timeout(QUIET, stream.read(&mut byte)).await;
        assert!(read.is_err(), "{caller}: {read:?}");
    }
}

/// Fails unless the peer has ended its direction.
pub(crate) async fn ends(stream: &mut TcpStream) {
    assert_eq!(in_time(stream.read(&mut [0])).await.unwrap(), 0, "more bytes than expected");
}

/// Fails unless the connection is reset.
pub(crate) async fn is_reset(stream: &mut TcpStream) {
    let error = in_time(stream.read(&mut [0])).await.expect_err("it is not reset");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}");
}

/// Sends one byte to an echo and waits for it; returns how long that took.
pub(crate) async fn ping(stream: &mut TcpStream) -> Duration {
    let start = Instant::now();
    send(stream, b"?").await;
    arrives(stream, b"?").await;
    start.elapsed()
}
