//! A steady load over several threads is one load with one ledger.

use std::{thread, time::Duration};

use load::{
    journeys::{Check, JourneyOptions, for_system, plain::Get},
    schedule::{Arrivals, Profile},
    sender::{Arm, Limits, Load, Sender},
    steady::{Steady, run},
};

use crate::support::{Answer, limits, serve, shortener::Fake, target};

fn steady(load: Load, millis: u64) -> Steady {
    Steady { load, length: Duration::from_millis(millis), threads: 2, limits: limits(16), traced: false }
}

fn prepared(fake: &Fake) -> Sender {
    let options = JourneyOptions { seed: 5, things: 20, ..JourneyOptions::default() };
    let journeys = for_system("shortener", &options).unwrap();
    let mut sender = Sender::new(vec![Arm { target: target(fake.address), journeys }], &limits(8)).unwrap();
    sender.prepare(0, &mut |_| true).unwrap();
    sender
}

#[test]
fn threads_share_the_rate_and_the_ledger() {
    let fake = Fake::start();
    let mut sender = prepared(&fake);
    let load = Load::Open { arrivals: Arrivals::Constant, profile: Profile::Steady { rate: 400.0 }, seed: 1 };
    let record = run(&mut sender, &steady(load, 500), &mut |_| true).unwrap();
    assert_eq!((record.planned, record.succeeded), (200, 200));
    let offered = record.rates().offered.unwrap();
    assert!((offered - 400.0).abs() < 10.0, "the rate of both threads together: {offered}");
    assert!(record.window < Duration::from_millis(900), "threads run side by side: {:?}", record.window);
    let verdict = sender.check(0, &Check::default());
    assert!(verdict.holds(), "{verdict:?}");
    let follows = record.by_kind.iter().find(|kind| kind.kind == "follow").unwrap().succeeded;
    assert_eq!(verdict.count("clicks-counted"), follows);
}

#[test]
fn threads_together_hold_no_more_connections_than_the_load_may() {
    let slow = serve(|_| {
        thread::sleep(Duration::from_millis(50));
        Answer::status(200, "", "")
    });
    let limits = Limits { timeout: Duration::from_secs(5), ..limits(5) };
    let journeys = Box::new(Get::new("/", 200));
    let mut sender = Sender::new(vec![Arm { target: target(slow), journeys }], &limits).unwrap();
    let load = Load::Open { arrivals: Arrivals::Constant, profile: Profile::Steady { rate: 400.0 }, seed: 1 };
    let steady = Steady { limits, ..steady(load, 200) };
    let record = run(&mut sender, &steady, &mut |_| true).unwrap();
    assert_eq!((record.planned, record.succeeded, record.connects), (80, 80, 5));
}

#[test]
fn progress_is_told_and_can_end_the_load() {
    let fake = Fake::start();
    let mut told = 0;
    let record = run(&mut prepared(&fake), &steady(Load::Closed { in_flight: 3 }, 600_000), &mut |so_far| {
        told += 1;
        so_far.sent == 0
    });
    let record = record.unwrap();
    assert!(record.interrupted && told > 0);
    assert_eq!(record.succeeded, record.sent);
}
