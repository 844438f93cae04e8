//! Waiting for backings at start, with the reason visible in the log and at `/health/ready`.

use std::{
    fmt::Display,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep};

/// The pause between two attempts: the first one, and the upper bound; it doubles in between.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// The interval of log lines about the wait.
const LOG_EVERY: Duration = Duration::from_secs(3);

/// The current wait, readable by others. Cheap to clone; clones share state.
#[derive(Clone, Debug, Default)]
pub struct Waiting(Arc<Mutex<Option<String>>>);

impl Waiting {
    /// The missing backing and the error of the last attempt; `None` if the process waits for nothing.
    pub fn reason(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Retries until an attempt succeeds, or fails with an error that is permanent by `may_pass`.
    ///
    /// There is no time limit: the process's supervisor sees that it is alive but not ready, and decides.
    pub async fn until<T, E: Display, A>(
        &self,
        what: &str,
        mut attempt: impl FnMut() -> A,
        may_pass: impl Fn(&E) -> bool,
    ) -> Result<T, E>
    where
        A: Future<Output = Result<T, E>>,
    {
        let mut pause = PAUSES.0;
        let mut log = ThrottledLog::default();
        loop {
            let error = match attempt().await {
                Err(error) if may_pass(&error) => error,
                outcome => {
                    self.set(None);
                    return outcome;
                }
            };
            log.waiting_for(what, &error);
            self.set(Some(format!("{what}: {error}")));
            sleep(pause).await;
            pause = (2 * pause).min(PAUSES.1);
        }
    }

    fn set(&self, reason: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }
}

/// Logs the reason of a wait: at once, and then at most every 3 s.
#[derive(Debug, Default)]
pub(crate) struct ThrottledLog {
    logged: Option<Instant>,
}

impl ThrottledLog {
    /// Logs a failed attempt, unless the last line is too recent.
    pub(crate) fn waiting_for(&mut self, what: &str, error: &dyn Display) {
        if self.logged.is_none_or(|logged| logged.elapsed() >= LOG_EVERY) {
            tracing::warn!(%error, "waiting for {what}");
            self.logged = Some(Instant::now());
        }
    }
}
