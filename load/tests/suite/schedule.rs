//! Schedules against arithmetic.

use std::time::Duration;

use load::schedule::{Arrivals, Piece, Profile, Schedule};

const MINUTE: Duration = Duration::from_mins(1);

fn offsets(arrivals: Arrivals, profile: &Profile, seed: u64) -> Vec<Duration> {
    Schedule::new(arrivals, profile, seed, MINUTE).collect()
}

fn count(offsets: &[Duration], from: u64, to: u64) -> f64 {
    let (from, to) = (Duration::from_secs(from), Duration::from_secs(to));
    offsets.iter().filter(|&&offset| from <= offset && offset < to).count() as f64
}

/// Whether a Poisson count is within five standard deviations of its mean.
fn is_near(counted: f64, mean: f64) -> bool {
    (counted - mean).abs() <= 5.0 * mean.sqrt()
}

#[test]
fn the_same_seed_gives_the_same_offsets_and_another_seed_others() {
    let profile = Profile::Steady { rate: 100.0 };
    let first = offsets(Arrivals::Poisson, &profile, 1);
    assert_eq!(first, offsets(Arrivals::Poisson, &profile, 1));
    assert_ne!(first, offsets(Arrivals::Poisson, &profile, 2));
}

#[test]
fn offsets_ascend_and_end_before_the_length() {
    for profile in [
        Profile::Steady { rate: 300.0 },
        Profile::Ramp { from: 0.0, to: 300.0 },
        Profile::Ramp { from: 300.0, to: 0.0 },
        Profile::Step { from: 0.0, to: 200.0, at: Duration::from_secs(30) },
    ] {
        let offsets = offsets(Arrivals::Poisson, &profile, 9);
        assert!(offsets.is_sorted() && offsets.last().is_some_and(|&last| last < MINUTE), "{profile:?}");
    }
}

#[test]
fn constant_arrivals_are_a_metronome() {
    let offsets = offsets(Arrivals::Constant, &Profile::Steady { rate: 8.0 }, 1);
    assert_eq!(offsets.len(), 480);
    assert!((0_u32..).zip(&offsets).all(|(nth, offset)| *offset == Duration::from_millis(125) * nth));
}

#[test]
fn those_who_share_a_metronome_take_turns() {
    let profile = Profile::Ramp { from: 0.0, to: 300.0 };
    let parts = [0, 1, 2].map(|nth| offsets(Arrivals::Beats { nth, of: 3 }, &profile, 1));
    let mut all = parts.concat();
    all.sort();
    assert_eq!(all, offsets(Arrivals::Constant, &profile, 1));
    assert!(parts.iter().all(|part| part.len() == all.len() / 3), "{}", all.len());
}

#[test]
fn poisson_gaps_have_the_mean_and_the_variance_of_an_exponential() {
    let rate = 1000.0;
    let offsets = offsets(Arrivals::Poisson, &Profile::Steady { rate }, 4);
    assert!(is_near(offsets.len() as f64, 60_000.0), "{}", offsets.len());
    let gaps: Vec<f64> =
        offsets.windows(2).map(|pair| (pair[1].as_secs_f64() - pair[0].as_secs_f64()) * rate).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
    assert!((mean - 1.0).abs() < 0.03 && (variance - 1.0).abs() < 0.08, "mean {mean}, variance {variance}");
}

#[test]
fn poisson_counts_vary_as_much_as_they_should() {
    // The variance of a Poisson count equals its mean; over 60 seconds the ratio is a chi-square with 59
    // degrees of freedom.
    let offsets = offsets(Arrivals::Poisson, &Profile::Steady { rate: 200.0 }, 5);
    let counts: Vec<f64> = (0..60).map(|second| count(&offsets, second, second + 1)).collect();
    let mean = counts.iter().sum::<f64>() / 60.0;
    let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 59.0;
    assert!((0.4..2.0).contains(&(variance / mean)), "{}", variance / mean);
}

#[test]
fn a_ramp_has_the_area_of_its_trapezium_in_each_part() {
    let offsets = offsets(Arrivals::Poisson, &Profile::Ramp { from: 100.0, to: 700.0 }, 6);
    // The rate at second t is 100 + 10 t.
    assert!(is_near(count(&offsets, 0, 30), 30.0 * 250.0));
    assert!(is_near(count(&offsets, 30, 60), 30.0 * 550.0));
    let exact = Schedule::new(Arrivals::Constant, &Profile::Ramp { from: 100.0, to: 700.0 }, 1, MINUTE);
    assert_eq!(exact.count(), 24_000);
}

#[test]
fn a_step_and_a_spike_change_the_rate_when_they_say() {
    let step = Profile::Step { from: 100.0, to: 400.0, at: Duration::from_secs(20) };
    let step = offsets(Arrivals::Poisson, &step, 7);
    assert!(is_near(count(&step, 0, 20), 2_000.0) && is_near(count(&step, 20, 60), 16_000.0));
    let spike = Profile::Spike {
        base: 50.0,
        peak: 1000.0,
        at: Duration::from_secs(10),
        lasting: Duration::from_secs(5),
    };
    let spike = offsets(Arrivals::Poisson, &spike, 8);
    assert!(is_near(count(&spike, 0, 10), 500.0));
    assert!(is_near(count(&spike, 10, 15), 5_000.0));
    assert!(is_near(count(&spike, 15, 60), 2_250.0));
}

#[test]
fn a_trace_is_replayed_as_it_is_and_cut_at_the_length() {
    let trace: Vec<Duration> = [0, 5, 5, 59, 60, 61].map(Duration::from_secs).to_vec();
    assert_eq!(offsets(Arrivals::Poisson, &Profile::Trace(trace.clone()), 1), trace[..4]);
}

#[test]
fn a_rate_of_nothing_is_nothing() {
    for rate in [0.0, -1.0, f64::NAN] {
        assert_eq!(offsets(Arrivals::Poisson, &Profile::Steady { rate }, 1), [Duration::ZERO; 0]);
    }
}

#[test]
fn phases_follow_each_other_and_are_cut_at_the_length() {
    let piece = |seconds, from, to| Piece { length: Duration::from_secs(seconds), from, to };
    // Constant, a jump to a burst, a saw tooth, and a tail beyond the minute.
    let pieces = vec![
        piece(10, 50.0, 50.0),
        piece(0, 0.0, 9_000.0),
        piece(5, 1000.0, 1000.0),
        piece(20, 0.0, 200.0),
        piece(100, 10.0, 10.0),
    ];
    let exact = offsets(Arrivals::Constant, &Profile::Phases(pieces.clone()), 1);
    let counts = [(0, 10), (10, 15), (15, 35), (35, 60)].map(|(from, to)| count(&exact, from, to) as u64);
    assert_eq!(counts, [500, 5_000, 2_000, 250]);
    let drawn = offsets(Arrivals::Poisson, &Profile::Phases(pieces), 2);
    assert!(is_near(count(&drawn, 15, 25), 500.0) && is_near(count(&drawn, 25, 35), 1_500.0));
    assert!(drawn.is_sorted() && drawn.last().is_some_and(|&last| last < MINUTE));
}

#[test]
fn after_the_last_phase_nothing_is_due() {
    let piece = Piece { length: Duration::from_secs(10), from: 10.0, to: 10.0 };
    assert_eq!(offsets(Arrivals::Constant, &Profile::Phases(vec![piece]), 1).len(), 100);
    assert_eq!(offsets(Arrivals::Constant, &Profile::Phases(Vec::new()), 1), [Duration::ZERO; 0]);
}
