//! What a process says of its health: alive, and ready to serve.
//!
//! Ready means that a request sent here now can be served as far as this process and its own backings go:
//! its stores answer, the topic that it publishes to is there, and it is not stopping.
//! A cache is not asked, because nobody needs it for an answer; nor are other processes of the wiring, because a
//! gateway that left whenever something behind it is slow would take away what still works.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, http::StatusCode, routing::get};
use backing::Check;
use futures::future::join_all;
use tokio::time::timeout;

/// How long a backing may take to answer: less than the second that probes give by default.
const ANSWER_WITHIN: Duration = Duration::from_millis(800);

/// Whether a process is ready. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Health {
    stopping: Arc<AtomicBool>,
    checks: Arc<[Check]>,
}

impl Health {
    pub(crate) fn new(checks: Vec<Check>) -> Self {
        Self { stopping: Arc::default(), checks: checks.into() }
    }

    /// From now on it is not ready.
    pub(crate) fn stops(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// What it lacks; empty: it is ready. Asks everything at once.
    async fn lacks(&self) -> Vec<String> {
        if self.stopping.load(Ordering::Relaxed) {
            return vec!["it is stopping".to_owned()];
        }
        let asked = join_all(self.checks.iter().map(|check| timeout(ANSWER_WITHIN, check.passes()))).await;
        let failed = self.checks.iter().zip(asked).filter(|(_, answer)| *answer != Ok(true));
        failed.map(|(check, _)| format!("{} does not answer", check.about)).collect()
    }

    /// `/health/live`, and `/health/ready`: 200, or 503 with a line for each thing that is lacking.
    pub(crate) fn routes(self) -> Router {
        let ready = async move || match self.lacks().await {
            lacks if lacks.is_empty() => (StatusCode::OK, String::new()),
            lacks => (StatusCode::SERVICE_UNAVAILABLE, lacks.join("\n") + "\n"),
        };
        Router::new().route("/health/live", get(async || StatusCode::OK)).route("/health/ready", get(ready))
    }
}
