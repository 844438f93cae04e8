//! The availability of a database server, which a connection pool does not report.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::sleep};

/// The pause between two probes.
const PROBE_EVERY: Duration = Duration::from_millis(100);

/// Whether the server accepted the last probe. Cheap to clone; clones share state.
///
/// sqlx's pool retries a refused connection until the caller's acquire time-out, and then returns
/// `PoolTimedOut`, the same error as for a full pool. So a background task probes the server after every
/// failure, every 100 ms, until it accepts connections again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Availability(Arc<State>);

#[derive(Debug, Default)]
struct State {
    outage: Mutex<Option<String>>,
    suspected: Notify,
}

impl Availability {
    /// Requests a probe after a failure.
    pub(crate) fn suspect(&self) {
        self.0.suspected.notify_one();
    }

    /// The error of the last probe; `None` if the server is available.
    pub(crate) fn outage(&self) -> Option<String> {
        self.0.outage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Probes the server after each `suspect`, and then until it is available.
    pub(crate) async fn probe<F>(self, attempt: impl Fn() -> F)
    where
        F: Future<Output = Result<(), sqlx::Error>>,
    {
        loop {
            self.0.suspected.notified().await;
            loop {
                let outage = attempt().await.err().filter(is_outage).map(|error| error.to_string());
                let is_available = outage.is_none();
                *self.0.outage.lock().unwrap_or_else(PoisonError::into_inner) = outage;
                sleep(PROBE_EVERY).await;
                if is_available {
                    break;
                }
            }
        }
    }
}

/// Whether the error proves that the server accepts no connections, or none yet (`57P03`): a slow or full
/// server may still serve its open connections.
fn is_outage(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code == "57P03"),
        _ => false,
    }
}
