//! The table that gives a contract its remote forms.

use std::sync::Arc;

use axum::Router;

use crate::{CallMetrics, Client, Method, Transport};

/// A contract that can be placed: its methods, how it is served, and how it is called from elsewhere.
///
/// Made by [`remote!`](crate::remote) as the constant `CONTRACT` of a component's module in its app crate.
pub trait Contract {
    /// The trait object that callers hold: `dyn Links`.
    type Service: ?Sized + Send + Sync + 'static;

    /// The component's name: `links`.
    const NAME: &'static str;

    /// Its methods, in the order of the trait.
    const METHODS: &'static [Method];

    /// An implementation as other processes reach it: a route for each method.
    fn serve(transport: Transport, service: Arc<Self::Service>) -> Router;

    /// The implementation in another process.
    fn reach(transport: Transport, client: Client) -> Arc<Self::Service>;

    /// An implementation in this process, counted, timed and traced.
    fn observe(metrics: CallMetrics, service: Arc<Self::Service>) -> Arc<Self::Service>;
}

/// Gives a contract trait its remote forms, and `CONTRACT` to place it by.
///
/// ```ignore
/// remote! {
///     Links at "links", by gRPC "lab.shortener.v1.LinksService" of proto, failing with LinkError {
///         #[idempotent] shorten(Shorten) -> Link;
///         #[idempotent] resolve(Code) -> Link;
///     }
/// }
/// ```
///
/// `proto` is a module with what tonic makes of the service. Names are those of protobuf's style guide: the method
/// `resolve` is `rpc Resolve(ResolveRequest) returns (ResolveResponse)`. The messages say by `From` and `TryFrom` how they
/// become the types of the contract.
/// A method that is marked `#[idempotent]` has the same effect whether called once or twice; no other is ever
/// sent again.
#[macro_export]
macro_rules! remote {
    ($service:ident at $name:literal, by gRPC $grpc:literal of $proto:ident, failing with $error:ident {
        $( $(#[$idempotent:ident])? $method:ident($request:ident) -> $reply:ident; )+
    }) => { $crate::reexport::paste! {
        /// The contract, to be placed.
        #[derive(Clone, Copy, Debug)]
        pub struct Placed;

        /// The contract, to be placed.
        pub const CONTRACT: Placed = Placed;

        #[allow(non_camel_case_types, reason = "a method's number, by its own name")]
        enum Number { $( $method ),+ }

        static METHODS: &[$crate::Method] = &[ $( $crate::Method {
            service: $name,
            name: stringify!($method),
            http_path: concat!("/", $name, "/", stringify!($method)),
            grpc_service: $grpc,
            grpc_path: concat!("/", $grpc, "/", stringify!([<$method:camel>])),
            idempotent: $crate::remote!(@idempotent $($idempotent)?),
        } ),+ ];

        impl $crate::Contract for Placed {
            type Service = dyn $service;

            const NAME: &'static str = $name;

            const METHODS: &'static [$crate::Method] = METHODS;

            fn serve(
                transport: $crate::Transport,
                service: std::sync::Arc<dyn $service>,
            ) -> $crate::reexport::axum::Router {
                match transport {
                    $crate::Transport::Http => serve_http(service),
                    $crate::Transport::Grpc => serve_grpc(service),
                }
            }

            fn reach(
                transport: $crate::Transport,
                client: $crate::Client,
            ) -> std::sync::Arc<dyn $service> {
                match transport {
                    $crate::Transport::Http => std::sync::Arc::new(OverHttp(client)),
                    $crate::Transport::Grpc => std::sync::Arc::new(OverGrpc::new(client)),
                }
            }

            fn observe(
                metrics: $crate::CallMetrics,
                service: std::sync::Arc<dyn $service>,
            ) -> std::sync::Arc<dyn $service> {
                std::sync::Arc::new(Observed(metrics, service))
            }
        }

        /// One route for each method, whose handler takes the request from the body.
        fn serve_http(service: std::sync::Arc<dyn $service>) -> $crate::reexport::axum::Router {
            use $crate::reexport::axum::{Router, extract::State, routing::post};
            Router::new()
                $( .route(METHODS[Number::$method as usize].http_path, post(
                    async |
                        State(service): State<std::sync::Arc<dyn $service>>,
                        $crate::JsonMessage(request): $crate::JsonMessage<$request>,
                    | $crate::json_reply(service.$method(request).await)
                )) )+
                .with_state(service)
        }

        /// One route for each method, all to the server that tonic makes of the service.
        fn serve_grpc(service: std::sync::Arc<dyn $service>) -> $crate::reexport::axum::Router {
            use $crate::reexport::axum::{Router, middleware::from_fn, routing::post_service};
            use $proto::[<$service:snake _service_server>]::[<$service ServiceServer>] as Server;
            let server = Server::new(ServedByGrpc(service))
                .max_decoding_message_size($crate::MAX_MESSAGE_BYTES);
            Router::new()
                $( .route(METHODS[Number::$method as usize].grpc_path, post_service(server.clone())) )+
                // tonic's server reads whatever it is sent, whatever it is called.
                .route_layer(from_fn($crate::only_grpc))
        }

        /// The implementation as tonic's server calls it.
        struct ServedByGrpc(std::sync::Arc<dyn $service>);

        #[$crate::reexport::async_trait]
        impl $proto::[<$service:snake _service_server>]::[<$service Service>] for ServedByGrpc {
            $( async fn $method(
                &self,
                request: $crate::reexport::tonic::Request<$proto::[<$method:camel Request>]>,
            ) -> Result<
                $crate::reexport::tonic::Response<$proto::[<$method:camel Response>]>,
                $crate::reexport::tonic::Status,
            > {
                let asked: $request = $crate::asked(request)?;
                $crate::answered(&METHODS[Number::$method as usize], self.0.$method(asked).await)
            } )+
        }

        /// The implementation in another process, by HTTP/JSON.
        struct OverHttp($crate::Client);

        #[$crate::reexport::async_trait]
        impl $service for OverHttp {
            $( async fn $method(&self, request: $request) -> Result<$reply, $error> {
                self.0.call_json(&METHODS[Number::$method as usize], request).await
            } )+
        }

        /// The implementation in another process, by gRPC.
        struct OverGrpc {
            client: $crate::Client,
            grpc: $proto::[<$service:snake _service_client>]::[<$service ServiceClient>]<$crate::Hop>,
        }

        impl OverGrpc {
            fn new(client: $crate::Client) -> Self {
                use $proto::[<$service:snake _service_client>]::[<$service ServiceClient>] as Generated;
                let grpc = Generated::new(client.hop())
                    .max_encoding_message_size($crate::MAX_MESSAGE_BYTES)
                    .max_decoding_message_size($crate::MAX_MESSAGE_BYTES);
                Self { client, grpc }
            }
        }

        #[$crate::reexport::async_trait]
        impl $service for OverGrpc {
            $( async fn $method(&self, request: $request) -> Result<$reply, $error> {
                let send = |request| {
                    let mut grpc = self.grpc.clone();
                    async move { grpc.$method(request).await }
                };
                self.client.call_grpc(&METHODS[Number::$method as usize], request, send).await
            } )+
        }

        /// An implementation in this process, counted, timed and traced.
        struct Observed($crate::CallMetrics, std::sync::Arc<dyn $service>);

        #[$crate::reexport::async_trait]
        impl $service for Observed {
            $( async fn $method(&self, request: $request) -> Result<$reply, $error> {
                let number = Number::$method as usize;
                self.0.observe(number, &METHODS[number], self.1.$method(request)).await
            } )+
        }
    } };
    (@idempotent) => { false };
    (@idempotent idempotent) => { true };
}
