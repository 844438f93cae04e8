//! Background tasks: they are cancelled at shutdown, and the process waits for them to end.

use std::{future::Future, time::Duration};

use contract::Unavailable;
use remote::{Context, scope};
use tokio::time::sleep;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The pause between two searches for expired rows.
const FORGET_EVERY: Duration = Duration::from_secs(30);

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

    /// Runs `work` periodically, without a request's deadline. Each run starts a pause after the one before has ended, the first
    /// a pause from now.
    pub fn every<F>(&self, pause: Duration, work: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send,
    {
        self.start(|stop| async move {
            while stop.run_until_cancelled(sleep(pause)).await.is_some() {
                scope(Context::unattended(), work()).await;
            }
        });
    }

    /// Deletes expired rows every 30 s, in batches: `some` deletes one batch and returns the number of rows; the next follows at
    /// once, until a batch is empty or fails.
    pub fn forget<F>(&self, some: impl Fn() -> F + Clone + Send + Sync + 'static)
    where
        F: Future<Output = Result<u64, Unavailable>> + Send,
    {
        let stop = self.stop.child_token();
        self.every(FORGET_EVERY, move || {
            let (some, stop) = (some.clone(), stop.clone());
            async move {
                while !stop.is_cancelled() {
                    match scope(Context::unattended(), some()).await {
                        Ok(0) => break,
                        Ok(_) => {}
                        Err(error) => {
                            tracing::warn!(%error, "expired rows cannot be deleted yet");
                            break;
                        }
                    }
                }
            }
        });
    }

    /// Cancels all tasks and waits until they have ended.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_is_done_after_each_pause_until_the_end() {
        let background = Background::default();
        let done = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&done);
        background.every(Duration::from_secs(1), move || {
            let counted = Arc::clone(&counted);
            async move {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        sleep(Duration::from_millis(3_500)).await;
        assert_eq!(done.load(Ordering::Relaxed), 3);
        background.stop().await;
        advance(Duration::from_secs(10)).await;
        assert_eq!(done.load(Ordering::Relaxed), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn rows_are_deleted_until_none_is_left_and_after_a_failure_the_next_time() {
        let background = Background::default();
        let calls = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&calls);
        background.forget(move || {
            let call = counted.fetch_add(1, Ordering::Relaxed);
            async move {
                match call {
                    0 | 1 => Ok(1_000),
                    2 => Err(Unavailable::new("database", contract::Why::TimedOut)),
                    _ => Ok(0),
                }
            }
        });
        sleep(FORGET_EVERY * 3 / 2).await;
        assert_eq!(calls.load(Ordering::Relaxed), 3, "two deleted some, the third failed");
        sleep(FORGET_EVERY).await;
        assert_eq!(calls.load(Ordering::Relaxed), 4, "none is left");
        background.stop().await;
    }
}
