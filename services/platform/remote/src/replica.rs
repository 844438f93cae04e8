//! One replica of a callee, reached over either transport.

mod grpc;
mod http;

use std::{error::Error, time::Duration};

use ::http::{Uri, uri::Authority};
use bytes::Bytes;
use contract::{Unavailable, Why};
pub(crate) use grpc::GrpcReplica;
use h2::Reason;
pub(crate) use http::HttpReplica;
use http_body_util::{BodyExt as _, Collected, LengthLimitError, Limited};
use hyper::body::Body;
use resilience::Failure;

use crate::{MAX_MESSAGE_BYTES, Method};

/// The time limit for making a connection.
const CONNECT_WITHIN: Duration = Duration::from_millis(500);
/// The prefix that gRPC puts before a message: a flag and a length of four bytes.
const FRAME_BYTES: usize = 5;

fn root_of(peer: Authority) -> Uri {
    let root = Uri::builder().scheme("http").authority(peer).path_and_query("/").build();
    root.expect("an authority and a root path are a URI")
}

/// Reads a reply's body to its end, trailers included.
async fn collect<B>(method: &Method, body: B) -> Result<Collected<Bytes>, Failure>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    Limited::new(body, MAX_MESSAGE_BYTES + FRAME_BYTES).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            let reason = format!("the reply has more than {MAX_MESSAGE_BYTES} bytes");
            return method.misunderstood(&reason).into();
        }
        Failure::from(Unavailable::new(method.service, Why::Unreachable))
    })
}

/// The failure of an attempt that ended without a reply.
fn broken(method: &Method, error: &(dyn Error + 'static)) -> Failure {
    let mut causes = std::iter::successors(Some(error), |error| (*error).source());
    // tonic's channel reads `grpc-timeout` as well, and may be a moment ahead of the deadline layer.
    if causes.clone().any(<dyn Error>::is::<tonic::TimeoutExpired>) {
        return Unavailable::new(method.service, Why::TimedOut).into();
    }
    let unavailable = Unavailable::new(method.service, Why::Unreachable);
    if causes.any(says_not_processed) {
        return Failure::not_processed(unavailable);
    }
    unavailable.into()
}

/// Whether this error proves that the callee did not process the request.
fn says_not_processed(error: &(dyn Error + 'static)) -> bool {
    // Nothing was sent: hyper-util could not connect, or hyper closed the connection before it wrote the
    // request (`is_canceled`).
    let not_connected = error
        .downcast_ref::<hyper_util::client::legacy::Error>()
        .is_some_and(hyper_util::client::legacy::Error::is_connect);
    let not_written = error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled);
    // The peer named an earlier stream as the last that it processed when it ended the connection (GOAWAY,
    // RFC 9113, 6.8), or it refused the stream (8.7). On GOAWAY h2 fails only the open streams above the
    // named one; the others go on.
    let not_taken = error.downcast_ref::<h2::Error>().is_some_and(|error| {
        let reason = error.reason();
        let is_beyond = error.is_go_away() && reason == Some(Reason::NO_ERROR);
        error.is_remote() && (is_beyond || reason == Some(Reason::REFUSED_STREAM))
    });
    error.is::<tonic::ConnectError>() || not_connected || not_written || not_taken
}
