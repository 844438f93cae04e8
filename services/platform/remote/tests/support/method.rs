//! One method that takes nothing and gives nothing, called over either transport as a generated client does.

use contract::{Kind, RemoteError, Unavailable};
use http::uri::PathAndQuery;
use prometheus_client::{encoding::text::encode, registry::Registry};
use remote::{Client, Method, Priority, Transport};
use serde::{Deserialize, Serialize};
use tokio::{io::AsyncReadExt as _, net::TcpStream};
use tonic_prost::ProstCodec;

/// The method.
pub(crate) const fn method(idempotent: bool) -> Method {
    Method {
        service: "probe",
        name: "ask",
        http_path: "/probe/ask",
        grpc_service: "lab.probe.v1.ProbeService",
        grpc_path: "/lab.probe.v1.ProbeService/Ask",
        idempotent,
        priority: Priority::Normal,
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error(transparent)]
pub(crate) struct Away(#[from] pub(crate) Unavailable);

impl RemoteError for Away {
    fn kind(&self) -> Kind {
        Kind::Unavailable
    }
}

/// An empty message.
#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Empty {}

impl From<()> for Empty {
    fn from((): ()) -> Self {
        Self {}
    }
}

impl From<Empty> for () {
    fn from(_: Empty) -> Self {}
}

/// Calls the method.
pub(crate) async fn call(client: &Client, transport: Transport, method: &'static Method) -> Result<(), Away> {
    match transport {
        Transport::Http => client.call_json::<(), (), Away>(method, ()).await,
        Transport::Grpc => {
            // The same steps as in a generated client.
            let send = |request: tonic::Request<Empty>| {
                let mut grpc = tonic::client::Grpc::new(client.hop());
                let path = PathAndQuery::from_static(method.grpc_path);
                async move { grpc.unary(request, path, ProstCodec::<Empty, Empty>::default()).await }
            };
            client.call_grpc::<_, _, (), (), Away, _>(method, (), send).await
        }
    }
}

/// The text of the next call over HTTP; `None` if the connection ends.
pub(crate) async fn next_call(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\nnull") {
        if stream.read_buf(&mut text).await.unwrap() == 0 {
            return None;
        }
    }
    Some(String::from_utf8(text).unwrap())
}

/// The reply to one over HTTP.
pub(crate) const REPLY: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\nnull";

/// The metrics as text.
pub(crate) fn metrics_of(registry: &Registry) -> String {
    let mut text = String::new();
    encode(&mut text, registry).unwrap();
    text
}
