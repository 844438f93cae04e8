//! One contract trait, reached three ways: in process, by HTTP/JSON, by gRPC.
//!
//! A table in a system's app crate ([`remote!`]) gives a trait its two remote forms. A second table
//! ([`messages!`]) maps the types of the contract to protobuf messages.
//! Over either transport four things cross the hop: the request, the [`Context`] (deadline and trace), the
//! reply, and the error as the same Rust value.
//!
//! Not here: the placement of a component (`runtime`), and retries (`resilience`).
//!
//! Read in this order: `table` (the macro), `messages` (another), `call`, `client`, `balance`, `replica`, `body`, `http`, `grpc`, `error_info`, `context` with `trace` and `span`, `observe`.

mod balance;
mod body;
mod call;
mod client;
mod context;
mod error_info;
mod grpc;
mod http;
mod messages;
mod observe;
mod replica;
mod span;
mod table;
mod trace;

pub use balance::Balancing;
pub use body::{BodyError, read_body};
pub use call::{Method, Transport};
pub use client::{Client, Hop, PeerError, Repeats};
pub use context::{Context, Scoped, current, scope};
pub use grpc::{Malformed, decode_request, encode_reply};
pub use http::{
    GRPC_PREVIOUS_ATTEMPTS, GRPC_TIMEOUT, JsonMessage, PREVIOUS_ATTEMPTS, PRIORITY, TIMEOUT_MS, TRACEPARENT,
    deadline_exceeded, internal_error, is_grpc, json_reply, method_not_allowed, not_started, only_grpc,
    overloaded, problem, problem_document, unavailable, unknown_method,
};
pub use messages::{Codec, Many, Map, Nanos, Optional, Plain, Required, UnixMillis, Uuid};
pub use observe::{CallMetrics, DURATION_BOUNDS, HopMetrics, RpcMetrics};
pub use resilience::Priority;
pub use span::{Described, OpenSpan, in_span};
pub use table::Contract;
pub use trace::{SpanId, Trace, TraceId, new_span_id, new_trace_id};

/// The crates that the expansion of `remote!` names, so that an app crate need not depend on them.
#[doc(hidden)]
pub mod reexport {
    pub use async_trait::async_trait;
    pub use axum;
    pub use pastey::paste;
    pub use tonic;
}

/// The largest request or reply of a component, in bytes; both sides refuse a larger one.
///
/// The limit is above the largest JSON form of any request that an edge accepts; JSON is the larger of the
/// two forms.
/// The maximum is 1.94 MiB: a message of Envoy's has 128 KiB (`limiter_app::envoy::MAX_REQUEST_BYTES`), and
/// an empty descriptor in it has 2 bytes, which become the 31 bytes of `{"facts":[],"cost":4294967295},`. A
/// text grows six times at most, when every byte is a control character and becomes `\u0001`; header fields,
/// which have 32 KiB (`runtime::FIELDS_BYTES`), grow twice.
/// The test `the_most_that_a_request_can_say_crosses_a_hop` sends each of them.
pub const MAX_MESSAGE_BYTES: usize = 2 << 20;
