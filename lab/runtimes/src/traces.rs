//! Traces: receiving spans from an arm's processes, and the time of operations by place.
//!
//! Read in this order: `span` (the model), `store` (bounded), `receiver` (OTLP over gRPC), `analysis`.

mod analysis;
mod receiver;
mod span;
mod store;

pub use analysis::{Row, Spent, rows, usual, where_time_goes};
pub use receiver::Receiver;
pub use span::{Place, Span, SpanKind, Trace};
pub use store::Collected;
