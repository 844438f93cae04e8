//! Connections to a peer: the same socket options whatever runs on top.

mod http1;
mod http2;

use std::time::Duration;

use bytes::Bytes;
use http::{Uri, uri::Authority};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body;
use hyper_util::client::legacy::connect::HttpConnector;

pub(crate) use http1::Connections;
pub(crate) use http2::{Received, SharedConnection};

/// How long a connection may take to be made.
const CONNECT_WITHIN: Duration = Duration::from_millis(500);

/// There is no whole reply.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lost {
    /// The peer cannot be reached, or broke off.
    #[error("the peer cannot be reached, or broke off")]
    Away,
    /// It has more bytes than a message may have.
    #[error("the reply has more than {} bytes", crate::MAX_MESSAGE_BYTES)]
    TooLarge,
}

/// Why a body is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It has more bytes than it may have.
    TooLarge,
    /// It breaks off.
    BrokenOff,
}

/// The connector of every client.
pub fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_WITHIN));
    connector
}

fn root_of(peer: Authority) -> Uri {
    let root = Uri::builder().scheme("http").authority(peer).path_and_query("/").build();
    root.expect("an authority and a root path are a URI")
}

/// The whole of a body of at most so many bytes.
///
/// Most often it is one frame, and then it is passed on as it came.
pub(crate) async fn whole<B>(body: B, at_most: usize) -> Result<Bytes, Cut>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let cut = |error: Box<dyn std::error::Error + Send + Sync>| {
        if error.is::<LengthLimitError>() { Cut::TooLarge } else { Cut::BrokenOff }
    };
    let mut body = Limited::new(body, at_most);
    let Some(first) = body.frame().await else { return Ok(Bytes::new()) };
    let first = first.map_err(cut)?.into_data().unwrap_or_default();
    if body.is_end_stream() {
        return Ok(first);
    }
    let rest = body.collect().await.map_err(cut)?.to_bytes();
    Ok(if rest.is_empty() { first } else { [first, rest].concat().into() })
}
