//! A process that fails requests because a fault was made.

use super::*;
use crate::fault_injection;

/// Orders the fault at the internal server, as the lab does.
async fn orders(ingress: &Ingress, method: &str, json: &'static str) -> StatusCode {
    let request = Request::builder().method(method).uri("/admin/faults/errors").header("host", "here");
    let request = request.header("content-type", "application/json").body(Body::from(json));
    let reply = ingress.clone().answer(ANYBODY, request.expect("a request")).await;
    reply.expect("it cannot fail").status()
}

#[tokio::test]
async fn a_process_fails_requests_to_all_its_servers_when_it_is_told_to() {
    let errors = InjectedErrors::default();
    let admission = Admission { errors: errors.clone(), ..Limits::default().into() };
    let ok = || get(async || StatusCode::OK).post(async || StatusCode::OK);
    let components = Router::new().route("/links/resolve", ok());
    let admin = Router::new().route("/health/live", ok()).merge(fault_injection::routes(errors, None));
    let internal = Ingress::internal(components, admin, admission.clone(), metrics("internal"));
    let routes = Router::new().route("/links", ok());
    let public = Ingress::public(routes, admission, Sampling::Off, metrics("public"));
    let calls = async |fields: &[(&str, &str)]| reply(&internal, "/links/resolve", fields).await;

    assert_eq!(calls(&[]).await.status(), StatusCode::OK);
    assert_eq!(orders(&internal, "PUT", r#"{"share":1,"for_ms":60000}"#).await, StatusCode::NO_CONTENT);
    for failed in [calls(&[]).await, reply(&public, "/links", &[]).await] {
        assert_eq!(failed.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(header(&failed, "retry-after"), Some("0"));
    }
    let failed = calls(&[GRPC]).await;
    assert_eq!(header(&failed, "grpc-status"), Some("14"), "UNAVAILABLE");
    assert_eq!(header(&failed, "grpc-retry-pushback-ms"), Some("0"));
    let live = reply(&internal, "/health/live", &[]).await.status();
    assert_eq!(live, StatusCode::OK, "the process is healthy");

    let internal_error = r#"{"share":1,"for_ms":60000,"reply":"internal"}"#;
    assert_eq!(orders(&internal, "PUT", internal_error).await, StatusCode::NO_CONTENT);
    assert_eq!(calls(&[]).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(header(&calls(&[GRPC]).await, "grpc-status"), Some("13"), "INTERNAL");
    assert_eq!(orders(&internal, "DELETE", "").await, StatusCode::NO_CONTENT);
    assert_eq!(calls(&[]).await.status(), StatusCode::OK);
}
