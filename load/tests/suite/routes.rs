//! A target of several servers: each request goes to the one that its path belongs to, over connections that are kept.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use load::{
    http::{Method, Reply, RequestBuf},
    journey::{Begun, Failure, Journeys, Operation, Outcome, Step},
    record::SliceRecord,
    schedule::{Arrivals, Profile},
    sender::{Arm, Load, Sender, SlicePlan, Target, TargetError},
};

use crate::support::{Answer, Records, Request, bare::Bare, limits, nobody, serve, target};

/// Each operation asks the first server, the second, and the first again; any 200 is a success.
#[derive(Clone, Copy)]
struct ToAndFro;

const PATHS: [&str; 3] = ["/carts/1", "/carts/1/orders?after=2", "/carts/2"];

impl Journeys for ToAndFro {
    fn begin(&mut self, op: &mut Operation, request: &mut RequestBuf) -> Begun {
        (op.kind, op.step) = ("ask", 0);
        request.write(Method::Get, PATHS[0]);
        Begun::Written
    }

    fn reply(&mut self, op: &mut Operation, reply: &Reply<'_>, request: &mut RequestBuf) -> Step {
        if reply.status != 200 {
            return Step::Done(Outcome::Failed(Failure::UnexpectedStatus));
        }
        op.step += 1;
        let Some(path) = PATHS.get(usize::from(op.step)) else { return Step::Done(Outcome::Success) };
        request.write(Method::Get, path);
        Step::Next
    }

    fn abandoned(&mut self, _op: &mut Operation, _why: Failure) {}
}

const PREFIX: &str = "/carts/{cart}/orders";

/// Twenty operations, 10 ms apart, in one slot.
fn run(first: SocketAddr, second: SocketAddr) -> SliceRecord {
    let target = target(first).with(PREFIX, second).unwrap();
    let arm = Arm { target, journeys: Box::new(Bare(ToAndFro)) };
    let mut sender = Sender::new(vec![arm], &limits(1)).unwrap();
    let plan = SlicePlan { arms: 1, slice_length: Duration::from_millis(200), rounds: 1, seed: 1 };
    let load = Load::Open { arrivals: Arrivals::Constant, profile: Profile::Steady { rate: 100.0 }, seed: 1 };
    let mut records = Records::default();
    sender.run(&plan, &load, &mut records).unwrap();
    records.0.pop().unwrap().1
}

/// Replies 200 to requests for itself, and 404 to others, and counts both.
fn own(is_own: impl Fn(&str) -> bool + Send + Sync + 'static) -> (SocketAddr, Arc<AtomicU64>) {
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    let address = serve(move |request| {
        counted.fetch_add(1, Ordering::Relaxed);
        Answer::status(if is_own(&request.path) { 200 } else { 404 }, "", "")
    });
    (address, asked)
}

#[test]
fn each_request_goes_to_the_server_of_its_path_over_a_connection_that_is_kept() {
    let (first, of_first) = own(|path| !path.contains("orders"));
    let (second, of_second) = own(|path| path.contains("orders"));
    let record = run(first, second);
    assert_eq!((record.succeeded, record.failed.total()), (20, 0));
    assert_eq!((of_first.load(Ordering::Relaxed), of_second.load(Ordering::Relaxed)), (40, 20));
    assert_eq!((record.requests, record.connects, record.resent), (60, 2, 0));
}

#[test]
fn each_server_is_called_by_its_own_name() {
    let names = |address: SocketAddr, request: &Request| request.header("host") == Some(&address.to_string());
    // Which address a server has is known when it runs.
    let [first, second] = [Arc::new(std::sync::OnceLock::new()), Arc::new(std::sync::OnceLock::new())];
    let host_of = |own: &Arc<std::sync::OnceLock<SocketAddr>>| {
        let own = Arc::clone(own);
        serve(move |request| {
            let is_own = own.get().is_some_and(|own| names(*own, request));
            Answer::status(if is_own { 200 } else { 421 }, "", "")
        })
    };
    let addresses = [host_of(&first), host_of(&second)];
    first.set(addresses[0]).unwrap();
    second.set(addresses[1]).unwrap();
    assert_eq!(run(addresses[0], addresses[1]).succeeded, 20);
}

#[test]
fn a_connection_that_is_closed_while_it_rests_is_opened_again() {
    let (first, _) = own(|path| !path.contains("orders"));
    // Each connection to the second server has one reply, and ends while the slot asks the first.
    let second = serve(|_| Answer::Last(b"HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n".to_vec()));
    let record = run(first, second);
    assert_eq!((record.succeeded, record.failed.total()), (20, 0));
    // Where the end is not noticed in time, the request is lost and sent again; both open one.
    assert_eq!((record.connects, record.requests), (21, 60 + record.resent));
}

#[test]
fn a_request_that_meets_a_closed_connection_is_sent_again_to_the_same_server() {
    let (first, _) = own(|path| !path.contains("orders"));
    let second = serve(|request| if request.nth == 0 { Answer::status(200, "", "") } else { Answer::Close });
    let record = run(first, second);
    assert_eq!((record.succeeded, record.resent, record.connects), (20, 19, 21));
}

#[test]
fn a_further_address_that_refuses_is_told_before_the_load_and_fails_what_goes_there() {
    let (first, of_first) = own(|_| true);
    let away = nobody();
    let target = target(first).with(PREFIX, away).unwrap();
    let error = target.probe().unwrap_err();
    assert!(matches!(error, TargetError::Unreachable { address, .. } if address == away), "{error}");
    let record = run(first, away);
    assert_eq!((record.succeeded, record.failed.get("connect")), (0, 20));
    assert_eq!(of_first.load(Ordering::Relaxed), 20, "the first server goes on replying");
}

#[test]
fn a_further_address_is_parsed_at_the_border() {
    let first = || Target::parse("t", "http://127.0.0.1:8080").unwrap();
    let both = first().with_url("/a", "http://127.0.0.1:8081").unwrap();
    assert_eq!(both.of_path("/a/b"), ("127.0.0.1:8081".parse().unwrap(), "127.0.0.1:8081"));
    assert_eq!(both.of_path("/b"), ("127.0.0.1:8080".parse().unwrap(), "127.0.0.1:8080"));
    let own = first().with_url("/a", "http://127.0.0.1:8080").unwrap();
    assert!(own.routes.is_empty(), "its own address is no further one");
    for (prefix, url, words) in [
        ("a", "http://127.0.0.1:1", "`a` is no beginning of a path: it does not begin with `/`"),
        ("/a/{", "http://127.0.0.1:1", "`{` is neither a word nor `{name}`"),
        ("/a", "127.0.0.1:1", "it has no `http://`"),
        ("/a", "http://127.0.0.1:1/b", "`/b` stands after its host"),
    ] {
        let told = first().with_url(prefix, url).unwrap_err().to_string();
        assert!(told.contains(words) && told.contains("\nhint: "), "{prefix} {url}: {told}");
    }
    let twice = both.with_url("/a", "http://127.0.0.1:8082").unwrap_err();
    assert!(twice.to_string().contains("the paths of `/a` have two addresses\nhint: "), "{twice}");
}
