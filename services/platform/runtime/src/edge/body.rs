//! Reading a JSON body: by media type, within a size and a time.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use remote::{BodyError, current, read_body};
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use utoipa::{
    IntoResponses,
    openapi::{RefOr, response},
};

use super::{Problem, openapi::replies, single};

/// The body may take one in this many parts of a request's time to arrive; the rest is for the handler.
const SHARE_OF_TIME: u32 = 2;

/// A JSON body of at most this many bytes.
///
/// 415 for another media type, 413 at once for a larger `Content-Length`, 408 if it takes more than half of
/// the request's time, 400 if it ends early or is invalid.
pub struct JsonBody<T, const AT_MOST: usize>(pub T);

impl<S: Send + Sync, T: DeserializeOwned, const AT_MOST: usize> FromRequest<S> for JsonBody<T, AT_MOST> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        is_json(request.headers())?;
        let bytes = body_in_time(request, AT_MOST).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| Problem::malformed(error.to_string()))
    }
}

/// Reads a body of at most this many bytes, as [`JsonBody`] does, whatever its media type.
pub async fn body_in_time(request: Request, at_most: usize) -> Result<Bytes, Problem> {
    let within = current().map_or(Duration::MAX, |context| context.remaining() / SHARE_OF_TIME);
    let read = timeout(within, read_body(request.into_body(), at_most)).await;
    read.map_err(|_| too_slow(within))?.map_err(unread)
}

/// The error replies, in addition to the 400 of any request.
impl<T, const AT_MOST: usize> IntoResponses for JsonBody<T, AT_MOST> {
    fn responses() -> BTreeMap<String, RefOr<response::Response>> {
        let too_large = format!("The body has, or announces, more than {} KiB", AT_MOST / 1_024);
        replies([
            ("408", "The body took more than half of the request's time to arrive"),
            ("413", &too_large),
            ("415", "The body is not JSON"),
        ])
    }
}

/// Checks that `Content-Type` is JSON, ignoring case and parameters (RFC 9110, 8.3.1), and that there is no
/// `Content-Encoding`.
fn is_json(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = single(headers, &header::CONTENT_TYPE)?.map_or(&b""[..], HeaderValue::as_bytes);
    // Blanks are allowed before the `;` (RFC 9110, 5.6.6).
    let essence = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if !essence.eq_ignore_ascii_case(b"application/json") {
        return Err(not_json("send the body as `content-type: application/json`"));
    }
    let packed = headers.get_all(header::CONTENT_ENCODING).iter();
    if packed.into_iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(not_json("send the body as it is, without a `content-encoding`"));
    }
    Ok(())
}

fn not_json(detail: &str) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", "Not JSON", detail.to_owned())
}

fn too_slow(within: Duration) -> Problem {
    let detail = format!("the body did not arrive within {} ms", within.as_millis());
    Problem::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", "Request body too slow", detail)
}

fn unread(error: BodyError) -> Problem {
    let detail = error.to_string();
    match error {
        BodyError::TooLarge { .. } => Problem::new(error.status(), "too-large", "Request too large", detail),
        BodyError::Broken => Problem::malformed(detail),
    }
}
