//! The lab's commands as a user runs them, through the real binary: their output, the files that they keep,
//! and what they leave behind.
//!
//! Runs here are short: they test the lab, and say nothing about the systems.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    fs::{self, Permissions},
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt as _,
    sync::RwLock,
};

use nix::sys::signal::Signal;
use report::{
    Report,
    model::{ClaimVerdict, SCHEMA},
};
use system_tests::command::{Desk, Ended, SCENARIO, SHORT};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");

/// Locked for writing by a test that needs a run with a verdict, whose generator must not be late.
static MACHINE: RwLock<()> = RwLock::new(());

/// A run without a verdict, or with a failed operation, is repeated only if the host gave this machine's
/// processors to others during it: this often, and from this many hundredths of a second on.
const STOLEN_TRIES: u32 = 8;
const MUCH_STOLEN: u64 = 5;

/// The time stolen by the host since this machine started, in hundredths of a second (proc(5), `steal`).
fn stolen() -> u64 {
    let text = fs::read_to_string("/proc/stat").unwrap();
    text.split_whitespace().nth(8).unwrap().parse().unwrap()
}

/// A desk with the short scenario, as `short/shortener/short.toml`.
fn desk() -> Desk {
    let desk = Desk::new(PROGRAM);
    desk.write(SCENARIO, SHORT);
    desk
}

/// The single run that was kept.
fn kept(desk: &Desk) -> (String, Report) {
    let names = desk.names("runs");
    let [name] = names.as_slice() else { panic!("one run is kept, and not {names:?}") };
    let text = read(desk, &format!("runs/{name}/report.json"));
    (name.clone(), serde_json::from_str(&text).unwrap())
}

fn read(desk: &Desk, name: &str) -> String {
    fs::read_to_string(desk.path(name)).unwrap_or_else(|error| panic!("`{name}`: {error}"))
}

/// The addresses on which a run's processes listened.
fn addresses(report: &Report) -> Vec<SocketAddr> {
    let processes = report.arms.iter().flat_map(|arm| &arm.topology.processes);
    let urls = processes.filter_map(|process| process.url.as_ref());
    urls.map(|url| url.trim_start_matches("http://").parse().unwrap()).collect()
}

#[test]
fn episodes_run_one_arm_at_a_time_and_are_compared_as_pairs_are() {
    let _machine = MACHINE.read();
    let desk = Desk::new(PROGRAM);
    desk.write(SCENARIO, &in_episodes(SHORT));
    let ended = desk.lab(&["run", SCENARIO, "--quick", "--to-the-end"]);
    assert!(ended.ran(), "{ended:?}");
    desk.is_tidy();
    let (_, report) = kept(&desk);
    let labels: Vec<_> = report.arms.iter().map(|arm| arm.label.as_str()).collect();
    assert_eq!(labels, ["monolith", "microservices"], "in the plan's order, whatever the order of episodes");
    assert_eq!((report.load.rounds, report.load.launches), (5, 5));
    assert!(report.validity.generator_floor.as_ref().and_then(|floor| floor.p50_us).unwrap() > 0.0);
    for arm in &report.arms {
        assert!(
            arm.operations > 0 && arm.ledger.as_ref().is_some_and(|ledger| ledger.holds),
            "{}",
            arm.label
        );
    }
    assert!(report.comparison("microservices", "cpu").unwrap().interval.is_some());
}

/// A short scenario in episodes of a second.
fn in_episodes(scenario: &str) -> String {
    scenario
        .replace("kind = \"paired\"", "kind = \"episodes\"")
        .replace("slice_ms = 50", "slice_ms = 1000")
        .replace("quick_launches = 2", "quick_launches = 5")
}

