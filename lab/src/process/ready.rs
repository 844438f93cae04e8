//! Waiting until an arm's processes are ready.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{Ended, LaunchOptions, LogTail, RunningProcess, child::Child};
use crate::http;

/// How often a process is asked.
const ASK_EVERY: Duration = Duration::from_millis(5);

/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// Why an arm is not ready.
pub(super) enum NotReady {
    /// A process died.
    Died(Ended),
    /// A process did not say that it is ready in time.
    Late {
        /// Which.
        process: String,
        /// The last lines of its log.
        last_words: LogTail,
    },
    /// Something else, such as a file that cannot be written, or Ctrl-C.
    Other(anyhow::Error),
}

impl From<anyhow::Error> for NotReady {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// Returns when every process answers `GET /health/ready` with 200.
pub(super) fn wait(
    processes: &[RunningProcess],
    children: &mut [Child],
    options: &LaunchOptions<'_>,
) -> Result<(), NotReady> {
    let deadline = Instant::now() + options.ready_within;
    let mut waiting: Vec<&RunningProcess> = processes.iter().collect();
    loop {
        waiting.retain(|process| !is_ready(process));
        let Some(first) = waiting.first() else {
            return Ok(());
        };
        if let Some(ended) = children.iter_mut().find_map(|child| child.ended().cloned()) {
            return Err(NotReady::Died(ended));
        }
        options.interrupt.check()?;
        if Instant::now() >= deadline {
            return Err(NotReady::Late { process: first.name.clone(), last_words: LogTail::of(&first.log) });
        }
        thread::sleep(ASK_EVERY);
    }
}

fn is_ready(process: &RunningProcess) -> bool {
    http::get(process.internal, "/health/ready", ANSWER_WITHIN).is_ok_and(|reply| reply.status == 200)
}
