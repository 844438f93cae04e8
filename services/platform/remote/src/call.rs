//! A call on its way: what every transport carries, and what a resilience layer may know of it.

use std::fmt::Display;

use bytes::Bytes;
use contract::{Unavailable, Why};
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
    pub repeatable: bool,
}

/// One call, encoded; cheap to clone, so that it can be sent again.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which method.
    pub method: &'static Method,
    /// The request, as the transport writes it.
    pub body: Bytes,
    /// Deadline and trace.
    pub context: Context,
}

/// An answer, still encoded.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The method's reply.
    Done(Bytes),
    /// The contract's own error, as JSON.
    Failed(Bytes),
    /// The contract's own error, in the details of a status.
    Refused(tonic::Status),
}

/// The longest reason that is logged, in characters: it may quote the message.
const MAX_REASON: usize = 300;

impl Method {
    /// A message of this method that one side refuses, or cannot read: the log says why, for whoever asked cannot help it.
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

    fn repeatable(&self) -> bool {
        self.method.repeatable
    }

    fn service(&self) -> &'static str {
        self.method.service
    }
}
