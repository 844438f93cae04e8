//! Whether a database server is away: what a pool of connections does not tell.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::sleep};

/// The pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What the last look met, if the server was away then. Cheap to clone; every clone is the same.
///
/// A pool tries again for as long as a caller waits where a server refuses or is starting, and then says that time was
/// up, which is what it says of too many callers as well. So somebody looks as soon as anything fails, and until the
/// server is back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Away(Arc<State>);

#[derive(Debug, Default)]
struct State {
    met: Mutex<Option<String>>,
    doubted: Notify,
}

impl Away {
    /// Something failed: whoever looks has to look now.
    pub(crate) fn doubt(&self) {
        self.0.doubted.notify_one();
    }

    /// What the last look met; nothing if the server was there.
    pub(crate) fn met(&self) -> Option<String> {
        self.0.met.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks whenever there is a doubt, and then until the server is there.
    pub(crate) async fn look<F>(self, look: impl Fn() -> F)
    where
        F: Future<Output = Result<(), sqlx::Error>>,
    {
        loop {
            self.0.doubted.notified().await;
            loop {
                let met = look().await.err().filter(is_away).map(|error| error.to_string());
                let there = met.is_none();
                *self.0.met.lock().unwrap_or_else(PoisonError::into_inner) = met;
                sleep(LOOK_EVERY).await;
                if there {
                    break;
                }
            }
        }
    }
}

/// Whether nobody is there who could answer, or not yet (`57P03`), for certain: one that is slow or full may answer
/// those who have a connection.
fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code == "57P03"),
        _ => false,
    }
}
