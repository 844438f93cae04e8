//! The availability of the stores and brokers that a process shares with others: as a metric, and as a page.

use std::{sync::Arc, time::Duration};

use axum::{Router, routing::get};
use backing::Check;
use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::health::{away, report};

/// The interval of the checks for the metric.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// The backings of a process, and the metric of each. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Watch(Arc<Watched>);

struct Watched {
    checks: Vec<Check>,
    up: Vec<Gauge>,
}

impl Watch {
    /// Registers a metric for each. All start as up, because a process waits for those that it cannot start
    /// without.
    pub(crate) fn register(checks: Vec<Check>, registry: &mut Registry) -> Self {
        let family = Family::<Vec<(&'static str, String)>, Gauge>::default();
        registry.register("backing_up", "Whether a store or broker answers this process", family.clone());
        let gauge = |check: &Check| family.get_or_create_owned(&vec![("backing", check.about.clone())]);
        let up: Vec<_> = checks.iter().map(gauge).collect();
        Self(Arc::new(Watched { checks, up }))
    }

    /// Updates the metrics until cancelled.
    pub(crate) async fn keep(self, stop: CancellationToken) {
        let watching = async {
            loop {
                self.look().await;
                sleep(ASK_EVERY).await;
            }
        };
        stop.run_until_cancelled(watching).await;
    }

    /// Runs all checks; returns the names of those that fail.
    async fn look(&self) -> Vec<&str> {
        let Watched { checks, up } = &*self.0;
        let away = away(checks).await;
        for (check, gauge) in checks.iter().zip(up) {
            gauge.set(i64::from(!away.contains(&check.about.as_str())));
        }
        away
    }

    /// `/health/backings`: 200, or 503 with a line for each that does not respond.
    pub(crate) fn routes(self) -> Router {
        let page = async move || {
            let away = self.look().await;
            report(&away.iter().map(|about| format!("{about} does not answer")).collect::<Vec<_>>())
        };
        Router::new().route("/health/backings", get(page))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use axum::{
        body::{Body, to_bytes},
        http::{Request, StatusCode},
    };
    use prometheus_client::encoding::text::encode;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_store_that_is_away_is_told_by_a_page_and_by_a_metric() {
        let answers = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&answers);
        let store = Check::new("database/links".to_owned(), move || {
            let answers = asked.load(Ordering::Relaxed);
            async move { answers }
        });
        let hangs = Check::new("events/clicks".to_owned(), std::future::pending);
        let mut registry = Registry::default();
        let watch = Watch::register(vec![store, hangs], &mut registry);
        let page = async || {
            let request = Request::get("/health/backings").body(Body::empty()).expect("a request");
            let reply = watch.clone().routes().oneshot(request).await.expect("it cannot fail");
            let status = reply.status();
            let body = to_bytes(reply.into_body(), 1_024).await.expect("a short body");
            (status, String::from_utf8(body.to_vec()).expect("text"))
        };
        let metric = |backing: &str| {
            let mut text = String::new();
            encode(&mut text, &registry).expect("it is written");
            let line = format!("backing_up{{backing=\"{backing}\"}} ");
            text.lines().find_map(|found| found.strip_prefix(&line)).map(str::to_owned)
        };
        let away = |lines: &str| (StatusCode::SERVICE_UNAVAILABLE, lines.to_owned());
        assert_eq!(page().await, away("events/clicks does not answer\n"));
        assert_eq!(metric("database/links").as_deref(), Some("1"));
        assert_eq!(metric("events/clicks").as_deref(), Some("0"));

        answers.store(false, Ordering::Relaxed);
        let stop = CancellationToken::new();
        let kept = tokio::spawn(watch.clone().keep(stop.clone()));
        sleep(2 * ASK_EVERY).await;
        assert_eq!(metric("database/links").as_deref(), Some("0"), "without anybody who asks");
        assert_eq!(page().await, away("database/links does not answer\nevents/clicks does not answer\n"));
        answers.store(true, Ordering::Relaxed);
        sleep(2 * ASK_EVERY).await;
        assert_eq!(metric("database/links").as_deref(), Some("1"));
        stop.cancel();
        kept.await.expect("it ends");
    }
}
