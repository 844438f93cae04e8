//! A process's health: liveness and readiness.
//!
//! A process is ready if it lacks nothing of its own: it has started and is not stopping. Shared backings do
//! not count: when a store is unavailable, all processes that use it would leave their balancer at once, and
//! requests that need no store would fail as well. `watch` reports the shared backings.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, http::StatusCode, routing::get};
use backing::{Check, Waiting};
use futures::future::join_all;
use tokio::time::timeout;

/// The time limit of a check: less than the second that probes permit by default.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_millis(800);

/// The readiness of a process. Cheap to clone; clones share state.
#[derive(Clone, Default)]
pub(crate) struct Health(Arc<State>);

#[derive(Default)]
struct State {
    waiting: Waiting,
    /// The checks that must have passed once, known after the wiring.
    needed: OnceLock<Vec<Check>>,
    has_started: AtomicBool,
    is_stopping: AtomicBool,
}

impl Health {
    /// The current wait while the process starts.
    pub(crate) fn waiting(&self) -> Waiting {
        self.0.waiting.clone()
    }

    /// The process is wired; it has started when each of these checks has passed once.
    pub(crate) fn is_wired(&self, needed: Vec<Check>) {
        // Set once, because a process is wired once.
        let _ = self.0.needed.set(needed);
    }

    /// Makes the process not ready, for good.
    pub(crate) fn stops(&self) {
        self.0.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the process is stopping.
    pub(crate) fn is_stopping(&self) -> bool {
        self.0.is_stopping.load(Ordering::Relaxed)
    }

    /// The reasons why it is not ready; empty if it is.
    pub(crate) async fn lacks(&self) -> Vec<String> {
        let state = &self.0;
        if self.is_stopping() {
            return vec!["it is stopping".to_owned()];
        }
        if state.has_started.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let Some(needed) = state.needed.get() else {
            let waits = state.waiting.reason().map(|reason| format!("it waits for {reason}"));
            return vec![waits.unwrap_or_else(|| "it is starting".to_owned())];
        };
        let lacks: Vec<_> = away(needed).await.iter().map(|about| format!("it waits for {about}")).collect();
        if lacks.is_empty() {
            state.has_started.store(true, Ordering::Relaxed);
        }
        lacks
    }

    /// `/health/live`, and `/health/ready`: 200, or 503 with a line for each reason.
    pub(crate) fn routes(self) -> Router {
        let ready = async move || report(&self.lacks().await);
        Router::new().route("/health/live", get(async || StatusCode::OK)).route("/health/ready", get(ready))
    }
}

/// A reply: 200, or 503 with a line for each reason.
pub(crate) fn report(lacks: &[String]) -> (StatusCode, String) {
    let status = if lacks.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, lacks.iter().flat_map(|line| [line.as_str(), "\n"]).collect())
}

/// Runs all checks concurrently; returns those that fail or exceed the time limit.
pub(crate) async fn away(checks: &[Check]) -> Vec<&str> {
    let asked = join_all(checks.iter().map(|check| timeout(ANSWER_WITHIN, check.passes()))).await;
    let away = checks.iter().zip(asked).filter(|(_, answer)| *answer != Ok(true));
    away.map(|(check, _)| check.about.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, to_bytes},
        http::Request,
    };
    use tower::ServiceExt as _;

    use super::*;

    async fn ready(health: &Health) -> (StatusCode, String) {
        let request = Request::get("/health/ready").body(Body::empty()).expect("a request");
        let reply = health.clone().routes().oneshot(request).await.expect("it cannot fail");
        let status = reply.status();
        let body = to_bytes(reply.into_body(), 1_024).await.expect("a short body");
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }

    fn lacks(line: &str) -> (StatusCode, String) {
        (StatusCode::SERVICE_UNAVAILABLE, format!("{line}\n"))
    }

    #[tokio::test]
    async fn it_is_ready_from_when_it_has_started_until_it_stops() {
        let health = Health::default();
        assert_eq!(ready(&health).await, lacks("it is starting"));
        let knows_policies = Arc::new(AtomicBool::new(false));
        let known = Arc::clone(&knows_policies);
        let needed = Check::new("the component `policies`".to_owned(), move || {
            let known = known.load(Ordering::Relaxed);
            async move { known }
        });
        health.is_wired(vec![needed]);
        assert_eq!(ready(&health).await, lacks("it waits for the component `policies`"));
        knows_policies.store(true, Ordering::Relaxed);
        assert_eq!(ready(&health).await, (StatusCode::OK, String::new()));
        knows_policies.store(false, Ordering::Relaxed);
        assert_eq!(ready(&health).await.0, StatusCode::OK, "it had it once");
        health.stops();
        assert_eq!(ready(&health).await, lacks("it is stopping"));
    }

    #[tokio::test(start_paused = true)]
    async fn it_says_what_it_waits_for_and_why_that_is_not_there() {
        let health = Health::default();
        let waiting = health.waiting();
        let never = || std::future::ready(Err::<(), _>("nobody listens"));
        let waits = timeout(Duration::from_mins(1), waiting.until("the database `links`", never, |_| true));
        assert!(waits.await.is_err());
        assert_eq!(ready(&health).await, lacks("it waits for the database `links`: nobody listens"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_need_that_is_not_answered_in_time_is_lacking() {
        let health = Health::default();
        health.is_wired(vec![Check::new("an answer".to_owned(), std::future::pending)]);
        assert_eq!(ready(&health).await, lacks("it waits for an answer"));
    }
}
