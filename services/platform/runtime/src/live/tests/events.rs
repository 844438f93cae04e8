//! Streams of server-sent events.

use std::time::Duration;

use design::Limits as ProcessLimits;
use tokio::{
    io::AsyncReadExt as _,
    net::TcpStream,
    time::{Instant, timeout},
};

use super::clients::{SOON, Scene, ask, patient};
use crate::{
    ServeLimits,
    live::{Close, Limits, NotSent, event},
};

const ASK: &str = "GET /events HTTP/1.1\r\nhost: here\r\n\r\n";

/// A stream, of which the head has been read.
async fn subscribe(scene: &Scene) -> TcpStream {
    let mut stream = TcpStream::connect(scene.address).await.expect("it listens");
    let head = ask(&mut stream, ASK).await;
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("content-type: text/event-stream"), "{head}");
    stream
}

/// Reads until the text has come.
async fn reads(stream: &mut TcpStream, wanted: &str) -> String {
    let mut read = String::new();
    while !read.contains(wanted) {
        let mut bytes = [0; 4_096];
        let count = timeout(SOON, stream.read(&mut bytes)).await.expect("in time").expect("it can be read");
        assert!(count > 0, "no {wanted:?} in {read:?}");
        read += &String::from_utf8_lossy(&bytes[..count]);
    }
    read
}

#[tokio::test]
async fn events_come_in_order_beyond_the_deadline_of_a_request_and_until_they_are_ended() {
    let process = ProcessLimits { request_ms: 30, in_flight: 1, ..ProcessLimits::default() };
    let (age, grace) = (Some(Duration::from_millis(20)), Duration::from_millis(20));
    let serving = ServeLimits { connections: 1, age, age_grace: grace, ..ServeLimits::from(&process) };
    let mut scene = Scene::with(patient(), process, serving).await;
    // Each has its permits for itself.
    let mut first = subscribe(&scene).await;
    let sender = scene.sender().await;
    let _second = subscribe(&scene).await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    for nth in 0..10 {
        sender.send(event(Some(&nth.to_string()), None, &format!("event {nth}"))).expect("there is room");
    }
    let read = reads(&mut first, "id: 9\ndata: event 9\n\n").await;
    let places: Vec<_> = (0..10).map(|nth| read.find(&format!("data: event {nth}\n\n"))).collect();
    assert!(places.is_sorted() && places[0].is_some(), "{read}");
    scene.counts("live_connections{kind=\"events\"} 2").await;

    sender.close(Close::NORMAL);
    // The end of the chunks, and of the connection.
    let mut rest = String::new();
    timeout(SOON, first.read_to_string(&mut rest)).await.expect("in time").expect("it ends in order");
    assert!(rest.ends_with("0\r\n\r\n"), "{rest:?}");
    scene.counts("live_connections_closed_total{kind=\"events\",reason=\"server\"} 1").await;
}

#[tokio::test]
async fn a_quiet_stream_is_sent_comments() {
    let scene = Scene::new(Limits {
        ping_every: Duration::from_millis(50),
        write_within: Duration::from_millis(25),
        ..patient()
    })
    .await;
    let mut stream = subscribe(&scene).await;
    for _ in 0..3 {
        reads(&mut stream, ":\n\n").await;
    }
}

#[tokio::test]
async fn a_client_that_goes_away_is_noticed() {
    let mut scene = Scene::new(patient()).await;
    let stream = subscribe(&scene).await;
    let sender = scene.sender().await;
    drop(stream);
    scene.counts("live_connections_closed_total{kind=\"events\",reason=\"client\"} 1").await;
    assert_eq!(sender.send(event(None, None, "late")), Err(NotSent::Ended));
}

#[tokio::test]
async fn a_reader_that_stalls_is_cut_off_and_costs_the_others_nothing() {
    let short = Duration::from_millis(100);
    let limits =
        Limits { write_within: short, queued_bytes: 64 << 20, queued_messages: 1 << 20, ..patient() };
    let mut scene = Scene::new(limits).await;
    let mut reader = subscribe(&scene).await;
    let to_reader = scene.sender().await;
    let _stalled = subscribe(&scene).await;
    let to_stalled = scene.sender().await;
    // More than the sockets hold, and less than the queue does.
    for _ in 0..512 {
        to_stalled.send(event(None, None, &"x".repeat(64 * 1_024))).expect("there is room");
    }
    scene.counts("live_connections_closed_total{kind=\"events\",reason=\"slow\"} 1").await;
    scene.counts("live_queued_bytes 0").await;
    to_reader.send(event(None, None, "still here")).expect("there is room");
    reads(&mut reader, "still here").await;
}

#[tokio::test]
async fn a_stop_tells_readers_when_to_come_back() {
    let mut scene = Scene::new(patient()).await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        streams.push(subscribe(&scene).await);
    }
    let began = Instant::now();
    scene.stop.cancel();
    for stream in &mut streams {
        let mut rest = String::new();
        timeout(SOON, stream.read_to_string(&mut rest)).await.expect("in time").expect("it ends in order");
        assert!(rest.contains("retry: ") && rest.ends_with("0\r\n\r\n"), "{rest:?}");
    }
    timeout(SOON, &mut scene.served).await.expect("in time").expect("it ends");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    scene.counts("live_connections_closed_total{kind=\"events\",reason=\"restart\"} 5").await;
}