#[test]
fn an_arm_whose_store_does_not_start_is_skipped_and_the_episodes_of_the_others_go_on() {
    let _machine = MACHINE.read();
    let desk = Desk::new(PROGRAM);
    let caches = SHORT
        .replace("axis = \"placement\"", "axis = \"cache\"")
        .replace("cache = \"local\"\n", "")
        .replace("[\"monolith\", \"microservices\"]", "[\"none\", \"redis\", \"local\"]")
        .replace("arm = \"monolith\"", "arm = \"none\"")
        .replace("arm = \"microservices\"", "arm = \"local\"");
    desk.write(SCENARIO, &in_episodes(&caches));
    // It prints a version, and fails to start.
    let server = desk.write(
        "bin/redis-server",
        "#!/bin/sh\ntest \"$1\" = --version && echo 'Redis server v=7.0.0 sha=0'\n",
    );
    fs::set_permissions(server, Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", desk.path("bin").display());
    let words = ["run", SCENARIO, "--quick", "--to-the-end"];
    let ended = desk.start_with(&words, &[("PATH", &path)]).end();
    assert!(ended.ran(), "{ended:?}");
    desk.is_tidy();
    let (_, report) = kept(&desk);
    let labels: Vec<_> = report.arms.iter().map(|arm| arm.label.as_str()).collect();
    let skipped: Vec<_> = report.skipped_arms.iter().map(|arm| arm.name.as_str()).collect();
    assert_eq!((labels, skipped), (vec!["cache=none", "local"], vec!["redis"]));
    assert_eq!((report.load.rounds, report.load.launches), (5, 5));
}

#[test]
fn a_run_compares_keeps_everything_and_leaves_nothing() {
    let _machine = MACHINE.write();
    let (desk, ended) = (0..STOLEN_TRIES)
        .find_map(|_| {
            let before = stolen();
            let desk = desk();
            let ended = desk.lab(&["run", SCENARIO, "--quick", "--seed", "7"]);
            assert!(ended.ran(), "{ended:?}");
            desk.is_tidy();
            let (_, report) = kept(&desk);
            // Without stolen time there is no excuse.
            let whole = report.arms.iter().all(|arm| arm.failed.is_empty());
            let judged = report.validity.verdict_possible && whole || stolen() - before < MUCH_STOLEN;
            judged.then_some((desk, ended))
        })
        .expect("a run during which the machine is not given to others");
    let (name, report) = kept(&desk);
    has_every_file(&desk, &name);
    says_what_was_done(&report);
    for arm in ["monolith", "microservices"] {
        assert!(ended.out.contains(arm), "{}", ended.out);
    }
    assert!(!ended.out.contains('\u{1b}'), "no colours where nobody sees them");
    assert!(ended.err.contains("report.html"), "{}", ended.err);
    let addresses = addresses(&report);
    assert_eq!(addresses.len(), 4);
    for address in addresses {
        assert!(TcpStream::connect(address).is_err(), "`{address}` is closed");
    }
    is_drawn_again_the_same(&desk, &name, &ended);
    a_report_of_another_schema_is_refused(&desk, &name);
}

fn has_every_file(desk: &Desk, name: &str) {
    let files = [
        "plan.toml",
        "machine.json",
        "report.json",
        "report.html",
        "report.md",
        "report.txt",
        "wirings/monolith/shortener.toml",
        "wirings/microservices/gateway.toml",
        "wirings/microservices/links.toml",
        "wirings/microservices/clicks.toml",
        "ledger/monolith-launch-1.json",
        "ledger/monolith-launch-2.json",
        "ledger/microservices-launch-1.json",
        "ledger/microservices-launch-2.json",
    ];
    for file in files {
        assert!(!read(desk, &format!("runs/{name}/{file}")).is_empty(), "{file}");
    }
    let plan: toml::Table = read(desk, &format!("runs/{name}/plan.toml")).parse().unwrap();
    assert_eq!(plan["one_axis"].as_bool(), Some(true));
    let page = read(desk, &format!("runs/{name}/report.html"));
    assert!(page.contains("<svg") && page.contains("Does the lab work?"));
    for outside in ["<script", "src=\"http", "href=\"http", "@import", "url(http"] {
        assert!(!page.contains(outside), "the page opens offline, so it has no `{outside}`");
    }
}

fn says_what_was_done(report: &Report) {
    assert_eq!(report.schema, SCHEMA);
    assert_eq!((report.seed, report.quick, report.load.launches), (7, true, 2));
    let [difference] = report.plan_diff.as_slice() else { panic!("{:?}", report.plan_diff) };
    assert_eq!(difference.key, "placement");
    assert_eq!(difference.values, ["monolith", "microservices"]);
    let [monolith, microservices] = report.arms.as_slice() else { panic!("two arms") };
    for arm in [monolith, microservices] {
        assert!(arm.operations > 100 && arm.throughput_per_s > 50.0, "{}: {}", arm.label, arm.operations);
        let ledger = arm.ledger.as_ref().expect("a ledger");
        assert!(ledger.holds && ledger.complete, "{}: {ledger:?}", arm.label);
        assert!(ledger.facts.iter().any(|fact| fact.count > 0), "{}: {ledger:?}", arm.label);
        assert!(arm.failed.is_empty() && arm.died.is_none(), "{}: {:?}", arm.label, arm.failed);
        assert!(!arm.where_time_goes.is_empty() && arm.trace.is_some(), "{} left traces", arm.label);
    }
    let cpu = report.comparison("microservices", "cpu").expect("the CPU is compared");
    assert_eq!(cpu.baseline, "monolith");
    assert_eq!(report.claims.len(), 2);
    for claim in &report.claims {
        assert_eq!(claim.verdict, ClaimVerdict::Holds, "{}: {}", claim.text, claim.because);
    }
    assert!(report.reproduce.contains("--seed 7"), "{}", report.reproduce);
}

fn is_drawn_again_the_same(desk: &Desk, name: &str, ended: &Ended) {
    let forms = ["report.html", "report.md", "report.txt"].map(|form| format!("runs/{name}/{form}"));
    let before = forms.each_ref().map(|form| read(desk, form));
    for form in &forms {
        fs::remove_file(desk.path(form)).unwrap();
    }
    for run in ["latest", name, &format!("runs/{name}")] {
        let again = desk.lab(&["report", run]);
        assert_eq!((again.code, &again.out), (Some(0), &ended.out), "{run}");
        assert_eq!(forms.each_ref().map(|form| read(desk, form)), before, "{run}");
    }
}

fn a_report_of_another_schema_is_refused(desk: &Desk, name: &str) {
    let (file, other) = (format!("runs/{name}/report.json"), "system-design-lab/report/0");
    desk.write(&file, &read(desk, &file).replace(SCHEMA, other));
    let page = read(desk, &format!("runs/{name}/report.html"));
    let ended = desk.lab(&["report", name]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""));
    assert!(ended.err.contains(other) && ended.err.contains(SCHEMA), "{ended:?}");
    assert_eq!(read(desk, &format!("runs/{name}/report.html")), page, "nothing was drawn");
}

