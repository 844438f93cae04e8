//! The sender against servers that are slow, silent, misbehaving or absent.

use std::{
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use load::{
    journeys::plain::Get,
    record::{Rates, SliceRecord},
    schedule::{Arrivals, Profile},
    sender::{Arm, Limits, Load, Observer, Sender, Slice, SlicePlan, Target, TargetError},
};

use crate::support::{Answer, Records, limits, nobody, serve, target, undisturbed};

fn sender(address: SocketAddr, limits: &Limits) -> Sender {
    Sender::new(vec![Arm { target: target(address), journeys: Box::new(Get::new("/", 200)) }], limits)
        .unwrap()
}

fn constant(rate: f64) -> Load {
    Load::Open { arrivals: Arrivals::Constant, profile: Profile::Steady { rate }, seed: 1 }
}

fn run(address: SocketAddr, limits: &Limits, load: &Load, millis: u64) -> SliceRecord {
    let plan = SlicePlan { arms: 1, slice_length: Duration::from_millis(millis), rounds: 1, seed: 1 };
    let mut records = Records::default();
    sender(address, limits).run(&plan, load, &mut records).unwrap();
    records.0.pop().unwrap().1
}

fn polite() -> SocketAddr {
    serve(|_| Answer::status(200, "", "hello"))
}

#[test]
fn everything_that_is_due_is_sent_and_counted_once() {
    let record = run(polite(), &limits(16), &constant(500.0), 400);
    assert_eq!((record.planned, record.sent, record.succeeded, record.unsent), (200, 200, 200, 0));
    assert_eq!(record.latency.len(), 200);
    assert_eq!(record.send_lag.len(), 200);
    assert!(record.window >= Duration::from_millis(400));
}

#[test]
fn a_slow_server_is_sent_as_much_in_open_loop_and_less_in_closed_loop() {
    let slow = || {
        serve(|_| {
            thread::sleep(Duration::from_millis(50));
            Answer::status(200, "", "")
        })
    };
    let open = run(slow(), &limits(64), &constant(200.0), 500);
    assert_eq!(open.succeeded, 100);
    let closed = run(slow(), &limits(64), &Load::Closed { in_flight: 2 }, 500);
    assert!(closed.succeeded <= 22, "{}", closed.succeeded);
}

/// Limits with a time-out in seconds.
fn seconds(connections: usize, timeout: u64) -> Limits {
    Limits { timeout: Duration::from_secs(timeout), ..limits(connections) }
}

/// Serves one request at a time, each after 20 ms.
fn one_at_a_time() -> SocketAddr {
    let turn = Mutex::new(());
    serve(move |_| {
        let _turn = turn.lock().unwrap();
        thread::sleep(Duration::from_millis(20));
        Answer::status(200, "", "")
    })
}

#[test]
fn what_ends_in_the_drain_counts_with_the_time_that_it_took() {
    // 50 a second at most. Some of the 200 in flight end in the window, and the others in the drain.
    let closed = run(one_at_a_time(), &seconds(200, 2), &Load::Closed { in_flight: 200 }, 1_000);
    let rates = closed.rates();
    assert!(closed.succeeded > 80, "in the drain as well: {}", closed.succeeded);
    assert!(rates.achieved > 25.0 && rates.achieved <= 51.0, "{rates:?}");
    assert_eq!((rates.offered, rates.is_saturated()), (None, false));
    let open = run(one_at_a_time(), &seconds(200, 2), &constant(200.0), 1_000).rates();
    assert!(open.achieved > 25.0 && open.achieved <= 51.0, "{open:?}");
    assert!((open.offered.unwrap() - 200.0).abs() < 1.0 && open.is_saturated(), "{open:?}");
}

#[test]
fn a_server_that_keeps_up_has_the_rate_that_it_was_offered() {
    // Repeated if the machine paused at the end of it.
    let scene = || run(polite(), &limits(16), &constant(500.0), 400).rates();
    let mut scenes = (0..20).map(|_| scene());
    let keeps_up = |rates: &Rates| rates.achieved > 480.0 && !rates.is_saturated();
    let rates = scenes.find(keeps_up).expect("in twenty scenes the server did not keep up");
    assert!(rates.achieved <= 501.0 && (rates.offered.unwrap() - 500.0).abs() < 1.0, "{rates:?}");
}

#[test]
fn an_operation_that_waits_for_a_connection_is_charged_from_its_due_time() {
    let address = serve(|_| {
        thread::sleep(Duration::from_millis(20));
        Answer::status(200, "", "")
    });
    // One connection serves 50 a second at most, and 100 are due: the last of 20 waits for about 200 ms.
    let limits = Limits { connections: 1, timeout: Duration::from_secs(5), ..Limits::default() };
    let record = run(address, &limits, &constant(100.0), 200);
    assert_eq!(record.succeeded, 20);
    assert!(record.held > 0);
    let (latency, service) =
        (Duration::from_nanos(record.latency.max()), Duration::from_nanos(record.service.min()));
    assert!(latency >= Duration::from_millis(200), "{latency:?}");
    assert!(service < Duration::from_millis(150), "{service:?}");
}

#[test]
fn load_goes_on_after_a_stall_that_is_longer_than_the_time_out() {
    let stalled = Duration::from_millis(300);
    let limits = Limits { connections: 2, timeout: Duration::from_millis(100), ..Limits::default() };
    let scene = || {
        let began = Instant::now();
        let answer = move |_: &_| {
            if began.elapsed() < stalled { Answer::Silence } else { Answer::status(200, "", "") }
        };
        run(serve(answer), &limits, &constant(200.0), 800)
    };
    let record = undisturbed(scene, |record| record);
    assert_eq!(record.planned, 160);
    assert!(record.succeeded >= 80, "of about 100 after the stall: {}", record.succeeded);
}

#[test]
fn what_does_not_fit_in_the_queue_is_unsent_and_charged() {
    let limits = Limits { connections: 1, waiting: 5, timeout: Duration::from_millis(300) };
    let record = run(serve(|_| Answer::Silence), &limits, &constant(200.0), 200);
    assert_eq!(record.planned, 40);
    assert_eq!(record.sent + record.unsent, 40);
    assert!(record.unsent >= 34, "{}", record.unsent);
    assert_eq!(record.latency.len(), 40, "nothing is dropped from the latency");
    assert!(record.latency.min() >= 299_000_000, "{}", record.latency.min());
    assert_eq!(record.failed.get("unsent"), record.unsent);
    assert!(!record.is_void(Duration::from_secs(1)), "the system's doing, and not the generator's");
    assert!(record.rates().is_saturated());
}

#[test]
fn silence_is_a_time_out_and_indeterminate() {
    let patient = Limits { timeout: Duration::from_secs(1), ..limits(64) };
    let record = run(serve(|_| Answer::Silence), &patient, &constant(100.0), 100);
    assert_eq!((record.failed.get("timeout"), record.indeterminate), (10, 10));
}

#[test]
fn a_fresh_connection_that_is_closed_is_a_reset_and_the_next_operation_opens_another() {
    let record = run(serve(|_| Answer::Close), &limits(1), &constant(100.0), 200);
    assert_eq!((record.succeeded, record.failed.get("reset"), record.indeterminate), (0, 20, 20));
    assert_eq!((record.connects, record.resent), (20, 0));
}

#[test]
fn a_reply_that_ends_its_connection_is_followed_by_another_connection() {
    let record =
        run(serve(|_| Answer::status(200, "Connection: close\r\n", "")), &limits(1), &constant(100.0), 100);
    assert_eq!((record.succeeded, record.connects), (10, 10));
}

#[test]
fn close_in_a_list_is_followed_by_another_connection_and_nothing_is_reset() {
    let record =
        run(serve(|_| Answer::last("Connection: Keep-Alive, Close\r\n")), &limits(1), &constant(100.0), 100);
    assert_eq!((record.succeeded, record.failed.total(), record.connects), (10, 0, 10));
}

#[test]
fn chunked_replies_are_read() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let record =
        run(serve(|_| Answer::Raw(chunked.to_vec())), &limits(4), &Load::Closed { in_flight: 4 }, 50);
    assert!(record.succeeded > 0);
    assert_eq!(record.succeeded, record.sent);
}

