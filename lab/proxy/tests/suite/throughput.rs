//! What the proxy costs, printed: `cargo test -p proxy --release -- --nocapture costs`. No speed is asserted.

use std::{net::SocketAddr, time::Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{LINK, echo, in_time, ping, proxied};

const BYTES: usize = 64 << 20;
const PINGS: u32 = 2000;

/// Sends many bytes through an echo, then one at a time; prints and returns what came back.
async fn measured(name: &str, address: SocketAddr) -> usize {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let start = Instant::now();
    for _ in 0..PINGS {
        ping(&mut stream).await;
    }
    let round_trip = start.elapsed() / PINGS;
    let (mut reads, mut writes) = stream.split();
    let (part, mut buffer, mut received) = (vec![7; 1 << 16], vec![0; 1 << 16], 0);
    let start = Instant::now();
    let send = async {
        for _ in 0..BYTES / part.len() {
            writes.write_all(&part).await.unwrap();
        }
        writes.shutdown().await.unwrap();
    };
    let receive = async {
        loop {
            match reads.read(&mut buffer).await.unwrap() {
                0 => break,
                count => received += count,
            }
        }
    };
    in_time(async { tokio::join!(send, receive) }).await;
    let mebibytes = BYTES as f64 / f64::from(1 << 20) / start.elapsed().as_secs_f64();
    println!("{name}: {round_trip:?} a round trip, {mebibytes:.0} MiB/s there and back");
    received
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_link_costs_is_printed_and_everything_arrives() {
    let upstream = echo().await;
    let proxy = proxied(upstream).await;
    assert_eq!(measured("without the proxy", upstream).await, BYTES);
    assert_eq!(measured("through the proxy", proxy.address(LINK).unwrap()).await, BYTES);
}