#[test]
fn the_lab_against_itself_finds_no_axis_that_differs() {
    let _machine = MACHINE.read();
    let desk = desk();
    let ended = desk.lab(&[
        "run",
        SCENARIO,
        "--quick",
        "--arm",
        "monolith",
        "--arm",
        "monolith",
        "--out",
        "else/where",
    ]);
    assert!(ended.ran(), "{ended:?}");
    desk.is_tidy();
    let names = desk.names("else/where");
    let text = read(&desk, &format!("else/where/{}/report.json", names[0]));
    let report: Report = serde_json::from_str(&text).unwrap();
    assert_eq!(report.plan_diff, []);
    let labels: Vec<_> = report.arms.iter().map(|arm| arm.label.as_str()).collect();
    assert_eq!(labels, ["monolith (A)", "monolith (B)"]);
    assert!(report.arms.iter().all(|arm| arm.ledger.as_ref().is_some_and(|ledger| ledger.holds)));
}

#[test]
fn a_run_that_is_interrupted_leaves_nothing_behind() {
    let _machine = MACHINE.read();
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let desk = desk();
        let mut run = desk.start(&["run", SCENARIO]);
        run.says("measuring");
        run.signal(signal);
        let ended = run.end();
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.err.contains("error: interrupted"), "{ended:?}");
        desk.is_tidy();
        assert_eq!(desk.names("runs"), [""; 0], "no run is kept half");
    }
}

