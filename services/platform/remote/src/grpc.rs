//! gRPC: real protobuf messages over HTTP/2, by tonic.
//!
//! The contract's error travels as its own protobuf message in the status details;
//! a status without details is the platform's.

use std::{
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context as Poller, Poll},
};

use axum::{body::Body, response::Response};
use bytes::{Buf, BufMut, Bytes};
use contract::{Kind, RemoteError, Unavailable, Why};
use http::{
    Request,
    uri::{Authority, PathAndQuery},
};
use http_body_util::BodyExt as _;
use prometheus_client::metrics::counter::Counter;
use prost::Message;
use tonic::{
    Code, Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};
use tonic_prost::ProstCodec;
use tower::Service;

use crate::{
    Call, MAX_MESSAGE_BYTES, Reply,
    connections::{Lost, Received, SharedConnection},
    http::write_context,
};

/// A message does not hold what the contract's type asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message does not hold what the contract asks for")]
pub struct Malformed;

/// A protobuf message that stands for a contract's type `T`.
pub trait Encodes<T>: Message + Default + Send + 'static {
    /// The message for a value.
    fn of(value: T) -> Self;
    /// The value, if the message holds one.
    fn parse(self) -> Result<T, Malformed>;
}

fn code_of(kind: Kind) -> Code {
    match kind {
        Kind::Invalid => Code::InvalidArgument,
        Kind::NotFound => Code::NotFound,
        Kind::Gone => Code::FailedPrecondition,
        Kind::Conflict => Code::AlreadyExists,
        Kind::Unavailable => Code::Unavailable,
    }
}

/// Serves one call; `MQ`, `MP` and `ME` are the messages of request, reply and error.
pub async fn answer<MQ, MP, ME, Q, P, E, F, A>(request: Request<Body>, ask: F) -> Response
where
    MQ: Encodes<Q>,
    MP: Encodes<P>,
    ME: Encodes<E>,
    E: RemoteError,
    F: Fn(Q) -> A + Clone + Send + 'static,
    A: Future<Output = Result<P, E>> + Send + 'static,
    Q: Send + 'static,
    P: Send + 'static,
{
    let unary = Unary(ask, PhantomData::<fn() -> (MP, ME, Q, P, E)>);
    tonic::server::Grpc::new(ProstCodec::<MP, MQ>::default())
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .unary(unary, request)
        .await
        .map(Body::new)
}

struct Unary<F, T>(F, PhantomData<T>);

impl<F, A, MQ, MP, ME, Q, P, E> tonic::server::UnaryService<MQ> for Unary<F, fn() -> (MP, ME, Q, P, E)>
where
    MQ: Encodes<Q>,
    MP: Encodes<P>,
    ME: Encodes<E>,
    E: RemoteError,
    F: Fn(Q) -> A + Clone + Send + 'static,
    A: Future<Output = Result<P, E>> + Send + 'static,
    Q: Send + 'static,
    P: Send + 'static,
{
    type Response = MP;
    type Future = Pin<Box<dyn Future<Output = Result<tonic::Response<MP>, Status>> + Send>>;

    fn call(&mut self, request: tonic::Request<MQ>) -> Self::Future {
        let answer = request.into_inner().parse().map(&self.0);
        Box::pin(async move {
            let malformed = |error: Malformed| Status::invalid_argument(error.to_string());
            match answer.map_err(malformed)?.await {
                Ok(reply) => Ok(tonic::Response::new(MP::of(reply))),
                Err(error) => {
                    let (code, text) = (code_of(error.kind()), error.to_string());
                    let details = ME::of(error).encode_to_vec();
                    Err(Status::with_details(code, text, details.into()))
                }
            }
        })
    }
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
                Err(status) if !status.details().is_empty() => {
                    Ok(Reply::Failed(Bytes::copy_from_slice(status.details())))
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
