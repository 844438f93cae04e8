//! The table that gives a contract its remote forms.

use std::sync::Arc;

use axum::Router;

use crate::{CallMetrics, Client, Method, Transport};

/// A contract that can be placed in a process or called from one.
///
/// [`remote!`](crate::remote) implements it for the constant `CONTRACT` of a component's module in its app
/// crate.
pub trait Contract {
    /// The trait object that callers hold: `dyn Links`.
    type Service: ?Sized + Send + Sync + 'static;

    /// The component's name: `links`.
    const NAME: &'static str;

    /// The methods, in the order of the trait.
    const METHODS: &'static [Method];

    /// A router with one route per method, for the internal server.
    fn serve(transport: Transport, service: Arc<Self::Service>) -> Router;

    /// A client for an implementation in another process.
    fn client(transport: Transport, client: Client) -> Arc<Self::Service>;

    /// Wraps an implementation in this process: counts, times and traces its calls.
    fn observe(metrics: CallMetrics, service: Arc<Self::Service>) -> Arc<Self::Service>;
}

/// Gives a contract trait its remote forms, and the constant `CONTRACT`.
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
/// `proto` is the module with the code that tonic generates for the service. Names follow protobuf's style
/// guide: the method `resolve` is `rpc Resolve(ResolveRequest) returns (ResolveResponse)`. The messages
/// convert to the contract's types by `From` and `TryFrom`.
///
/// Walkthrough. `paste!` (pastey) puts identifiers together: `[<$method:camel Request>]` is the method's name in camel case, and
/// `Request`; `:snake` makes snake case. The other half of these names is what tonic generates for a service: the modules
/// `links_service_server` and `links_service_client` with the trait `LinksService`. So the one method `resolve` above becomes:
///
/// ```ignore
/// enum MethodIndex { shorten, resolve }                      // METHODS[MethodIndex::resolve as usize] describes it
/// .route("/links/resolve", post(...))                        // serve_http: JSON in, `service.resolve(request)`, JSON out
/// .route("/lab.shortener.v1.LinksService/Resolve", ...)      // serve_grpc: to tonic's server
/// impl proto::links_service_server::LinksService for ServedByGrpc {
///     async fn resolve(&self, request: tonic::Request<proto::ResolveRequest>)
///         -> Result<tonic::Response<proto::ResolveResponse>, tonic::Status> { ... }
/// }
/// impl Links for OverHttp { async fn resolve(&self, request: Code) -> Result<Link, LinkError> { ... } }
/// impl Links for OverGrpc { ... }                            // a client over either transport
/// impl Links for Observed { ... }                            // the same in this process, counted and timed
/// ```
///
/// A method marked `#[idempotent]` has the same effect whether called once or twice. A call of any other
/// method is retried only if the callee did not process it.
///
/// A method marked `#[critical]` is what the system is for, and `#[background]` one whose reply nobody waits for: a
/// full server refuses the latter first, and the former last ([`Priority`](crate::Priority)).
#[macro_export]
macro_rules! remote {
    ($service:ident at $name:literal, by gRPC $grpc:literal of $proto:ident, failing with $error:ident {
        $( $(#[$mark:ident])* $method:ident($request:ident) -> $reply:ident; )+
    }) => { $crate::reexport::paste! {
        /// Stands for the contract: it has no value, and implements [`Contract`]($crate::Contract).
        #[derive(Clone, Copy, Debug)]
        pub struct ThisContract;

        /// The contract, for placement.
        pub const CONTRACT: ThisContract = ThisContract;

        #[allow(non_camel_case_types, reason = "a variant is a method, by its own name")]
        enum MethodIndex { $( $method ),+ }

        static METHODS: &[$crate::Method] = &[ $( $crate::Method {
            service: $name,
            name: stringify!($method),
            http_path: concat!("/", $name, "/", stringify!($method)),
            grpc_service: $grpc,
            grpc_path: concat!("/", $grpc, "/", stringify!([<$method:camel>])),
            idempotent: $crate::remote!(@idempotent $($mark)*),
            priority: $crate::remote!(@priority $($mark)*),
        } ),+ ];

        impl $crate::Contract for ThisContract {
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

            fn client(
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

        /// One route per method; its handler parses the request from the JSON body.
        fn serve_http(service: std::sync::Arc<dyn $service>) -> $crate::reexport::axum::Router {
            use $crate::reexport::axum::{Router, extract::State, routing::post};
            Router::new()
                $( .route(METHODS[MethodIndex::$method as usize].http_path, post(
                    async |
                        State(service): State<std::sync::Arc<dyn $service>>,
                        $crate::JsonMessage(request): $crate::JsonMessage<$request>,
                    | $crate::json_reply(service.$method(request).await)
                )) )+
                .with_state(service)
        }

        /// One route per method, all to the server that tonic generates.
        fn serve_grpc(service: std::sync::Arc<dyn $service>) -> $crate::reexport::axum::Router {
            use $crate::reexport::axum::{Router, middleware::from_fn, routing::post_service};
            use $proto::[<$service:snake _service_server>]::[<$service ServiceServer>] as Server;
            let server = Server::new(ServedByGrpc(service))
                .max_decoding_message_size($crate::MAX_MESSAGE_BYTES);
            Router::new()
                $( .route(METHODS[MethodIndex::$method as usize].grpc_path, post_service(server.clone())) )+
                // tonic's server does not check the content type.
                .route_layer(from_fn($crate::only_grpc))
        }

        /// Implements the service trait that tonic generates.
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
                let decoded: $request = $crate::decode_request(request)?;
                $crate::encode_reply(&METHODS[MethodIndex::$method as usize], self.0.$method(decoded).await)
            } )+
        }

        /// A client over HTTP/JSON.
        struct OverHttp($crate::Client);

        #[$crate::reexport::async_trait]
        impl $service for OverHttp {
            $( async fn $method(&self, request: $request) -> Result<$reply, $error> {
                self.0.call_json(&METHODS[MethodIndex::$method as usize], request).await
            } )+
        }

        /// A client over gRPC.
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
                self.client.call_grpc(&METHODS[MethodIndex::$method as usize], request, send).await
            } )+
        }

        /// An implementation in this process with metrics and spans.
        struct Observed($crate::CallMetrics, std::sync::Arc<dyn $service>);

        #[$crate::reexport::async_trait]
        impl $service for Observed {
            $( async fn $method(&self, request: $request) -> Result<$reply, $error> {
                let index = MethodIndex::$method as usize;
                self.0.observe(index, &METHODS[index], self.1.$method(request)).await
            } )+
        }
    } };
    // A mark that none of these knows, and a second priority, are errors of the compiler.
    (@idempotent) => { false };
    (@idempotent idempotent $($mark:ident)*) => { true };
    (@idempotent $other:ident $($mark:ident)*) => { $crate::remote!(@idempotent $($mark)*) };
    (@priority) => { $crate::Priority::Normal };
    (@priority critical $(idempotent)?) => { $crate::Priority::Critical };
    (@priority background $(idempotent)?) => { $crate::Priority::Background };
    (@priority idempotent $($mark:ident)*) => { $crate::remote!(@priority $($mark)*) };
}
