use axum::{
    body::{Body, to_bytes},
    http::header::CONTENT_TYPE,
};
use tower::ServiceExt as _;

use super::*;

const HERE: &str = "127.0.0.1:1";

/// The gateway of a container's network.
const LAB: &str = "172.18.0.1";

async fn reply(errors: &InjectedErrors, peer: &str, method: &str, json: &str) -> (StatusCode, String) {
    let peer = ConnectInfo(peer.parse::<SocketAddr>().expect("an address"));
    let request = Request::builder().method(method).uri("/admin/faults/errors").extension(peer);
    let request = request.header(CONTENT_TYPE, "application/json").body(Body::from(json.to_owned()));
    let lab = LAB.parse().ok();
    let reply =
        routes(errors.clone(), lab).oneshot(request.expect("a request")).await.expect("it cannot fail");
    let status = reply.status();
    let body = to_bytes(reply.into_body(), 4_096).await.expect("a short body");
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

fn drawn(errors: &InjectedErrors) -> Vec<bool> {
    (0..10_000).map(|_| errors.draw().is_some()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_share_fails_as_the_seed_says_until_the_lease_ends() {
    let errors = InjectedErrors::default();
    assert_eq!(errors.draw(), None);
    let fault = r#"{"share":0.3,"seed":7,"for_ms":1000}"#;
    assert_eq!(reply(&errors, HERE, "PUT", fault).await, (StatusCode::NO_CONTENT, String::new()));
    let first = drawn(&errors);
    let failed = first.iter().filter(|fails| **fails).count();
    // 3,000 are expected, with a standard deviation of 46.
    assert!((2_750..3_250).contains(&failed), "{failed}");
    reply(&errors, HERE, "PUT", fault).await;
    assert_eq!(drawn(&errors), first, "the same seed");
    reply(&errors, HERE, "PUT", &fault.replace('7', "8")).await;
    assert_ne!(drawn(&errors), first, "another seed");
    assert!(errors.0.injected.get() > 8_000);

    tokio::time::advance(Duration::from_millis(400)).await;
    let shown = r#"{"share":0.3,"reply":"unavailable","seed":8,"for_ms":600}"#;
    assert_eq!(reply(&errors, HERE, "GET", "").await, (StatusCode::OK, shown.to_owned()));
    tokio::time::advance(Duration::from_millis(600)).await;
    assert!(drawn(&errors).iter().all(|fails| !fails), "its lease has ended");
    assert_eq!(reply(&errors, HERE, "GET", "").await, (StatusCode::OK, "null".to_owned()));
}

#[tokio::test]
async fn a_fault_is_cleared_before_its_time() {
    let errors = InjectedErrors::default();
    reply(&errors, HERE, "PUT", r#"{"share":1,"reply":"internal","for_ms":60000}"#).await;
    assert_eq!(errors.draw(), Some(ErrorReply::Internal));
    assert_eq!(reply(&errors, HERE, "DELETE", "").await.0, StatusCode::NO_CONTENT);
    assert_eq!(errors.draw(), None);
}

#[tokio::test]
async fn what_cannot_be_and_what_comes_from_elsewhere_changes_nothing() {
    let errors = InjectedErrors::default();
    for wrong in [
        r#"{"share":0,"for_ms":1}"#,
        r#"{"share":1.1,"for_ms":1}"#,
        r#"{"share":1,"for_ms":0}"#,
        r#"{"share":1,"for_ms":1860001}"#,
        r#"{"share":1}"#,
        r#"{"share":1,"for_ms":1,"reply":"wrath"}"#,
        r#"{"share":1,"for_ms":1,"rpely":"internal"}"#,
    ] {
        assert_eq!(reply(&errors, HERE, "PUT", wrong).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    let fault = r#"{"share":1,"for_ms":60000}"#;
    for elsewhere in ["10.0.0.7:1", "[2001:db8::1]:1", "172.18.0.2:1"] {
        assert_eq!(reply(&errors, elsewhere, "PUT", fault).await.0, StatusCode::FORBIDDEN, "{elsewhere}");
    }
    assert_eq!(errors.draw(), None);
    for own in ["[::1]:1", "[::ffff:127.0.0.1]:1", "172.18.0.1:1", "[::ffff:172.18.0.1]:1"] {
        assert_eq!(reply(&errors, own, "PUT", fault).await.0, StatusCode::NO_CONTENT, "{own}");
    }
}
