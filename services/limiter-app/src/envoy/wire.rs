//! gRPC's framing of one message each way, by hand: an unreadable request has to become a decision, whereas a
//! gRPC library replies with an error of its own.
//!
//! <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::Response,
};
use bytes::{BufMut as _, BytesMut};
use http_body_util::{BodyExt as _, Full};
use prost::Message;
use remote::{BodyError, read_body};

/// The largest message, in bytes; its content also has to fit into one message between processes.
pub const MAX_REQUEST_BYTES: usize = 128 * 1_024;
/// The prefix of a message: a compression flag and the length.
const PREFIX_BYTES: usize = 5;
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const OK: HeaderValue = HeaderValue::from_static("0");
const UNAVAILABLE: HeaderValue = HeaderValue::from_static("14");

/// The reasons why a message cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// More than [`MAX_REQUEST_BYTES`].
    TooLarge,
    /// Truncated, compressed, wrongly framed, or not a message of this type.
    Broken,
}

/// Reads the single message of a call.
pub(super) async fn read<M: Message + Default>(body: Body) -> Result<M, Unread> {
    let bytes = read_body(body, PREFIX_BYTES + MAX_REQUEST_BYTES).await.map_err(|error| match error {
        BodyError::TooLarge { .. } => Unread::TooLarge,
        BodyError::Broken => Unread::Broken,
    })?;
    let ([packed, length @ ..], message) = bytes.split_first_chunk::<PREFIX_BYTES>().ok_or(Unread::Broken)?;
    if *packed != 0 || u32::from_be_bytes(*length) as usize != message.len() {
        return Err(Unread::Broken);
    }
    M::decode(message).map_err(|_| Unread::Broken)
}

/// The reply with one message.
pub(super) fn reply(message: &impl Message) -> Response {
    let length = message.encoded_len();
    let mut bytes = BytesMut::with_capacity(PREFIX_BYTES + length);
    bytes.put_u8(0);
    bytes.put_u32(length as u32);
    bytes.extend_from_slice(&message.encode_to_vec());
    let trailers = std::future::ready(Some(Ok(HeaderMap::from_iter([(STATUS, OK)]))));
    called(Body::new(Full::new(bytes.freeze()).with_trailers(trailers)))
}

/// The reply to a call that could not be decided: the proxy applies its own failure mode.
pub(super) fn unavailable() -> Response {
    let mut response = called(Body::from(Bytes::new()));
    response.headers_mut().insert(STATUS, UNAVAILABLE);
    response
}

fn called(body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, GRPC);
    response
}
