//! Clients that never read, never write, vanish, or write what they must not: each ends by its limit, and is counted.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use tokio::{
    io::AsyncWriteExt as _,
    time::{Instant, timeout},
};
use tokio_tungstenite::tungstenite::{Message as Frame, Utf8Bytes};

use super::clients::{Client, SOON, Said, Scene, connect, echoes, end, patient, text};
use crate::live::{Closed, Limits, NotSent, Sender};

const SHORT: Duration = Duration::from_millis(200);

/// Sends to a client that does not read, until the server says that it is too slow. Returns how many bytes it took.
async fn flood(sender: &Sender) -> usize {
    let message = Utf8Bytes::from("x".repeat(4_096));
    for sent in 0.. {
        match sender.send(message.clone()) {
            Ok(()) if sent % 16 == 0 => tokio::task::yield_now().await,
            Ok(()) => {}
            Err(NotSent::Slow) => return sent * message.len(),
            Err(NotSent::Ended) => panic!("it ended before its queue was full"),
        }
    }
    unreachable!("a queue is full some time")
}

#[tokio::test]
async fn a_client_that_never_reads_is_ended_by_a_full_queue_and_costs_the_others_nothing() {
    let limits = Limits { queued_bytes: 64 * 1_024, ..patient() };
    let mut scene = Scene::new(limits).await;
    let mut other = scene.client().await;
    let _sender_of_other = scene.sender().await;
    let stalled = scene.client().await;
    let sender = scene.sender().await;
    let taken = flood(&sender).await;
    // The queue, and what the kernel's two buffers of this connection hold: the server's is bounded, the client's is its own.
    assert!(taken < 8 << 20, "{taken} bytes were taken for a client that reads nothing");
    assert!(!sender.is_open());
    scene.counts("live_queued_bytes 0").await;
    let began = Instant::now();
    echoes(&mut other).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(scene.said().await, Said::Closed(Closed::Slow));
    scene.counts("live_connections_closed_total{kind=\"websocket\",reason=\"slow\"} 1").await;
    scene.counts("live_connections{kind=\"websocket\"} 1").await;
    drop(stalled);
}

#[tokio::test]
async fn a_client_that_stops_reading_is_ended_when_a_write_stays_unread() {
    let limits =
        Limits { write_within: SHORT, queued_bytes: 64 << 20, queued_messages: 1 << 20, ..patient() };
    let mut scene = Scene::new(limits).await;
    let _stalled = scene.client().await;
    let sender = scene.sender().await;
    // More than the sockets hold, and less than the queue does.
    for _ in 0..256 {
        sender.send("x".repeat(64 * 1_024)).expect("there is room");
    }
    assert_eq!(scene.said().await, Said::Closed(Closed::Slow));
    scene.counts("live_queued_bytes 0").await;
}

#[tokio::test]
async fn a_client_that_is_half_open_is_ended_by_its_missing_pong() {
    let limits = Limits { ping_every: SHORT, pong_within: SHORT, ..patient() };
    let mut scene = Scene::new(limits).await;
    let mut other = scene.client().await;
    // It reads nothing, so the library that would answer pings is never asked.
    let _half_open = connect(scene.address, "").await;
    assert_eq!(scene.said().await, Said::Opened);
    let began = Instant::now();
    let answers_pings = async { while other.next().await.is_some() {} };
    let ended = async { (scene.said().await, began.elapsed()) };
    let (said, after) = tokio::select! {
        ended = ended => ended,
        () = answers_pings => panic!("who answers pings is not ended"),
    };
    assert_eq!(said, Said::Closed(Closed::NoPong));
    assert!(after >= SHORT.mul_f64(1.8), "{after:?}");
    scene.counts("live_connections_closed_total{kind=\"websocket\",reason=\"no-pong\"} 1").await;
}

#[tokio::test]
async fn a_client_that_only_answers_pings_is_ended_when_it_is_idle_for_too_long() {
    let limits = Limits { ping_every: SHORT / 4, idle: SHORT * 3, ..patient() };
    let mut scene = Scene::new(limits).await;
    let mut client = scene.client().await;
    let began = Instant::now();
    echoes(&mut client).await;
    assert_eq!(end(&mut client).await, (3008, "idle for too long".to_owned()));
    drop(client);
    assert!(began.elapsed() >= limits.idle, "{:?}", began.elapsed());
    assert_eq!(scene.said().await, Said::Closed(Closed::Idle));
}

#[tokio::test]
async fn a_client_that_is_busy_is_neither_idle_nor_asked_for_pongs() {
    let limits = Limits { ping_every: SHORT, pong_within: SHORT, idle: SHORT, ..patient() };
    let mut scene = Scene::new(limits).await;
    let mut client = scene.client().await;
    let began = Instant::now();
    while began.elapsed() < SHORT * 5 {
        client.send(Frame::Text("hello".into())).await.expect("it is sent");
        let frame = timeout(SOON, client.next()).await.expect("in time");
        assert!(matches!(frame, Some(Ok(Frame::Text(_)))), "{frame:?}");
        tokio::time::sleep(SHORT / 10).await;
    }
}

