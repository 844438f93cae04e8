//! A throwaway server ends with its keeper, however the keeper ends, and its folder is removed.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

const LAB: &str = env!("CARGO_BIN_EXE_lab");

/// The time limit of each step.
const WITHIN: Duration = Duration::from_secs(20);

/// A stand-in for a server: prints its process id, waits, and records the signal that ends it.
const SERVER: &str = r"
trap 'echo interrupted > ended; exit 0' INT
trap 'echo terminated > ended; exit 0' TERM
echo $$ > pid.part; mv pid.part pid
while true; do sleep 0.05; done
";

/// A running keeper with its server, and a folder outside of the one that is removed.
struct Kept {
    keeper: Child,
    place: tempfile::TempDir,
}

impl Kept {
    fn start(flags: &[&str]) -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("data")).unwrap();
        let keeper = Command::new(LAB)
            .args(["keep", "--folder", "data"])
            .args(flags)
            .args(["--", "sh", "-c", SERVER])
            .current_dir(place.path())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        Self { keeper, place }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// The server's process id, after its start.
    fn server(&self) -> i32 {
        until("the server runs", || fs::read_to_string(self.path("pid")).ok()).trim().parse().unwrap()
    }

    fn ended(&self) -> String {
        fs::read_to_string(self.path("ended")).unwrap_or_default()
    }
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + WITHIN;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process exists and has not ended; a zombie may remain in the process table until it is reaped.
fn lives(pid: i32) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = state.rsplit(") ").next().unwrap_or_default().to_owned();
    Path::new(&format!("/proc/{pid}")).exists() && !state.starts_with('Z')
}

#[test]
fn when_the_lab_is_gone_the_server_is_asked_to_end_and_its_folder_removed() {
    let mut kept = Kept::start(&[]);
    let server = kept.server();
    drop(kept.keeper.stdin.take());
    assert!(kept.keeper.wait().unwrap().success());
    assert!(!lives(server));
    assert_eq!(kept.ended(), "terminated\n");
    assert!(!kept.path("data").exists());
}

#[test]
fn a_server_is_asked_in_the_way_that_it_understands() {
    let mut kept = Kept::start(&["--ask", "interrupt"]);
    kept.server();
    kill(Pid::from_raw(kept.keeper.id().cast_signed()), Signal::SIGTERM).unwrap();
    assert!(kept.keeper.wait().unwrap().success());
    assert_eq!(kept.ended(), "interrupted\n");
}

#[test]
fn a_server_whose_keeper_is_killed_goes_with_it() {
    let mut kept = Kept::start(&[]);
    let server = kept.server();
    assert!(lives(server));
    kept.keeper.kill().unwrap();
    kept.keeper.wait().unwrap();
    until("the server is gone", || (!lives(server)).then_some(()));
    assert_eq!(kept.ended(), "", "nobody was left to ask it");
}

#[test]
fn a_server_that_is_killed_on_order_is_started_again_in_its_folder() {
    let mut kept = Kept::start(&[]);
    let first = kept.server();
    fs::write(kept.path("data/kept"), "").unwrap();
    let mut input = kept.keeper.stdin.take().unwrap();
    input.write_all(b"kill\n").unwrap();
    until("the server is gone", || (!lives(first)).then_some(()));
    assert_eq!(kept.ended(), "", "nobody asked it");
    fs::remove_file(kept.path("pid")).unwrap();
    input.write_all(b"start\n").unwrap();
    assert_ne!(kept.server(), first);
    assert!(kept.path("data/kept").exists());
    drop(input);
    assert!(kept.keeper.wait().unwrap().success());
    assert_eq!(kept.ended(), "terminated\n");
    assert!(!kept.path("data").exists());
}

#[test]
fn a_keeper_whose_server_is_down_ends_with_the_lab() {
    let mut kept = Kept::start(&[]);
    let server = kept.server();
    let mut input = kept.keeper.stdin.take().unwrap();
    input.write_all(b"kill\n").unwrap();
    until("the server is gone", || (!lives(server)).then_some(()));
    drop(input);
    assert!(kept.keeper.wait().unwrap().success());
    assert!(!kept.path("data").exists());
}

#[test]
fn a_server_that_ends_by_itself_is_an_error() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("data")).unwrap();
    let mut keeper = Command::new(LAB)
        .args(["keep", "--folder", "data", "--", "sh", "-c", "echo no room >&2; exit 3"])
        .current_dir(place.path())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Kept open to the end: closing it means the end of the lab.
    let input = keeper.stdin.take();
    let keeper = keeper.wait_with_output().unwrap();
    drop(input);
    let said = String::from_utf8_lossy(&keeper.stderr).into_owned();
    assert!(!keeper.status.success());
    assert!(said.contains("no room") && said.contains("exit status: 3"), "{said}");
}
