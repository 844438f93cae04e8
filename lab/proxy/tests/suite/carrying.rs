//! A link without a fault.

use std::{io, time::Duration};

use proxy::{Directions, Distribution, FaultKind, Latency, Limits};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};

use crate::support::{
    LINK, LONG, arrives, becomes, both_ends, clear, connected, echo, ends, in_time, is_reset, limited,
    listening, ping, proxied, random_bytes, send, set, state, stays_quiet,
};

#[tokio::test]
async fn a_mebibyte_passes_whole_in_both_directions_at_once() {
    let proxy = proxied(echo().await).await;
    let mut client = connected(&proxy).await;
    let sent = random_bytes(1 << 20, 1);
    let (mut reads, mut writes) = client.split();
    let mut echoed = Vec::new();
    let (wrote, read) = in_time(async {
        tokio::join!(
            async {
                writes.write_all(&sent).await?;
                writes.shutdown().await
            },
            reads.read_to_end(&mut echoed)
        )
    })
    .await;
    wrote.unwrap();
    read.unwrap();
    assert!(echoed == sent, "{} of {} bytes, or others", echoed.len(), sent.len());
    drop(client);
    becomes(|| state(&proxy).counts.open == 0).await;
    let counts = state(&proxy).counts;
    assert_eq!((counts.bytes_to, counts.bytes_from), (1 << 20, 1 << 20));
    assert_eq!((counts.accepted, counts.resets, counts.held, counts.discarded), (1, 0, 0, 0));
}

#[tokio::test]
async fn a_half_close_passes_in_its_direction_alone() {
    let (listener, address) = listening().await;
    let proxy = proxied(address).await;
    let (mut client, mut upstream) = both_ends(&proxy, &listener).await;
    send(&mut client, b"question").await;
    client.shutdown().await.unwrap();
    arrives(&mut upstream, b"question").await;
    ends(&mut upstream).await;
    stays_quiet(&mut client).await;
    send(&mut upstream, b"answer").await;
    upstream.shutdown().await.unwrap();
    arrives(&mut client, b"answer").await;
    ends(&mut client).await;
    becomes(|| state(&proxy).counts.open == 0).await;
    assert_eq!(state(&proxy).counts.resets, 0);
}

#[tokio::test]
async fn a_reset_of_either_side_passes_as_a_reset() {
    let (listener, address) = listening().await;
    let proxy = proxied(address).await;
    let (client, mut upstream) = both_ends(&proxy, &listener).await;
    client.set_zero_linger().unwrap();
    drop(client);
    is_reset(&mut upstream).await;
    let (mut client, upstream) = both_ends(&proxy, &listener).await;
    upstream.set_zero_linger().unwrap();
    drop(upstream);
    is_reset(&mut client).await;
}

#[tokio::test]
async fn a_reply_arrives_before_the_reset_that_came_behind_it() {
    let (listener, address) = listening().await;
    let proxy = proxied(address).await;
    let (mut client, mut upstream) = both_ends(&proxy, &listener).await;
    let latency = Latency { distribution: Distribution::Constant { ms: 100.0 }, seed: 0 };
    set(&proxy, FaultKind::Latency(latency), Directions::From, LONG);
    send(&mut upstream, b"too large").await;
    becomes(|| state(&proxy).counts.held == 9).await;
    upstream.set_zero_linger().unwrap();
    drop(upstream);
    arrives(&mut client, b"too large").await;
    is_reset(&mut client).await;
}

#[tokio::test]
async fn a_reply_arrives_although_the_rest_of_the_request_cannot_be_sent() {
    let (listener, address) = listening().await;
    let proxy = proxied(address).await;
    let (mut client, mut upstream) = both_ends(&proxy, &listener).await;
    send(&mut client, b"the first part").await;
    arrives(&mut upstream, b"the first part").await;
    // What the upstream sends stays unread, until the other direction has found out that it is gone.
    set(&proxy, FaultKind::Partition, Directions::From, LONG);
    send(&mut upstream, b"too large").await;
    upstream.set_zero_linger().unwrap();
    drop(upstream);
    send(&mut client, b"and more").await;
    stays_quiet(&mut client).await;
    clear(&proxy);
    arrives(&mut client, b"too large").await;
    is_reset(&mut client).await;
}

