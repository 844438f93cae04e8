//! Connections that live against servers that broadcast, stall, flood, refuse and vanish.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use load::{
    live::{Ended, LiveLane, LiveLimits, LivePlan, LiveRecord, NotSent},
    schedule::{Arrivals, Profile, Schedule},
};

use crate::support::{
    Answer, nobody,
    room::Room,
    serve,
    sockets::{Event, serve_sockets},
    target,
};

fn evenly(rate: f64, length: Duration) -> Schedule {
    Schedule::new(Arrivals::Constant, &Profile::Steady { rate }, 1, length)
}

/// Opens and sends by these schedules, for so long.
fn plan(openings: Schedule, sends: Schedule, length: Duration) -> LivePlan {
    LivePlan { length, openings, sends: sends.into(), settle: Duration::from_secs(20) }
}

fn lane(address: std::net::SocketAddr, limits: &LiveLimits) -> LiveLane {
    LiveLane::new(target(address), limits).unwrap()
}

fn of(connections: usize) -> LiveLimits {
    LiveLimits { connections, timeout: Duration::from_secs(20), ..LiveLimits::default() }
}

/// Runs until the record says enough, for 20 s at most.
fn until<'a>(
    lane: &'a mut LiveLane,
    room: &mut Room,
    plan: LivePlan,
    enough: impl Fn(&LiveRecord) -> bool,
) -> &'a LiveRecord {
    let began = Instant::now();
    lane.run(room, plan, &mut |record| !enough(record) && began.elapsed() < Duration::from_secs(20)).unwrap()
}

const LONG: Duration = Duration::from_mins(1);

#[test]
fn thousands_of_connections_on_one_thread_receive_what_one_of_them_sends() {
    const MEMBERS: usize = 2_000;
    let address = serve_sockets(|sockets, event| {
        if let Event::Text(text) = event {
            sockets.broadcast(&text);
        }
    });
    let (mut lane, mut room) = (lane(address, &of(MEMBERS)), Room::of(MEMBERS));
    let opened =
        until(&mut lane, &mut room, plan(Schedule::at_once(MEMBERS), Schedule::never(), LONG), |record| {
            record.opened == MEMBERS as u64
        });
    assert_eq!((opened.opened, opened.not_opened.total()), (MEMBERS as u64, 0));
    assert_eq!(opened.opening.len(), MEMBERS as u64);
    // The connections of an earlier run are still there.
    let length = Duration::from_secs(1);
    let record =
        lane.run(&mut room, plan(Schedule::never(), evenly(20.0, length), length), &mut |_| true).unwrap();
    assert_eq!(record.operations.planned, 20);
    assert_eq!(record.operations.succeeded, 20, "{record:?}");
    assert_eq!(record.operations.latency.len(), 20, "from the due time to the last member");
    assert_eq!((record.sent, record.received, record.opened), (20, 20 * MEMBERS as u64, 0));
    assert_eq!((room.out_of_order, record.ended.total()), (0, 0));
    assert!(room.worst > Duration::ZERO && room.worst < Duration::from_secs(20), "{:?}", room.worst);
    lane.close(&mut room);
    assert_eq!(room.ended.len(), MEMBERS);
    assert!(room.ended.iter().all(|(_, why)| *why == Ended::ByUs));
}

#[test]
fn connections_are_opened_when_a_schedule_says_so() {
    let address = serve_sockets(|_, _| {});
    let (mut lane, mut room) = (lane(address, &of(50)), Room::of(50));
    let length = Duration::from_millis(500);
    let record =
        lane.run(&mut room, plan(evenly(100.0, length), Schedule::never(), length), &mut |_| true).unwrap();
    assert_eq!((record.opened, record.not_opened.total()), (50, 0));
    assert!(record.operations.window >= length, "{:?}", record.operations.window);
}

#[test]
fn what_comes_with_the_handshake_and_unasked_is_received() {
    let address = serve_sockets(|sockets, event| {
        if let Event::Opened(at) = event {
            // Within the same packet as the end of the handshake, as like as not, and later.
            sockets.send(at, "welcome");
            sockets.ping(at);
            sockets.send(at, "news");
        }
    });
    let (mut lane, mut room) = (lane(address, &of(3)), Room::of(3));
    until(&mut lane, &mut room, plan(Schedule::at_once(3), Schedule::never(), LONG), |record| {
        record.received == 6
    });
    for connection in 0..3 {
        let texts: Vec<_> =
            room.others.iter().filter(|(at, _)| *at == connection).map(|(_, text)| text).collect();
        assert_eq!(texts, ["welcome", "news"]);
    }
}

