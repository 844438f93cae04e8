//! Arms whose connections are held open, as a sender drives them: slice by slice, beside ordinary arms.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use load::{
    journeys::plain::Get,
    live::{LiveLane, LiveLimits, LivePlan, Sends},
    record::SliceRecord,
    schedule::{Arrivals, Profile, Schedule},
    sender::{Arm, Load, Observer, Sender, Slice, SlicePlan, Target},
};

use crate::support::{
    Answer, Records,
    bare::BareLive,
    limits,
    room::Room,
    serve,
    sockets::{Event, serve_sockets},
    target, undisturbed,
};

const MEMBERS: usize = 20;

/// A server that sends everything to everybody, and counts its connections.
fn broadcasts() -> (SocketAddr, Arc<AtomicU64>) {
    let opened = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&opened);
    let address = serve_sockets(move |sockets, event| match event {
        Event::Opened(_) => drop(counted.fetch_add(1, Ordering::Relaxed)),
        Event::Text(text) => sockets.broadcast(&text),
    });
    (address, opened)
}

fn arm(target: Target, room: Room) -> Arm {
    Arm { target, journeys: Box::new(BareLive(room.members, room)) }
}

fn sender(address: SocketAddr, room: Room) -> Sender {
    Sender::new(vec![arm(target(address), room)], &limits(4)).unwrap()
}

fn constant(rate: f64) -> Load {
    Load::Open { arrivals: Arrivals::Constant, profile: Profile::Steady { rate }, seed: 1 }
}

/// Slices of 100 ms of each arm.
fn plan(arms: usize, rounds: u32) -> SlicePlan {
    SlicePlan { arms, slice_length: Duration::from_millis(100), rounds, seed: 1 }
}

#[test]
fn connections_are_opened_before_the_first_slice_and_stay_open_across_slices() {
    let (address, opened) = broadcasts();
    let mut records = Records::default();
    sender(address, Room::of(MEMBERS)).run(&plan(1, 5), &constant(200.0), &mut records).unwrap();
    assert_eq!(records.0.len(), 5);
    for (_, record) in &records.0 {
        assert_eq!((record.planned, record.succeeded, record.failed.total()), (20, 20, 0), "{record:?}");
        assert_eq!((record.connects, record.requests), (0, 20), "nothing is opened in a slice");
        assert_eq!((record.latency.len(), record.send_lag.len()), (20, 20));
        assert!(record.window >= Duration::from_millis(100), "{:?}", record.window);
        assert!((record.rates().offered.unwrap() - 200.0).abs() < 10.0, "{:?}", record.rates());
    }
    assert_eq!(opened.load(Ordering::Relaxed), MEMBERS as u64);
}

/// Whether a server counts this soon: its thread counts a connection when the client has it already.
fn is_soon(counted: &AtomicU64, expected: u64) -> bool {
    let began = Instant::now();
    while counted.load(Ordering::Relaxed) < expected && began.elapsed() < Duration::from_secs(20) {
        std::thread::yield_now();
    }
    counted.load(Ordering::Relaxed) == expected
}

/// Sees whether the server has one connection more at the start of each slice.
struct Watching<'a> {
    opened: &'a AtomicU64,
    slices: u64,
}

impl Observer for Watching<'_> {
    fn slice_started(&mut self, _: &Slice) {
        assert!(is_soon(self.opened, MEMBERS as u64 + self.slices), "{:?}", self.opened);
        self.slices += 1;
    }

    fn slice_ended(&mut self, _: &Slice, _: &SliceRecord) {}
}

