//! Runs a program and reads its output, with a time limit.

use std::{
    io::{self, Read},
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

/// The time limit of a program: the user is waiting for the whole table.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// The polling interval.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The most output that is read, in bytes.
const MAX_ANSWER: u64 = 64 << 10;

/// The result of running a program.
pub(super) enum Answer {
    /// It succeeded: its standard output, trimmed.
    Said(String),
    /// It failed: its standard error.
    Failed(String),
    /// It exceeded the time limit and was killed.
    Late,
    /// The program does not exist.
    NoProgram,
}

impl Answer {
    /// The output, if it succeeded.
    pub(super) fn said(self) -> Option<String> {
        match self {
            Self::Said(text) => Some(text),
            Self::Failed(_) | Self::Late | Self::NoProgram => None,
        }
    }
}

/// Runs a program.
pub(super) fn ask(program: &Path, arguments: &[&str]) -> Answer {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A process group of its own, because its child processes hold the pipes as well.
    command.process_group(0);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Answer::NoProgram,
        Err(error) => return Answer::Failed(error.to_string()),
    };
    let (out, err) = (child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        let out = scope.spawn(|| text(out));
        let err = scope.spawn(|| text(err));
        let deadline = Instant::now() + ANSWER_WITHIN;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) if Instant::now() < deadline => thread::sleep(LOOK_EVERY),
                _ => break None,
            }
        };
        if status.is_none() {
            let _ = killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL);
            let _ = child.wait();
        }
        let [out, err] = [out, err].map(|reader| reader.join().unwrap_or_default());
        match status {
            Some(status) if status.success() => Answer::Said(out),
            Some(_) => Answer::Failed(err),
            None => Answer::Late,
        }
    })
}

fn text(from: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        let _ = from.take(MAX_ANSWER).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_end_is_told_apart() {
        let sh = |script: &str| ask(Path::new("sh"), &["-c", script]);
        assert!(matches!(sh("echo well"), Answer::Said(text) if text == "well"));
        assert!(matches!(sh("echo badly >&2; exit 3"), Answer::Failed(text) if text == "badly"));
        assert!(matches!(sh("sleep 60; true"), Answer::Late));
        assert!(matches!(ask(Path::new("/nowhere/program"), &[]), Answer::NoProgram));
    }
}
