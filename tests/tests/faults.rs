//! Faults in a scenario: they happen at their time, are reported, and are undone in every case.

use std::{fs, path::Path, time::Duration};

use nix::sys::signal::Signal;
use report::model::PartKind;
use system_tests::{
    command::{Desk, Running, SCENARIO, has_redis, refused},
    edge_suite::eventually,
    fault_scenarios::{DRILL, ERRORS, desk_with, frozen_desk, happened_as_planned, kept, long_desk},
    redis_server::RedisServer,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");

/// The time limit for a fault to become visible.
const SOON: Duration = Duration::from_mins(1);

#[test]
fn every_arm_has_the_same_fault_in_every_episode_and_the_report_says_when() {
    if !has_redis() {
        return;
    }
    let desk = frozen_desk(PROGRAM);
    let ended = desk.lab(&["run", SCENARIO, "--quick", "--to-the-end"]);
    assert!(ended.ran(), "{ended:?}");
    desk.is_tidy();
    let (report, drawn) = kept(&desk);
    happened_as_planned(&report, 5);
    let sentence = "redis was frozen in each episode, planned from 100 ms to 1,400 ms; it happened 10 times, and began at";
    assert!(drawn.matches(sentence).count() == 2, "the page and the Markdown say so: {drawn}");
    let words: Vec<_> = ended.out.split_whitespace().collect();
    assert!(words.join(" ").contains(sentence), "{}", ended.out);
}

#[test]
fn a_plan_tells_its_faults_and_refuses_an_arm_that_would_be_spared() {
    let desk = frozen_desk(PROGRAM);
    let sentence = "redis is frozen from 100 ms to 1400 ms of each episode";
    for command in ["plan", "show"] {
        let told = desk.lab(&[command, SCENARIO]);
        assert!(told.code == Some(0) && told.out.contains(sentence), "{command}: {told:?}");
    }
    let spared = refused(&desk, &desk.lab(&["run", SCENARIO, "--quick", "--hold", "cache=local"]));
    assert!(spared.contains("`monolith` has no redis") && spared.contains(sentence), "{spared}");
}

#[tokio::test]
async fn a_store_that_is_not_the_arms_own_is_not_harmed() {
    let Some(given) = RedisServer::start().await else { return };
    let desk = frozen_desk(PROGRAM);
    let complaint = refused(&desk, &desk.lab(&["run", SCENARIO, "--quick", "--redis-url", &given.address()]));
    assert!(complaint.contains("not its own") && complaint.contains("`--redis-url`"), "{complaint}");
}

/// The frozen Redis server of this desk, if there is one: a keeper's child, by process id.
///
/// A server that sets its process title loses its environment, by which a desk would find it.
fn frozen_server(desk: &Desk) -> Option<u32> {
    let keepers = desk.processes().into_iter().filter(|(_, command)| command.contains(" keep "));
    let servers = keepers.flat_map(|(id, _)| {
        let text = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        text.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<u32>>()
    });
    let mut servers = servers;
    servers.find(|id| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        // The state follows the name, which is in parentheses.
        stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
    })
}

/// A run with a frozen Redis, and the server's process id.
fn frozen(desk: &Desk) -> (Running<'_>, u32) {
    let mut running = desk.start(&["run", SCENARIO, "--quick"]);
    running.says("measuring");
    let server = eventually(SOON, "Redis stands still", || frozen_server(desk));
    (running, server)
}

fn lives(id: u32) -> bool {
    Path::new(&format!("/proc/{id}")).exists()
}

#[test]
fn an_interrupt_undoes_a_fault_and_leaves_nothing() {
    if !has_redis() {
        return;
    }
    let desk = long_desk(PROGRAM);
    let (running, server) = frozen(&desk);
    running.signal(Signal::SIGINT);
    let ended = running.end();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("interrupted"), "{ended:?}");
    desk.is_tidy();
    assert!(!lives(server), "the server is gone");
}

#[test]
fn a_lab_that_is_killed_leaves_no_server_that_stands_still() {
    if !has_redis() {
        return;
    }
    let desk = long_desk(PROGRAM);
    let (running, server) = frozen(&desk);
    running.signal(Signal::SIGKILL);
    assert_eq!(running.end().code, None);
    desk.becomes_quiet();
    eventually(SOON, "the server is gone", || (!lives(server)).then_some(()));
}

