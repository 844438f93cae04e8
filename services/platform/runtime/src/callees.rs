//! The admin API of the resilience layers, for operators: `GET /admin/resilience` replies with the state of every
//! callee of this process, as JSON. Only the internal server has this route.

use axum::{Json, Router, routing::get};
use resilience::{CalleeSnapshot, Callees};
use serde::Serialize;

/// The reply.
#[derive(Serialize)]
struct State {
    callees: Vec<CalleeSnapshot>,
}

/// The route of a process with these callees.
pub(crate) fn routes(callees: Callees) -> Router {
    let state = async move || Json(State { callees: callees.snapshot() });
    Router::new().route("/admin/resilience", get(state))
}
