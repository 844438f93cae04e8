//! Asking a program something, with a limit on how long it may take.

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

/// How long an answer may take: a person is waiting for the whole table.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// How often the program is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The longest answer that is read.
const MAX_ANSWER: u64 = 64 << 10;

/// What a program answered.
pub(super) enum Answer {
    /// It ended well: its standard output, without spaces around it.
    Said(String),
    /// It ended badly: its standard error.
    Failed(String),
    /// It did not end in time, and was ended.
    Late,
    /// There is no such program.
    NoProgram,
}

impl Answer {
    /// What it said, if it ended well.
    pub(super) fn said(self) -> Option<String> {
        match self {
            Self::Said(text) => Some(text),
            Self::Failed(_) | Self::Late | Self::NoProgram => None,
        }
    }
}

/// Asks.
pub(super) fn ask(program: &Path, arguments: &[&str]) -> Answer {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own: what the program started holds the pipes as well.
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
