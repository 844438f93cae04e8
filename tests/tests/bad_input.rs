//! The lab's reaction to input that it cannot use: one clear message with a hint, exit code 2, nothing left
//! behind.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio},
};

use report::model::SCHEMA;
use system_tests::command::{Desk, SCENARIO, SHORT, refused};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");

/// A desk with the short scenario on it.
fn desk() -> Desk {
    let desk = Desk::new(PROGRAM);
    desk.write(SCENARIO, SHORT);
    desk
}

/// Fails unless the command is refused with each of these words.
#[track_caller]
fn is_refused(desk: &Desk, arguments: &[&str], words: &[&str]) {
    let complaint = refused(desk, &desk.lab(arguments));
    for word in words {
        assert!(complaint.contains(word), "`lab {}`: no `{word}` in: {complaint}", arguments.join(" "));
    }
}

#[test]
fn names_that_are_unknown_are_answered_with_the_nearest() {
    let desk = desk();
    let scenarios = ["--scenarios", "short"];
    let lab =
        |arguments: &[&str], words: &[&str]| is_refused(&desk, &[&scenarios[..], arguments].concat(), words);
    lab(&["run", "shortener/shrot"], &["`shortener/shrot`", "did you mean `shortener/short`"]);
    lab(&["run", "short"], &["did you mean `shortener/short`"]);
    lab(&["show", "shortener/shrot"], &["did you mean `shortener/short`"]);
    lab(&["plan", "shortener/shrot"], &["did you mean `shortener/short`"]);
    lab(&["run", "shortener/short", "--hold", "cahce=local"], &["`cahce`", "did you mean `cache`"]);
    lab(&["run", "shortener/short", "--hold", "cache=locl"], &["`locl`", "did you mean `local`"]);
    lab(&["run", "shortener/short", "--hold", "placement=monolith"], &["axis in question", "--arm"]);
    lab(&["run", "shortener/short", "--arm", "monolith", "--arm", "monolit"], &["did you mean `monolith`"]);
    lab(&["run", "shortener/short", "--arm", "monolith"], &["two arms"]);
    lab(
        &["run", "shortener/short", "--arm", "monolith", "--arm", "microservices", "--arm", "monolith"],
        &["`monolith` is repeated"],
    );
    lab(&["up", "shortner"], &["`shortner`", "did you mean `shortener`"]);
    lab(&["show", "shortner"], &["did you mean `shortener`"]);
    lab(&["up", "shortener", "--set", "databse=sqlite"], &["did you mean `database`"]);
    lab(&["up", "shortener/short", "--arm", "monolit"], &["did you mean `monolith`"]);
    for url in
        ["short.example", "ftp://short.example", "https://short.example/path", "https://me@short.example"]
    {
        lab(&["up", "shortener", "--public-url", url], &[url, "a public URL is", "`https://short.example`"]);
    }
    is_refused(
        &desk,
        &["load", "--system", "shortner", "--url", "http://127.0.0.1:9", "--rate", "1"],
        &["did you mean `shortener`"],
    );
    lab(&["runn", "shortener/short"], &["'run'"]);
}

