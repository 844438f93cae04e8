//! What a session and its client say to each other.

use design::Limits as ProcessLimits;
use futures::SinkExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Message as Frame, protocol::CloseFrame};

use super::clients::{Said, Scene, ask, connect, echoes, end, handshake, next, patient, text};
use crate::{
    ServeLimits,
    live::{Close, Closed, Message, NotSent, event},
};

#[tokio::test]
async fn what_a_client_sends_comes_back_and_what_nobody_asked_for_comes_too() {
    let mut scene = Scene::new(patient()).await;
    let mut client = scene.client().await;
    echoes(&mut client).await;
    client.send(Frame::Binary(vec![0, 159, 146, 150].into())).await.expect("it is sent");
    assert!(
        matches!(next(&mut client).await, Some(Ok(Frame::Binary(bytes))) if bytes[..] == [0, 159, 146, 150])
    );
    let sender = scene.sender().await;
    for nth in 0..100 {
        sender.send(format!("unasked {nth}")).expect("there is room");
    }
    for nth in 0..100 {
        assert_eq!(text(&mut client).await, format!("unasked {nth}"));
    }
    scene.counts("live_connections{kind=\"websocket\"} 1").await;
    scene.counts("live_messages_total{kind=\"websocket\",direction=\"received\"} 2").await;
    scene.counts("live_messages_total{kind=\"websocket\",direction=\"sent\"} 102").await;
    scene.counts("live_queued_bytes 0").await;

    client.close(Some(CloseFrame { code: 1001.into(), reason: "bye".into() })).await.expect("it is sent");
    while next(&mut client).await.is_some() {}
    assert_eq!(scene.said().await, Said::Closed(Closed::ByClient(Some(1001))));
    assert_eq!(sender.send("late".to_owned()), Err(NotSent::Ended));
    scene.counts("live_connections{kind=\"websocket\"} 0").await;
    scene.counts("live_connections_closed_total{kind=\"websocket\",reason=\"client\"} 1").await;
}

#[tokio::test]
async fn what_comes_with_the_handshake_is_not_lost() {
    let mut scene = Scene::new(patient()).await;
    let mut stream = TcpStream::connect(scene.address).await.expect("it listens");
    // A masked `hi`, in one write with the request: the server has read it as part of HTTP.
    let eager = handshake("") + "\u{0}";
    let mut bytes = eager.into_bytes();
    bytes.pop();
    bytes.extend([0x81, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'i' ^ 2]);
    tokio::io::AsyncWriteExt::write_all(&mut stream, &bytes).await.expect("it can be written");
    let head = ask(&mut stream, "").await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let mut frame = [0; 4];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut frame).await.expect("a frame");
    assert_eq!(&frame, b"\x81\x02hi");
    assert_eq!(scene.said().await, Said::Opened);
}

