//! HTTP/JSON: `POST /<component>/<method>`; an error of the contract is JSON under the status of its kind.
//!
//! The platform's own errors (no such method, a malformed body, overloaded, deadline exceeded) are
//! `application/problem+json` (RFC 9457), so that a client tells the two apart by the content type.

use axum::{
    body::Body,
    extract::FromRequest,
    middleware::Next,
    response::{IntoResponse, Response},
};
use contract::{Kind, RemoteError};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Context, MAX_MESSAGE_BYTES, Priority,
    body::{BodyError, read_body},
};

/// The time until the caller's deadline, in whole milliseconds.
pub const TIMEOUT_MS: HeaderName = HeaderName::from_static("x-timeout-ms");
/// The same header of gRPC: <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.
pub const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
/// How many times a call was sent before; absent on the first send. gRPC has a header for it, HTTP has none.
pub const PREVIOUS_ATTEMPTS: HeaderName = HeaderName::from_static("x-previous-attempts");
/// The same header of gRPC: <https://github.com/grpc/proposal/blob/master/A6-client-retries.md>.
pub const GRPC_PREVIOUS_ATTEMPTS: HeaderName = HeaderName::from_static("grpc-previous-rpc-attempts");
/// gRPC's `Retry-After`, in milliseconds, from the same document.
pub(crate) const GRPC_RETRY_PUSHBACK_MS: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");
/// The class of the operation that a call is a part of; absent if it is normal. Both transports have it.
pub const PRIORITY: HeaderName = HeaderName::from_static("x-priority");
/// The trace of a request (W3C Trace Context).
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The status for an error of this kind.
pub(crate) fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Gone => StatusCode::GONE,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// A problem document (RFC 9457).
pub fn problem_document(status: StatusCode, slug: &str, title: &str, detail: &str) -> String {
    let document = serde_json::json!({
        "type": format!("/problems/{slug}"),
        "title": title,
        "status": status.as_u16(),
        "detail": detail,
    });
    document.to_string()
}

/// A problem document as a reply.
pub fn problem(status: StatusCode, slug: &str, title: &str, detail: &str) -> Response {
    (status, [(CONTENT_TYPE, PROBLEM)], problem_document(status, slug, title, detail)).into_response()
}

/// Whether a request is a gRPC call.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// The reply to an unknown method: a problem with 404, or gRPC's `UNIMPLEMENTED`.
pub async fn unknown_method(request: Request<Body>) -> Response {
    if is_grpc(request.headers()) {
        return tonic::Status::unimplemented("no such method").into_http();
    }
    problem(StatusCode::NOT_FOUND, "no-such-method", "No such method", request.uri().path())
}

