//! A process that stops while clients use it: a client that obeys its signals loses no request.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use design::{Limits, Wiring};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use runtimes::launch::Launch;
use scenario::{plan::ArmPlan, systems};
use system_tests::{edge_suite::eventually, wire::Wire, wirings::Wirings};

/// The lame-duck time of a stopping process.
const LAME_DUCK: Duration = Duration::from_secs(2);
/// The time limit for an expected event, with a margin for a busy machine.
const WITHIN: Duration = Duration::from_secs(20);

fn system(name: &str) -> Wirings {
    let limits = Limits { lame_duck_ms: LAME_DUCK.as_millis() as u64, ..Limits::default() };
    Wirings::of(name, env!("CARGO_BIN_EXE_hosted")).with_limits(limits)
}

fn arm(system: &Wirings, label: &str, choices: &[(&str, &str)]) -> ArmPlan {
    let wiring = Wiring::with(system.system, choices.iter().copied()).expect("listed values");
    ArmPlan::new(label.to_owned(), wiring)
}

/// Makes a process stop; returns the address of its internal server.
fn told_to_stop(launch: &Launch, name: &str) -> SocketAddr {
    let process =
        launch.arms[0].processes.iter().find(|process| process.name == name).expect("such a process");
    kill(Pid::from_raw(process.pid.cast_signed()), Signal::SIGTERM).expect("it runs");
    process.internal
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: here\r\n\r\n")
}

/// Sends requests on one connection until a reply closes it; returns the number of replies. `replies` counts
/// those of all clients.
fn asks_until_it_is_told(public: SocketAddr, replies: &AtomicUsize) -> usize {
    let mut wire = Wire::connect(public);
    for asked in 1.. {
        wire.say(get("/openapi.json"));
        let reply = wire.reply();
        assert_eq!(reply.status, 200);
        replies.fetch_add(1, Ordering::Relaxed);
        if reply.header("connection") == "close" {
            wire.is_closed();
            return asked;
        }
        thread::sleep(Duration::from_millis(asked as u64 % 4));
    }
    unreachable!("it asks until it is told")
}

#[test]
fn who_keeps_a_connection_is_told_before_it_ends() {
    for name in systems::names() {
        let system = system(name);
        system.with_each(&[arm(&system, name, &[])], |launch| {
            let (public, process) = (launch.arms[0].public, launch.arms[0].processes[0].name.clone());
            let replies = Arc::new(AtomicUsize::new(0));
            let asks = || {
                let replies = Arc::clone(&replies);
                thread::spawn(move || asks_until_it_is_told(public, &replies))
            };
            let clients: Vec<_> = (0..8).map(|_| asks()).collect();
            eventually(Duration::from_secs(20), "they are at it", || {
                (replies.load(Ordering::Relaxed) > 100).then_some(())
            });
            let told = Instant::now();
            let internal = told_to_stop(launch, &process);
            eventually(LAME_DUCK, "it says that it is stopping", || {
                let ready = Wire::saying(internal, get("/health/ready")).reply();
                (ready.status == 503 && ready.body.starts_with(b"it is stopping")).then_some(())
            });
            assert_eq!(Wire::saying(internal, get("/health/live")).reply().status, 200);
            for client in clients {
                client.join().expect("no request was lost");
            }
            assert_eq!(
                asks_until_it_is_told(public, &replies),
                1,
                "who comes now is served, and told as well"
            );
            let death = eventually(Duration::from_secs(10), "the process ends", || launch.death());
            assert!(death.ended.succeeded, "{death:?}");
            assert!(told.elapsed() >= LAME_DUCK);
        });
    }
}

#[test]
fn a_replica_that_stops_costs_its_callers_no_call() {
    let system = system("shortener");
    let split = |transport| {
        let choices = [("placement", "microservices"), ("replicas", "2"), ("transport", transport)];
        arm(&system, transport, &[&choices[..], &[("events", "memory")]].concat())
    };
    system.with_each(&["http", "grpc"].map(split), |launch| {
        let public = launch.arms[0].public;
        let mut names = launch.arms[0].processes.iter().map(|process| process.name.clone());
        let replica = names.rfind(|name| name.starts_with("links")).expect("a replica of links");
        let (answered, is_over) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let asks = || {
            let (answered, is_over) = (Arc::clone(&answered), Arc::clone(&is_over));
            thread::spawn(move || {
                let mut wire = Wire::connect(public);
                while !is_over.load(Ordering::Relaxed) {
                    // The process calls `links` for it, which does not exist.
                    wire.say(get("/never-was"));
                    assert_eq!(wire.reply().status, 404);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let clients: Vec<_> = (0..4).map(|_| asks()).collect();
        let more_are_answered = |when| {
            let before = answered.load(Ordering::Relaxed);
            eventually(WITHIN, when, || (answered.load(Ordering::Relaxed) >= before + 40).then_some(()));
        };
        more_are_answered("calls are answered before it stops");
        told_to_stop(launch, &replica);
        let death = eventually(WITHIN, "the replica ends", || launch.death());
        more_are_answered("calls are answered after it has ended");
        is_over.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().expect("no call was lost");
        }
        assert!(death.ended.succeeded, "{death:?}");
    });
}