#[tokio::test]
async fn a_handshake_is_of_rfc_6455_or_is_told_what_it_lacks() {
    let scene = Scene::new(patient()).await;
    let mut stream = TcpStream::connect(scene.address).await.expect("it listens");
    let head = ask(&mut stream, &handshake("Sec-WebSocket-Protocol: other, echo.v1\r\n")).await;
    // The accept key is that of the example in RFC 6455, 1.3.
    for line in ["sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "sec-websocket-protocol: echo.v1"] {
        assert!(head.contains(line), "no {line} in {head}");
    }
    let sound = handshake("");
    for (wrong, status) in [
        (sound.replace("Upgrade: websocket", "Upgrade: h2c"), 426),
        (sound.replace("keep-alive, Upgrade", "keep-alive"), 426),
        (sound.replace("Version: 13", "Version: 8"), 426),
        (sound.replace("GET", "POST"), 426),
        (sound.replace("dGhlIHNhbXBsZSBub25jZQ==", "short"), 400),
        (sound.replace("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j!Q=="), 400),
        (sound.replace("Host: here", "Host: here\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400),
    ] {
        let mut stream = TcpStream::connect(scene.address).await.expect("it listens");
        let head = ask(&mut stream, &wrong).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{wrong}{head}");
        assert!(head.contains("application/problem+json"), "{head}");
        assert_eq!(head.contains("sec-websocket-version: 13"), status == 426, "{head}");
    }
}

#[tokio::test]
async fn a_session_closes_with_its_own_code_and_its_last_words_arrive() {
    let mut scene = Scene::new(patient()).await;
    let mut client = scene.client().await;
    client.send(Frame::Text("close".into())).await.expect("it is sent");
    assert_eq!(text(&mut client).await, "last words");
    assert_eq!(end(&mut client).await, (4000, "as you wish".to_owned()));
    assert_eq!(scene.said().await, Said::Closed(Closed::ByServer(Close::new(4000, "as you wish"))));
    scene.counts("live_connections_closed_total{kind=\"websocket\",reason=\"server\"} 1").await;
}

#[tokio::test]
async fn who_is_thrown_out_receives_nothing_after() {
    let mut scene = Scene::new(patient()).await;
    let mut client = scene.client().await;
    let sender = scene.sender().await;
    sender.send("before".to_owned()).expect("there is room");
    assert_eq!(text(&mut client).await, "before");
    sender.close(Close::new(4403, "no longer a member"));
    assert_eq!(sender.send("after".to_owned()), Err(NotSent::Ended));
    assert_eq!(end(&mut client).await.0, 4403);
}

#[tokio::test]
async fn a_session_that_hangs_or_panics_ends_its_connection_and_no_other() {
    let limits = crate::live::Limits { handling: std::time::Duration::from_millis(50), ..patient() };
    let mut scene = Scene::new(limits).await;
    let mut other = scene.client().await;
    let mut hanging = scene.client().await;
    hanging.send(Frame::Text("hang".into())).await.expect("it is sent");
    assert_eq!(end(&mut hanging).await.0, 1011);
    assert_eq!(scene.said().await, Said::Closed(Closed::Overdue));
    let mut panicking = scene.client().await;
    panicking.send(Frame::Text("panic".into())).await.expect("it is sent");
    assert!(!matches!(next(&mut panicking).await, Some(Ok(_))), "it breaks off");
    scene.counts("live_connections_closed_total{kind=\"websocket\",reason=\"lost\"} 1").await;
    scene.counts("live_connections{kind=\"websocket\"} 1").await;
    echoes(&mut other).await;
}

#[tokio::test]
async fn connections_that_live_take_no_permit_of_requests_and_outlive_their_deadline() {
    let process = ProcessLimits { request_ms: 50, in_flight: 1, ..ProcessLimits::default() };
    let age = Some(std::time::Duration::from_millis(20));
    let serving = ServeLimits { connections: 1, age, ..ServeLimits::from(&process) };
    let mut scene = Scene::with(patient(), process, serving).await;
    let mut clients = Vec::new();
    // There is one permit of a connection and one of a request: each goes back with the handshake.
    for _ in 0..5 {
        clients.push(scene.client().await);
    }
    tokio::time::sleep(std::time::Duration::from_millis(120)).await;
    for client in &mut clients {
        echoes(client).await;
    }
    let mut stream = TcpStream::connect(scene.address).await.expect("it listens");
    let head = ask(&mut stream, "GET / HTTP/1.1\r\nhost: here\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
}

#[tokio::test]
async fn a_text_that_looks_like_a_reply_of_the_server_is_a_text() {
    let mut scene = Scene::new(patient()).await;
    let mut client = scene.client().await;
    let reply = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\
                 date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";
    client.send(Frame::Text(reply.into())).await.expect("it is sent");
    assert_eq!(text(&mut client).await, reply);
}

#[tokio::test]
async fn one_more_than_there_may_be_is_refused_and_a_place_comes_free() {
    let limits = crate::live::Limits { connections: 2, ..patient() };
    let mut scene = Scene::new(limits).await;
    let mut first = scene.client().await;
    let _second = scene.client().await;
    let mut stream = TcpStream::connect(scene.address).await.expect("it listens");
    let head = ask(&mut stream, &handshake("")).await;
    assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("retry-after: 1"), "{head}");
    scene.counts("live_connections_refused_total{kind=\"websocket\",reason=\"full\"} 1").await;
    first.close(None).await.expect("it is sent");
    while next(&mut first).await.is_some() {}
    assert_eq!(scene.said().await, Said::Closed(Closed::ByClient(None)));
    scene.counts("live_connections{kind=\"websocket\"} 1").await;
    let _third = connect(scene.address, "").await;
}

#[test]
fn an_event_has_a_line_for_each_line_of_its_text() {
    let encoded = |id, name, data| match event(id, name, data) {
        Message::Text(text) => text.as_str().to_owned(),
        Message::Binary(bytes) => panic!("{bytes:?} is no text"),
    };
    assert_eq!(encoded(None, None, "one"), "data: one\n\n");
    assert_eq!(
        encoded(Some("7"), Some("said"), "a\r\nb\rc\n"),
        "id: 7\nevent: said\ndata: a\ndata: b\ndata: c\ndata: \n\n"
    );
    assert_eq!(encoded(Some("7\ndata: forged"), None, ""), "id: 7\ndata: \n\n");
}
