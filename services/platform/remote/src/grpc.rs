//! gRPC: protobuf messages by tonic's generated clients and servers.
//!
//! The contract's error travels as a `google.rpc.ErrorInfo` in the status details ([`crate::error_info`]);
//! a status without one is the platform's.

use std::{convert::Infallible, error::Error as _, fmt::Display};

use contract::{RemoteError, Unavailable, Why};
use resilience::Failure;
use tonic::{Code, Response, Status};

use crate::{Method, error_info};

/// A message does not hold what the contract's type asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`: {reason}")]
pub struct Malformed {
    field: &'static str,
    reason: String,
}

impl Malformed {
    /// For this reason, in this field of a message.
    pub fn new(field: &'static str, reason: impl Display) -> Self {
        Self { field, reason: reason.to_string() }
    }

    /// Puts a field's own error in words: `field("code", Code::parse(text))?`.
    pub fn field<T, E: Display>(field: &'static str, parsed: Result<T, E>) -> Result<T, Self> {
        parsed.map_err(|reason| Self::new(field, reason))
    }

    /// Unwraps a message that has to be there.
    pub fn required<M>(field: &'static str, message: Option<M>) -> Result<M, Self> {
        message.ok_or_else(|| Self::new(field, "it is required"))
    }
}

/// Of a message that can hold nothing else than a value of the contract.
impl From<Infallible> for Malformed {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// The value that a request holds; `INVALID_ARGUMENT` if it holds none.
pub fn asked<M, Q>(request: tonic::Request<M>) -> Result<Q, Status>
where
    Q: TryFrom<M>,
    Malformed: From<Q::Error>,
{
    let malformed = |error| Status::invalid_argument(Malformed::from(error).to_string());
    request.into_inner().try_into().map_err(malformed)
}

/// The reply of a method, or its error in the details of a status.
pub fn answered<M, P, E>(method: &Method, answer: Result<P, E>) -> Result<Response<M>, Status>
where
    M: From<P>,
    E: RemoteError,
{
    answer
        .map(|reply| Response::new(reply.into()))
        .map_err(|error| error_info::status_of(method.grpc_service, &error))
}

/// What a generated client's answer means: the reply, the contract's own error, or that there is neither.
pub(crate) fn outcome<M, E: RemoteError>(
    method: &Method,
    answer: Result<Response<M>, Status>,
) -> Result<Result<M, E>, Unavailable> {
    let status = match answer {
        Ok(reply) => return Ok(Ok(reply.into_inner())),
        Err(status) => status,
    };
    match error_info::error_in(method.grpc_service, &status) {
        Some(Ok(error)) => Ok(Err(error)),
        Some(Err(error)) => Err(method.misunderstood(&error)),
        None => Err(unavailable(method, &status)),
    }
}

/// What a status without an error of the contract says: the hop's own failure, or the platform's on the other side.
fn unavailable(method: &Method, status: &Status) -> Unavailable {
    if let Some(failure) = status.source().and_then(|source| source.downcast_ref::<Failure>()) {
        return failure.unavailable.clone();
    }
    match why_of(status.code()) {
        Why::Misunderstood => method.misunderstood(&status.message()),
        why => Unavailable::new(method.service, why),
    }
}

fn why_of(code: Code) -> Why {
    match code {
        Code::DeadlineExceeded | Code::Cancelled => Why::TimedOut,
        Code::ResourceExhausted => Why::Overloaded,
        Code::Unimplemented | Code::InvalidArgument | Code::OutOfRange => Why::Misunderstood,
        Code::Unavailable | Code::Unknown => Why::Unreachable,
        _ => Why::Broken,
    }
}
