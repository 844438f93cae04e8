//! The compose runtime through the real binary, and the compose files that are committed.
//!
//! Tests that need an engine are skipped without one, with a message, and fail if `CI` is set.
//! `LAB_TEST_IMAGE` names another image of the service processes than that of the compose files.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use nix::sys::signal::Signal;
use report::{Report, model::PartKind};
use runtimes::compose::IMAGE;
use system_tests::{
    command::{Desk, SCENARIO, SHORT, refused},
    engine::{docker, image, of_lab},
    tree::root,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");

const STORES: [&str; 3] = ["postgres:15-bookworm", "redis:7.0-bookworm", "apache/kafka:4.3.1"];

/// One project at a time: each is a whole system, and its start has a time limit.
static ENGINE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ENGINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A desk with the short scenario, in one launch.
fn desk() -> Desk {
    let desk = Desk::new(PROGRAM);
    desk.write(SCENARIO, &SHORT.replace("quick_launches = 2", "quick_launches = 1"));
    desk
}

fn only_report(desk: &Desk) -> Report {
    let names = desk.names("runs");
    let [name] = names.as_slice() else { panic!("one run is kept, and not {names:?}") };
    let text = fs::read_to_string(desk.path(&format!("runs/{name}/report.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_run_in_containers_measures_every_part_and_leaves_nothing() {
    let Some(image) = image(IMAGE, &STORES) else { return };
    let _alone = alone();
    let desk = desk();
    let stores = ["--hold", "database=postgres", "--hold", "cache=redis", "--hold", "events=kafka"];
    let command = ["run", SCENARIO, "--quick", "--to-the-end", "--runtime", "compose", "--image", &image];
    let running = desk.start(&[&command[..], &stores].concat());
    let id = running.id();
    let ended = running.end();
    assert!(ended.ran(), "{ended:?}");
    assert_eq!(of_lab(id), [""; 0], "nothing is left with the engine");
    desk.is_tidy();
    let report = only_report(&desk);
    assert_eq!(report.runtime, "compose");
    assert!(report.reproduce.contains("--runtime compose"), "{}", report.reproduce);
    assert!(report.validity.notes.iter().any(|note| note.contains(&image)), "{:?}", report.validity.notes);
    for arm in &report.arms {
        let ledger = arm.ledger.as_ref().unwrap();
        assert!(arm.operations > 0 && ledger.holds && ledger.complete, "{}: {ledger:?}", arm.label);
        let backings: Vec<_> =
            arm.cpu_us_per_op.parts.iter().filter(|part| part.kind == PartKind::Backing).collect();
        let names: Vec<_> = backings.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["postgres", "redis", "kafka"], "{}", arm.label);
        let used_nothing = arm.cpu_us_per_op.parts.iter().find(|part| part.us <= 0.0);
        assert!(used_nothing.is_none(), "{}: {used_nothing:?}", arm.label);
        assert!(
            arm.memory_mib.parts.iter().all(|part| part.mib > 1.0),
            "{}: {:?}",
            arm.label,
            arm.memory_mib
        );
        assert!(!arm.where_time_goes.is_empty(), "{}: spans reach the lab from containers", arm.label);
        assert!(arm.topology.backings.iter().all(|backing| backing.provider.starts_with("compose ")));
    }
}

#[test]
fn an_interrupt_in_the_middle_leaves_nothing() {
    let Some(image) = image(IMAGE, &[]) else { return };
    let _alone = alone();
    for moment in ["starting", "measuring"] {
        let desk = desk();
        let mut running = desk.start(&["run", SCENARIO, "--runtime", "compose", "--image", &image]);
        let id = running.id();
        running.says(moment);
        running.signal(Signal::SIGINT);
        let ended = running.end();
        assert_eq!(ended.code, Some(2), "{moment}: {ended:?}");
        assert!(ended.err.contains("interrupted"), "{moment}: {ended:?}");
        assert_eq!(of_lab(id), [""; 0], "{moment}: nothing is left with the engine");
        desk.is_tidy();
        assert_eq!(desk.names("runs"), [""; 0], "{moment}: no run is kept");
    }
}

#[test]
fn a_second_interrupt_leaves_nothing_either() {
    let Some(image) = image(IMAGE, &[]) else { return };
    let _alone = alone();
    let desk = desk();
    let mut running = desk.start(&["run", SCENARIO, "--runtime", "compose", "--image", &image]);
    let id = running.id();
    running.says("measuring");
    running.signal(Signal::SIGINT);
    running.says("once more");
    running.signal(Signal::SIGINT);
    running.end();
    assert_eq!(of_lab(id), [""; 0], "nothing is left with the engine");
    assert_eq!(desk.names("tmp"), [""; 0], "no temporary file is left");
}

#[test]
fn what_a_killed_lab_left_is_removed_by_the_next() {
    let Some(image) = image(IMAGE, &[]) else { return };
    let _alone = alone();
    let desk = desk();
    let up = ["up", "shortener", "--runtime", "compose", "--image", &image];
    let mut killed = desk.start(&up);
    let first = killed.id();
    killed.says("up; Ctrl-C stops it");
    killed.signal(Signal::SIGKILL);
    killed.end();
    assert_ne!(of_lab(first), [""; 0], "its containers run on");
    let mut next = desk.start(&up);
    let second = next.id();
    next.says("up; Ctrl-C stops it");
    assert_eq!(of_lab(first), [""; 0], "the next lab removed them");
    next.signal(Signal::SIGINT);
    assert_eq!(next.end().code, Some(0));
    assert_eq!(of_lab(second), [""; 0], "nothing is left with the engine");
    desk.is_tidy();
}

#[test]
fn a_container_that_dies_is_reported_with_its_last_words() {
    let Some(image) = image(IMAGE, &[]) else { return };
    let _alone = alone();
    let desk = desk();
    let mut running = desk.start(&["up", "shortener", "--runtime", "compose", "--image", &image]);
    let id = running.id();
    running.says("up; Ctrl-C stops it");
    let container = of_lab(id).into_iter().find(|name| name.ends_with("-shortener-1")).unwrap();
    docker(&["kill", &container]).unwrap();
    let ended = running.end();
    assert!(ended.err.contains("the process `shortener` ended"), "{ended:?}");
    refused(&desk, &ended);
    assert_eq!(of_lab(id), [""; 0], "nothing is left with the engine");
}

#[test]
fn what_is_missing_is_one_clear_message() {
    let desk = desk();
    let up = ["up", "shortener", "--runtime", "compose"];
    let nowhere = desk.path("no-programs");
    fs::create_dir(&nowhere).unwrap();
    let ended = desk.start_with(&up, &[("PATH", nowhere.to_str().unwrap())]).end();
    assert!(refused(&desk, &ended).contains("there is no `docker` command"));
    let given = [&up[..], &["--kafka-url", "kafka://127.0.0.1:9092"]].concat();
    assert!(refused(&desk, &desk.lab(&given)).contains("cannot go together"));
    if image(IMAGE, &[]).is_none() {
        return;
    }
    let asleep = desk.start_with(&up, &[("DOCKER_HOST", "unix:///nowhere.sock")]).end();
    assert!(refused(&desk, &asleep).contains("docker"), "{asleep:?}");
    let other = [&up[..], &["--image", "no-such-image:1"]].concat();
    assert!(refused(&desk, &desk.lab(&other)).contains("`no-such-image:1`"));
}

/// Every compose file from the exporter, with its command.
fn committed() -> Vec<(PathBuf, Vec<String>)> {
    let mut found = Vec::new();
    for system in fs::read_dir(root().join("deploy/compose")).unwrap().filter_map(Result::ok) {
        for file in fs::read_dir(system.path()).into_iter().flatten().filter_map(Result::ok) {
            let text = fs::read_to_string(file.path()).unwrap_or_default();
            let command = text.lines().find_map(|line| line.strip_prefix("#   lab "));
            let words = |command: &str| command.split(' ').map(str::to_owned).collect();
            found.extend(command.map(|command| (file.path(), words(command))));
        }
    }
    found.sort();
    found
}

/// Every file below a folder: relative path and text.
fn texts(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        let name = PathBuf::from(entry.file_name());
        if entry.path().is_dir() {
            found.extend(texts(&entry.path()).into_iter().map(|(path, text)| (name.join(path), text)));
        } else {
            found.push((name, fs::read_to_string(entry.path()).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn the_committed_compose_files_are_what_the_exporter_writes() {
    let desk = Desk::new(PROGRAM);
    let files = committed();
    assert!(files.len() >= 11, "{files:?}");
    for (file, command) in &files {
        let command: Vec<&str> = command.iter().map(String::as_str).chain(["--out", "out"]).collect();
        let ended = desk.lab(&command);
        assert_eq!(ended.code, Some(0), "{}: {ended:?}", file.display());
    }
    for system in desk.names("out") {
        let (written, kept) = (desk.path("out").join(&system), root().join("deploy/compose").join(&system));
        let (written, kept) = (texts(&written), texts(&kept));
        let names =
            |files: &[(PathBuf, String)]| files.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
        assert_eq!(names(&written), names(&kept), "no file too many, and none too few");
        for ((path, written), (_, kept)) in written.iter().zip(&kept) {
            assert_eq!(written, kept, "`{}`: run the command in its head again", path.display());
        }
    }
}

/// The ports that a compose file publishes.
fn published(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let value: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    let services = value["services"].as_object().unwrap().values();
    let ports = services.flat_map(|service| service["ports"].as_array().into_iter().flatten());
    ports.map(|port| port.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_published_port_is_on_loopback_and_can_be_changed() {
    let observability = root().join("deploy/compose/observability.yml");
    let files = committed().into_iter().map(|(file, _)| file).chain([observability]);
    let ports: Vec<_> = files.flat_map(|file| published(&file)).collect();
    assert!(ports.len() >= 10, "{ports:?}");
    let guide = fs::read_to_string(root().join("deploy/compose/README.md")).unwrap();
    let head = fs::read_to_string(root().join("docker-compose.yml")).unwrap();
    let mut taken = BTreeSet::new();
    for port in &ports {
        let chosen = port.strip_prefix("127.0.0.1:${LAB_").and_then(|rest| rest.split_once("_PORT:-"));
        let (name, rest) = chosen.unwrap_or_else(|| panic!("`{port}` cannot be changed"));
        let (default, _) = rest.split_once("}:").unwrap();
        let (variable, default) = (format!("LAB_{name}_PORT"), default.parse::<u16>().unwrap());
        assert!(
            taken.insert(variable.clone()) && taken.insert(default.to_string()),
            "`{port}` is there twice"
        );
        assert!(head.contains(&variable), "`docker-compose.yml` does not name `{variable}`");
        let row = format!("| {default} | `{variable}` |");
        assert!(guide.contains(&row), "`deploy/compose/README.md` has no `{row}`");
    }
}

#[test]
fn every_profile_of_the_compose_files_is_sound() {
    if image(IMAGE, &[]).is_none() {
        return;
    }
    let file = root().join("docker-compose.yml");
    let profiles = docker(&["compose", "-f", file.to_str().unwrap(), "config", "--profiles"]).unwrap();
    let profiles: Vec<&str> = profiles.lines().collect();
    assert!(profiles.contains(&"monolith-lean") && profiles.contains(&"grafana"), "{profiles:?}");
    for profile in profiles.into_iter().map(Some).chain([None]) {
        let chosen: Vec<&str> = profile.into_iter().flat_map(|name| ["--profile", name]).collect();
        let command = [&["compose", "-f", file.to_str().unwrap()], &chosen[..], &["config", "-q"]].concat();
        assert!(docker(&command).is_some(), "`docker {}` fails", command.join(" "));
    }
}