#[test]
fn a_connection_that_is_closed_comes_back_and_its_code_is_counted() {
    let address = serve_sockets(|sockets, event| match event {
        Event::Opened(at) if at < 20 => sockets.close(at, 1012),
        Event::Opened(at) => sockets.send(at, "you are back"),
        Event::Text(_) => {}
    });
    let (mut lane, mut room) = (lane(address, &of(20)), Room::of(20));
    room.comes_back = Some(Duration::from_millis(30));
    let record =
        until(&mut lane, &mut room, plan(Schedule::at_once(20), Schedule::never(), LONG), |record| {
            record.received == 20
        });
    assert_eq!((record.opened, record.received), (40, 20));
    assert_eq!(record.codes.get(&1012), Some(&20), "{record:?}");
    assert_eq!(record.ended.get("by-target"), 20);
    assert!(room.ended.iter().all(|(_, why)| *why == Ended::ByTarget(Some(1012))), "{:?}", room.ended);
}

#[test]
fn a_handshake_that_is_refused_unanswered_or_heard_by_nobody_is_told_apart() {
    let refuses = serve(|_| Answer::status(503, "Retry-After: 1\r\n", "full"));
    let silent = serve(|_| Answer::Silence);
    let talks_something_else = serve(|_| Answer::Last(b"220 mail.example ESMTP\r\n".to_vec()));
    for (address, why) in [
        (refuses, Ended::Refused(503)),
        (silent, Ended::TimedOut),
        (nobody(), Ended::Unreachable),
        (talks_something_else, Ended::Malformed),
    ] {
        let limits = LiveLimits { timeout: Duration::from_millis(300), ..of(5) };
        let (mut lane, mut room) = (lane(address, &limits), Room::of(5));
        let record =
            until(&mut lane, &mut room, plan(Schedule::at_once(5), Schedule::never(), LONG), |record| {
                record.not_opened.total() == 5
            });
        assert_eq!((record.opened, record.not_opened.get(why.name())), (0, 5), "{why:?}: {record:?}");
        assert!(room.ended.iter().all(|(_, told)| *told == why), "{why:?}: {:?}", room.ended);
    }
}

#[test]
fn a_listener_that_accepts_nobody_holds_up_the_opening_and_nothing_else() {
    // The kernel accepts for it, so a connection is made, and no handshake.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let limits = LiveLimits { opening: 2, timeout: Duration::from_millis(100), ..of(6) };
    let (mut lane, mut room) = (lane(listener.local_addr().unwrap(), &limits), Room::of(6));
    let began = Instant::now();
    let record = until(&mut lane, &mut room, plan(Schedule::at_once(6), Schedule::never(), LONG), |record| {
        record.not_opened.total() == 6
    });
    assert_eq!(record.not_opened.get("timed-out"), 6);
    assert!(began.elapsed() >= Duration::from_millis(300), "two at a time: {:?}", began.elapsed());
}

#[test]
fn a_reader_that_stalls_gets_everything_later_and_holds_up_nobody() {
    let address = serve_sockets(|sockets, event| {
        if let Event::Text(text) = event {
            sockets.broadcast(&text);
        }
    });
    let (mut lane, mut room) = (lane(address, &of(10)), Room::of(10));
    let stall = Duration::from_millis(1_500);
    room.stalls = Some((3, stall));
    until(&mut lane, &mut room, plan(Schedule::at_once(10), Schedule::never(), LONG), |record| {
        record.opened == 10
    });
    let length = Duration::from_millis(300);
    let sends = plan(Schedule::never(), evenly(100.0, length), length);
    let hasty = LivePlan { settle: Duration::from_millis(100), ..sends };
    let record = lane.run(&mut room, hasty, &mut |_| true).unwrap();
    assert_eq!(
        (record.sent, record.operations.succeeded),
        (30, 0),
        "one member has read nothing: {record:?}"
    );
    assert!(room.messages.iter().all(|(_, arrived)| *arrived == 9), "and all others everything");
    let record = lane
        .run(&mut room, plan(Schedule::never(), Schedule::never(), Duration::ZERO), &mut |_| true)
        .unwrap();
    assert_eq!((record.received, record.operations.succeeded, room.out_of_order), (30, 30, 0));
    assert!(room.worst >= stall / 2, "{:?}", room.worst);
}

