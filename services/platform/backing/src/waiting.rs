//! What a process waits for while it starts, and why that is not there yet.

use std::{
    fmt::Display,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep};

/// The pause between two attempts: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// How often the log says what is waited for.
const LOG_EVERY: Duration = Duration::from_secs(3);

/// What is waited for, for whoever asks meanwhile. Cheap to clone; every clone is the same.
#[derive(Clone, Debug, Default)]
pub struct Waiting(Arc<Mutex<Option<String>>>);

impl Waiting {
    /// What is not there yet, and what the last attempt met.
    pub fn reason(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tries until an attempt succeeds, or fails in a way that `may_pass` does not take for a matter of time.
    ///
    /// However long that takes: whether a process that waits is of use is for its supervisor to say, which sees that it
    /// is alive and not ready.
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

/// Logs what is waited for: at once, and then every 3 s at most.
#[derive(Debug, Default)]
pub(crate) struct ThrottledLog {
    logged: Option<Instant>,
}

impl ThrottledLog {
    /// An attempt failed.
    pub(crate) fn waiting_for(&mut self, what: &str, error: &dyn Display) {
        if self.logged.is_none_or(|logged| logged.elapsed() >= LOG_EVERY) {
            tracing::warn!(%error, "waiting for {what}");
            self.logged = Some(Instant::now());
        }
    }
}
