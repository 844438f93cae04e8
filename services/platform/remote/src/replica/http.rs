//! A replica over HTTP/JSON: hyper-util's pooling client.

use std::{
    task::{Context as Poller, Poll},
    time::Duration,
};

use bytes::Bytes;
use contract::{Unavailable, Why};
use futures::future::BoxFuture;
use http::{
    HeaderValue, Response, StatusCode, Uri,
    header::{CONTENT_TYPE, RETRY_AFTER},
    response,
    uri::{Authority, Parts, Scheme},
};
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use resilience::Failure;
use tower::Service;

use super::{CONNECT_WITHIN, broken, collect};
use crate::{
    call::{Call, Reply},
    http::{JSON, PREVIOUS_ATTEMPTS, TIMEOUT_MS, write_context},
};

/// Idle connections to one replica that the pool keeps.
const IDLE_CONNECTIONS: usize = 64;
/// How long the pool keeps an idle connection: shorter than the server's own limit, so that the client closes
/// first.
const IDLE_FOR: Duration = Duration::from_secs(20);

/// A replica and its connection pool: one connection for each call in flight, and some idle ones.
///
/// hyper-util itself sends a request again if a reused connection closed before it wrote any of the request;
/// every other failure reaches the retry layer.
#[derive(Clone)]
pub(crate) struct HttpReplica {
    client: Client<HttpConnector, Full<Bytes>>,
    peer: Authority,
}

impl HttpReplica {
    pub(crate) fn new(peer: Authority) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_WITHIN));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_FOR)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .build(connector);
        Self { client, peer }
    }

    async fn send(self, call: Call) -> Result<Reply, Failure> {
        let Call { method, context, mut request, earlier } = call;
        let mut uri = Parts::default();
        uri.scheme = Some(Scheme::HTTP);
        uri.authority = Some(self.peer);
        uri.path_and_query = request.uri().path_and_query().cloned();
        *request.uri_mut() = Uri::from_parts(uri).map_err(|error| method.misunderstood(&error))?;
        let left = context.remaining().as_millis().min(u128::from(u32::MAX)) as u32;
        request.headers_mut().insert(TIMEOUT_MS, HeaderValue::from(left));
        write_context(&context, request.headers_mut());
        if earlier > 0 {
            request.headers_mut().insert(PREVIOUS_ATTEMPTS, HeaderValue::from(earlier));
        }
        let response = self.client.request(request).await.map_err(|error| broken(method, &error))?;
        let (head, body) = response.into_parts();
        let body = collect(method, body).await?;
        if head.status.is_success() || head.headers.get(CONTENT_TYPE) == Some(&JSON) {
            return Ok(Response::from_parts(head, body));
        }
        // The platform's reply, not the component's.
        Err(match why_of(&head) {
            Why::Misunderstood => method.misunderstood(&String::from_utf8_lossy(&body.to_bytes())).into(),
            why @ Why::Unreachable => Failure::not_processed(Unavailable::new(method.service, why)),
            why => Failure::from(Unavailable::new(method.service, why)).after(retry_after(&head)),
        })
    }
}

/// The seconds in `Retry-After`; a date, which no process of ours sends, is not read (RFC 9110, 10.2.3).
fn retry_after(head: &response::Parts) -> Option<Duration> {
    let seconds = head.headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The meaning of a platform status: 503 with `Retry-After` is an overloaded process; without it, one that is
/// starting, which counts as unreachable.
fn why_of(head: &response::Parts) -> Why {
    match head.status {
        StatusCode::SERVICE_UNAVAILABLE if !head.headers.contains_key(RETRY_AFTER) => Why::Unreachable,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => Why::Overloaded,
        StatusCode::GATEWAY_TIMEOUT => Why::TimedOut,
        status if status.is_client_error() => Why::Misunderstood,
        _ => Why::Broken,
    }
}

impl Service<Call> for HttpReplica {
    type Response = Reply;
    type Error = Failure;
    type Future = BoxFuture<'static, Result<Reply, Failure>>;

    /// Always ready: the pool makes connections on demand.
    fn poll_ready(&mut self, _: &mut Poller<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        Box::pin(self.clone().send(call))
    }
}
