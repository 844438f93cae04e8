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

    #[tokio::test]
    async fn it_is_ready_while_everything_that_it_needs_answers_in_time() {
        let store_answers = Arc::new(AtomicBool::new(true));
        let answers = Arc::clone(&store_answers);
        let store = Check::new("the database `links`".to_owned(), move || {
            let answers = answers.load(Ordering::Relaxed);
            async move { answers }
        });
        let health = Health::new(vec![store.clone()]);
        assert_eq!(ready(&health).await, (StatusCode::OK, String::new()));
        store_answers.store(false, Ordering::Relaxed);
        let lacks = "the database `links` does not answer\n".to_owned();
        assert_eq!(ready(&health).await, (StatusCode::SERVICE_UNAVAILABLE, lacks));
        store_answers.store(true, Ordering::Relaxed);
        assert_eq!(ready(&health).await.0, StatusCode::OK, "as soon as it answers again");

        let hangs = Check::new("the topic `clicks`".to_owned(), std::future::pending);
        let lacks = "the topic `clicks` does not answer\n".to_owned();
        assert_eq!(ready(&Health::new(vec![store, hangs])).await, (StatusCode::SERVICE_UNAVAILABLE, lacks));

        health.stops();
        assert_eq!(ready(&health).await.0, StatusCode::SERVICE_UNAVAILABLE);
    }
}
