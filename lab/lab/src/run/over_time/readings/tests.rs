//! Counters of made-up processes.

use scenario::{plan::ArmPlan, systems};

use super::{super::sampler::Reading, *};

fn arm() -> ArmPlan {
    let system = systems::find("shortener").expect("the shortener");
    let mut wiring = design::Wiring::defaults(system);
    wiring.set("placement", "microservices").expect("a placement");
    ArmPlan::new("services".to_owned(), wiring)
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A reading of a process that started at `started` and has made so many calls to `links`.
fn calls(at: u64, started: f64, calls: f64) -> Reading {
    let callees = [("links".to_owned(), Calls { begun: calls, ..Calls::default() })].into();
    Reading { at: ms(at), counts: Some(Counts { started, callees, ..Counts::default() }) }
}

fn gone(at: u64) -> Reading {
    Reading { at: ms(at), counts: None }
}

fn of(process: &str, readings: Vec<Reading>) -> ProcessReadings {
    ProcessReadings { process: process.to_owned(), readings }
}

fn curve(readings: &[ProcessReadings], buckets: usize) -> Curve {
    Counted::of(&arm(), readings, ms(100), buckets).links.remove(0).calls
}

#[track_caller]
fn is(curve: &Curve, expected: &[Option<f64>]) {
    let close = |(a, b): (&Option<f64>, &Option<f64>)| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() < 1e-9,
        (a, b) => a == b,
    };
    assert!(curve.len() == expected.len() && curve.iter().zip(expected).all(close), "{curve:?} {expected:?}");
}

#[test]
fn what_a_counter_grew_by_is_spread_over_the_time_between_its_readings() {
    let read = of("gateway", vec![calls(0, 9.0, 50.0), calls(150, 9.0, 65.0), calls(350, 9.0, 69.0)]);
    // 15 in 150 ms, then 4 in 200 ms.
    is(&curve(&[read], 4), &[Some(10.0), Some(5.0 + 1.0), Some(2.0), Some(1.0)]);
}

#[test]
fn a_process_that_was_killed_has_a_gap_and_counts_from_zero_afterwards() {
    let read = of(
        "gateway",
        vec![
            calls(0, 9.0, 500.0),
            calls(100, 9.0, 510.0),
            gone(200),
            gone(300),
            gone(400),
            calls(500, 20.0, 7.0),
        ],
    );
    is(&curve(&[read], 6), &[Some(10.0), None, None, None, Some(7.0), None]);
    // A counter that fell says the same, whatever the clock says, and one that is soon as high is no less new.
    for (started, calls_now) in [(9.0, 7.0), (20.0, 900.0)] {
        let read = of("gateway", vec![calls(0, 9.0, 500.0), gone(100), calls(200, started, calls_now)]);
        is(&curve(&[read], 2), &[None, Some(calls_now)]);
    }
}

#[test]
fn a_process_that_answers_late_loses_no_counts() {
    let read = of("gateway", vec![calls(0, 9.0, 0.0), gone(100), gone(200), calls(300, 9.0, 30.0)]);
    is(&curve(&[read], 3), &[Some(10.0), Some(10.0), Some(10.0)]);
}

#[test]
fn replicas_are_one_process_and_the_gap_of_one_is_filled_by_the_other() {
    let one = of("gateway", vec![calls(0, 9.0, 0.0), calls(100, 9.0, 4.0), calls(200, 9.0, 8.0)]);
    let other = of("gateway", vec![calls(0, 9.0, 0.0), calls(100, 9.0, 1.0), gone(200)]);
    is(&curve(&[one, other], 2), &[Some(5.0), Some(4.0)]);
}

#[test]
fn a_level_lasts_until_the_next_reading_and_a_breaker_is_the_mean_of_its_replicas() {
    let reading = |at: u64, in_flight: f64, breaker: f64| {
        let calls = Calls { begun: at as f64, breaker: Some(breaker), ..Calls::default() };
        let callees = [("links".to_owned(), calls)].into();
        Reading { at: ms(at), counts: Some(Counts { callees, in_flight, ..Counts::default() }) }
    };
    let one =
        of("gateway", vec![reading(0, 1.0, 0.0), reading(50, 3.0, 2.0), reading(200, 7.0, 2.0), gone(300)]);
    let two = of("gateway", vec![reading(0, 0.0, 0.0), reading(400, 5.0, 0.0)]);
    let counted = Counted::of(&arm(), &[one, two], ms(100), 5);
    is(&counted.processes[0].in_flight, &[Some(2.0), Some(3.0), Some(7.0), Some(0.0), Some(5.0)]);
    is(&counted.links[0].breaker, &[Some(0.5), Some(1.0), Some(1.0), Some(0.0), Some(0.0)]);
}

#[test]
fn attempts_are_calls_and_what_was_sent_again_less_what_was_rejected() {
    let some = |value: f64| vec![Some(value)];
    let link = Link {
        calls: some(10.0),
        retries: some(4.0),
        hedges: some(1.0),
        rejected: some(3.0),
        ..Link::default()
    };
    is(&link.sent(), &[Some(12.0)]);
}

#[test]
fn statements_of_a_file_are_no_calls_of_a_server() {
    let statements = |at: u64, begun: f64| {
        let callees = [("postgres".to_owned(), Calls { begun, ..Calls::default() })].into();
        Reading { at: ms(at), counts: Some(Counts { callees, ..Counts::default() }) }
    };
    let read = [of("gateway", vec![statements(0, 0.0), statements(100, 5.0)])];
    assert_eq!(Counted::of(&arm(), &read, ms(100), 1).links, []);
    let system = systems::find("shortener").expect("the shortener");
    let mut wiring = design::Wiring::defaults(system);
    wiring.set("database", "postgres").expect("a database");
    let served = ArmPlan::new("served".to_owned(), wiring);
    assert_eq!(Counted::of(&served, &read, ms(100), 1).links.len(), 1);
}
