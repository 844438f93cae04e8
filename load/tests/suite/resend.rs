//! Requests that are lost because the server closes an idle connection.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use load::{
    http::{Method, Reply, RequestBuf},
    journey::{Begun, Failure, Journeys, Operation, Outcome, Step},
    record::SliceRecord,
    schedule::{Arrivals, Profile},
    sender::{Arm, Load, Sender, SlicePlan},
};

use crate::support::{Answer, Records, Request, bare::Bare, limits, serve, target};

/// One request at a time, written by the test; any 200 is a success.
#[derive(Clone, Copy)]
struct Asks(fn(&mut RequestBuf));

impl Journeys for Asks {
    fn begin(&mut self, op: &mut Operation, request: &mut RequestBuf) -> Begun {
        op.kind = "ask";
        (self.0)(request);
        Begun::Written
    }

    fn reply(&mut self, _op: &mut Operation, reply: &Reply<'_>, _request: &mut RequestBuf) -> Step {
        let failed = Outcome::Failed(Failure::UnexpectedStatus);
        Step::Done(if reply.status == 200 { Outcome::Success } else { failed })
    }

    fn abandoned(&mut self, _op: &mut Operation, _why: Failure) {}
}

fn get(request: &mut RequestBuf) {
    request.write(Method::Get, "/");
}

/// Twenty operations over one connection at a time, 10 ms apart.
fn run(address: SocketAddr, asks: fn(&mut RequestBuf)) -> SliceRecord {
    let arm = Arm { target: target(address), journeys: Box::new(Bare(Asks(asks))) };
    let mut sender = Sender::new(vec![arm], &limits(1)).unwrap();
    let plan = SlicePlan { arms: 1, slice_length: Duration::from_millis(200), rounds: 1, seed: 1 };
    let load = Load::Open { arrivals: Arrivals::Constant, profile: Profile::Steady { rate: 100.0 }, seed: 1 };
    let mut records = Records::default();
    sender.run(&plan, &load, &mut records).unwrap();
    records.0.pop().unwrap().1
}

/// Answers the first request of each connection, and closes it on the second.
fn one_each(request: &Request) -> Answer {
    if request.nth == 0 { Answer::status(200, "", "") } else { Answer::Close }
}

#[test]
fn an_idempotent_request_is_sent_once_more_on_a_fresh_connection_and_counted() {
    for asks in [
        get as fn(&mut RequestBuf),
        |request| request.write(Method::Head, "/"),
        |request| request.write(Method::Delete, "/"),
        |request| request.write_json(Method::Put, "/", None, "{}"),
        |request| request.write_json(Method::Post, "/", Some(("Idempotency-Key", "a")), "{}"),
    ] {
        let record = run(serve(one_each), asks);
        assert_eq!((record.succeeded, record.failed.total(), record.indeterminate), (20, 0, 0));
        assert_eq!((record.resent, record.requests, record.connects), (19, 39, 20));
    }
}

#[test]
fn a_request_that_is_not_idempotent_has_failed() {
    let record = run(serve(one_each), |request| request.write_json(Method::Post, "/", None, "{}"));
    // Every second one finds the connection closed; the next one opens another.
    assert_eq!((record.succeeded, record.failed.get("reset"), record.indeterminate), (10, 10, 10));
    assert_eq!(record.resent, 0);
}

#[test]
fn a_request_is_repeated_once_and_on_a_fresh_connection_not_at_all() {
    let count = AtomicU64::new(0);
    let first_only = move |_: &Request| match count.fetch_add(1, Ordering::Relaxed) {
        0 => Answer::status(200, "", ""),
        _ => Answer::Close,
    };
    let record = run(serve(first_only), get);
    assert_eq!((record.succeeded, record.failed.get("reset"), record.indeterminate), (1, 19, 19));
    assert_eq!((record.resent, record.requests), (1, 21));
}

#[test]
fn a_reply_that_has_begun_is_not_asked_for_again() {
    let cut = |request: &Request| match request.nth {
        0 => Answer::status(200, "", ""),
        _ => Answer::Last(b"HTTP/1.1 2".to_vec()),
    };
    let record = run(serve(cut), get);
    assert_eq!((record.succeeded, record.failed.get("reset"), record.resent), (10, 10, 0));
}

#[test]
fn the_latency_of_what_was_sent_twice_counts_from_its_due_time() {
    let lingering = |request: &Request| {
        if request.nth > 0 {
            thread::sleep(Duration::from_millis(50));
        }
        one_each(request)
    };
    let record = run(serve(lingering), get);
    assert_eq!((record.succeeded, record.resent), (20, 19));
    assert!(record.latency.max() >= 50_000_000, "{}", record.latency.max());
    assert!(record.service.value_at_quantile(0.5) >= 50_000_000, "{}", record.service.value_at_quantile(0.5));
}

#[test]
fn what_may_have_arrived_is_indeterminate_although_its_repetition_found_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        drop(listener);
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.is_empty()));
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        assert!(lines.any(|line| line.is_empty()), "the second request arrives, and then nobody is there");
    });
    let record = run(address, get);
    server.join().unwrap();
    assert_eq!((record.succeeded, record.failed.get("reset"), record.failed.get("connect")), (1, 1, 18));
    assert_eq!((record.resent, record.indeterminate), (1, 1));
}