#[test]
fn a_target_that_does_not_read_costs_a_bounded_memory_and_is_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let socket = tungstenite::accept(listener.accept().unwrap().0).unwrap();
        std::thread::sleep(LONG);
        drop(socket);
    });
    let limits = LiveLimits { unsent_bytes: 64 * 1_024, ..of(1) };
    let (mut lane, mut room) = (lane(address, &limits), Room::of(1));
    room.padding = 32 * 1_024;
    until(&mut lane, &mut room, plan(Schedule::at_once(1), Schedule::never(), LONG), |record| {
        record.opened == 1
    });
    let length = Duration::from_secs(1);
    let hasty =
        LivePlan { settle: Duration::ZERO, ..plan(Schedule::never(), evenly(1_000.0, length), length) };
    let record = lane.run(&mut room, hasty, &mut |_| true).unwrap();
    assert_eq!(record.operations.planned, 1_000, "the schedule does not wait");
    assert_eq!(record.sent + record.unsent.get("full"), 1_000);
    assert!(record.unsent.get("full") > 100, "{record:?}");
    assert!(room.not_sent.iter().all(|why| *why == NotSent::Full));
}

#[test]
fn a_target_that_floods_one_connection_does_not_hold_up_the_others() {
    let address = serve_sockets(|sockets, event| match event {
        Event::Opened(0) => {
            for _ in 0..20_000 {
                sockets.send(0, "flood");
            }
        }
        Event::Text(text) => sockets.broadcast(&text),
        Event::Opened(_) => {}
    });
    let (mut lane, mut room) = (lane(address, &of(5)), Room::of(5));
    until(&mut lane, &mut room, plan(Schedule::at_once(5), Schedule::never(), LONG), |record| {
        record.opened == 5
    });
    let length = Duration::from_millis(300);
    let record =
        lane.run(&mut room, plan(Schedule::never(), evenly(100.0, length), length), &mut |_| true).unwrap();
    assert_eq!((record.operations.succeeded, room.out_of_order), (30, 0));
    assert_eq!(room.others.len(), 20_000);
}

#[test]
fn a_message_over_the_limit_or_what_is_no_frame_ends_its_connection() {
    for (bytes, limit) in
        [(&b"\x81\x7e\x10\x00"[..], 1_000), (b"\xf1\x00", 1_000), (b"\x81\x02\xc3\x28", 1_000)]
    {
        let address = serve_sockets(move |sockets, event| {
            if let Event::Opened(at) = event {
                sockets.raw(at, bytes);
            }
        });
        let limits = LiveLimits { message_bytes: limit, ..of(1) };
        let (mut lane, mut room) = (lane(address, &limits), Room::of(1));
        let record =
            until(&mut lane, &mut room, plan(Schedule::at_once(1), Schedule::never(), LONG), |record| {
                record.ended.total() == 1
            });
        assert_eq!(record.ended.get("malformed"), 1, "{bytes:?}: {record:?}");
    }
}

#[test]
fn what_is_due_on_a_connection_that_is_not_open_is_counted_and_not_sent() {
    let address = serve_sockets(|_, _| {});
    let (mut lane, mut room) = (lane(address, &of(1)), Room::of(1));
    let length = Duration::from_millis(50);
    let hasty = LivePlan { settle: Duration::ZERO, ..plan(Schedule::never(), evenly(100.0, length), length) };
    let record = lane.run(&mut room, hasty, &mut |_| true).unwrap();
    assert_eq!((record.operations.planned, record.sent, record.unsent.get("not-open")), (5, 0, 5));
    assert_eq!(record.operations.failed.get("connect"), 5);
    assert!(room.not_sent.iter().all(|why| *why == NotSent::NotOpen));
}
