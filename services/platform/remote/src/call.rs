//! A call on its way: what every transport carries, and what a resilience layer may know of it.

use std::fmt::Display;

use bytes::Bytes;
use contract::{Unavailable, Why};
use http::{Request, Response};
use http_body_util::{Collected, Full};
use resilience::Budgeted;
use tokio::time::Instant;

use crate::Context;

/// One method of a contract, as `remote!` tables it.
#[derive(Debug)]
pub struct Method {
    /// The component: `links`.
    pub service: &'static str,
    /// The method: `resolve`.
    pub name: &'static str,
    /// Its HTTP path: `/links/resolve`.
    pub http_path: &'static str,
    /// The gRPC service: `lab.shortener.v1.LinksService`.
    pub grpc_service: &'static str,
    /// Its gRPC path: `/lab.shortener.v1.LinksService/Resolve`.
    pub grpc_path: &'static str,
    /// Whether calling it twice has the effect of calling it once.
    pub idempotent: bool,
}

/// One call, encoded whole; cheap to clone, so that it can be sent again.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Which method.
    pub(crate) method: &'static Method,
    /// Deadline and trace, which each attempt writes as its transport does.
    pub(crate) context: Context,
    /// The request, but for what names the replica.
    pub(crate) request: Request<Full<Bytes>>,
}

/// The whole reply to a call, trailers included.
pub(crate) type Reply = Response<Collected<Bytes>>;

/// The longest reason that is logged, in characters: it may quote the message.
const MAX_REASON: usize = 300;

impl Method {
    /// A message of this method that one side refuses, or cannot read: the log says why, because the caller cannot mend it.
    pub(crate) fn misunderstood(&self, reason: &dyn Display) -> Unavailable {
        let reason: String = reason.to_string().chars().take(MAX_REASON).collect();
        tracing::error!(component = self.service, method = self.name, reason, "a message was not understood");
        Unavailable::new(self.service, Why::Misunderstood)
    }
}

impl Budgeted for Call {
    fn deadline(&self) -> Instant {
        self.context.deadline
    }

    fn idempotent(&self) -> bool {
        self.method.idempotent
    }

    fn service(&self) -> &'static str {
        self.method.service
    }
}