/// Writes these bytes as they are.
async fn writes(client: &mut Client, bytes: &[u8]) {
    client.get_mut().write_all(bytes).await.expect("it can be written");
}

/// A whole frame with a mask of zeros: its payload stands as it is.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u64;
    let mut bytes = vec![first, 0x80 | 127];
    bytes.extend(length.to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

#[tokio::test]
async fn what_a_client_must_not_send_is_told_so_by_its_code() {
    let limits = Limits { message_bytes: 1_000, ..patient() };
    let mut scene = Scene::new(limits).await;
    let fragments = [frame(0x01, &[b'x'; 600]), frame(0x80, &[b'x'; 600])].concat();
    for (sent, code, closed) in [
        (frame(0x81, &[b'x'; 1_001]), 1009, Closed::TooLarge),
        // Far more than one read: what is not read any more must not reset the connection before the code is read.
        (frame(0x81, &vec![b'x'; 4 << 20]), 1009, Closed::TooLarge),
        (fragments, 1009, Closed::TooLarge),
        (frame(0x81, b"\xc3\x28"), 1007, Closed::NotUtf8),
        (frame(0x83, b"reserved opcode"), 1002, Closed::Protocol),
        (frame(0x80, b"goes on from nothing"), 1002, Closed::Protocol),
        (frame(0xc1, b"reserved bit"), 1002, Closed::Protocol),
        (frame(0x09, b"a ping in pieces"), 1002, Closed::Protocol),
        (b"\x81\x02hi".to_vec(), 1002, Closed::Protocol),
    ] {
        let mut client = scene.client().await;
        let _ = client.get_mut().write_all(&sent).await;
        assert_eq!(end(&mut client).await.0, code, "{closed:?}");
        drop(client);
        assert_eq!(scene.said().await, Said::Closed(closed));
    }
    let mut client = scene.client().await;
    writes(&mut client, &frame(0x81, &[b'x'; 1_000])).await;
    assert_eq!(text(&mut client).await.len(), 1_000, "the largest message is none too many");
}

#[tokio::test]
async fn a_client_that_breaks_off_is_noticed() {
    let mut scene = Scene::new(patient()).await;
    let client = scene.client().await;
    drop(client);
    assert_eq!(scene.said().await, Said::Closed(Closed::Lost));
    let mut half = scene.client().await;
    // A frame that never ends.
    writes(&mut half, &[0x81, 0x8a, 0, 0, 0, 0, b'x']).await;
    drop(half);
    assert_eq!(scene.said().await, Said::Closed(Closed::Lost));
}

#[tokio::test]
async fn a_client_that_sends_faster_than_it_is_served_waits_and_loses_nothing() {
    let mut scene =
        Scene::new(Limits { queued_messages: 100_000, queued_bytes: 64 << 20, ..patient() }).await;
    let client = scene.client().await;
    let (mut writer, mut reader) = client.split();
    let sends = async {
        for nth in 0..20_000 {
            writer.feed(Frame::Text(nth.to_string().into())).await.expect("it is sent");
        }
        writer.flush().await.expect("it is sent");
    };
    let receives = async {
        for nth in 0..20_000 {
            let frame = timeout(SOON, reader.next()).await.expect("in time");
            assert!(
                matches!(&frame, Some(Ok(Frame::Text(text))) if text.as_str() == nth.to_string()),
                "{frame:?}"
            );
        }
    };
    tokio::join!(sends, receives);
}

#[tokio::test]
async fn a_client_that_leaves_without_waiting_for_its_close_is_let_go() {
    let mut scene = Scene::new(patient()).await;
    let mut client = scene.client().await;
    client.close(None).await.expect("it is sent");
    drop(client);
    assert_eq!(scene.said().await, Said::Closed(Closed::ByClient(None)));
    let mut other = scene.client().await;
    echoes(&mut other).await;
}

#[test]
fn every_end_and_its_code_is_documented() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/observability.md");
    let text = std::fs::read_to_string(path).expect("the document is there");
    for closed in [
        Closed::ByClient(None),
        Closed::Lost,
        Closed::Restart,
        Closed::Idle,
        Closed::NoPong,
        Closed::Slow,
        Closed::TooLarge,
        Closed::NotUtf8,
        Closed::Protocol,
        Closed::Overdue,
    ] {
        let code = closed.close().map_or_else(String::new, |close| close.code.to_string());
        let row = format!("| `{}` | {code}", closed.label());
        assert!(text.contains(&row), "no row `{row}`");
    }
}
