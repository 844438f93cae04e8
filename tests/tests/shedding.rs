//! Which requests a full server refuses first, under a load that lasts: background work, then retries, new work of users
//! last; and a server that finds out by itself when it is full.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    net::SocketAddr,
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use design::{Limits, Wiring};
use http::Method;
use scenario::plan::ArmPlan;
use system_tests::{chain_suite::client, wirings::Wirings};

/// How long the crowd asks.
const EPISODE: Duration = Duration::from_secs(2);

/// How long who was refused waits before it asks again.
const PAUSE: Duration = Duration::from_millis(10);

/// Requests in flight at the server: retries may take a permit while fewer than 12 are taken, and background work while
/// fewer than 8 are.
const IN_FLIGHT: usize = 20;

/// So many that they keep the permits of background work to themselves, and find one for each of them also while retries
/// hold all that they may.
const USERS: usize = 8;

/// Retries, and as many that want a preview: together with the users more than the server takes.
const OTHERS: usize = 12;

/// What became of the requests of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Seen {
    served: u32,
    refused: u32,
}

impl Seen {
    fn share_refused(self) -> f64 {
        f64::from(self.refused) / f64::from(self.served + self.refused)
    }
}

/// One of the crowd: asks, waits for the reply, and asks again, to the end of the episode.
fn asks(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Seen {
    let (client, until) = (client(address), Instant::now() + EPISODE);
    let mut seen = Seen::default();
    while Instant::now() < until {
        let reply = client.ask(&Method::GET, path, headers, "");
        if reply.status == 200 {
            seen.served += 1;
        } else {
            reply.is_problem(503, "overloaded");
            seen.refused += 1;
            thread::sleep(PAUSE);
        }
    }
    seen
}

/// What so many of them saw, by class: users, retries, background.
fn crowd(address: SocketAddr) -> [Seen; 3] {
    let retry: &[(&str, &str)] = &[("x-previous-attempts", "1")];
    let classes =
        [(USERS, "/pages/1", &[][..]), (OTHERS, "/pages/1", retry), (OTHERS, "/pages/1/preview", &[])];
    thread::scope(|scope| {
        let asking = classes.map(|(many, path, headers)| {
            let one = || scope.spawn(move || asks(address, path, headers));
            (0..many).map(|_| one()).collect::<Vec<_>>()
        });
        asking.map(|threads| {
            threads.into_iter().map(|thread| thread.join().unwrap()).fold(Seen::default(), |sum, one| Seen {
                served: sum.served + one.served,
                refused: sum.refused + one.refused,
            })
        })
    })
}

#[test]
fn a_full_server_refuses_background_work_before_retries_and_no_user_while_it_can_refuse_those() {
    let chain = Wirings::of("chain", env!("CARGO_BIN_EXE_hosted"));
    let wiring = Wiring::with(chain.system, [("placement", "monolith"), ("queue", "unbounded")]).unwrap();
    let limits = Limits { in_flight: IN_FLIGHT, request_ms: 40_000, attempt_ms: 30_000, ..Limits::default() };
    let arm = ArmPlan::new("crowd".to_owned(), wiring);
    chain.with_limits(limits).with_each(&[arm], |launch| {
        let [users, retries, background] = crowd(launch.arms[0].public);
        let seen = format!("users {users:?}, retries {retries:?}, background {background:?}");
        assert!(users.refused == 0 && users.served > 20, "{seen}");
        assert!(retries.refused > 0 && background.refused > 0, "{seen}");
        assert!(background.share_refused() > retries.share_refused(), "{seen}");
        assert!(background.served * 2 < retries.served, "{seen}");
        assert_eq!(launch.death(), None);
    });
}

/// Users who each ask again as soon as they have a reply, for as long as a limit takes to fall: a crowd that keeps 200
/// requests in flight at a server with capacity for a hundred a second, so that each waits for two seconds.
const CROWD: usize = 200;

/// How long the crowd asks.
const LONG_EPISODE: Duration = Duration::from_secs(6);

/// The time of each one's last page in the episode; of those who got none, nothing.
fn last_waits(address: SocketAddr) -> Vec<Duration> {
    let until = Instant::now() + LONG_EPISODE;
    let one = || {
        let (client, mut last) = (client(address), None);
        while Instant::now() < until {
            let asked = Instant::now();
            if client.ask(&Method::GET, "/pages/1", &[], "").status == 200 {
                last = Some(asked.elapsed());
            } else {
                thread::sleep(PAUSE);
            }
        }
        last
    };
    thread::scope(|scope| {
        let asking: Vec<_> = (0..CROWD).map(|_| scope.spawn(one)).collect();
        asking.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn a_server_that_adapts_its_limit_answers_whom_it_takes_in_time() {
    let chain = Wirings::of("chain", env!("CARGO_BIN_EXE_hosted"));
    let limits = Limits { in_flight: CROWD, request_ms: 40_000, attempt_ms: 30_000, ..Limits::default() };
    let chain = chain.with_limits(limits);
    let [fixed, adaptive] = ["fixed", "adaptive"].map(|value| {
        let axes = [("placement", "monolith"), ("queue", "unbounded"), ("server-limit", value)];
        let arm = ArmPlan::new(value.to_owned(), Wiring::with(chain.system, axes).unwrap());
        let median = OnceLock::new();
        chain.with_each(&[arm], |launch| {
            let mut waits = last_waits(launch.arms[0].public);
            assert!(waits.len() > 10, "{} of {CROWD} got a page", waits.len());
            waits.sort_unstable();
            median.set(waits[waits.len() / 2]).unwrap();
        });
        median.into_inner().unwrap()
    });
    assert!(adaptive * 3 < fixed, "{adaptive:?} with a limit that adapts, {fixed:?} without");
}
