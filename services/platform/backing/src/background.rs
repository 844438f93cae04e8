//! Background tasks: they are cancelled at shutdown, and the process waits for them to end.

use std::future::Future;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The background tasks of a process. Cheap to clone; clones share the set.
#[derive(Clone, Debug, Default)]
pub struct Background {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Background {
    /// Starts a task; it must end soon after its token is cancelled.
    pub fn start<F>(&self, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(task(self.stop.child_token()));
    }

    /// Cancels all tasks and waits until they have ended.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
