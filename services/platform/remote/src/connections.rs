//! Connections to a peer: the same socket options whatever runs on top.

mod http1;
mod http2;

use std::time::Duration;

use bytes::Bytes;
use http::{Uri, uri::Authority};
use http_body_util::{BodyExt, Limited};
use hyper::body::Body;
use hyper_util::client::legacy::connect::HttpConnector;

pub(crate) use http1::Connections;
pub(crate) use http2::{Received, SharedConnection};

/// How long a connection may take to be made.
const CONNECT_WITHIN: Duration = Duration::from_millis(500);

/// The peer cannot be reached, or broke off.
#[derive(Debug, thiserror::Error)]
#[error("the peer cannot be reached, or broke off")]
pub(crate) struct Lost;

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

/// The whole of a body; `None` if it has more bytes than that, or breaks off.
///
/// Most often it is one frame, and then it is passed on as it came.
pub(crate) async fn whole<B>(body: B, at_most: usize) -> Option<Bytes>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut body = Limited::new(body, at_most);
    let Some(first) = body.frame().await else { return Some(Bytes::new()) };
    let first = first.ok()?.into_data().unwrap_or_default();
    if body.is_end_stream() {
        return Some(first);
    }
    let rest = body.collect().await.ok()?.to_bytes();
    Some(if rest.is_empty() { first } else { [first, rest].concat().into() })
}