/// The reply to another HTTP method than POST: 405; axum adds `Allow`.
pub async fn method_not_allowed(method: Method) -> Response {
    let detail = format!("a component's methods are called with POST, not with {method}");
    problem(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed", &detail)
}

/// The reply of a process that is still starting: a problem with 503, or gRPC's `UNAVAILABLE`.
pub async fn not_started(request: Request<Body>) -> Response {
    let detail = "the process is starting; `/health/ready` says what it waits for";
    if is_grpc(request.headers()) {
        return tonic::Status::unavailable(detail).into_http();
    }
    problem(StatusCode::SERVICE_UNAVAILABLE, "starting", "Starting", detail)
}

/// The reply to a request that gets no permit: a problem with 503 and `Retry-After`, or gRPC's
/// `RESOURCE_EXHAUSTED` with its pushback.
pub fn overloaded(grpc: bool) -> Response {
    let detail = "the process has as many requests under way as it takes; try again later";
    if grpc {
        let mut response = tonic::Status::resource_exhausted(detail).into_http();
        response.headers_mut().insert(GRPC_RETRY_PUSHBACK_MS, HeaderValue::from_static("1000"));
        return response;
    }
    let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Overloaded", detail);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// The reply of a process that fails a request, to a caller who may try again at once: a problem with 503 and
/// `Retry-After: 0`, or gRPC's `UNAVAILABLE` with the same pushback.
pub fn unavailable(grpc: bool) -> Response {
    let detail = "the process failed the request because a fault was made";
    if grpc {
        let mut response = tonic::Status::unavailable(detail).into_http();
        response.headers_mut().insert(GRPC_RETRY_PUSHBACK_MS, HeaderValue::from_static("0"));
        return response;
    }
    let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Unavailable", detail);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("0"));
    response
}

/// The reply of a process that fails a request: a problem with 500, or gRPC's `INTERNAL`.
pub fn internal_error(grpc: bool) -> Response {
    let detail = "the process failed the request because a fault was made";
    if grpc {
        return tonic::Status::internal(detail).into_http();
    }
    problem(StatusCode::INTERNAL_SERVER_ERROR, "internal-error", "Internal error", detail)
}

/// The reply to a request whose deadline has passed: a problem with 504, or gRPC's `DEADLINE_EXCEEDED`.
pub fn deadline_exceeded(grpc: bool) -> Response {
    let detail = "the request was not answered within its deadline; whether it had an effect is not known";
    if grpc {
        return tonic::Status::deadline_exceeded(detail).into_http();
    }
    problem(StatusCode::GATEWAY_TIMEOUT, "too-late", "Deadline exceeded", detail)
}

/// Middleware that passes gRPC calls and replies 415 to any other content type, as gRPC's protocol requires.
pub async fn only_grpc(request: Request<Body>, next: Next) -> Response {
    if is_grpc(request.headers()) {
        return next.run(request).await;
    }
    unsupported("not-grpc", "Not gRPC", "the methods here are called as `content-type: application/grpc`")
}

/// The request of a call, parsed from its body: axum's `Json` with its own size limit, and with problems as
/// rejections.
pub struct JsonMessage<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for JsonMessage<T> {
    type Rejection = Response;

    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, Response> {
        if !is_json(request.headers()) {
            let detail =
                "a call has a body of `content-type: application/json`, without a `content-encoding`";
            return Err(unsupported("not-json", "Not JSON", detail));
        }
        let body = read_body(request.into_body(), MAX_MESSAGE_BYTES).await.map_err(unread)?;
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            problem(StatusCode::BAD_REQUEST, "malformed", "Malformed request", &error.to_string())
        })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let essence = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    essence.eq_ignore_ascii_case(b"application/json") && !headers.contains_key(CONTENT_ENCODING)
}

fn unsupported(slug: &str, title: &str, detail: &str) -> Response {
    problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, slug, title, detail)
}

/// A component's result as an HTTP reply.
pub fn json_reply<P: Serialize, E: RemoteError>(answer: Result<P, E>) -> Response {
    match answer {
        Ok(reply) => json(StatusCode::OK, &reply),
        Err(error) => json(status_of(error.kind()), &error),
    }
}

/// The reply to a request whose body could not be read to its end: 413 or 400.
fn unread(error: BodyError) -> Response {
    let (slug, title) = match error {
        BodyError::TooLarge { .. } => ("too-large", "Request too large"),
        BodyError::Broken => ("malformed", "Malformed request"),
    };
    problem(error.status(), slug, title, &error.to_string())
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => {
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = status;
            response.headers_mut().insert(CONTENT_TYPE, JSON);
            response
        }
        Err(error) => problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "unwritable",
            "The reply cannot be written as JSON",
            &error.to_string(),
        ),
    }
}

/// Writes trace and priority into the headers of a call; the time left has another form in each transport.
pub(crate) fn write_context(context: &Context, headers: &mut HeaderMap) {
    if context.priority != Priority::Normal {
        headers.insert(PRIORITY, HeaderValue::from_static(context.priority.name()));
    }
    headers.extend(HeaderValue::try_from(context.trace.header()).map(|trace| (TRACEPARENT, trace)));
}
