//! One contract trait, reached three ways: in process, by HTTP/JSON, by gRPC.
//!
//! A table in a system's app crate ([`remote!`]) gives a trait its two remote forms, and another ([`messages!`]) says what
//! protobuf's messages hold.
//! Either way the same four things cross the hop: the request, the [`Context`] (deadline and trace),
//! the reply, and the error as the same Rust value.
//!
//! Not here: where a component is (`runtime` decides), and when to try again (`resilience`).
//!
//! Read in this order: `table` (the macro), `messages` (another), `call`, `client`, `balance`, `replica`, `body`, `http`, `grpc`, `error_info`, `context`, `observe`.

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
mod table;
mod trace;

pub use balance::{Balancing, UnknownBalancing};
pub use body::{BodyError, read_body};
pub use call::Method;
pub use client::{Client, Hop, PeerError, Repeats, Transport};
pub use context::{Context, Scoped, current, scope};
pub use grpc::{Malformed, answered, asked};
pub use http::{
    GRPC_TIMEOUT, JsonMessage, TIMEOUT_MS, TRACEPARENT, is_grpc, json_reply, method_not_allowed, not_started,
    only_grpc, overloaded, problem, problem_document, too_late, unknown_method,
};
pub use messages::{Codec, Many, Map, Nanos, Optional, Plain, Required, UnixMillis, Uuid};
pub use observe::{CallMetrics, DURATION_BOUNDS, HopMetrics, RpcMetrics};
pub use table::Contract;
pub use trace::{Described, OpenSpan, SpanId, Trace, TraceId, in_span, new_span_id, new_trace_id};

/// What `remote!` needs of other crates, so that an app crate need not name them.
#[doc(hidden)]
pub mod reexport {
    pub use async_trait::async_trait;
    pub use axum;
    pub use pastey::paste;
    pub use tonic;
}

/// The largest request or reply of a component, in bytes; a larger one is refused, on both sides.
///
/// More than anything that an edge takes grows to on its way as JSON, which is the larger of the two forms.
/// The most is 1.94 MiB: a message of Envoy's has 128 KiB (`limiter_app::envoy::MAX_REQUEST_BYTES`), and an empty descriptor
/// of it has 2 bytes, which become the 31 of `{"facts":[],"cost":4294967295},`. The text of one grows six times at most, a
/// control character to `\u0001`, and header fields, which have 32 KiB (`runtime::FIELDS_BYTES`), twice.
/// `the_most_that_a_request_can_say_crosses_a_hop` has each of them.
pub const MAX_MESSAGE_BYTES: usize = 2 << 20;
