//! The chat's page as people use it: two windows at two gateways of `lab up`, a gateway that is killed by a key of the lab, and a
//! conversation that goes on. `tests/accessibility/chat.mjs` is at the windows, this at the lab.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use system_tests::{
    command::{Desk, has_redis},
    edge_suite::eventually,
    skip::skip,
    tree::root,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");

/// Two gateways, and a process each for rooms, messages and presence.
const WIRING: [&str; 8] =
    ["up", "chat", "--set", "placement=microservices", "--set", "fanout=redis", "--set", "replicas=2"];

/// The time limit for the lab to say something.
const SAID_WITHIN: Duration = Duration::from_mins(1);

/// The folder where CI installs `tests/accessibility/package-lock.json`.
fn tools() -> PathBuf {
    root().join("target/ci/accessibility")
}

/// Whether there is a browser, and what drives it.
fn has_browser() -> bool {
    let runs = |program: &str| Command::new(program).arg("--version").output().is_ok();
    let has = runs("node") && runs("chromium") && tools().join("node_modules/playwright-core").exists();
    if !has {
        let how = "Debian's nodejs, npm and chromium, and `tests/accessibility/package-lock.json` in \
                   `target/ci/accessibility`, as `.ci/engine` does it";
        skip("node, chromium and the packages of `tests/accessibility`", how);
    }
    has
}

/// `lab up` with somebody at its keys. Dropping it kills it.
struct Up {
    child: Child,
    keys: Option<ChildStdin>,
    out: PathBuf,
    err: PathBuf,
}

impl Up {
    fn start(desk: &Desk) -> Self {
        let (out, err) = (desk.path("up-out"), desk.path("up-err"));
        let mut child = Command::new(PROGRAM)
            .args(WIRING)
            .env("TMPDIR", desk.path("tmp"))
            .env("NO_COLOR", "1")
            .env_remove("LAB_REDIS_URL")
            .stdin(Stdio::piped())
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .spawn()
            .unwrap();
        let keys = child.stdin.take();
        Self { child, keys, out, err }
    }

    fn err(&self) -> String {
        fs::read_to_string(&self.err).unwrap()
    }

    /// Waits until it has said these words so often.
    fn says(&mut self, words: &str, times: usize) {
        eventually(SAID_WITHIN, words, || {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?} without `{words}`: {}", self.err());
            (self.err().matches(words).count() >= times).then_some(())
        });
    }

    fn press(&mut self, key: &str) {
        writeln!(self.keys.as_mut().unwrap(), "{key}").unwrap();
    }

    /// The pages that it says can be opened.
    fn pages(&self) -> Vec<String> {
        let out = fs::read_to_string(&self.out).unwrap();
        let opens = out.lines().filter_map(|line| line.trim().strip_prefix("xdg-open '"));
        opens.map(|page| page.trim_end_matches('\'').to_owned()).collect()
    }

    /// Its keys end; it does not, until it is interrupted.
    fn end(&mut self, desk: &Desk) {
        self.press("?");
        self.says("`h` says the keys", 2);
        self.keys = None;
        let ended = desk.lab(&["fault", "list"]);
        assert_eq!(ended.code, Some(0), "it is up without keys: {ended:?}");
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGINT).unwrap();
        let status = eventually(SAID_WITHIN, "it ends", || self.child.try_wait().unwrap());
        assert_eq!(status.code(), Some(0), "{}", self.err());
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // Both fail if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Does to the gateways what those at the windows ask for.
fn act(desk: &Desk, up: &mut Up, asked: &str) {
    let fault = |words: &[&str]| {
        let ended = desk.lab(&[&["fault"][..], words].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
    };
    match asked {
        "kill one" => {
            up.press("k");
            up.says("gateway-1 is down after a kill", 1);
        }
        // Longer than three seconds, however slow those at the windows are.
        "kill all" => {
            up.says("over: gateway-1 is down after a kill", 1);
            fault(&["kill", "gateway", "--for", "10m"]);
        }
        "let them live" => fault(&["clear"]),
        _ => panic!("nobody knows how to `{asked}`"),
    }
}

#[test]
fn two_people_at_two_gateways_see_one_conversation_whichever_gateway_is_killed() {
    if !has_browser() || !has_redis() {
        return;
    }
    let desk = Desk::new(PROGRAM);
    let mut up = Up::start(&desk);
    up.says("up; Ctrl-C stops it, `k` and Enter kill `gateway-1` for 3 s, the next time `gateway-2`", 1);
    let pages = up.pages();
    assert_eq!(pages.len(), 2, "a page at each gateway: {pages:?}");
    let mut windows = Command::new("node")
        .arg(root().join("tests/accessibility/chat.mjs"))
        .arg(tools())
        .args(&pages)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answers = windows.stdin.take().unwrap();
    let mut said = Vec::new();
    for line in BufReader::new(windows.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some(asked) = line.strip_prefix("ask ") {
            act(&desk, &mut up, asked);
            writeln!(answers, "done").unwrap();
        } else {
            said.push(line);
        }
    }
    let status = windows.wait().unwrap();
    let said = said.join("\n");
    assert!(status.success(), "{said}\nthe lab:\n{}", up.err());
    assert!(said.contains("14 messages, 0 findings"), "{said}");
    up.end(&desk);
    desk.is_tidy();
}
