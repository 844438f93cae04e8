//! The machine alone, and the properties that hold whatever happens to it.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::settings::{BreakerSettings, WindowSettings};

const MS: Duration = Duration::from_millis(1);

/// Opens after 5 failures in a row, or half of at least 10 calls within 10 s; open for 1, 2, 4, 4 ... s.
fn settings() -> BreakerSettings {
    BreakerSettings { minimum_calls: 10, open_jitter: 0.0, ..BreakerSettings::default() }
}

/// A machine and the time.
struct Bench {
    machine: Machine,
    settings: BreakerSettings,
    now: Instant,
}

impl Bench {
    fn new(settings: BreakerSettings) -> Self {
        let now = Instant::now();
        Self { machine: Machine::new(settings, 1, now), settings, now }
    }

    /// Admits a call that takes this long; whether it was admitted.
    fn call(&mut self, outcome: Outcome, took: Duration) -> bool {
        let ticket = self.machine.admit(self.now);
        self.now += took;
        if let Some(ticket) = &ticket {
            self.machine.settle(ticket, outcome, self.now);
        }
        ticket.is_some()
    }

    fn calls(&mut self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            self.call(*outcome, MS);
        }
    }

    fn opened(settings: BreakerSettings) -> Self {
        let mut bench = Self::new(settings);
        bench.calls(&[Outcome::Failure; 5]);
        assert_eq!(bench.machine.state(), State::Open);
        bench
    }

    fn reasons(&self) -> Vec<Reason> {
        self.machine.history().map(|moved| moved.reason).collect()
    }
}

#[test]
fn a_run_of_failures_opens_it_and_a_success_ends_the_run() {
    let mut bench = Bench::new(settings());
    bench.calls(&[Outcome::Failure, Outcome::Failure, Outcome::Failure, Outcome::Failure, Outcome::Success]);
    bench.calls(&[Outcome::Failure; 4]);
    assert_eq!(bench.machine.state(), State::Closed, "8 of 9 failed, and 9 calls are too few for a rate");
    bench.calls(&[Outcome::Failure]);
    assert_eq!(bench.reasons(), [Reason::FailuresInARow]);
    assert!(!bench.call(Outcome::Success, MS) && bench.machine.rejects(bench.now));
}

#[test]
fn the_rate_of_failures_and_of_slow_calls_opens_it_where_no_run_does() {
    let slow = BreakerSettings::default().slow_call;
    for (reason, bad, took) in
        [(Reason::FailureRate, Outcome::Failure, MS), (Reason::SlowRate, Outcome::Success, slow)]
    {
        let mut bench = Bench::new(settings());
        for _ in 0..4 {
            bench.call(Outcome::Success, MS);
            bench.call(bad, took);
        }
        assert_eq!(bench.machine.state(), State::Closed, "{reason:?}: 8 calls are too few");
        bench.call(Outcome::Success, MS);
        bench.call(bad, took);
        assert_eq!(bench.reasons(), [reason]);
    }
}

#[test]
fn a_window_slides_by_count_and_by_time() {
    for window in [WindowSettings::Calls(20), WindowSettings::Time(Duration::from_secs(10))] {
        let mut bench = Bench::new(BreakerSettings { window, failures_in_a_row: 1_000, ..settings() });
        bench.calls(&[Outcome::Success; 10_000]);
        // Time enough that the old calls leave a window by time as well.
        bench.now += Duration::from_secs(10);
        bench.calls(&[Outcome::Failure; 10]);
        assert_eq!(bench.reasons(), [Reason::FailureRate], "{window:?}: the calls of long ago do not count");
    }
}

#[test]
fn half_open_it_admits_so_many_probes_and_all_must_succeed() {
    let mut bench = Bench::opened(settings());
    bench.now += 995 * MS;
    let tickets: Vec<_> = (0..10).filter_map(|_| bench.machine.admit(bench.now)).collect();
    assert!(tickets.is_empty(), "a moment too early");
    bench.now += 5 * MS;
    let tickets: Vec<_> = (0..10).filter_map(|_| bench.machine.admit(bench.now)).collect();
    assert_eq!((tickets.len(), bench.machine.state()), (3, State::HalfOpen));
    bench.machine.settle(&tickets[0], Outcome::Success, bench.now);
    assert!(bench.machine.admit(bench.now).is_none(), "what succeeded keeps its place");
    bench.machine.settle(&tickets[1], Outcome::Unknown, bench.now);
    let another = bench.machine.admit(bench.now).expect("a caller that went away gives its place back");
    assert!(bench.machine.admit(bench.now).is_none());
    bench.machine.settle(&another, Outcome::Success, bench.now);
    assert_eq!(bench.machine.state(), State::HalfOpen);
    bench.machine.settle(&tickets[2], Outcome::Success, bench.now);
    assert_eq!(bench.reasons(), [Reason::FailuresInARow, Reason::TimeUp, Reason::ProbesSucceeded]);
}

#[test]
fn a_probe_that_fails_is_slow_or_hangs_opens_it_again_for_longer() {
    let slow = BreakerSettings::default().slow_call;
    let hangs = BreakerSettings::default().probe_limit;
    for (outcome, took, reason) in [
        (Outcome::Failure, MS, Reason::ProbeFailed),
        (Outcome::Success, slow, Reason::ProbeFailed),
        (Outcome::Success, hangs, Reason::ProbeHung),
    ] {
        let mut bench = Bench::opened(settings());
        for seconds in [1, 2, 4, 4, 4] {
            let time = bench.machine.open_for(bench.now);
            assert_eq!(time, Duration::from_secs(seconds), "{reason:?}");
            bench.now += time;
            assert!(bench.call(outcome, took), "{reason:?}");
            assert_eq!(bench.reasons().last(), Some(&reason));
        }
    }
}

