//! gRPC: real protobuf messages over HTTP/2, by tonic.
//!
//! The contract's error travels as a `google.rpc.ErrorInfo` in the status details ([`crate::error_info`]);
//! a status without one is the platform's.

use std::{
    convert::Infallible,
    fmt::Display,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context as Poller, Poll},
};

use bytes::{Buf, BufMut, Bytes};
use contract::{RemoteError, Unavailable, Why};
use http::{
    Request,
    uri::{Authority, PathAndQuery},
};
use http_body_util::BodyExt as _;
use prometheus_client::metrics::counter::Counter;
use tonic::{
    Code, Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};
use tower::Service;

use crate::{
    Call, MAX_MESSAGE_BYTES, Method, Reply,
    connections::{Lost, Received, SharedConnection},
    error_info,
    http::write_context,
};

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
pub fn answered<M, P, E>(method: &Method, answer: Result<P, E>) -> Result<tonic::Response<M>, Status>
where
    M: From<P>,
    E: RemoteError,
{
    answer
        .map(|reply| tonic::Response::new(reply.into()))
        .map_err(|error| error_info::status_of(method.grpc_service, &error))
}

/// How many connections a call may try whose peer ends them before it takes the call up.
const CONNECTIONS_TRIED: u32 = 3;

/// The wire, for gRPC: tonic's encoding on one shared connection.
///
/// Not tonic's own `Channel`: that puts a queue and a task between caller and connection.
#[derive(Clone)]
pub(crate) struct GrpcTransport {
    client: tonic::client::Grpc<Shared>,
    resent: Counter,
}

impl GrpcTransport {
    /// `resent` counts the calls that were sent once more.
    pub(crate) fn new(peer: Authority, resent: Counter) -> Self {
        let shared = Shared(Arc::new(SharedConnection::new(peer)));
        let origin = shared.0.peer().clone();
        let client =
            tonic::client::Grpc::with_origin(shared, origin).max_decoding_message_size(MAX_MESSAGE_BYTES);
        Self { client, resent }
    }

    /// Sends a call; once more if a connection that was there lost it, and sending it twice does no harm.
    async fn send(self, call: &Call) -> Result<Bytes, Status> {
        match self.send_once(call).await {
            Err(status) if call.method.repeatable && matches!(lost(&status), Some(Lost::OnReuse)) => {
                self.resent.inc();
                self.send_once(call).await
            }
            outcome => outcome,
        }
    }

    /// Sends a call by one connection, or the next ones while the peer ends them before it takes the call up.
    async fn send_once(&self, call: &Call) -> Result<Bytes, Status> {
        for _ in 1..CONNECTIONS_TRIED {
            match self.send_by_one(call).await {
                Err(status) if matches!(lost(&status), Some(Lost::NotTakenUp)) => {}
                outcome => return outcome,
            }
        }
        self.send_by_one(call).await
    }

    async fn send_by_one(&self, call: &Call) -> Result<Bytes, Status> {
        let mut request = tonic::Request::new(call.body.clone());
        let mut carried = http::HeaderMap::with_capacity(2);
        write_context(&call.context, &mut carried);
        *request.metadata_mut() = tonic::metadata::MetadataMap::from_headers(carried);
        request.set_timeout(call.context.remaining());
        let path = PathAndQuery::from_static(call.method.grpc_path);
        self.client.clone().unary(request, path, Encoded).await.map(tonic::Response::into_inner)
    }
}

/// Why a call has no reply, if that is why.
fn lost(status: &Status) -> Option<&Lost> {
    std::error::Error::source(status).and_then(|source| source.downcast_ref())
}

/// The connection as tonic's client calls it.
#[derive(Clone)]
struct Shared(Arc<SharedConnection>);

impl Service<Request<tonic::body::Body>> for Shared {
    type Response = http::Response<Received>;
    type Error = Lost;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Lost>> + Send>>;

    fn poll_ready(&mut self, _: &mut Poller<'_>) -> Poll<Result<(), Lost>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        let connection = Arc::clone(&self.0);
        Box::pin(async move {
            let (head, body) = request.into_parts();
            // One message, encoded already: nothing is waited for.
            let body = body.collect().await.map_err(|_| Lost::Away)?.to_bytes();
            connection.send(Request::from_parts(head, ()), body).await
        })
    }
}

impl Service<Call> for GrpcTransport {
    type Response = Reply;
    type Error = Unavailable;
    type Future = Pin<Box<dyn Future<Output = Result<Reply, Unavailable>> + Send>>;

    fn poll_ready(&mut self, _: &mut Poller<'_>) -> Poll<Result<(), Unavailable>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let transport = self.clone();
        Box::pin(async move {
            match transport.send(&call).await {
                Ok(reply) => Ok(Reply::Done(reply)),
                Err(status) if error_info::is_of(call.method.grpc_service, &status) => {
                    Ok(Reply::Refused(status))
                }
                Err(status) => Err(match why_of(status.code()) {
                    Why::Misunderstood => call.method.misunderstood(&status.message()),
                    why => Unavailable::new(call.method.service, why),
                }),
            }
        })
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

/// The codec of the client: the message is encoded before the resilience stack, so that it can be sent again.
#[derive(Clone, Copy, Debug, Default)]
struct Encoded;

impl Codec for Encoded {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
