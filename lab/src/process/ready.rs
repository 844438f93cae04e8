//! Waiting until an arm's processes are ready.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{Ended, LogTail, RunningProcess};
use crate::{complaint::Complaint, http, interrupt::Interrupt};

/// How often a process is asked.
const ASK_EVERY: Duration = Duration::from_millis(5);

/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// Why an arm is not ready.
pub(crate) enum NotReady {
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

impl NotReady {
    /// The same for a person; `arm` is the arm's label.
    pub(crate) fn told(self, arm: &str, within: Duration) -> anyhow::Error {
        match self {
            Self::Died(ended) => Complaint::new(format!(
                "the process `{}` of `{arm}` died while starting ({}); its last words:{}",
                ended.process,
                ended.how,
                ended.last_words.indented(),
            ))
            .hint("`lab plan` shows what it was to be, `lab doctor` what this machine offers")
            .into(),
            Self::Late { process, last_words } => Complaint::new(format!(
                "the process `{process}` of `{arm}` was not ready within {} s; its last words:{}",
                within.as_secs(),
                last_words.indented(),
            ))
            .hint("`lab doctor` shows whether this machine is short of something")
            .into(),
            Self::Other(error) => error,
        }
    }
}

impl From<anyhow::Error> for NotReady {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// Returns when every process answers `GET /health/ready` with 200. `ended` says whether one has ended instead.
pub(crate) fn wait(
    processes: &[RunningProcess],
    mut ended: impl FnMut() -> Option<Ended>,
    interrupt: &Interrupt,
    within: Duration,
) -> Result<(), NotReady> {
    let deadline = Instant::now() + within;
    let mut waiting: Vec<&RunningProcess> = processes.iter().collect();
    loop {
        waiting.retain(|process| !is_ready(process));
        let Some(first) = waiting.first() else {
            return Ok(());
        };
        if let Some(ended) = ended() {
            return Err(NotReady::Died(ended));
        }
        interrupt.check()?;
        if Instant::now() >= deadline {
            return Err(NotReady::Late { process: first.name.clone(), last_words: first.log.tail() });
        }
        thread::sleep(ASK_EVERY);
    }
}

fn is_ready(process: &RunningProcess) -> bool {
    http::get(process.internal, "/health/ready", ANSWER_WITHIN).is_ok_and(|reply| reply.status == 200)
}
