//! A health check of something that a process uses; every call checks anew.

use std::{future::Future, sync::Arc};

use futures::future::BoxFuture;

/// A named health check.
#[derive(Clone)]
pub struct Check {
    /// The name: `database/links`.
    pub about: String,
    ask: Arc<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>,
}

impl Check {
    /// Creates a check; it has no time limit of its own.
    pub fn new<F>(about: String, ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        Self { about, ask: Arc::new(move || Box::pin(ask())) }
    }

    /// Runs the check.
    pub async fn passes(&self) -> bool {
        (self.ask)().await
    }
}
