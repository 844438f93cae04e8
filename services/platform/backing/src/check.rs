//! Whether something that a process uses is there, asked anew each time.

use std::{future::Future, sync::Arc};

use futures::future::BoxFuture;

/// A question about something that a process uses.
#[derive(Clone)]
pub struct Check {
    /// What is asked about: `database/links`.
    pub about: String,
    ask: Arc<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>,
}

impl Check {
    /// A question; its answer is whether the thing is there. Whoever asks sets a limit to the wait.
    pub fn new<F>(about: String, ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        Self { about, ask: Arc::new(move || Box::pin(ask())) }
    }

    /// Asks.
    pub async fn passes(&self) -> bool {
        (self.ask)().await
    }
}
