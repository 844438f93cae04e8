//! The fault `errors`: the process fails a share of its requests, for as long as it was told to.
//!
//! | request to the internal server | reply |
//! |---|---|
//! | `GET /admin/faults/errors` | 200: the fault in force, or `null` |
//! | `PUT /admin/faults/errors` | 204: this fault is in force, in place of an earlier one; 422 if it cannot be |
//! | `DELETE /admin/faults/errors` | 204: none is in force |
//!
//! All: 403 to a caller on another machine, unless the configuration names its address: that of the lab, where the process is
//! in a container. Who shares the process's machine, or runs its container, can do worse to it.
//!
//! A fault is a lease: it ends by itself, also when whoever made it was killed.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{ConnectInfo, Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::get,
};
use prometheus_client::{metrics::counter::Counter, registry::Registry};
use resilience::Random;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// The longest lease: the half hour of the lab's longest fault, and a margin.
const LONGEST: Duration = Duration::from_mins(31);

/// The reply to a request that the fault fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ErrorReply {
    /// 503 with `Retry-After: 0`, or gRPC's `UNAVAILABLE` with the same pushback: a caller may try again.
    #[default]
    Unavailable,
    /// 500, or gRPC's `INTERNAL`.
    Internal,
}

/// The fault as it is ordered and shown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorsFault {
    /// The share of requests that fail: above 0, at most 1.
    share: f64,
    #[serde(default)]
    reply: ErrorReply,
    /// The seed by which they are drawn, in the order of their arrival.
    #[serde(default)]
    seed: u64,
    /// How long it is in force, or for how much longer, in milliseconds.
    for_ms: u64,
}

/// The fault of a process, which all its servers share. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct InjectedErrors(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Whether there is one; a request without a fault reads nothing else.
    is_armed: AtomicBool,
    armed: Mutex<Option<Armed>>,
    injected: Counter,
}

#[derive(Debug)]
struct Armed {
    fault: ErrorsFault,
    until: Instant,
    random: Random,
}

impl InjectedErrors {
    /// No fault yet, and the counter of the requests that one fails. Without the counter:
    /// `InjectedErrors::default()`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let injected = Counter::default();
        registry.register("injected_errors", "Requests that the fault `errors` failed", injected.clone());
        Self(Arc::new(Inner { injected, ..Inner::default() }))
    }

    /// Whether this request fails, and how.
    pub(crate) fn draw(&self) -> Option<ErrorReply> {
        if !self.0.is_armed.load(Ordering::Relaxed) {
            return None;
        }
        let fails =
            self.with_armed(|armed| (armed.random.unit() < armed.fault.share).then_some(armed.fault.reply))??;
        self.0.injected.inc();
        Some(fails)
    }

    /// Uses the fault in force, if there is one; removes one whose lease has ended.
    fn with_armed<T>(&self, uses: impl FnOnce(&Armed) -> T) -> Option<T> {
        let mut armed = self.0.armed.lock().unwrap_or_else(PoisonError::into_inner);
        if armed.as_ref().is_some_and(|armed| armed.until <= Instant::now()) {
            *armed = None;
            self.0.is_armed.store(false, Ordering::Relaxed);
        }
        armed.as_ref().map(uses)
    }

    /// Puts a fault in force, or none.
    fn set(&self, fault: Option<ErrorsFault>) {
        let armed = fault.map(|fault| Armed {
            fault,
            until: Instant::now() + Duration::from_millis(fault.for_ms),
            random: Random::new(fault.seed),
        });
        let mut in_force = self.0.armed.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.is_armed.store(armed.is_some(), Ordering::Relaxed);
        *in_force = armed;
    }

    fn shown(&self) -> Option<ErrorsFault> {
        self.with_armed(|armed| {
            let left = armed.until.saturating_duration_since(Instant::now());
            ErrorsFault { for_ms: left.as_millis() as u64, ..armed.fault }
        })
    }
}

/// The routes of a process with this fault, for callers on its machine and at the address of its lab.
pub(crate) fn routes(errors: InjectedErrors, lab: Option<IpAddr>) -> Router {
    let of_the_fault = get(shown).put(ordered).delete(cleared);
    let routes = Router::new().route("/admin/faults/errors", of_the_fault).with_state(errors);
    routes.layer(middleware::from_fn_with_state(lab, only_its_lab))
}

async fn shown(State(errors): State<InjectedErrors>) -> Json<Option<ErrorsFault>> {
    Json(errors.shown())
}

async fn ordered(
    State(errors): State<InjectedErrors>,
    Json(fault): Json<ErrorsFault>,
) -> Result<StatusCode, (StatusCode, String)> {
    let ErrorsFault { share, for_ms, .. } = fault;
    let longest = LONGEST.as_millis() as u64;
    let refused = |why: String| Err((StatusCode::UNPROCESSABLE_ENTITY, why));
    if !(share > 0.0 && share <= 1.0) {
        return refused(format!("`share` is {share}: expected above 0 and at most 1\n"));
    }
    if !(1..=longest).contains(&for_ms) {
        return refused(format!("`for_ms` is {for_ms}: expected 1 to {longest}\n"));
    }
    tracing::warn!(share, for_ms, "requests are failed on purpose");
    errors.set(Some(fault));
    Ok(StatusCode::NO_CONTENT)
}

async fn cleared(State(errors): State<InjectedErrors>) -> StatusCode {
    errors.set(None);
    StatusCode::NO_CONTENT
}

/// The server knows its callers' addresses; a request without one did not come through it.
async fn only_its_lab(State(lab): State<Option<IpAddr>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.ip().to_canonical());
    if peer.is_some_and(|peer| peer.is_loopback() || lab == Some(peer)) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "faults are made from the process's own machine only\n").into_response()
}

#[cfg(test)]
mod tests;
