//! gRPC: protobuf messages over tonic's generated clients and servers.
//!
//! An error of the contract travels as a `google.rpc.ErrorInfo` in the status details
//! ([`crate::error_info`]).
//! A status without one comes from the platform: from tonic, the ingress, or a proxy.

use std::{convert::Infallible, error::Error as _, fmt::Display};

use contract::{RemoteError, Unavailable, Why};
use resilience::Failure;
use tonic::{Code, Response, Status};

use crate::{Method, error_info};

/// A message that violates the contract: a field is missing or out of range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`: {reason}")]
pub struct Malformed {
    field: &'static str,
    reason: String,
}

impl Malformed {
    /// Names the field and the reason.
    pub fn new(field: &'static str, reason: impl Display) -> Self {
        Self { field, reason: reason.to_string() }
    }

    /// The field that violates it, the outermost of those that hold one another.
    pub fn in_field(&self) -> &'static str {
        self.field
    }

    /// Adds the field's name to a parse error: `field("code", Code::parse(text))?`.
    pub fn field<T, E: Display>(field: &'static str, parsed: Result<T, E>) -> Result<T, Self> {
        parsed.map_err(|reason| Self::new(field, reason))
    }

    /// Unwraps a required field.
    pub fn required<M>(field: &'static str, message: Option<M>) -> Result<M, Self> {
        message.ok_or_else(|| Self::new(field, "it is required"))
    }
}

/// For a message whose every value is valid.
impl From<Infallible> for Malformed {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Parses a request message; `INVALID_ARGUMENT` if it violates the contract.
pub fn decode_request<M, Q>(request: tonic::Request<M>) -> Result<Q, Status>
where
    Q: TryFrom<M>,
    Malformed: From<Q::Error>,
{
    let malformed = |error| Status::invalid_argument(Malformed::from(error).to_string());
    request.into_inner().try_into().map_err(malformed)
}

/// Encodes a result: the reply, or the error as status details.
pub fn encode_reply<M, P, E>(method: &Method, result: Result<P, E>) -> Result<Response<M>, Status>
where
    M: From<P>,
    E: RemoteError,
{
    result
        .map(|reply| Response::new(reply.into()))
        .map_err(|error| error_info::status_of(method.grpc_service, &error))
}

/// Decodes a generated client's result: the reply, the contract's own error, or `Unavailable`.
pub(crate) fn outcome<M, E: RemoteError>(
    method: &Method,
    result: Result<Response<M>, Status>,
) -> Result<Result<M, E>, Unavailable> {
    let status = match result {
        Ok(reply) => return Ok(Ok(reply.into_inner())),
        Err(status) => status,
    };
    match error_info::error_in(method.grpc_service, &status) {
        Some(Ok(error)) => Ok(Err(error)),
        Some(Err(error)) => Err(method.misunderstood(&error)),
        None => Err(unavailable(method, &status)),
    }
}

/// The failure behind a status without an error of the contract: the hop's own, which tonic keeps as the
/// status's source, or the peer's platform by its code.
fn unavailable(method: &Method, status: &Status) -> Unavailable {
    if let Some(failure) = status.source().and_then(|source| source.downcast_ref::<Failure>()) {
        return failure.unavailable.clone();
    }
    match why_of(status.code()) {
        Why::Misunderstood => method.misunderstood(&status.message()),
        why => Unavailable::new(method.service, why),
    }
}

/// The reason behind a status without an error of the contract.
pub(crate) fn why_of(code: Code) -> Why {
    match code {
        Code::DeadlineExceeded | Code::Cancelled => Why::TimedOut,
        Code::ResourceExhausted => Why::Overloaded,
        Code::Unimplemented | Code::InvalidArgument | Code::OutOfRange => Why::Misunderstood,
        Code::Unavailable | Code::Unknown => Why::Unreachable,
        _ => Why::Broken,
    }
}
