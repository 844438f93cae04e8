//! What accompanies an operation through every component: when it must be over, and its trace.

use std::{future::Future, time::Duration};

use tokio::{task::futures::TaskLocalFuture, time::Instant};

use crate::Trace;

/// How long a call may take that no request stands behind: a background task's.
const UNATTENDED: Duration = Duration::from_secs(5);

/// An operation's deadline and trace.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// When whoever asked stops waiting.
    pub deadline: Instant,
    /// Which operation this is, and whether it leaves spans.
    pub trace: Trace,
}

tokio::task_local! {
    static CONTEXT: Context;
}

impl Context {
    /// For work that no request stands behind: a trace of its own, unsampled, and five seconds.
    pub fn unattended() -> Self {
        Self { deadline: Instant::now() + UNATTENDED, trace: Trace::unsampled() }
    }

    /// How long is left; zero when the deadline has passed.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// The context of the running operation, if one is running.
pub fn current() -> Option<Context> {
    CONTEXT.try_with(|context| *context).ok()
}

/// A future within a context.
pub type Scoped<F> = TaskLocalFuture<Context, F>;

/// Runs a future within a context.
pub fn scope<F: Future>(context: Context, future: F) -> Scoped<F> {
    CONTEXT.scope(context, future)
}
