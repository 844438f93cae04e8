//! A client: encodes a request, sends it through the resilience stack, decodes what comes back.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use contract::{RemoteError, Unavailable};
use http::uri::Authority;
use opentelemetry::{KeyValue, trace::SpanKind};
use prost::Message;
use resilience::{Policy, Worn, wear};
use serde::{Serialize, de::DeserializeOwned};
use tower::Service;

use crate::{
    Balancing, Call, Context, Method, Reply,
    balance::Balanced,
    current, error_info,
    grpc::{GrpcTransport, Malformed},
    http::HttpTransport,
    in_span,
    observe::HopMetrics,
};

/// How calls travel: the values of the axis `transport`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// JSON over HTTP/1.1.
    Http,
    /// protobuf over HTTP/2.
    Grpc,
}

/// How often a repeatable call is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// Once.
    Once,
    /// Twice, and the second answer counts: for the equivalence suites, which show by it that
    /// what calls itself repeatable is.
    Twice,
}

/// A component in another process, or in several copies of it.
pub struct Client {
    transport: Transport,
    stack: Worn<Call, Reply>,
    metrics: HopMetrics,
    repeats: Repeats,
}

/// Why there can be no client.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The component has no copy.
    #[error("no address is given")]
    None,
    /// An address is none.
    #[error("`{0}` is not an address: expected `HOST:PORT`")]
    NoAddress(String),
}

impl Client {
    /// A client of the servers at `peers` (`host:port`), all copies of one; connects when first used.
    pub fn new(
        transport: Transport,
        peers: &[String],
        balancing: Balancing,
        policy: Policy,
        attempt: Duration,
        metrics: HopMetrics,
    ) -> Result<Self, PeerError> {
        let parse = |peer: &String| peer.parse().map_err(|_| PeerError::NoAddress(peer.clone()));
        let peers: Vec<Authority> = peers.iter().map(parse).collect::<Result<_, _>>()?;
        let stack = match transport {
            Transport::Http => {
                let transport = |peer| HttpTransport::new(peer, metrics.resent());
                let copies = peers.into_iter().map(transport).collect();
                over(copies, balancing, policy, attempt, &metrics)
            }
            Transport::Grpc => {
                let transport = |peer| GrpcTransport::new(peer, metrics.resent());
                let copies = peers.into_iter().map(transport).collect();
                over(copies, balancing, policy, attempt, &metrics)
            }
        };
        let stack = stack.ok_or(PeerError::None)?;
        Ok(Self { transport, stack, metrics, repeats: Repeats::Once })
    }

    /// Sends repeatable calls that often.
    #[must_use]
    pub fn sending(mut self, repeats: Repeats) -> Self {
        self.repeats = repeats;
        self
    }

    /// Calls a method by HTTP/JSON.
    pub async fn call_json<Q, P, E>(&self, method: &'static Method, request: Q) -> Result<P, E>
    where
        Q: Serialize,
        P: DeserializeOwned,
        E: RemoteError,
    {
        let misunderstood = |error| method.misunderstood(&error);
        let body = serde_json::to_vec(&request).map_err(misunderstood)?;
        match self.send(method, body.into()).await? {
            Reply::Done(body) => Ok(serde_json::from_slice(&body).map_err(misunderstood)?),
            Reply::Failed(body) => Err(serde_json::from_slice(&body).map_err(misunderstood)?),
            Reply::Refused(status) => Err(refused(method, &status)),
        }
    }

    /// Calls a method by gRPC; `MQ` and `MP` are the messages of request and reply.
    pub async fn call_protobuf<MQ, MP, Q, P, E>(&self, method: &'static Method, request: Q) -> Result<P, E>
    where
        MQ: Message + From<Q>,
        MP: Message + Default,
        P: TryFrom<MP>,
        Malformed: From<P::Error>,
        E: RemoteError,
    {
        let body = MQ::from(request).encode_to_vec();
        match self.send(method, body.into()).await? {
            Reply::Done(body) => {
                let message = MP::decode(body).map_err(|error| method.misunderstood(&error))?;
                let malformed = |error| method.misunderstood(&Malformed::from(error));
                Ok(message.try_into().map_err(malformed)?)
            }
            Reply::Refused(status) => Err(refused(method, &status)),
            Reply::Failed(_) => Err(method.misunderstood(&"an error as JSON").into()),
        }
    }

    async fn send(&self, method: &'static Method, body: bytes::Bytes) -> Result<Reply, Unavailable> {
        let describe = || {
            let hop = match self.transport {
                Transport::Http => "http",
                Transport::Grpc => "grpc",
            };
            let name = format!("{}.{}", method.service, method.name);
            (name, SpanKind::Client, vec![KeyValue::new("lab.hop", hop)])
        };
        let twice = self.repeats == Repeats::Twice && method.repeatable;
        // Pinned here, because a future that is passed on by value takes its room twice.
        let sent = pin!(async {
            let call = Call { method, body, context: current().unwrap_or_else(Context::unattended) };
            if twice {
                let _ = self.send_once(call.clone()).await;
            }
            self.send_once(call).await
        });
        in_span(describe, sent).await
    }

    async fn send_once(&self, call: Call) -> Result<Reply, Unavailable> {
        let (method, began) = (call.method, Instant::now());
        let answer = self.stack.call(call).await;
        self.metrics.observe(self.transport, method, began.elapsed(), &answer);
        answer
    }
}

/// The layers over these copies; one copy alone needs no balancing and pays for none. `None` without any.
fn over<T>(
    mut copies: Vec<T>,
    balancing: Balancing,
    policy: Policy,
    attempt: Duration,
    metrics: &HopMetrics,
) -> Option<Worn<Call, Reply>>
where
    T: Service<Call, Response = Reply, Error = Unavailable> + Clone + Send + Sync + 'static,
    T::Future: Send + 'static,
{
    if copies.len() > 1 {
        return Some(wear(policy, attempt, Balanced::new(copies, balancing, metrics.failovers())));
    }
    copies.pop().map(|only| wear(policy, attempt, only))
}

/// The contract's error that a status carries.
fn refused<E: RemoteError>(method: &Method, status: &tonic::Status) -> E {
    match error_info::error_in(method.grpc_service, status) {
        Some(Ok(error)) => error,
        Some(Err(error)) => method.misunderstood(&error).into(),
        None => method.misunderstood(&status).into(),
    }
}