#[test]
fn what_was_closed_between_slices_is_opened_again_before_the_next_one() {
    let opened = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&opened);
    // One connection ends with the last message of a slice, before the others get that.
    let address = serve_sockets(move |sockets, event| match event {
        Event::Opened(_) => drop(counted.fetch_add(1, Ordering::Relaxed)),
        Event::Text(text) => {
            let nth: usize = text.trim().parse().unwrap();
            if (nth + 1).is_multiple_of(20) {
                sockets.send(nth / 20, &text);
                sockets.close(nth / 20, 1012);
            }
            sockets.broadcast(&text);
        }
    });
    let room = Room { comes_back: Some(Duration::from_millis(1)), ..Room::of(MEMBERS) };
    let mut watching = Watching { opened: &opened, slices: 0 };
    sender(address, room).run(&plan(1, 3), &constant(200.0), &mut watching).unwrap();
    assert_eq!(watching.slices, 3);
}

#[test]
fn a_slice_ends_when_everything_has_arrived() {
    // Every message is held back until the next one comes; the last of ten brings a second one with it.
    let mut held: Vec<String> = Vec::new();
    let address = serve_sockets(move |sockets, event| {
        let Event::Text(text) = event else { return };
        held.push(text);
        if held.len() == 20 {
            held.drain(..).for_each(|text| sockets.broadcast(&text));
        }
    });
    let mut records = Records::default();
    sender(address, Room::of(MEMBERS)).run(&plan(1, 2), &constant(200.0), &mut records).unwrap();
    for (_, record) in &records.0 {
        assert_eq!((record.planned, record.succeeded), (20, 20), "{record:?}");
        // The first one was due at the beginning, and arrived with the last.
        assert!(record.latency.max() >= 90_000_000, "{}", record.latency.max());
        assert!(record.elapsed >= record.window);
    }
}

/// Stops the run after some calls.
struct Impatient(AtomicU64, Records);

impl Observer for Impatient {
    fn slice_ended(&mut self, slice: &Slice, record: &SliceRecord) {
        self.1.slice_ended(slice, record);
    }

    fn keep_going(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) < 30
    }
}

#[test]
fn a_stop_ends_a_long_slice_early_and_drained() {
    let (address, _) = broadcasts();
    let plan = SlicePlan { slice_length: Duration::from_mins(10), ..plan(1, 2) };
    for load in [constant(200.0), Load::Closed { in_flight: 2 }] {
        let mut observer = Impatient(AtomicU64::new(0), Records::default());
        sender(address, Room::of(MEMBERS)).run(&plan, &load, &mut observer).unwrap();
        let (_, record) = &observer.1.0[0];
        assert_eq!(observer.1.0.len(), 1);
        assert!(record.interrupted && record.elapsed < Duration::from_mins(1), "{record:?}");
        assert!(record.planned > 0 && record.succeeded == record.planned, "{record:?}");
    }
}

#[test]
fn a_stop_ends_the_opening_too() {
    // The kernel accepts for it, so a connection is made, and no handshake.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut observer = Impatient(AtomicU64::new(28), Records::default());
    let mut sender = sender(listener.local_addr().unwrap(), Room::of(1));
    let slice = Slice { round: 0, index: 0, arm: 0, length: Duration::ZERO, offset: Duration::ZERO };
    sender.run_slice(&slice, &constant(0.0), &mut observer).unwrap();
    assert_eq!(observer.1.0.len(), 1, "an empty slice follows");
    assert!(observer.0.load(Ordering::Relaxed) < 40);
}

