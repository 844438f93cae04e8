//! The admin API.

use proxy::{FaultKind, LinkState, Proxy};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{LINK, connected, echo, in_time, ping, proxied, send, state, stays_quiet};

/// The link in a path.
const FAULTS: &str = "/links/client%20-%3E%20echo/faults";

/// Sends a request; returns the status and what follows it.
async fn request(proxy: &Proxy, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(proxy.admin().unwrap()).await.unwrap();
    let length = body.len();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    send(&mut stream, text.as_bytes()).await;
    let mut reply = String::new();
    in_time(stream.read_to_string(&mut reply)).await.unwrap();
    let status = reply.split(' ').nth(1).unwrap().parse().unwrap();
    (status, reply)
}

#[tokio::test]
async fn faults_are_set_shown_and_cleared() {
    let proxy = proxied(echo().await).await;
    let mut client = connected(&proxy).await;
    ping(&mut client).await;
    let body = r#"[{"what":"partition","for_ms":600000}]"#;
    assert_eq!(request(&proxy, "PUT", FAULTS, body).await.0, 204);
    client.write_all(b"?").await.unwrap();
    stays_quiet(&mut client).await;

    let (status, reply) = request(&proxy, "GET", "/links", "").await;
    assert_eq!(status, 200);
    let json = reply.split("\r\n\r\n").nth(1).unwrap();
    let shown: Vec<LinkState> = serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"));
    assert_eq!(shown[0].name, LINK);
    assert_eq!(shown[0].faults[0].fault.what, FaultKind::Partition);
    assert!((1..=600_000).contains(&shown[0].faults[0].left_ms));
    assert_eq!((shown[0].counts.accepted, shown[0].counts.open, shown[0].counts.bytes_to), (1, 1, 1));

    assert_eq!(request(&proxy, "DELETE", FAULTS, "").await.0, 204);
    crate::support::arrives(&mut client, b"?").await;
    assert_eq!(state(&proxy).faults, []);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_and_changes_nothing() {
    let proxy = proxied(echo().await).await;
    for (path, body, status, word) in [
        ("/links/nobody/faults", "[]", 404, "there is no link `nobody`"),
        (FAULTS, r#"[{"what":"partition"}]"#, 422, "for_ms"),
        (FAULTS, r#"[{"what":"partition","for_ms":0}]"#, 422, "at least 1 ms"),
        (FAULTS, r#"[{"what":"partitoin","for_ms":1}]"#, 422, "partition"),
        (FAULTS, r#"[{"what":{"throttle":{"bytes_per_second":0}},"for_ms":1}]"#, 422, "bytes_per_second"),
        (FAULTS, "[", 400, "JSON"),
    ] {
        let (found, reply) = request(&proxy, "PUT", path, body).await;
        assert_eq!(found, status, "{body}: {reply}");
        assert!(reply.contains("application/problem+json") && reply.contains(word), "{body}: {reply}");
    }
    let large = " ".repeat(70_000);
    assert_eq!(request(&proxy, "PUT", FAULTS, &large).await.0, 413);
    assert_eq!(request(&proxy, "GET", FAULTS, "").await.0, 405);
    assert_eq!(state(&proxy).faults, []);
}