#[test]
fn large_replies_are_read_up_to_the_limit() {
    let body = |length: usize| serve(move |_| Answer::status(200, "", &"x".repeat(length)));
    let large = run(body(1024 * 1024), &limits(1), &constant(20.0), 100);
    assert_eq!(large.succeeded, 2);
    let over = run(body(1024 * 1024 + 1), &limits(1), &constant(20.0), 100);
    assert_eq!(over.failed.get("too-large"), 2);
}

#[test]
fn nonsense_is_malformed() {
    let record = run(serve(|_| Answer::Raw(b"what?\r\n\r\n".to_vec())), &limits(1), &constant(20.0), 100);
    assert_eq!(record.failed.get("malformed"), 2);
    assert!(!record.rates().is_saturated(), "answered at once, if badly");
}

#[test]
fn an_address_where_nothing_listens_is_one_clear_error_and_no_spin() {
    let address = nobody();
    let error = target(address).probe().unwrap_err();
    assert!(matches!(error, TargetError::Unreachable { .. }));
    assert!(error.to_string().contains(&address.to_string()));
    let open = run(address, &limits(4), &constant(100.0), 100);
    assert_eq!((open.failed.get("connect"), open.indeterminate), (10, 0));
    assert!(!open.rates().is_saturated() && open.rates().achieved == 0.0, "refused at once is no queue");
    let closed = run(address, &limits(4), &Load::Closed { in_flight: 4 }, 200);
    assert!(closed.failed.get("connect") <= 100, "{}", closed.failed.get("connect"));
}