#[test]
fn a_run_that_is_interrupted_twice_ends_at_once() {
    let _machine = MACHINE.read();
    let desk = desk();
    let mut run = desk.start(&["run", SCENARIO]);
    run.says("measuring");
    run.signal(Signal::SIGINT);
    run.says("stopping");
    run.signal(Signal::SIGINT);
    let ended = run.end();
    // The first one may have sufficed.
    assert!(matches!(ended.code, Some(130 | 2)), "{ended:?}");
    desk.becomes_quiet();
    assert_eq!(desk.names("runs"), [""; 0], "no half of a run");
}

#[test]
fn a_service_that_is_killed_in_the_middle_is_reported_honestly() {
    let _machine = MACHINE.read();
    let desk = desk();
    let mut run = desk.start(&["run", SCENARIO]);
    run.says("measuring");
    run.kill_service("links");
    let ended = run.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.out.contains("links"), "the process is named: {}", ended.out);
    desk.is_tidy();
    let (name, report) = kept(&desk);
    assert!(!report.validity.verdict_possible);
    let note = report.validity.notes.iter().find(|note| note.contains("`links`"));
    assert!(note.is_some_and(|note| note.contains("no verdict")), "{:?}", report.validity.notes);
    let dead = report.arm("microservices").unwrap();
    let death = dead.died.as_ref().expect("it died");
    assert_eq!(death.process, "links");
    assert!(death.when_s.is_some_and(|when| when >= 0.0) && !death.last_log_lines.is_empty(), "{death:?}");
    assert_eq!(dead.ledger, None, "what could not be asked is not claimed");
    let alive = report.arm("monolith").unwrap();
    assert!(alive.died.is_none() && alive.ledger.as_ref().is_some_and(|ledger| ledger.holds));
    for claim in &report.claims {
        assert_eq!(claim.verdict, ClaimVerdict::CannotTell, "{}", claim.text);
    }
    for form in ["report.html", "report.md", "report.txt"] {
        assert!(read(&desk, &format!("runs/{name}/{form}")).contains("links"), "{form}");
    }
}

#[test]
fn a_service_that_is_killed_after_the_last_slice_is_reported_as_well() {
    let _machine = MACHINE.read();
    let desk = desk();
    let mut run = desk.start(&["run", SCENARIO, "--quick"]);
    run.says("tracing");
    run.kill_service("links");
    let ended = run.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    desk.is_tidy();
    let (_, report) = kept(&desk);
    assert!(!report.validity.verdict_possible);
    let dead = report.arm("microservices").unwrap();
    assert_eq!(dead.died.as_ref().map(|death| death.process.as_str()), Some("links"));
    assert_eq!(dead.ledger, None, "what could not be asked is not claimed");
}

#[test]
fn what_a_killed_lab_started_ends_by_itself() {
    let _machine = MACHINE.read();
    let desk = desk();
    let mut run = desk.start(&["run", SCENARIO, "--hold", "events=kafka"]);
    run.says("measuring");
    assert!(desk.processes().len() >= 6, "{:?}", desk.processes());
    run.signal(Signal::SIGKILL);
    assert_eq!(run.end().code, None);
    desk.becomes_quiet();
    for folder in ["tmp", "runs"] {
        assert_eq!(desk.names(folder).len(), 1, "a killed lab cannot remove its folder in `{folder}`");
    }
    // The next lab cleans up.
    let mut next = desk.start(&["run", SCENARIO]);
    next.says("measuring");
    next.signal(Signal::SIGINT);
    next.end();
    desk.is_tidy();
    assert_eq!(desk.names("runs"), [""; 0]);
}
