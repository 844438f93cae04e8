//! The generator's own share, measured on a server with the right CPU affinity.

use std::{sync::mpsc, thread, time::Duration};

use load::floor;

#[test]
fn the_floor_is_the_latency_of_a_server_that_does_nothing() {
    let (tell, told) = mpsc::channel();
    let floor = floor::measure(1_000.0, move || tell.send(thread::current().id()).unwrap()).unwrap();
    assert_ne!(told.recv().unwrap(), thread::current().id(), "the server has a thread of its own");
    assert!(floor.samples > 500, "{floor:?}");
    let median = floor.p50.unwrap();
    assert!(median > Duration::ZERO && median < Duration::from_millis(5), "{floor:?}");
}

#[test]
fn a_rate_that_is_rare_or_high_is_measured_within_a_second_or_so() {
    for rate in [3.0, 100_000.0] {
        let began = std::time::Instant::now();
        let floor = floor::measure(rate, || {}).unwrap();
        assert!(began.elapsed() < Duration::from_secs(4), "{rate}: {:?}", began.elapsed());
        assert!(floor.p50.is_some(), "{rate}: {floor:?}");
    }
}
