//! The context that accompanies an operation through every component: its deadline, trace and priority.

use std::{future::Future, time::Duration};

use tokio::{task::futures::TaskLocalFuture, time::Instant};

use crate::{Priority, Trace};

/// The deadline of a call from a background task, which has no request behind it.
const UNATTENDED: Duration = Duration::from_secs(5);

/// An operation's deadline, trace and priority.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// The time at which the caller stops waiting.
    pub deadline: Instant,
    /// The trace id, the parent span, and whether the operation is sampled.
    pub trace: Trace,
    /// Its class at a server that sheds load.
    pub priority: Priority,
}

tokio::task_local! {
    static CONTEXT: Context;
}

impl Context {
    /// A context for background work: a fresh unsampled trace, and a deadline in five seconds. Its calls have the
    /// classes of their methods: a consumer that falls behind, or a refresh that fails, is not less urgent than a request.
    pub fn unattended() -> Self {
        let (deadline, trace) = (Instant::now() + UNATTENDED, Trace::unsampled());
        Self { deadline, trace, priority: Priority::Normal }
    }

    /// The time left; zero when the deadline has passed.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// The context of the running operation; `None` outside of one. It is task-local, so a spawned task does not
/// inherit it.
pub fn current() -> Option<Context> {
    CONTEXT.try_with(|context| *context).ok()
}

/// A future that runs within a context.
pub type Scoped<F> = TaskLocalFuture<Context, F>;

/// Runs a future within a context: `current` returns it during each poll.
pub fn scope<F: Future>(context: Context, future: F) -> Scoped<F> {
    CONTEXT.scope(context, future)
}
