//! The lab's command as a user runs it: in its own folder, observed, and cleaned up.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{self, Signal},
    unistd::Pid,
};
use tempfile::TempDir;

use crate::{edge_suite::eventually, skip::skip};

/// The path of the short scenario on a desk.
pub const SCENARIO: &str = "short/shortener/short.toml";

/// A comparison that takes seconds with `--quick`, and a minute without, for tests that disturb a run.
pub const SHORT: &str = r#"question = "Does the lab work?"
why = "A lab that is not tested tests nothing."
look_for = ["that it ends"]
kind = "paired"
axis = "placement"
arms = ["monolith", "microservices"]

[hold]
cache = "local"
events = "memory"

[load]
mix = "follow-mostly"
rate = 150
slice_ms = 50
seconds = 60
quick_seconds = 3
launches = 1
quick_launches = 2
links = 100

[[claims]]
text = "Components of one process call each other without the network."
source = "the definition of a process"
metric = "hops"
arm = "monolith"
is = "zero"

[[claims]]
text = "Splitting loses nothing by itself."
source = "the ledger"
metric = "lost"
arm = "microservices"
is = "zero"
"#;

/// The time limit of a command.
const ENDS_WITHIN: Duration = Duration::from_mins(2);

/// The time limit for output to appear, and for child processes to end.
const SOON: Duration = Duration::from_mins(1);

/// A working directory for the lab, with its own folder for temporary files.
///
/// Every process that the lab starts inherits that folder's name in its environment, by which the desk finds
/// it.
pub struct Desk {
    program: &'static str,
    folder: TempDir,
}

/// A running command. Dropping it kills it.
pub struct Running<'a> {
    desk: &'a Desk,
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

/// A command that has ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote on standard output: data.
    pub out: String,
    /// What it wrote on standard error: talk.
    pub err: String,
}

impl Ended {
    /// Whether a run was completed: with a verdict, or without one on a machine that is too busy.
    pub fn ran(&self) -> bool {
        matches!(self.code, Some(0 | 3))
    }
}

impl Desk {
    /// A new desk for this program.
    pub fn new(program: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("tmp")).expect("a folder");
        Self { program, folder }
    }

    /// A path on the desk.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file; creates its folders.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path
    }

    /// The sorted names of a folder's entries, hidden ones included; empty if there is no such folder.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).into_iter().flatten().filter_map(Result::ok);
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Runs a command to its end.
    pub fn lab(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).end()
    }

    /// Starts a command.
    pub fn start(&self, arguments: &[&str]) -> Running<'_> {
        self.start_with(arguments, &[])
    }

    /// Starts a command with further variables in its environment.
    pub fn start_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Running<'_> {
        let number = self.names(".").len();
        let (out, err) = (self.path(&format!("out-{number}")), self.path(&format!("err-{number}")));
        let child = Command::new(self.program)
            .args(arguments)
            .current_dir(self.folder.path())
            .env("TMPDIR", self.path("tmp"))
            .env("NO_COLOR", "1")
            .env_remove("LAB_POSTGRES_URL")
            .env_remove("LAB_REDIS_URL")
            .env_remove("LAB_KAFKA_URL")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(File::create(&out).expect("a file"))
            .stderr(File::create(&err).expect("a file"))
            .spawn()
            .expect("the lab starts");
        Running { desk: self, child, out, err }
    }

    /// Every process that this desk started: its id and command line.
    pub fn processes(&self) -> Vec<(i32, String)> {
        let mark = format!("TMPDIR={}", self.path("tmp").display());
        let ids = fs::read_dir("/proc")
            .expect("processes")
            .filter_map(|entry| entry.ok()?.file_name().to_string_lossy().parse::<i32>().ok());
        let is_ours = |id: &i32| {
            let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        };
        ids.filter(is_ours).map(|id| (id, command_line(id))).collect()
    }

    /// Fails if a process or a temporary file remains.
    #[track_caller]
    pub fn is_tidy(&self) {
        assert_eq!(self.processes(), [], "no process is left");
        assert_eq!(self.names("tmp"), [""; 0], "no temporary file is left");
    }

    /// Waits until every process that this desk started has ended by itself.
    pub fn becomes_quiet(&self) {
        eventually(SOON, "every process ends by itself", || self.processes().is_empty().then_some(()));
    }
}

fn command_line(id: i32) -> String {
    let bytes = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ").trim_end().to_owned()
}

impl Running<'_> {
    /// Waits until the command has printed these words.
    pub fn says(&mut self, words: &str) {
        eventually(SOON, words, || {
            let said = text(&self.out) + &text(&self.err);
            let found = said.contains(words);
            let ended = self.child.try_wait().expect("it can be watched");
            assert!(found || ended.is_none(), "it ended ({ended:?}) without saying `{words}`: {said}");
            found.then_some(())
        });
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The standard output so far.
    pub fn out(&self) -> String {
        text(&self.out)
    }

    /// The internal servers of a running system, by process name.
    pub fn internal_servers(&self) -> Vec<(String, SocketAddr)> {
        let out = self.out();
        let server = |line: &str| {
            let (name, rest) = line.split_once(" pid ")?;
            let address = rest.split_once("metrics http://")?.1.strip_suffix("/metrics")?;
            Some((name.trim().to_owned(), address.parse().expect("an address")))
        };
        out.lines().filter_map(server).collect()
    }

    /// Sends the command a signal.
    pub fn signal(&self, signal: Signal) {
        signal::kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("it is there");
    }

    /// Kills the service process of this name.
    pub fn kill_service(&self, name: &str) {
        let file = format!("{name}.toml");
        let services = self.desk.processes();
        let found =
            services.iter().find(|(_, command)| command.contains(" host ") && command.ends_with(&file));
        let (id, _) = found.unwrap_or_else(|| panic!("no `{name}` among {services:?}"));
        signal::kill(Pid::from_raw(*id), Signal::SIGKILL).expect("it is there");
    }

    /// Whether the command has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it can be watched").is_some()
    }

    /// Waits until the command has ended.
    pub fn end(mut self) -> Ended {
        let status =
            eventually(ENDS_WITHIN, "the command ends", || self.child.try_wait().expect("it can be watched"));
        Ended { code: status.code(), out: text(&self.out), err: text(&self.err) }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // Both fail if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

/// Whether the lab finds a Redis to start; if not, a message says so.
///
/// # Panics
///
/// In CI, if there is none.
pub fn has_redis() -> bool {
    let asked = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
    let has = asked.is_ok_and(|status| status.success());
    if !has {
        skip("`redis-server` on the PATH", "Debian: `apt-get install redis-server`");
    }
    has
}

/// Checks for one clear error message with a hint, exit code 2, and nothing left behind; returns the message.
///
/// # Panics
///
/// If anything else happened.
#[track_caller]
pub fn refused(desk: &Desk, ended: &Ended) -> String {
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert_eq!(ended.err.matches("error:").count(), 1, "one complaint: {}", ended.err);
    assert!(ended.err.contains("hint:") || ended.err.contains("tip:"), "a way on: {}", ended.err);
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
    desk.is_tidy();
    assert_eq!(desk.names("runs"), [""; 0], "no run is kept");
    ended.err.clone()
}
