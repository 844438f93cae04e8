//! What idle connections cost the generator, in a process of its own: other tests would be counted, too.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has nothing to say")]

use std::{
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use load::{
    journey::Begun,
    live::{
        Again, Connections, Ended, Handshake, LiveJourneys, LiveLane, LiveLimits, LivePlan, Message, Moment,
        Sends,
    },
    schedule::Schedule,
    sender::Target,
};

/// Holds connections, and does nothing with them.
struct Holds;

impl LiveJourneys for Holds {
    fn handshake(&mut self, _connection: usize) -> Handshake {
        Handshake { path: "/".to_owned(), ..Handshake::default() }
    }

    fn due(&mut self, _due: Moment, _connections: &mut Connections) -> Begun {
        Begun::Exhausted
    }

    fn received(&mut self, _: usize, _: Message<'_>, _: Moment, _: &mut Connections) {}

    fn closed(&mut self, _: usize, why: Ended, _: Moment, _: &mut Connections) -> Again {
        panic!("a connection has ended: {why:?}")
    }
}

/// What of this process is in memory, bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4_096
}

/// Accepts sockets and keeps only their descriptors, so that all memory is the generator's.
fn keeps_sockets() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming().flatten() {
            kept.push(tungstenite::accept(stream).unwrap().into_inner());
        }
    });
    address
}

#[test]
fn an_idle_connection_takes_no_more_than_is_documented() {
    const CONNECTIONS: usize = 2_000;
    let target = Target::at("test", keeps_sockets());
    let limits = LiveLimits {
        connections: CONNECTIONS,
        opening: 64,
        timeout: Duration::from_secs(30),
        ..LiveLimits::default()
    };
    let mut lane = LiveLane::new(target, &limits).unwrap();
    let plan = |count: usize| LivePlan {
        length: Duration::from_mins(1),
        openings: Schedule::at_once(count),
        sends: Sends::none(),
        settle: Duration::ZERO,
    };
    let began = Instant::now();
    let mut open = |count: usize| {
        let patient = || began.elapsed() < Duration::from_mins(1);
        let record =
            lane.run(&mut Holds, plan(count), &mut |record| record.opened < count as u64 && patient());
        assert_eq!(record.unwrap().opened, count as u64);
        resident()
    };
    // What the first ones bring with them is no cost of a connection.
    let before = open(100);
    let after = open(CONNECTIONS - 100);
    let each = (after - before) / (CONNECTIONS - 100);
    println!("{each} bytes resident for each of {CONNECTIONS} idle connections");
    assert!(each <= LiveLimits::IDLE_BYTES, "{each} bytes each");
}
