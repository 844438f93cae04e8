//! Blackhole, partition and flap.

use std::time::{Duration, Instant};

use proxy::{Directions, Distribution, FaultKind, Latency};
use tokio::io::AsyncWriteExt;

use crate::support::{
    LONG, arrives, becomes, both_ends, clear, connected, echo, ends, in_time, is_reset, listening, ping,
    proxied, random_bytes, send, set, state, stays_quiet,
};

#[tokio::test]
async fn a_blackhole_swallows_bytes_and_resets_those_that_lost_some_when_it_ends() {
    let (listener, address) = listening().await;
    let proxy = proxied(address).await;
    let (mut idle, mut idle_upstream) = both_ends(&proxy, &listener).await;
    let (mut client, mut upstream) = both_ends(&proxy, &listener).await;
    set(&proxy, FaultKind::Blackhole { reads: true }, Directions::Both, LONG);
    send(&mut client, b"lost").await;
    stays_quiet(&mut upstream).await;
    send(&mut upstream, b"lost too").await;
    stays_quiet(&mut client).await;
    assert_eq!(state(&proxy).counts.discarded, 12);
    clear(&proxy);
    is_reset(&mut client).await;
    is_reset(&mut upstream).await;
    send(&mut idle, b"whole").await;
    arrives(&mut idle_upstream, b"whole").await;
}

#[tokio::test]
async fn a_blackhole_accepts_new_connections_and_gives_up_those_whose_client_has_gone() {
    let proxy = proxied(echo().await).await;
    set(&proxy, FaultKind::Blackhole { reads: true }, Directions::Both, LONG);
    let mut client = connected(&proxy).await;
    send(&mut client, b"anybody?").await;
    stays_quiet(&mut client).await;
    drop(client);
    becomes(|| state(&proxy).counts.accepted == 1 && state(&proxy).counts.open == 0).await;
}

#[tokio::test]
async fn a_blackhole_gives_up_a_connection_whose_end_it_swallows() {
    let (listener, address) = listening().await;
    let proxy = proxied(address).await;
    let (mut client, mut upstream) = both_ends(&proxy, &listener).await;
    let latency = Latency { distribution: Distribution::Constant { ms: 60_000.0 }, seed: 0 };
    set(&proxy, FaultKind::Latency(latency), Directions::To, LONG);
    send(&mut client, b"last").await;
    client.shutdown().await.unwrap();
    becomes(|| state(&proxy).counts.held == 4).await;
    // The end is read after the bytes; nothing shows when.
    stays_quiet(&mut client).await;
    set(&proxy, FaultKind::Blackhole { reads: true }, Directions::Both, LONG);
    is_reset(&mut upstream).await;
    assert_eq!(state(&proxy).counts.held, 0);
}

#[tokio::test]
async fn a_blackhole_of_replies_lets_requests_arrive() {
    let (listener, address) = listening().await;
    let proxy = proxied(address).await;
    let (mut client, mut upstream) = both_ends(&proxy, &listener).await;
    set(&proxy, FaultKind::Blackhole { reads: true }, Directions::From, LONG);
    send(&mut client, b"request").await;
    arrives(&mut upstream, b"request").await;
    send(&mut upstream, b"reply").await;
    stays_quiet(&mut client).await;
}

#[tokio::test]
async fn a_blackhole_that_does_not_read_loses_nothing() {
    let proxy = proxied(echo().await).await;
    let mut client = connected(&proxy).await;
    ping(&mut client).await;
    set(&proxy, FaultKind::Blackhole { reads: false }, Directions::Both, LONG);
    send(&mut client, b"unread").await;
    stays_quiet(&mut client).await;
    clear(&proxy);
    arrives(&mut client, b"unread").await;
    assert_eq!(state(&proxy).counts.discarded, 0);
}

#[tokio::test]
async fn a_partition_holds_bytes_and_ends_and_they_go_on_when_it_heals() {
    let (listener, address) = listening().await;
    let proxy = proxied(address).await;
    let (mut client, mut upstream) = both_ends(&proxy, &listener).await;
    set(&proxy, FaultKind::Partition, Directions::Both, LONG);
    let bytes = random_bytes(100_000, 1);
    send(&mut client, &bytes).await;
    client.shutdown().await.unwrap();
    send(&mut upstream, b"reply").await;
    stays_quiet(&mut upstream).await;
    stays_quiet(&mut client).await;
    clear(&proxy);
    arrives(&mut upstream, &bytes).await;
    ends(&mut upstream).await;
    arrives(&mut client, b"reply").await;
}

#[tokio::test]
async fn a_partition_of_one_direction_lets_the_other_pass() {
    let (listener, address) = listening().await;
    let proxy = proxied(address).await;
    let (mut client, mut upstream) = both_ends(&proxy, &listener).await;
    set(&proxy, FaultKind::Partition, Directions::From, LONG);
    send(&mut client, b"request").await;
    arrives(&mut upstream, b"request").await;
    send(&mut upstream, b"reply").await;
    stays_quiet(&mut client).await;
    set(&proxy, FaultKind::Partition, Directions::To, LONG);
    arrives(&mut client, b"reply").await;
    send(&mut client, b"another").await;
    stays_quiet(&mut upstream).await;
    clear(&proxy);
    arrives(&mut upstream, b"another").await;
}

#[tokio::test]
async fn a_partition_heals_by_itself_when_its_lease_ends() {
    let proxy = proxied(echo().await).await;
    let mut client = connected(&proxy).await;
    ping(&mut client).await;
    let start = Instant::now();
    set(&proxy, FaultKind::Partition, Directions::Both, 300);
    ping(&mut client).await;
    assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
    assert_eq!(state(&proxy).faults, []);
}

#[tokio::test]
async fn a_new_connection_does_not_reach_the_upstream_until_a_partition_heals() {
    let (listener, address) = listening().await;
    let proxy = proxied(address).await;
    for directions in [Directions::Both, Directions::To, Directions::From] {
        set(&proxy, FaultKind::Partition, directions, LONG);
        let mut client = connected(&proxy).await;
        send(&mut client, b"hello").await;
        stays_quiet(&mut client).await;
        let early = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(early.is_err(), "{directions:?}");
        clear(&proxy);
        let (mut upstream, _) = in_time(listener.accept()).await.unwrap();
        arrives(&mut upstream, b"hello").await;
    }
}

#[tokio::test]
async fn a_flap_is_down_first_and_comes_and_goes() {
    let proxy = proxied(echo().await).await;
    let mut client = connected(&proxy).await;
    ping(&mut client).await;
    let start = Instant::now();
    set(&proxy, FaultKind::Flap { down_ms: 200, up_ms: 200 }, Directions::Both, LONG);
    ping(&mut client).await;
    assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
    // Who asks all the time over three more periods waits through their downs; a busy machine may hide one of the three.
    let mut longest = Vec::new();
    while start.elapsed() < Duration::from_millis(1300) {
        longest.push(ping(&mut client).await);
    }
    let waited: Duration = longest.iter().filter(|ping| **ping >= Duration::from_millis(100)).sum();
    assert!(waited >= Duration::from_millis(300), "{waited:?}");
    assert_eq!(state(&proxy).counts.resets, 0);
}
