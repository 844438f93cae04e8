//! A process that stops: who is told when, and who is waited for.

use std::time::Duration;

use design::Limits as ProcessLimits;
use futures::SinkExt as _;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_tungstenite::tungstenite::Message as Frame;

use super::clients::{SOON, Said, Scene, ask, echoes, end, handshake, patient};
use crate::{ServeLimits, live::Closed};

async fn scene(lame_duck: Duration, drain: Duration) -> Scene {
    let process = ProcessLimits::default();
    let serving = ServeLimits { lame_duck, drain, ..ServeLimits::from(&process) };
    Scene::with(patient(), process, serving).await
}

#[tokio::test]
async fn a_stop_tells_every_client_to_come_back_and_is_over_when_they_are_gone() {
    let mut scene = scene(Duration::ZERO, SOON).await;
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(scene.client().await);
    }
    let began = Instant::now();
    scene.stop.cancel();
    for client in &mut clients {
        let (code, reason) = end(client).await;
        assert_eq!(code, 1012);
        assert!(reason.contains("random delay"), "{reason}");
    }
    timeout(SOON, &mut scene.served).await.expect("in time").expect("it ends");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    for _ in 0..20 {
        assert_eq!(scene.said().await, Said::Closed(Closed::Restart));
    }
    scene.counts("live_connections_closed_total{kind=\"websocket\",reason=\"restart\"} 20").await;
    scene.counts("live_connections{kind=\"websocket\"} 0").await;
}

#[tokio::test]
async fn who_does_not_leave_is_not_waited_for_beyond_the_drain() {
    let mut scene = scene(Duration::ZERO, SOON).await;
    let _stays = scene.client().await;
    let began = Instant::now();
    scene.stop.cancel();
    timeout(SOON, &mut scene.served).await.expect("in time").expect("it ends");
    // A second for the close handshake of a client that does not read.
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert_eq!(scene.said().await, Said::Closed(Closed::Restart));
}

#[tokio::test]
async fn a_lame_duck_tells_its_clients_one_after_the_other_and_takes_no_more() {
    let period = Duration::from_secs(1);
    let mut scene = scene(period, SOON).await;
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(scene.client().await);
    }
    let began = Instant::now();
    scene.stop.cancel();
    let ends = clients.into_iter().map(|mut client| async move {
        assert_eq!(end(&mut client).await.0, 1012);
        began.elapsed()
    });
    let mut times = futures::future::join_all(ends).await;
    times.sort();
    assert!(times[4] < period / 2, "some are told early: {times:?}");
    assert!(times[15] > period / 2, "and some late: {times:?}");
    assert!(times[19] < period + Duration::from_millis(500), "{times:?}");
    // It still serves requests, and says of connections that would live that it stops.
    if began.elapsed() < period {
        let mut stream = TcpStream::connect(scene.address).await.expect("it listens");
        let head = ask(&mut stream, &handshake("")).await;
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    }
    timeout(SOON, &mut scene.served).await.expect("in time").expect("it ends");
}

#[tokio::test]
async fn what_a_session_has_begun_is_done_before_a_stop_ends_it() {
    let mut scene = scene(Duration::ZERO, SOON).await;
    let mut client = scene.client().await;
    echoes(&mut client).await;
    client.send(Frame::Text("hang".into())).await.expect("it is sent");
    tokio::time::sleep(Duration::from_millis(50)).await;
    scene.stop.cancel();
    // It hangs for as long as a message may take, and the drain is as long.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(scene.told.try_recv().is_err(), "it is not cut off in the middle");
}