#[test]
fn a_hung_probe_is_found_by_the_next_call() {
    let mut bench = Bench::opened(settings());
    bench.now += Duration::from_secs(1);
    let hung = bench.machine.admit(bench.now).expect("a probe");
    bench.now += bench.settings.probe_limit;
    assert!(bench.machine.rejects(bench.now) && bench.machine.admit(bench.now).is_none());
    assert_eq!(bench.reasons().last(), Some(&Reason::ProbeHung));
    bench.now += Duration::from_secs(2);
    assert!(bench.machine.admit(bench.now).is_some(), "and it is tried again in time");
    bench.machine.settle(&hung, Outcome::Failure, bench.now);
    assert_eq!(bench.machine.state(), State::HalfOpen, "its late end is of an older generation");
}

#[test]
fn opening_soon_after_it_closed_counts_as_opening_again() {
    let mut bench = Bench::opened(settings());
    bench.now += Duration::from_secs(1);
    bench.calls(&[Outcome::Success; 3]);
    bench.calls(&[Outcome::Failure; 5]);
    assert_eq!(bench.machine.open_for(bench.now), Duration::from_secs(2), "a relapse");
    bench.now += Duration::from_secs(2);
    bench.calls(&[Outcome::Success; 3]);
    bench.now += Duration::from_mins(1);
    bench.calls(&[Outcome::Failure; 5]);
    assert_eq!(bench.machine.open_for(bench.now), Duration::from_secs(1), "it was well for a minute");
}

#[test]
fn the_time_open_is_drawn_between_half_and_all_of_it() {
    let settings = BreakerSettings { open_jitter: 0.5, ..settings() };
    let drawn: Vec<_> = (0..200)
        .map(|seed| {
            let now = Instant::now();
            let mut machine = Machine::new(settings, seed, now);
            for _ in 0..5 {
                let ticket = machine.admit(now).expect("it is closed");
                machine.settle(&ticket, Outcome::Failure, now);
            }
            machine.open_for(now)
        })
        .collect();
    let (least, most) = (drawn.iter().min().expect("some"), drawn.iter().max().expect("some"));
    assert!(*least >= 500 * MS && *most <= 1_000 * MS && *most > *least + 400 * MS, "{least:?} to {most:?}");
}

/// What may happen to a breaker.
#[derive(Clone, Debug)]
enum Step {
    Admit,
    /// Settles one of the calls in flight.
    Settle(usize, Outcome),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        3 => Just(Outcome::Success),
        4 => Just(Outcome::Failure),
        1 => Just(Outcome::Unknown),
    ];
    prop_oneof![
        4 => Just(Step::Admit),
        4 => (any::<usize>(), outcome).prop_map(|(which, outcome)| Step::Settle(which, outcome)),
        2 => (0_u64..3_000).prop_map(Step::Pass),
    ]
}

/// A model of what the probes of one generation did.
#[derive(Default)]
struct Probes {
    generation: u64,
    admitted: usize,
    given_back: usize,
}

proptest! {
    #[test]
    fn whatever_happens_probes_are_few_generations_rise_and_health_closes_it(
        steps in prop::collection::vec(step(), 0..300),
        window in prop_oneof![Just(WindowSettings::Calls(20)), Just(WindowSettings::Time(Duration::from_secs(2)))],
        seed in any::<u64>(),
    ) {
        let settings = BreakerSettings { window, minimum_calls: 5, ..BreakerSettings::default() };
        let mut now = Instant::now();
        let mut machine = Machine::new(settings, seed, now);
        let (mut in_flight, mut probes, mut generation) = (Vec::new(), Probes::default(), 0);
        for step in steps {
            match step {
                Step::Pass(millis) => now += Duration::from_millis(millis),
                Step::Admit => {
                    let refuses = machine.rejects(now);
                    let ticket = machine.admit(now);
                    prop_assert_eq!(refuses, ticket.is_none(), "the hint and the decision agree");
                    if probes.generation != machine.generation() {
                        probes = Probes { generation: machine.generation(), ..Probes::default() };
                    }
                    if let Some(ticket) = ticket {
                        let is_probe = machine.state() == State::HalfOpen;
                        probes.admitted += usize::from(is_probe);
                        in_flight.push((ticket, machine.generation(), is_probe));
                    }
                }
                Step::Settle(which, outcome) if !in_flight.is_empty() => {
                    let (ticket, of, is_probe) = in_flight.swap_remove(which % in_flight.len());
                    machine.settle(&ticket, outcome, now);
                    let counts = is_probe && of == machine.generation() && outcome == Outcome::Unknown;
                    probes.given_back += usize::from(counts);
                }
                Step::Settle(..) => {}
            }
            prop_assert!(machine.generation() >= generation, "generations rise");
            generation = machine.generation();
            if machine.state() == State::HalfOpen {
                prop_assert!(probes.admitted - probes.given_back <= settings.probes as usize);
                prop_assert!(machine.probes_in_flight() <= settings.probes as usize);
            }
            prop_assert!(machine.open_for(now) <= settings.open_cap, "never open for longer than the cap");
        }
        // From here on the callee is well, and whoever is still in flight never comes back.
        let bound = now + settings.probe_limit + settings.open_cap * 2;
        while machine.state() != State::Closed {
            prop_assert!(now <= bound, "stuck {:?}: {:?}", machine.state(), machine);
            if let Some(ticket) = machine.admit(now) {
                machine.settle(&ticket, Outcome::Success, now);
            }
            now += 50 * MS;
        }
    }
}