#[test]
fn a_url_is_parsed_at_the_border() {
    assert_eq!(
        Target::parse("t", "http://127.0.0.1:8080/").unwrap().address,
        "127.0.0.1:8080".parse().unwrap()
    );
    for (url, address, host) in [
        ("HTTP://127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1:8080"),
        ("Http://127.0.0.1", "127.0.0.1:80", "127.0.0.1"),
        ("http://127.0.0.1:80/", "127.0.0.1:80", "127.0.0.1"),
        ("http://[::1]:9000", "[::1]:9000", "[::1]:9000"),
    ] {
        let target = Target::parse("t", url).unwrap();
        assert_eq!((target.address, target.host.as_str()), (address.parse().unwrap(), host), "{url}");
    }
    let unknown = Target::parse("t", "http://no-such-host.invalid:8080").unwrap_err();
    assert!(matches!(unknown, TargetError::NoAddress { .. }), "{unknown}");
    for (not_a_url, why) in [
        ("https://127.0.0.1", "`https`"),
        ("127.0.0.1:80", "`http://`"),
        ("localhost:80", "`http://`"),
        ("http:127.0.0.1", "`http://`"),
        ("http://", "host"),
        ("http://127.0.0.1/path", "`/path`"),
        ("http://127.0.0.1/?a", "`/?a`"),
        ("http://127.0.0.1#a", "`/#a`"),
        ("http://a:b@127.0.0.1", "user"),
        ("http://a b", "' '"),
        ("http://127.0.0.1:80\r\nX: y", "'\\r'"),
        ("http:\\\\127.0.0.1", "'\\\\'"),
        ("http://127.0.0.1:99999", "port"),
        ("http://127.0.0.1:0", "port 0"),
        ("http://127.0.0.1:-1", "port"),
        ("http://127.0.0.1:+80", "port"),
        ("http://[::1", "IPv6"),
        ("http://256.0.0.1", "IPv4"),
    ] {
        let error = Target::parse("t", not_a_url).unwrap_err();
        assert!(matches!(error, TargetError::NotAUrl { .. }), "{not_a_url}: {error}");
        let told = error.to_string();
        assert!(
            told.contains(why) && told.contains("\nhint: give `http://host:port`"),
            "{not_a_url}: {told}"
        );
    }
}

#[test]
fn every_round_drives_each_arm_once_and_keeps_their_records_apart() {
    let arm = |address| Arm { target: target(address), journeys: Box::new(Get::new("/", 200)) as _ };
    let rude = serve(|_| Answer::status(500, "", ""));
    let mut sender = Sender::new(vec![arm(polite()), arm(rude)], &limits(4)).unwrap();
    let plan = SlicePlan { arms: 2, slice_length: Duration::from_millis(25), rounds: 8, seed: 3 };
    let mut records = Records::default();
    sender.run(&plan, &constant(400.0), &mut records).unwrap();
    assert_eq!(records.0.len(), 16);
    for (slice, record) in &records.0 {
        assert_eq!(record.planned, 10);
        assert_eq!(record.succeeded, if slice.arm == 0 { 10 } else { 0 });
        assert_eq!(record.failed.get("status-5xx"), if slice.arm == 1 { 10 } else { 0 });
    }
    let orders: Vec<usize> = plan.slices().map(|slice| slice.arm).collect();
    assert!(orders.chunks(2).all(|round| round[0] != round[1]));
    assert!(orders.chunks(2).any(|round| round[0] == 0) && orders.chunks(2).any(|round| round[0] == 1));
    assert_eq!(orders, plan.slices().map(|slice| slice.arm).collect::<Vec<_>>());
}

/// Stops the run after some calls.
struct Impatient(AtomicU64, Records);

impl Observer for Impatient {
    fn slice_ended(&mut self, slice: &Slice, record: &SliceRecord) {
        self.1.slice_ended(slice, record);
    }

    fn keep_going(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) < 5
    }
}

#[test]
fn a_stop_ends_a_long_slice_early_and_says_so() {
    let plan = SlicePlan { arms: 1, slice_length: Duration::from_mins(10), rounds: 2, seed: 1 };
    for load in [constant(100.0), Load::Closed { in_flight: 2 }] {
        let mut observer = Impatient(AtomicU64::new(0), Records::default());
        sender(polite(), &limits(4)).run(&plan, &load, &mut observer).unwrap();
        let (_, record) = &observer.1.0[0];
        assert_eq!(observer.1.0.len(), 1);
        assert!(record.interrupted && record.elapsed < Duration::from_mins(1));
    }
}
