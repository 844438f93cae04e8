//! A client: encodes a request, sends it through the resilience stack, decodes the reply.

use std::{
    task::{Context as Poller, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use contract::{RemoteError, Unavailable, Why};
use futures::future::BoxFuture;
use http::{Request, header::CONTENT_TYPE, uri::Authority};
use http_body_util::{BodyExt as _, Collected, Full};
use opentelemetry::{KeyValue, trace::SpanKind};
use resilience::{Failure, Preset, Settings, Stack, settings::AttemptSettings, stack};
use serde::{Serialize, de::DeserializeOwned};
use tonic::Status;
use tower::{Service, ServiceExt as _};

use crate::{
    Balancing, Context, Method, Transport,
    balance::balanced,
    call::{Call, Reply},
    current, grpc,
    grpc::Malformed,
    http::JSON,
    in_span,
    observe::HopMetrics,
    replica::{GrpcReplica, HttpReplica},
};

/// How many times an idempotent call is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// Once.
    Once,
    /// Twice, and the second reply counts: for the equivalence suites, which prove by it that methods marked
    /// as idempotent are.
    Twice,
}

/// A component in another process, or in several replicas of it.
pub struct Client {
    transport: Transport,
    hop: Hop,
    metrics: HopMetrics,
    repeats: Repeats,
}

/// The reasons why a client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The component has no replica.
    #[error("no address is given")]
    None,
    /// An address is malformed.
    #[error("`{0}` is not an address: expected `HOST:PORT`")]
    NoAddress(String),
}

impl Client {
    /// A client of the replicas at `peers` (`host:port`); it connects on the first call.
    ///
    /// Must be called within a tokio runtime, which drives the connections. Fails if `peers` is empty or an
    /// address is malformed.
    pub fn new(
        transport: Transport,
        peers: &[String],
        balancing: Balancing,
        preset: Preset,
        attempt: Duration,
        metrics: HopMetrics,
    ) -> Result<Self, PeerError> {
        // The callers of one callee must not draw the same jitter.
        let attempt = AttemptSettings::Fixed(attempt);
        let settings = Settings { attempt, seed: rand::random(), ..Settings::default() };
        Self::with(transport, peers, balancing, preset, &settings, metrics)
    }

    /// The same with other settings of the preset's layers.
    pub fn with(
        transport: Transport,
        peers: &[String],
        balancing: Balancing,
        preset: Preset,
        settings: &Settings,
        metrics: HopMetrics,
    ) -> Result<Self, PeerError> {
        let parse = |peer: &String| peer.parse().map_err(|_| PeerError::NoAddress(peer.clone()));
        let peers: Vec<Authority> = peers.iter().map(parse).collect::<Result<_, _>>()?;
        let callee = metrics.callee(preset, settings);
        let ejection = preset.has_ejection().then_some(settings.ejection);
        // A single replica is called without a balancer, at no cost for one.
        let stack = match (transport, peers.as_slice()) {
            (_, []) => return Err(PeerError::None),
            (Transport::Http, [only]) => stack(&callee, HttpReplica::new(only.clone())),
            (Transport::Grpc, [only]) => stack(&callee, GrpcReplica::new(only.clone())),
            (Transport::Http, _) => {
                let replicas = peers.into_iter().map(HttpReplica::new).collect();
                stack(&callee, balanced(replicas, balancing, ejection))
            }
            (Transport::Grpc, _) => {
                let replicas = peers.into_iter().map(GrpcReplica::new).collect();
                stack(&callee, balanced(replicas, balancing, ejection))
            }
        };
        Ok(Self { transport, hop: Hop(stack), metrics, repeats: Repeats::Once })
    }

    /// Sets how many times idempotent calls are sent.
    #[must_use]
    pub fn sending(mut self, repeats: Repeats) -> Self {
        self.repeats = repeats;
        self
    }

    /// The service below tonic's generated clients.
    pub fn hop(&self) -> Hop {
        self.hop.clone()
    }

