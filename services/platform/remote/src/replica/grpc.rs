//! A replica over gRPC: tonic's `Channel`, which all calls share.

use std::{
    mem,
    task::{Context as Poller, Poll},
    time::Duration,
};

use contract::{Unavailable, Why};
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Response, uri::Authority};
use resilience::Failure;
use tonic::{
    Code, Status,
    body::Body,
    transport::{Channel, Endpoint},
};
use tower::Service;

use super::{CONNECT_WITHIN, broken, collect, root_of};
use crate::{
    Method,
    call::{Call, Reply},
    context::Context,
    error_info,
    grpc::why_of,
    http::{GRPC_PREVIOUS_ATTEMPTS, GRPC_RETRY_PUSHBACK_MS, GRPC_TIMEOUT, write_context},
};

/// The interval of HTTP/2 pings, and the time limit for the reply to one; after that the connection is
/// closed.
const PING_EVERY: Duration = Duration::from_secs(10);
const PONG_WITHIN: Duration = Duration::from_secs(5);

/// The largest value of `grpc-timeout` in milliseconds: it has eight digits.
const MAX_TIMEOUT_MS: u128 = 99_999_999;

/// A replica and its HTTP/2 connection, which tonic makes on the first call and again after a loss.
#[derive(Clone)]
pub(crate) struct GrpcReplica(Channel);

impl GrpcReplica {
    pub(crate) fn new(peer: Authority) -> Self {
        let endpoint = Endpoint::from(root_of(peer))
            .connect_timeout(CONNECT_WITHIN)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PONG_WITHIN)
            // Also without calls in flight, so that the next call does not find a connection to a peer that
            // vanished.
            .keep_alive_while_idle(true);
        Self(endpoint.connect_lazy())
    }
}

impl Service<Call> for GrpcReplica {
    type Response = Reply;
    type Error = Failure;
    type Future = BoxFuture<'static, Result<Reply, Failure>>;

    /// Always ready: `send` waits for the channel instead, because its error has to name the callee.
    fn poll_ready(&mut self, _: &mut Poller<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        // tower's contract: a clone may start out as not ready, so the channel that was polled is the one to
        // move out.
        let clone = self.0.clone();
        let channel = mem::replace(&mut self.0, clone);
        Box::pin(send(channel, call))
    }
}

async fn send(mut channel: Channel, call: Call) -> Result<Reply, Failure> {
    let Call { method, context, request, earlier } = call;
    let mut request = request.map(Body::new);
    write_timeout(&context, request.headers_mut());
    write_context(&context, request.headers_mut());
    if earlier > 0 {
        request.headers_mut().insert(GRPC_PREVIOUS_ATTEMPTS, HeaderValue::from(earlier));
    }
    let broken = |error: tonic::transport::Error| broken(method, &error);
    std::future::poll_fn(|poller| channel.poll_ready(poller)).await.map_err(broken)?;
    let (head, body) = channel.call(request).await.map_err(broken)?.into_parts();
    let status = Status::from_header_map(&head.headers);
    let status = status.filter(|status| !error_info::is_of(method.grpc_service, status));
    if let Some(failure) = status.and_then(|status| failure(method, &status, &head.headers)) {
        return Err(failure);
    }
    Ok(Response::from_parts(head, collect(method, body).await?))
}

/// The failure that a status of the platform means: one without an error of the contract. `None`: the generated
/// client reads it from the reply, because it has to be logged or says nothing to the layers.
fn failure(method: &Method, status: &Status, headers: &HeaderMap) -> Option<Failure> {
    // A process that is starting replies `UNAVAILABLE` without details; it counts as unreachable. One that asks its
    // caller to wait is up and overloaded, as with HTTP's 503 and `Retry-After`.
    if status.code() == Code::Unavailable {
        return Some(match pushback(headers) {
            None => Failure::not_processed(Unavailable::new(method.service, Why::Unreachable)),
            after => Failure::from(Unavailable::new(method.service, Why::Overloaded)).after(after),
        });
    }
    match why_of(status.code()) {
        Why::Misunderstood | Why::Unreachable => None,
        _ if status.code() == Code::Ok => None,
        why => Some(Failure::from(Unavailable::new(method.service, why)).after(pushback(headers))),
    }
}

/// The time that the server asked its caller to wait
/// (<https://github.com/grpc/proposal/blob/master/A6-client-retries.md#pushback>).
fn pushback(headers: &HeaderMap) -> Option<Duration> {
    let millis = headers.get(GRPC_RETRY_PUSHBACK_MS)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_millis(millis))
}

fn write_timeout(context: &Context, headers: &mut HeaderMap) {
    let left = context.remaining().as_millis().min(MAX_TIMEOUT_MS);
    // Digits and a letter always make a valid header value.
    headers.extend(HeaderValue::try_from(format!("{left}m")).map(|left| (GRPC_TIMEOUT, left)));
}
