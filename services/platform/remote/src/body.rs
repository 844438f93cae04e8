//! Reading a body to its end within a size limit: a client's, a caller's, or a replying peer's.

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Body;

/// The reasons why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It has, or announces, more bytes than the limit.
    #[error("the body has more than {at_most} bytes")]
    TooLarge {
        /// The limit, in bytes.
        at_most: usize,
    },
    /// It ends early, or its framing is malformed.
    #[error("the body breaks off, or a chunk of it is malformed")]
    Broken,
}

impl BodyError {
    /// The status to reply with: 413 or 400.
    pub fn status(self) -> StatusCode {
        match self {
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken => StatusCode::BAD_REQUEST,
        }
    }
}

/// Reads a body to its end, trailers included; fails above `at_most` bytes.
///
/// A body whose `Content-Length` exceeds the limit is refused before any of it is read. Most bodies are a
/// single frame, which is returned without copying.
pub async fn read_body<B>(body: B, at_most: usize) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let too_large = BodyError::TooLarge { at_most };
    if body.size_hint().lower() > at_most as u64 {
        return Err(too_large);
    }
    let why = |error: Box<dyn std::error::Error + Send + Sync>| {
        if error.is::<LengthLimitError>() { too_large } else { BodyError::Broken }
    };
    let mut body = Limited::new(body, at_most);
    let Some(first) = body.frame().await else { return Ok(Bytes::new()) };
    let first = first.map_err(why)?.into_data().unwrap_or_default();
    if body.is_end_stream() {
        return Ok(first);
    }
    let rest = body.collect().await.map_err(why)?.to_bytes();
    Ok(if rest.is_empty() { first } else { [first, rest].concat().into() })
}