#[test]
fn a_file_that_is_wrong_is_pointed_at() {
    let desk = Desk::new(PROGRAM);
    let wrong = |from: &str, to: &str, words: &[&str]| {
        assert!(SHORT.contains(from), "{from}");
        desk.write(SCENARIO, &SHORT.replacen(from, to, 1));
        is_refused(&desk, &["run", SCENARIO, "--quick"], &[&[SCENARIO][..], words].concat());
    };
    wrong(
        "axis = \"placement\"",
        "axis = [\"placement\", \"cache\"]",
        &["short.toml:5:", "exactly one axis"],
    );
    wrong("axis = \"placement\"\n", "", &["axis"]);
    wrong("axis = \"placement\"", "axis = \"placment\"", &[":5:8:", "did you mean `placement`"]);
    wrong("\"microservices\"]", "\"microservice\"]", &[":6:21:", "did you mean `microservices`"]);
    wrong("\"microservices\"]", "\"microservices\", \"monolith\"]", &[":6:", "`monolith` is repeated"]);
    wrong("mix = \"follow-mostly\"", "mix = \"follow-mosty\"", &["did you mean `follow-mostly`"]);
    let malformed = |from: &str, to: &str, words: &[&str]| {
        desk.write(SCENARIO, &SHORT.replacen(from, to, 1));
        let ended = desk.lab(&["run", SCENARIO, "--quick"]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        for word in [&[SCENARIO][..], words].concat() {
            assert!(ended.err.contains(word), "no `{word}` in {}", ended.err);
        }
        desk.is_tidy();
    };
    malformed("kind = \"paired\"", "kind = paired", &[":4:8"]);
    malformed("rate = 150", "rate = \"fast\"", &[":14:8"]);
    malformed("rate = 150", "rate = 0", &["`rate` is out of bounds"]);
    malformed("why = ", "wyh = ", &[":2:1", "wyh"]);
    malformed("question = ", "qu", &[":1:"]);
}

#[test]
fn places_that_cannot_be_are_refused() {
    let desk = desk();
    desk.write("file", "");
    is_refused(&desk, &["run", "nowhere/shortener/x.toml"], &["nowhere/shortener/x.toml"]);
    is_refused(&desk, &["run", SCENARIO, "--quick", "--out", "file/runs"], &["`file/runs`", "--out DIR"]);
    is_refused(&desk, &["run", SCENARIO, "--quick", "--out", "/proc/runs"], &["`/proc/runs`", "--out DIR"]);
    is_refused(&desk, &["list", "--scenarios", "nowhere"], &["nowhere"]);
    is_refused(&desk, &["report", "nothing"], &["`nothing`", "lab run"]);
    is_refused(&desk, &["report", "latest"], &["no complete run", "lab run"]);
}

#[test]
fn a_list_shows_what_can_be_used_and_is_an_error_where_something_cannot() {
    let desk = desk();
    desk.write("short/shortener/torn.toml", &SHORT.replace("rate = 150", "rat = 150"));
    // A monolith has no process that could have replicas.
    desk.write("short/shortener/two.toml", &SHORT.replace("cache = \"local\"", "replicas = \"2\""));
    let ended = desk.lab(&["list", "--scenarios", "short"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.out.contains("shortener/short"), "{ended:?}");
    for word in ["torn.toml:14:1: unknown field `rat`", "did you mean `rate`", "cannot plan `shortener/two`"]
    {
        assert!(ended.err.contains(word), "no {word} in {}", ended.err);
    }
    assert_eq!(ended.err.matches("error: ").count(), 2, "{}", ended.err);
}

/// A folder on its own disk, of this many MiB. Dropping it removes the disk.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, with a message, if this user may not mount.
    fn at(folder: PathBuf, mebibytes: u32) -> Option<Self> {
        fs::create_dir(&folder).unwrap();
        let size = format!("size={mebibytes}m");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&folder).stderr(Stdio::null());
        if mount.status().is_ok_and(|status| status.success()) {
            return Some(Self(folder));
        }
        eprintln!("SKIPPED: a full disk; only root may mount one");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_disk_that_is_all_but_full_is_named_before_anything_starts() {
    let desk = desk();
    let Some(small) = SmallDisk::at(desk.path("small"), 8) else { return };
    let here = small.0.to_str().unwrap();
    is_refused(&desk, &["run", SCENARIO, "--quick", "--out", here], &[here, "less than 16 MiB", "--out DIR"]);
    let ended = desk.start_with(&["run", SCENARIO, "--quick"], &[("TMPDIR", here)]).end();
    let complaint = refused(&desk, &ended);
    for word in ["no disk space", here, "256 MiB", "`TMPDIR=DIR`"] {
        assert!(complaint.contains(word), "no `{word}` in: {complaint}");
    }
}

/// Starts a container system with this script as `docker`; returns the lab's message.
fn with_docker(desk: &Desk, script: &str) -> String {
    let docker = desk.write("fake/docker", &format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(&docker, fs::Permissions::from_mode(0o755)).unwrap();
    // First in the path, and with the usual programs: the script needs some.
    let path = format!("{}:/usr/bin:/bin", desk.path("fake").display());
    refused(desk, &desk.start_with(&["up", "shortener", "--runtime", "compose"], &[("PATH", &path)]).end())
}

#[test]
fn an_engine_that_cannot_be_used_is_told_with_what_to_do() {
    let desk = Desk::new(PROGRAM);
    let told = |script: &str, words: &[&str]| {
        let complaint = with_docker(&desk, script);
        for word in words {
            assert!(complaint.contains(word), "no `{word}` in: {complaint}");
        }
    };
    told("echo $(uname -n) 19.03.15 linux", &["version 19.03.15", "Docker Engine 20.10 or later"]);
    told(
        "case $1 in info) echo $(uname -n) 24.0.7 linux;; *) echo v2.19.1;; esac",
        &["Docker Compose has version v2.19.1", "Docker Compose 2.20 or later"],
    );
    told("echo far-away 24.0.7 linux", &["runs on `far-away`", "`--runtime process`"]);
    // The engine's own error for a user outside its group.
    told(
        "echo 'permission denied while trying to connect to the Docker daemon socket' >&2; exit 1",
        &["permission denied", "the group `docker`"],
    );
}

#[test]
fn a_run_that_is_incomplete_is_not_drawn() {
    let desk = Desk::new(PROGRAM);
    let report = |words: &[&str]| {
        let ended = desk.lab(&["report", "broken-off"]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        for word in words {
            assert!(ended.err.contains(word), "no `{word}` in {}", ended.err);
        }
    };
    desk.write("runs/broken-off/plan.toml", "");
    report(&["incomplete", "`report.json`", "hint:"]);
    desk.write("runs/broken-off/report.json", "{\"schema\":");
    report(&["is not a report", "hint:", SCHEMA]);
    desk.write("runs/broken-off/report.json", "{}");
    report(&["is not a report", "hint:"]);
    assert_eq!(desk.names("runs/broken-off"), ["plan.toml", "report.json"], "nothing was drawn");
}

#[test]
fn addresses_that_do_not_serve_are_refused() {
    let desk = Desk::new(PROGRAM);
    let load = |url: &str, words: &[&str]| {
        is_refused(
            &desk,
            &["load", "--system", "shortener", "--url", url, "--rate", "10", "--for", "1s"],
            words,
        );
    };
    load("http://127.0.0.1:9", &["nothing listens at `127.0.0.1:9`"]);
    load("https://127.0.0.1:9", &["`https://127.0.0.1:9`"]);
    load("http://127.0.0.1:99999", &["`http://127.0.0.1:99999` is not a target", "port"]);
    load("not a url", &["`not a url`"]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    is_refused(&desk, &["up", "shortener", "--port", &port], &[&port, "--port"]);
    is_refused(
        &desk,
        &[
            "up",
            "shortener",
            "--set",
            "database=postgres",
            "--postgres-url",
            "postgres://a:secret@127.0.0.1:9/b",
        ],
        &["`127.0.0.1:9`"],
    );
    for (flag, axis, url) in [
        ("--postgres-url", "database=postgres", "postgres://a:secret@127.0.0.1:99999/b"),
        ("--redis-url", "cache=redis", "redis://127.0.0.1:99999"),
        ("--kafka-url", "events=kafka", "kafka://127.0.0.1:99999"),
    ] {
        is_refused(&desk, &["up", "shortener", "--set", axis, flag, url], &["port", flag]);
        let other = url.replace(flag.trim_start_matches("--").trim_end_matches("-url"), "http");
        assert!(other.starts_with("http://"), "{other}");
        is_refused(&desk, &["up", "shortener", "--set", axis, flag, &other], &["address", flag]);
    }
    is_refused(&desk, &["export", "compose", "shortener", "--port", "0"], &["--port"]);
}

/// The server accepts connections and never replies: a load must not wait for ever.
#[test]
fn a_server_that_never_answers_is_given_up() {
    let desk = Desk::new(PROGRAM);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    is_refused(
        &desk,
        &["load", "--system", "shortener", "--url", &url, "--rate", "10", "--for", "1s"],
        &["error:"],
    );
}
