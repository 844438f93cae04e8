//! Latency and throttle.

use std::time::{Duration, Instant};

use proxy::{Directions, Distribution, FaultKind, Latency};
use tokio::io::AsyncWriteExt;

use crate::support::{
    LONG, arrives, becomes, both_ends, clear, connected, echo, ends, in_time, is_reset, listening, ping,
    proxied, random_bytes, send, set, state, stays_quiet,
};

fn constant(ms: f64) -> FaultKind {
    FaultKind::Latency(Latency { distribution: Distribution::Constant { ms }, seed: 0 })
}

#[tokio::test]
async fn latency_delays_each_of_its_directions_on_existing_connections() {
    let proxy = proxied(echo().await).await;
    let mut client = connected(&proxy).await;
    ping(&mut client).await;
    for (directions, at_least) in [(Directions::To, 60), (Directions::From, 60), (Directions::Both, 120)] {
        set(&proxy, constant(60.0), directions, LONG);
        let took = ping(&mut client).await;
        assert!(took >= Duration::from_millis(at_least), "{directions:?}: {took:?}");
    }
}

#[tokio::test]
async fn a_handshake_takes_a_round_trip_more() {
    let proxy = proxied(echo().await).await;
    set(&proxy, constant(50.0), Directions::Both, LONG);
    let start = Instant::now();
    ping(&mut connected(&proxy).await).await;
    assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
}

#[tokio::test]
async fn what_latency_holds_goes_on_when_it_is_cleared_or_its_lease_ends() {
    let proxy = proxied(echo().await).await;
    let mut client = connected(&proxy).await;
    ping(&mut client).await;
    set(&proxy, constant(60_000.0), Directions::Both, LONG);
    send(&mut client, b"held").await;
    stays_quiet(&mut client).await;
    assert_eq!(state(&proxy).counts.held, 4);
    clear(&proxy);
    arrives(&mut client, b"held").await;

    set(&proxy, constant(60_000.0), Directions::To, 300);
    let took = ping(&mut client).await;
    assert!(took >= Duration::from_millis(250) && took < Duration::from_secs(50), "{took:?}");
    assert_eq!(state(&proxy).faults, []);
}

#[tokio::test]
async fn what_latency_holds_goes_on_when_another_takes_its_place() {
    let proxy = proxied(echo().await).await;
    let mut client = connected(&proxy).await;
    ping(&mut client).await;
    set(&proxy, constant(60_000.0), Directions::To, LONG);
    send(&mut client, b"held").await;
    becomes(|| state(&proxy).counts.held == 4).await;
    let mut shaking = connected(&proxy).await;
    send(&mut shaking, b"held").await;
    stays_quiet(&mut shaking).await;
    set(&proxy, constant(10.0), Directions::To, LONG);
    let start = Instant::now();
    arrives(&mut client, b"held").await;
    arrives(&mut shaking, b"held").await;
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

#[tokio::test]
async fn bytes_are_held_no_longer_than_their_connection_is_open() {
    let proxy = proxied(echo().await).await;
    let mut client = connected(&proxy).await;
    ping(&mut client).await;
    set(&proxy, constant(60_000.0), Directions::To, LONG);
    send(&mut client, b"held").await;
    becomes(|| state(&proxy).counts.held == 4).await;
    set(&proxy, FaultKind::Reset, Directions::Both, LONG);
    is_reset(&mut client).await;
    becomes(|| state(&proxy).counts.open == 0).await;
    assert_eq!(state(&proxy).counts.held, 0);
}

#[tokio::test]
async fn the_end_of_a_stream_is_as_late_as_its_bytes() {
    let (listener, address) = listening().await;
    let proxy = proxied(address).await;
    let (mut client, mut upstream) = both_ends(&proxy, &listener).await;
    set(&proxy, constant(150.0), Directions::To, LONG);
    let start = Instant::now();
    client.shutdown().await.unwrap();
    ends(&mut upstream).await;
    assert!(start.elapsed() >= Duration::from_millis(150), "{:?}", start.elapsed());
}

#[tokio::test]
async fn jitter_keeps_bytes_in_order() {
    let proxy = proxied(echo().await).await;
    let mut client = connected(&proxy).await;
    let distribution = Distribution::Pareto { least_ms: 0.1, shape: 1.2 };
    set(&proxy, FaultKind::Latency(Latency { distribution, seed: 5 }), Directions::Both, LONG);
    let bytes = random_bytes(20_000, 5);
    for part in bytes.chunks(100) {
        send(&mut client, part).await;
        tokio::task::yield_now().await;
    }
    arrives(&mut client, &bytes).await;
}

#[tokio::test]
async fn a_throttle_lets_so_many_bytes_a_second_pass_in_each_direction() {
    let proxy = proxied(echo().await).await;
    let mut client = connected(&proxy).await;
    let throttle = FaultKind::Throttle { bytes_per_second: 200_000 };
    set(&proxy, throttle, Directions::Both, LONG);
    let bytes = random_bytes(100_000, 6);
    let start = Instant::now();
    send(&mut client, &bytes).await;
    arrives(&mut client, &bytes).await;
    // Half a second at this rate, less a burst of 20 ms.
    assert!(start.elapsed() >= Duration::from_millis(480), "{:?}", start.elapsed());
}

#[tokio::test]
async fn the_connections_of_a_link_share_its_throttle() {
    let proxy = proxied(echo().await).await;
    let (mut one, mut other) = (connected(&proxy).await, connected(&proxy).await);
    set(&proxy, FaultKind::Throttle { bytes_per_second: 200_000 }, Directions::To, LONG);
    let bytes = random_bytes(50_000, 7);
    let start = Instant::now();
    send(&mut one, &bytes).await;
    send(&mut other, &bytes).await;
    in_time(async { tokio::join!(arrives(&mut one, &bytes), arrives(&mut other, &bytes)) }).await;
    assert!(start.elapsed() >= Duration::from_millis(480), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_throttle_that_is_cleared_holds_nothing_up() {
    let proxy = proxied(echo().await).await;
    let mut client = connected(&proxy).await;
    set(&proxy, FaultKind::Throttle { bytes_per_second: 1 }, Directions::Both, LONG);
    let bytes = random_bytes(10_000, 8);
    send(&mut client, &bytes).await;
    clear(&proxy);
    arrives(&mut client, &bytes).await;
}
