//! Arms as real processes: started, observed, stopped, and nothing left behind.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{path::Path, time::Duration};

use design::{Limits, Wiring};
use runtimes::{
    arm::{BackingChoices, LaunchOptions, READY_WITHIN},
    interrupt::Interrupt,
    launch::Launch,
    measure::{CpuMeter, Scrape, memory},
    scratch::Scratch,
};
use scenario::{
    plan::{ArmPlan, Budget},
    systems,
};

const LAB: &str = env!("CARGO_BIN_EXE_lab");

fn arm(label: &str, choices: &[(&str, &str)]) -> ArmPlan {
    let system = systems::find("shortener").unwrap();
    ArmPlan::new(label.to_owned(), Wiring::with(system, choices.iter().copied()).unwrap())
}

fn start(arms: &[ArmPlan], program: &str, scratch: &Scratch) -> anyhow::Result<Launch> {
    start_within(READY_WITHIN, arms, Path::new(program), scratch)
}

fn start_within(
    ready_within: Duration,
    arms: &[ArmPlan],
    program: &Path,
    scratch: &Scratch,
) -> anyhow::Result<Launch> {
    Launch::start(
        arms,
        &Budget::of_this_machine(),
        &LaunchOptions {
            program,
            scratch,
            number: 1,
            backings: &BackingChoices::default(),
            port: None,
            public_urls: &[],
            proxied: runtimes::arm::Proxied::Nothing,
            traces: true,
            interrupt: &Interrupt::never(),
            ready_within,
            limits: Limits::default(),
        },
    )
}

fn lives(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[test]
fn arms_come_up_are_measured_and_leave_nothing_behind() {
    let scratch = Scratch::create().unwrap();
    let arms = [
        arm("one", &[("placement", "monolith")]),
        arm("three", &[("placement", "microservices"), ("ownership", "per-service")]),
    ];
    let launch = start(&arms, LAB, &scratch).unwrap();
    assert_eq!(launch.arms[0].groups().len(), 1);
    let groups = launch.arms[1].groups();
    let names: Vec<_> = groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["gateway", "links", "clicks"]);
    assert!(CpuMeter::new(&groups).read().into_iter().all(|nanoseconds| nanoseconds > 0));
    assert!(groups.iter().all(|group| memory(group).resident > 1 << 20));
    assert!(Scrape::of(launch.arms[1].processes[0].internal).is_ok());
    let pids: Vec<_> = launch.arms.iter().flat_map(|arm| &arm.processes).map(|process| process.pid).collect();
    assert!(pids.iter().all(|&pid| lives(pid)));
    assert_eq!(launch.stop(), Vec::<String>::new(), "none had to be killed");
    assert!(!pids.iter().any(|&pid| lives(pid)));
    let folder = scratch.path().to_owned();
    drop(scratch);
    assert!(!folder.exists());
}

#[test]
fn a_launch_that_is_dropped_ends_its_processes() {
    let scratch = Scratch::create().unwrap();
    let launch = start(&[arm("one", &[])], LAB, &scratch).unwrap();
    let pid = launch.arms[0].processes[0].pid;
    drop(launch);
    assert!(!lives(pid));
}

#[test]
fn a_process_that_dies_later_is_seen_with_its_last_words() {
    let scratch = Scratch::create().unwrap();
    let mut launch = start(&[arm("one", &[])], LAB, &scratch).unwrap();
    assert_eq!(launch.death(), None);
    let pid = launch.arms[0].processes[0].pid;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), nix::sys::signal::Signal::SIGKILL)
        .unwrap();
    let death = (0..200)
        .find_map(|_| {
            std::thread::sleep(Duration::from_millis(10));
            launch.death()
        })
        .expect("a killed process is seen");
    assert_eq!(death.arm, "one");
    assert_eq!(death.ended.process, "shortener");
    assert!(death.ended.how.contains("SIGKILL"), "{}", death.ended.how);
    assert!(!death.ended.last_words.0.is_empty());
}

#[test]
fn a_process_that_dies_at_start_is_an_error_with_its_last_words() {
    let scratch = Scratch::create().unwrap();
    let Err(error) = start(&[arm("one", &[])], "/bin/ls", &scratch) else {
        panic!("`ls` is no service");
    };
    let message = format!("{error:#}");
    assert!(message.contains("the process `shortener` of `one` died while starting"), "{message}");
    assert!(message.contains("cannot access 'host'") && message.contains("hint:"), "{message}");
}

#[test]
fn a_store_that_does_not_come_is_one_clear_error_when_time_is_up() {
    use std::os::unix::fs::PermissionsExt as _;

    let scratch = Scratch::create().unwrap();
    // A service process with a store at the discard port, where nothing listens.
    let program = scratch.path().join("elsewhere");
    let script = format!(
        "#!/bin/sh\nsed -i 's#sqlite:[^\"]*#postgres://lab:secret@127.0.0.1:9/links#' \"$2\"\nexec {LAB} \"$@\"\n"
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    let started = start_within(Duration::from_secs(1), &[arm("one", &[])], &program, &scratch);
    let Err(error) = started else { panic!("nobody listens there") };
    let message = format!("{error:#}");
    assert!(message.contains("`shortener` of `one` was not ready within 1 s: it waits for the database"));
    assert!(message.contains("Connection refused") && message.contains("hint:"), "{message}");
    assert!(!message.contains("secret"), "{message}");
}

#[test]
fn an_address_that_does_not_answer_is_one_clear_error() {
    let scratch = Scratch::create().unwrap();
    let arms = [arm("one", &[("database", "postgres")])];
    let backings = BackingChoices {
        // The discard port, where nothing listens.
        postgres_url: Some("postgres://nobody:secret@127.0.0.1:9/postgres".to_owned()),
        ..BackingChoices::default()
    };
    let started = Launch::start(
        &arms,
        &Budget::of_this_machine(),
        &LaunchOptions {
            program: Path::new(LAB),
            scratch: &scratch,
            number: 1,
            backings: &backings,
            port: None,
            public_urls: &[],
            proxied: runtimes::arm::Proxied::Nothing,
            traces: false,
            interrupt: &Interrupt::never(),
            ready_within: READY_WITHIN,
            limits: Limits::default(),
        },
    );
    let Err(error) = started else {
        panic!("nothing listens there");
    };
    let message = format!("{error:#}");
    assert!(message.contains("`127.0.0.1:9` does not answer"), "{message}");
    assert!(message.contains("hint:") && !message.contains("secret"), "{message}");
}