#[test]
fn in_a_closed_loop_the_end_of_an_operation_starts_the_next() {
    let most = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&most);
    // Four messages are answered together, so three in flight would wait for ever.
    let mut held: Vec<String> = Vec::new();
    let address = serve_sockets(move |sockets, event| {
        let Event::Text(text) = event else { return };
        held.push(text);
        seen.fetch_max(held.len() as u64, Ordering::Relaxed);
        if held.len() == 4 {
            held.drain(..).for_each(|text| sockets.broadcast(&text));
        }
    });
    let limits = LiveLimits { connections: MEMBERS, ..LiveLimits::default() };
    let (mut lane, mut room) = (LiveLane::new(target(address), &limits).unwrap(), Room::of(MEMBERS));
    assert!(lane.make_ready(&mut room, Duration::from_secs(20), &mut || true).unwrap());
    let plan = LivePlan {
        length: Duration::from_millis(200),
        openings: Schedule::never(),
        sends: Sends::InFlight(4),
        settle: Duration::from_millis(300),
    };
    let record = lane.run(&mut room, plan, &mut |_| true).unwrap();
    let operations = &record.operations;
    assert!(operations.succeeded > 40, "{operations:?}");
    assert!(operations.planned - operations.succeeded < 4, "{operations:?}");
    assert_eq!((most.load(Ordering::Relaxed), operations.rates().offered), (4, None));
    assert_eq!(operations.send_lag.len(), 0);
}

#[test]
fn a_closed_loop_does_not_spin_where_nobody_is_connected() {
    let (address, _) = broadcasts();
    let limits = LiveLimits { connections: 1, ..LiveLimits::default() };
    let (mut lane, mut room) = (LiveLane::new(target(address), &limits).unwrap(), Room::of(1));
    let plan = LivePlan {
        length: Duration::from_millis(200),
        openings: Schedule::never(),
        sends: Sends::InFlight(4),
        settle: Duration::ZERO,
    };
    let record = lane.run(&mut room, plan, &mut |_| true).unwrap();
    assert!(record.operations.failed.get("connect") <= 80, "{:?}", record.operations.failed);
}

#[test]
fn an_arm_of_connections_and_one_of_requests_have_their_slices_in_turn() {
    let (address, opened) = broadcasts();
    let polite = serve(|_| Answer::status(200, "", ""));
    let requests = Arm { target: target(polite), journeys: Box::new(Get::new("/", 200)) };
    let arms = vec![arm(target(address), Room::of(MEMBERS)), requests];
    let mut sender = Sender::new(arms, &limits(4)).unwrap();
    let mut records = Records::default();
    sender.run(&plan(2, 4), &constant(200.0), &mut records).unwrap();
    assert_eq!(records.0.len(), 8);
    assert!(records.0.iter().all(|(_, record)| record.succeeded == 20), "{:?}", records.0);
    assert_eq!(opened.load(Ordering::Relaxed), MEMBERS as u64);
}

#[test]
fn what_happens_over_the_time_of_a_slice_is_recorded() {
    let (address, _) = broadcasts();
    let mut sender = sender(address, Room::of(MEMBERS));
    sender.watched(true);
    let scene = || {
        let mut records = Records::default();
        sender.run(&plan(1, 2), &constant(200.0), &mut records).unwrap();
        (records.0.pop().unwrap().1, sender.episode(0).unwrap())
    };
    let (_, episode) = undisturbed(scene, |(record, _)| record);
    assert_eq!(episode.buckets(), 10);
    assert_eq!(episode.offered, [2; 10], "of the last slice alone");
    let ended: u32 = episode.good.iter().sum();
    assert!((1..=20).contains(&ended), "what ended in the drain is left out: {episode:?}");
    sender.watched(false);
    assert!(sender.episode(0).is_none());
}

#[test]
fn the_connections_of_a_target_with_several_servers_go_to_all_of_them() {
    // A message that one server gets, the other never sees: so each has a room of its own, which nobody writes in.
    let ((first, of_first), (second, of_second)) = (broadcasts(), broadcasts());
    let target = target(first).beside(second).beside(second).beside_url(&format!("http://{first}")).unwrap();
    assert_eq!(target.alike.len(), 1, "each server once");
    let mut sender = Sender::new(vec![arm(target, Room::of(MEMBERS))], &limits(4)).unwrap();
    sender.run(&plan(1, 1), &constant(0.0), &mut Records::default()).unwrap();
    assert!(is_soon(&of_first, MEMBERS as u64 / 2) && is_soon(&of_second, MEMBERS as u64 / 2));
}
