//! A component as its caller reaches it: in process, or over a real socket.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use design::Limits;
use prometheus_client::registry::Registry;
use remote::{Balancing, Client, Contract, HopMetrics, Repeats, RpcMetrics, Transport};
use resilience::Preset;
use runtime::{Ingress, ServeLimits, ServerMetrics, serve};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The ways to reach a component.
pub const WAYS: [(&str, Option<(Transport, Repeats)>); 4] = [
    ("in process", None),
    ("http", Some((Transport::Http, Repeats::Once))),
    ("http, every idempotent call sent twice", Some((Transport::Http, Repeats::Twice))),
    ("grpc", Some((Transport::Grpc, Repeats::Once))),
];

/// The time limit of a call, with a margin for a busy machine.
const PATIENT: Duration = Duration::from_secs(30);

/// The component, reached in one of the [`WAYS`].
pub async fn placed<C: Contract>(
    way: Option<(Transport, Repeats)>,
    service: Arc<C::Service>,
) -> Arc<C::Service> {
    let service = C::observe(metrics().component(C::METHODS), service);
    let Some((transport, repeats)) = way else { return service };
    let address = serving(C::serve(transport, service)).await;
    C::client(transport, client(transport, address).sending(repeats))
}

/// Metrics that are discarded.
fn metrics() -> RpcMetrics {
    RpcMetrics::register(&mut Registry::default())
}

/// Serves components as a process of a wiring does.
pub async fn serving(components: Router) -> SocketAddr {
    serving_within(components, Limits::default()).await
}

/// The same with other limits, except the deadline.
pub async fn serving_within(components: Router, limits: Limits) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let limits = Limits { request_ms: PATIENT.as_millis() as u64, ..limits };
    let metrics = ServerMetrics::register(&mut Registry::default()).of("internal");
    let ingress = Ingress::internal(components, Router::new(), limits, metrics);
    let stop = CancellationToken::new();
    tokio::spawn(serve(listener, ingress, ServeLimits::from(&limits), stop));
    address
}

/// A client of the server at this address, under the preset `timeout`.
pub fn client(transport: Transport, address: SocketAddr) -> Client {
    client_of(transport, &[address], Balancing::RoundRobin)
}

/// A client of the replicas at these addresses, under the preset `timeout`.
pub fn client_of(transport: Transport, addresses: &[SocketAddr], balancing: Balancing) -> Client {
    counted_client_of(transport, addresses, balancing, metrics().peer("any"))
}

/// The same, with its calls counted in a registry.
pub fn counted_client_of(
    transport: Transport,
    addresses: &[SocketAddr],
    balancing: Balancing,
    metrics: HopMetrics,
) -> Client {
    let peers: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    Client::new(transport, &peers, balancing, Preset::Timeout, PATIENT, metrics)
        .expect("an address is an authority")
}