#[test]
fn what_is_killed_comes_back_and_what_is_cut_goes_on_in_every_arm() {
    if !has_redis() {
        return;
    }
    let desk = desk_with(PROGRAM, 2_000, &DRILL);
    let ended = desk.lab(&["run", SCENARIO, "--quick", "--to-the-end"]);
    assert!(ended.ran(), "{ended:?}");
    desk.is_tidy();
    let (report, drawn) = kept(&desk);
    assert_eq!(report.load.faults.len(), DRILL.len());
    for fault in &report.load.faults {
        assert_eq!(fault.made.len(), 10, "five episodes of two arms: {fault:?}");
        let until = fault.at_ms + fault.for_ms;
        for made in &fault.made {
            assert!(made.began_ms >= fault.at_ms && made.began_ms < made.ended_ms, "{fault:?}");
            // The last one ends with its episode.
            assert!(made.ended_ms >= until || until >= 2_000.0, "{fault:?}");
            let is_back = made.back_ms.is_some_and(|back| back > made.ended_ms);
            match (fault.what.as_str(), fault.target.as_str()) {
                ("kill", "links") => assert!(is_back, "{fault:?}"),
                // Its episode may end before it serves again.
                ("kill", _) => {}
                _ => assert_eq!(made.back_ms, None, "{fault:?}"),
            }
        }
    }
    for arm in &report.arms {
        assert!(arm.died.is_none(), "a planned end is no death: {:?}", arm.died);
        let ledger = arm.ledger.as_ref().unwrap();
        assert!(ledger.holds && ledger.complete, "{}: {ledger:?}", arm.label);
        let lost: u64 = arm.refused.iter().chain(&arm.failed).map(|cause| cause.count).sum();
        assert!(lost > 0, "{}: nobody noticed that `links` was down", arm.label);
        let proxy = arm.cpu_us_per_op.parts.iter().find(|part| part.kind == PartKind::Proxy);
        assert!(proxy.is_some_and(|part| part.us > 0.0), "the proxy is measured: {:?}", arm.cpu_us_per_op);
    }
    assert!(drawn.contains("links was down after a kill"), "{drawn}");
    assert!(
        drawn.contains("client -&gt; gateway was partitioned") || drawn.contains("client -> gateway was")
    );
}

#[test]
fn a_process_fails_its_share_of_calls_over_either_transport_and_no_longer_than_planned() {
    if !has_redis() {
        return;
    }
    let desk = desk_with(PROGRAM, 1_000, &[ERRORS]);
    let ended = desk.lab(&["run", SCENARIO, "--quick", "--to-the-end"]);
    assert!(ended.ran(), "{ended:?}");
    desk.is_tidy();
    let (report, drawn) = kept(&desk);
    let [fault] = report.load.faults.as_slice() else { panic!("{:?}", report.load.faults) };
    for made in &fault.made {
        assert!(made.began_ms >= 300.0 && made.ended_ms >= 800.0 && made.back_ms.is_none(), "{fault:?}");
    }
    for arm in &report.arms {
        assert!(arm.died.is_none(), "it only fails: {:?}", arm.died);
        let ledger = arm.ledger.as_ref().unwrap();
        assert!(ledger.holds && ledger.complete, "{}: {ledger:?}", arm.label);
        let lost: u64 = arm.refused.iter().chain(&arm.failed).map(|cause| cause.count).sum();
        let share = lost as f64 / (lost as f64 + arm.operations as f64);
        assert!((0.1..0.45).contains(&share), "{}: {share} of a half for half of the time", arm.label);
    }
    assert!(drawn.contains("links was failing 50 % of calls to it as `unavailable`"), "{drawn}");
}

#[test]
fn a_lab_that_is_killed_amid_all_kinds_of_faults_leaves_nothing() {
    if !has_redis() {
        return;
    }
    let lasting = |what: &str| format!("at_ms = 10\nfor_ms = 50000\n{what}");
    let faults = [
        lasting("what = \"kill\"\nprocess = \"links\""),
        lasting("what = \"partition\"\nlink = \"client -> gateway\""),
        lasting("what = \"freeze\"\nprocess = \"clicks\""),
        lasting("what = \"kill\"\nbacking = \"redis\""),
    ];
    let desk = desk_with(PROGRAM, 60_000, &faults.each_ref().map(String::as_str));
    let mut running = desk.start(&["run", SCENARIO, "--quick"]);
    running.says("measuring");
    let has = |words: &str| desk.processes().iter().any(|(_, command)| command.contains(words));
    eventually(SOON, "`links` is down", || (has("/gateway.toml") && !has("/links.toml")).then_some(()));
    running.signal(Signal::SIGKILL);
    assert_eq!(running.end().code, None);
    desk.becomes_quiet();
}

#[test]
fn a_broker_that_keeps_nothing_on_disk_is_not_killed() {
    let kill = ["at_ms = 1\nfor_ms = 10\nwhat = \"kill\"\nbacking = \"kafka\""];
    let desk = desk_with(PROGRAM, 1_000, &kill);
    let words = ["run", SCENARIO, "--quick", "--embedded-kafka", "--hold", "events=kafka"];
    let diagnostic = refused(&desk, &desk.lab(&[&words[..], &["--hold", "cache=none"]].concat()));
    assert!(diagnostic.contains("would lose everything"), "{diagnostic}");
}
