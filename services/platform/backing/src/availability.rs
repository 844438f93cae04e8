//! Whether a database server is unavailable: what a pool of connections does not tell.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::sleep};

/// The pause between two probes.
const PROBE_EVERY: Duration = Duration::from_millis(100);

/// Whether the server accepted connections when it was probed last. Cheap to clone; every clone is the same.
///
/// A pool retries for as long as a caller waits while a server refuses connections or is starting, and then reports a
/// time-out, which is what it reports of too many callers as well. So a background task probes the server after every
/// failure, every 100 ms, until it accepts connections again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Availability(Arc<State>);

#[derive(Debug, Default)]
struct State {
    outage: Mutex<Option<String>>,
    suspected: Notify,
}

impl Availability {
    /// Something failed: the server has to be probed now.
    pub(crate) fn suspect(&self) {
        self.0.suspected.notify_one();
    }

    /// The error of the last probe; `None` if the server is available.
    pub(crate) fn outage(&self) -> Option<String> {
        self.0.outage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Probes the server whenever it is suspected, and then until it is available.
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

/// Whether nobody accepts connections, or not yet (`57P03`), for certain: a server that is slow or full may serve those
/// who have a connection.
fn is_outage(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code == "57P03"),
        _ => false,
    }
}
