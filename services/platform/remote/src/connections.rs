//! Connections to a peer: the same socket options whatever runs on top.

mod http1;
mod http2;

use std::time::Duration;

use http::{Uri, uri::Authority};
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
    /// A connection that had carried a call before broke off before the head of this one's reply was complete. (Neither
    /// hyper nor h2 tells whether a part of it had come.) A peer may close an idle connection while a request is on its way (RFC 9112, 9.5): that says nothing of whether it is there.
    #[error("the peer closed a connection that was idle")]
    OnReuse,
    /// The peer ends the connection, and says that it did not take up this request: to send it again is safe whatever it
    /// asks for (RFC 9113, 6.8).
    #[error("the peer ended the connection before it took up the request")]
    NotTakenUp,
    /// It has more bytes than a message may have.
    #[error("the reply has more than {} bytes", crate::MAX_MESSAGE_BYTES)]
    TooLarge,
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