    /// Calls a method over HTTP/JSON.
    pub async fn call_json<Q, P, E>(&self, method: &'static Method, request: Q) -> Result<P, E>
    where
        Q: Serialize,
        P: DeserializeOwned,
        E: RemoteError,
    {
        let misunderstood = |error| method.misunderstood(&error);
        let body = Bytes::from(serde_json::to_vec(&request).map_err(misunderstood)?);
        let request = Request::post(method.http_path).header(CONTENT_TYPE, JSON).body(Full::new(body));
        let request = request.map_err(|error| method.misunderstood(&error))?;
        let send = |request| {
            let call = async move { Call::new(method, attended(), request) };
            self.observed(method, async {
                let reply = self.hop.0.clone().oneshot(call.await).await;
                reply.map_err(|failure| failure.unavailable)
            })
        };
        if self.sends_twice(method) {
            let _ = send(request.clone()).await;
        }
        let (head, body) = send(request).await?.into_parts();
        let body = body.to_bytes();
        if head.status.is_success() {
            Ok(serde_json::from_slice(&body).map_err(misunderstood)?)
        } else {
            Err(serde_json::from_slice(&body).map_err(misunderstood)?)
        }
    }

    /// Calls a method over gRPC; `send` calls the method of a generated client that uses [`Client::hop`].
    pub async fn call_grpc<M, N, Q, P, E, F>(
        &self,
        method: &'static Method,
        request: Q,
        send: impl Fn(tonic::Request<M>) -> F,
    ) -> Result<P, E>
    where
        M: From<Q> + Clone,
        F: Future<Output = Result<tonic::Response<N>, Status>>,
        P: TryFrom<N>,
        Malformed: From<P::Error>,
        E: RemoteError,
    {
        let send = |message: M| {
            self.observed(method, async {
                let mut request = tonic::Request::new(message);
                request.extensions_mut().insert(Outgoing { method, context: attended() });
                grpc::outcome::<N, E>(method, send(request).await)
            })
        };
        let message = M::from(request);
        if self.sends_twice(method) {
            let _ = send(message.clone()).await;
        }
        let reply = send(message).await??;
        let malformed = |error| method.misunderstood(&Malformed::from(error));
        Ok(reply.try_into().map_err(malformed)?)
    }

    fn sends_twice(&self, method: &Method) -> bool {
        self.repeats == Repeats::Twice && method.idempotent
    }

    /// Counts and times a call, and records a span if the operation is sampled.
    async fn observed<R>(
        &self,
        method: &'static Method,
        call: impl Future<Output = Result<R, Unavailable>>,
    ) -> Result<R, Unavailable> {
        let describe = || {
            let hop = match self.transport {
                Transport::Http => "http",
                Transport::Grpc => "grpc",
            };
            let name = format!("{}.{}", method.service, method.name);
            (name, SpanKind::Client, vec![KeyValue::new("lab.hop", hop)])
        };
        self.metrics.begun();
        let began = Instant::now();
        let outcome = in_span(describe, call).await;
        self.metrics.observe(self.transport, method, began.elapsed(), outcome.as_ref().err());
        outcome
    }
}

/// The context of the running operation, or a fresh one for background work.
fn attended() -> Context {
    current().unwrap_or_else(Context::unattended)
}

/// The method and context of a generated client's request, carried in its extensions.
#[derive(Clone, Copy)]
struct Outgoing {
    method: &'static Method,
    context: Context,
}

/// The layers between a generated client and the replicas: maps a request to its complete reply.
#[derive(Clone)]
pub struct Hop(Stack<Call, Reply>);

impl Service<Request<tonic::body::Body>> for Hop {
    type Response = http::Response<Collected<Bytes>>;
    type Error = Failure;
    type Future = BoxFuture<'static, Result<Self::Response, Failure>>;

    /// Always ready: `call` waits for the layers.
    fn poll_ready(&mut self, _: &mut Poller<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        let stack = self.0.clone();
        Box::pin(async move {
            let (mut head, body) = request.into_parts();
            let Some(Outgoing { method, context }) = head.extensions.remove() else {
                return Err(Unavailable::new("a request of no client", Why::Misunderstood).into());
            };
            // A unary call has one message, which tonic has encoded already: this does not wait.
            let body = body.collect().await.map_err(|status| method.misunderstood(&status))?;
            let request = Request::from_parts(head, Full::new(body.to_bytes()));
            stack.oneshot(Call::new(method, context, request)).await
        })
    }
}
