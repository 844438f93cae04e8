//! A killed process keeps everything that it acknowledged.

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::sys::signal::Signal;
use system_tests::{
    command::Desk,
    edge_client::EdgeClient,
    edge_suite::{eventually, shortened},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");
/// The number of acknowledged links, the last of them just before the kill.
const LINKS: usize = 20;

/// A process that this test started. Dropping it kills it.
struct Again(Child);

impl Drop for Again {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn an_acknowledged_link_survives_a_process_that_is_killed() {
    let desk = Desk::new(PROGRAM);
    let wiring = ["--set", "placement=microservices", "--set", "database=sqlite"];
    let mut up = desk.start(&[&["up", "shortener", "--no-restart"], &wiring[..]].concat());
    up.says("up; Ctrl-C stops it");
    let out = up.out();
    let address = out.lines().find_map(|line| line.strip_prefix("public API")).unwrap().trim();
    let address: SocketAddr = address.trim_start_matches("http://").parse().unwrap();
    let edge = EdgeClient::new(address);
    let (_, links) = desk.processes().into_iter().find(|(_, line)| line.ends_with("links.toml")).unwrap();
    let made: Vec<_> = (0..LINKS)
        .map(|nth| format!("https://example.com/{nth}"))
        .map(|target| (shortened(&edge, &target), target))
        .collect();
    up.kill_service("links");
    up.says("the rest stays up");
    assert_eq!(edge.follow(&made[0].0).status, 503, "nobody has links now");

    let file = links.rsplit(' ').next().unwrap();
    let mut again = Command::new(PROGRAM);
    again.args(["host", file]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let again = Again(again.spawn().unwrap());
    eventually(Duration::from_secs(30), "it serves again", || {
        (edge.follow(&made[0].0).status == 302).then_some(())
    });
    for (code, target) in &made {
        assert_eq!(edge.follow(code).header("location"), target);
    }
    drop(again);
    up.signal(Signal::SIGINT);
    up.end();
    desk.is_tidy();
}
