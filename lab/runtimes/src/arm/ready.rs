//! Waiting until an arm's processes are ready.

use std::{
    thread,
    time::{Duration, Instant},
};

use scenario::diagnostic::Diagnostic;

use super::{Ended, LogTail, RunningProcess};
use crate::{http, interrupt::Interrupt};

/// The polling interval of a process.
const ASK_EVERY: Duration = Duration::from_millis(5);

/// The time limit of one reply.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// The reasons why an arm is not ready.
pub(crate) enum NotReady {
    /// A process ended.
    Died(Ended),
    /// A process was not ready in time, or one of its backings did not respond.
    Late {
        /// Which.
        process: String,
        /// The missing parts, in the process's own words.
        lacks: String,
        /// The last lines of its log.
        last_words: LogTail,
    },
    /// Something else, such as a file that cannot be written, or Ctrl-C.
    Other(anyhow::Error),
}

impl NotReady {
    /// The error message; `arm` is the arm's label.
    pub(crate) fn told(self, arm: &str, within: Duration) -> anyhow::Error {
        match self {
            Self::Died(ended) => Diagnostic::new(format!(
                "the process `{}` of `{arm}` died while starting ({}); its last words:{}",
                ended.process,
                ended.how,
                ended.last_words.indented(),
            ))
            .hint("`lab plan` shows what it was to be, `lab doctor` what this machine offers")
            .into(),
            Self::Late { process, lacks, last_words } => Diagnostic::new(format!(
                "the process `{process}` of `{arm}` was not ready within {} s: {lacks}; its last words:{}",
                within.as_secs(),
                last_words.indented(),
            ))
            .hint("are its stores up, and their addresses right? `lab doctor` shows whether this machine is short of something")
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

/// Returns when every process is ready and every store and broker responds. `ended` reports a process that
/// ended instead.
pub(crate) fn wait(
    processes: &[RunningProcess],
    mut ended: impl FnMut() -> Option<Ended>,
    interrupt: &Interrupt,
    within: Duration,
) -> Result<(), NotReady> {
    let deadline = Instant::now() + within;
    let mut waiting: Vec<&RunningProcess> = processes.iter().collect();
    loop {
        let mut first_lacks = None;
        waiting.retain(|process| {
            let lacks = lacks(process);
            let is_waiting = lacks.is_some();
            first_lacks = first_lacks.take().or(lacks);
            is_waiting
        });
        let (Some(first), Some(lacks)) = (waiting.first(), first_lacks) else {
            return Ok(());
        };
        if let Some(ended) = ended() {
            return Err(NotReady::Died(ended));
        }
        interrupt.check()?;
        if Instant::now() >= deadline {
            let (process, last_words) = (first.name.clone(), first.log.tail());
            return Err(NotReady::Late { process, lacks, last_words });
        }
        thread::sleep(ASK_EVERY);
    }
}

/// The missing parts of a process; `None` if it and its backings are ready.
///
/// A ready process serves without its stores what it can. A measurement begins with all of them.
fn lacks(process: &RunningProcess) -> Option<String> {
    for path in ["/health/ready", "/health/backings"] {
        match http::get(process.internal, path, ANSWER_WITHIN) {
            Ok(reply) if reply.status == 200 => {}
            Ok(reply) => return Some(reply.body.lines().collect::<Vec<_>>().join("; ")),
            Err(error) => return Some(format!("it does not answer: {error}")),
        }
    }
    None
}
