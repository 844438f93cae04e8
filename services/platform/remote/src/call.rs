//! A call in flight, independent of the transport.

use std::fmt::Display;

use bytes::Bytes;
use contract::{Unavailable, Why};
use http::{Request, Response, StatusCode};
use http_body_util::{Collected, Full};
use resilience::{CallFacts, Judged, Priority};
use tokio::time::Instant;

use crate::Context;

/// One method of a contract, as the table of `remote!` lists it.
#[derive(Debug)]
pub struct Method {
    /// The component: `links`.
    pub service: &'static str,
    /// The method: `resolve`.
    pub name: &'static str,
    /// Its HTTP path: `/links/resolve`.
    pub http_path: &'static str,
    /// The full name of the gRPC service: `lab.shortener.v1.LinksService`.
    pub grpc_service: &'static str,
    /// Its gRPC path: `/lab.shortener.v1.LinksService/Resolve`.
    pub grpc_path: &'static str,
    /// Whether calling it twice has the effect of calling it once.
    pub idempotent: bool,
    /// Its class at a server that sheds load.
    pub priority: Priority,
}

/// The transport of a hop: the values of the axis `transport`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// JSON over HTTP/1.1.
    Http,
    /// protobuf over HTTP/2.
    Grpc,
}

/// One call with its encoded body; cheap to clone, so that it can be sent again.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The called method.
    pub(crate) method: &'static Method,
    /// Deadline and trace, which each attempt writes into the headers of its transport.
    pub(crate) context: Context,
    /// The request without the replica's address.
    pub(crate) request: Request<Full<Bytes>>,
    /// How many times it was sent before.
    pub(crate) earlier: u32,
}

impl Call {
    /// A call that was not sent yet.
    pub(crate) fn new(method: &'static Method, context: Context, request: Request<Full<Bytes>>) -> Self {
        Self { method, context, request, earlier: 0 }
    }
}

/// The complete reply to a call, trailers included.
pub(crate) type Reply = Response<Collected<Bytes>>;

/// The longest reason that is logged, in characters; a reason may quote the message.
const MAX_REASON: usize = 300;

impl Method {
    /// Logs and returns the error for a malformed message: one that a side refuses or cannot read. The reason goes to the
    /// log because the caller cannot act on it.
    pub(crate) fn misunderstood(&self, reason: &dyn Display) -> Unavailable {
        let reason: String = reason.to_string().chars().take(MAX_REASON).collect();
        tracing::error!(component = self.service, method = self.name, reason, "a message was not understood");
        Unavailable::new(self.service, Why::Misunderstood)
    }
}

impl CallFacts for Call {
    fn deadline(&self) -> Instant {
        self.context.deadline
    }

    fn idempotent(&self) -> bool {
        self.method.idempotent
    }

    fn service(&self) -> &'static str {
        self.method.service
    }

    fn sent_again(&mut self, earlier: u32) {
        self.earlier = earlier;
    }
}

impl Judged<Reply> for Call {
    /// An error of the contract of the kind `Unavailable`: 503, or gRPC's `UNAVAILABLE`.
    fn is_unavailable(&self, reply: &Reply) -> bool {
        let status = reply.headers().get(GRPC_STATUS);
        let status =
            status.or_else(|| reply.body().trailers().and_then(|trailers| trailers.get(GRPC_STATUS)));
        reply.status() == StatusCode::SERVICE_UNAVAILABLE
            || status.is_some_and(|status| status == UNAVAILABLE)
    }
}

/// The header, or trailer, of gRPC's status, and the code `UNAVAILABLE` in it.
const GRPC_STATUS: &str = "grpc-status";
const UNAVAILABLE: &str = "14";