#[tokio::test]
async fn five_hundred_connections_at_once_each_get_their_own_bytes() {
    let proxy = proxied(echo().await).await;
    let address = proxy.address(LINK).unwrap();
    let mut clients = Vec::new();
    for _ in 0..500 {
        clients.push(TcpStream::connect(address).await.unwrap());
    }
    let mut talks = JoinSet::new();
    for (seed, mut client) in clients.into_iter().enumerate() {
        talks.spawn(async move {
            let bytes = random_bytes(2000, seed as u64);
            for part in bytes.chunks(500) {
                send(&mut client, part).await;
                arrives(&mut client, part).await;
            }
            client
        });
    }
    let clients = in_time(talks.join_all()).await;
    let counts = state(&proxy).counts;
    assert_eq!((counts.open, counts.bytes_from), (500, 1_000_000));
    drop(clients);
    becomes(|| state(&proxy).counts.open == 0).await;
}

#[tokio::test]
async fn a_receiver_that_does_not_read_stops_its_sender_and_loses_nothing() {
    let (listener, address) = listening().await;
    let limits = Limits { line_bytes: 100_000, ..Limits::default() };
    let proxy = limited(address, limits).await;
    let (mut client, mut upstream) = both_ends(&proxy, &listener).await;
    let part = random_bytes(1 << 16, 3);
    let mut sent = 0_usize;
    while let Ok(written) =
        timeout(Duration::from_millis(300), client.write(&part[sent % part.len()..])).await
    {
        sent += written.unwrap();
        assert!(sent < 256 << 20, "nothing holds the sender up");
    }
    let held = state(&proxy).counts.held;
    assert!(held > 0 && held <= 100_000, "{held} bytes in a line for 100,000");
    client.shutdown().await.unwrap();
    let mut received = Vec::new();
    in_time(upstream.read_to_end(&mut received)).await.unwrap();
    assert_eq!(received.len(), sent);
    assert!(received.chunks(part.len()).all(|chunk| chunk == &part[..chunk.len()]), "in order");
}

#[tokio::test]
async fn a_connection_over_the_limit_waits_for_a_permit() {
    let limits = Limits { connections: 1, ..Limits::default() };
    let proxy = limited(echo().await, limits).await;
    let mut first = connected(&proxy).await;
    ping(&mut first).await;
    let mut second = connected(&proxy).await;
    send(&mut second, b"?").await;
    stays_quiet(&mut second).await;
    drop(first);
    arrives(&mut second, b"?").await;
}

#[tokio::test]
async fn a_link_refuses_while_its_upstream_does_and_serves_again_with_it() {
    let (listener, address) = listening().await;
    let proxy = proxied(address).await;
    drop(listener);
    // The one by which the proxy learns it.
    is_reset(&mut connected(&proxy).await).await;
    let link = proxy.address(LINK).unwrap();
    in_time(async {
        loop {
            match TcpStream::connect(link).await {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => break,
                // The listener is just being closed.
                _ => tokio::task::yield_now().await,
            }
        }
    })
    .await;
    assert!(state(&proxy).upstream_refuses);
    let listener = TcpListener::bind(address).await.unwrap();
    becomes(|| !state(&proxy).upstream_refuses).await;
    let mut client = in_time(async {
        loop {
            if let Ok(client) = TcpStream::connect(link).await {
                break client;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    send(&mut client, b"again").await;
    // The proxy's own attempt came before, and has ended.
    let (mut tried, _) = in_time(listener.accept()).await.unwrap();
    ends(&mut tried).await;
    let (mut upstream, _) = in_time(listener.accept()).await.unwrap();
    arrives(&mut upstream, b"again").await;
}

#[tokio::test]
async fn a_proxy_that_stops_closes_its_connections_and_its_ports() {
    let (listener, address) = listening().await;
    let proxy = proxied(address).await;
    let link = proxy.address(LINK).unwrap();
    let (mut client, mut upstream) = both_ends(&proxy, &listener).await;
    in_time(proxy.stop()).await;
    ends(&mut client).await;
    ends(&mut upstream).await;
    let error = TcpStream::connect(link).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}
