//! The intervals on data with a known truth.
//!
//! Each share of errors has a derived tolerance: the 99.9 % quantile of the binomial distribution for the
//! number of runs.

use hdrhistogram::Histogram;
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use rand_distr::{Distribution, StandardNormal};
use statrs::distribution::{Binomial, DiscreteCDF};

use super::{spread::variance, *};

const RUNS: u64 = 200;
const CONFIDENCE: f64 = 0.95;
const OPERATIONS: u64 = 100;
/// The CPU time of an operation, in nanoseconds.
const COST: f64 = 20_000.0;

/// The most alarms in `RUNS` runs that each have one with the stated probability; exceeded once in a thousand
/// times.
fn most_alarms(share: f64) -> u64 {
    Binomial::new(share, RUNS).unwrap().inverse_cdf(0.999)
}

fn runs_where(holds: impl Fn(u64) -> bool) -> u64 {
    (0..RUNS).filter(|seed| holds(*seed)).count() as u64
}

/// A series of slices of one arm with correlated noise of its own (an autoregressive process of order one).
struct Arm {
    random: Xoshiro256PlusPlus,
    weather: f64,
    memory: f64,
}

impl Arm {
    /// `memory` is the correlation of neighbouring slices: 0 for none, 0.9 for noise that persists for twenty
    /// slices.
    fn new(seed: u64, memory: f64) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let weather = StandardNormal.sample(&mut random);
        Self { random, weather, memory }
    }

    fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.random)
    }

    /// The next slice's noise: standard normal, correlated with the previous one.
    fn next(&mut self) -> f64 {
        let fresh = self.normal();
        self.weather = self.memory * self.weather + (1.0 - self.memory.powi(2)).sqrt() * fresh;
        self.weather
    }

    fn slice(&mut self, launch: u32, factor: f64) -> Batch {
        let cost = COST * factor * (1.0 + 0.10 * self.next()) * OPERATIONS as f64;
        Batch { launch, cost, operations: OPERATIONS }
    }
}

fn series(seed: u64, memory: f64, slices: usize, factor: f64) -> (Vec<Batch>, Batches) {
    let mut arm = Arm::new(seed, memory);
    let slices: Vec<Batch> = (0..slices).map(|_| arm.slice(0, factor)).collect();
    let mut batches = Batches::new();
    for slice in &slices {
        batches.push(*slice, None);
    }
    (slices, batches)
}

fn compare(seed: u64, memory: f64, slices: usize, factor: f64) -> Interval {
    let (_, a) = series(2 * seed, memory, slices, factor);
    let (_, b) = series(2 * seed + 1, memory, slices, 1.0);
    ratio_of_means(a.as_slice(), b.as_slice(), CONFIDENCE).unwrap()
}

fn misses(interval: &Interval, truth: f64) -> bool {
    interval.low > truth || interval.high < truth
}

#[test]
fn an_exact_cost_has_an_exact_interval() {
    let arm =
        |cost: f64| -> Vec<Batch> { (0..20).map(|_| Batch { launch: 0, cost, operations: 10 }).collect() };
    let ratio = ratio_of_means(&arm(118.0), &arm(100.0), CONFIDENCE).unwrap();
    assert!((ratio.estimate - 1.18).abs() < 1e-9 && (ratio.high - ratio.low).abs() < 1e-9);
    let difference = difference_of_means(&arm(118.0), &arm(100.0), CONFIDENCE).unwrap();
    assert!((difference.estimate - 1.8).abs() < 1e-9);
    let mean = mean(&arm(118.0), CONFIDENCE).unwrap();
    assert!((mean.estimate - 11.8).abs() < 1e-9);
}

#[test]
fn what_cannot_be_compared_has_no_interval() {
    let arm = |batches: usize, cost: f64| -> Vec<Batch> {
        (0..batches).map(|_| Batch { launch: 0, cost, operations: 10 }).collect()
    };
    assert_eq!(ratio_of_means(&arm(2, 1.0), &arm(2, 1.0), CONFIDENCE), None, "too few batches");
    assert_eq!(ratio_of_means(&arm(9, 1.0), &arm(8, 1.0), CONFIDENCE), None, "other rounds");
    assert_eq!(ratio_of_means(&arm(9, 1.0), &arm(9, 0.0), CONFIDENCE), None, "one costs nothing");
    assert!(difference_of_means(&arm(9, 1.0), &arm(9, 0.0), CONFIDENCE).is_some());
}

/// Independent slices; noise that persists for two, twenty and sixty slices; five episodes; a short run.
#[test]
fn an_interval_misses_the_truth_at_most_one_time_in_twenty() {
    for (memory, slices) in [(0.0, 600), (0.5, 600), (0.9, 1_500), (0.967, 1_500), (0.0, 5), (0.5, 100)] {
        let missed = runs_where(|seed| misses(&compare(seed, memory, slices, 1.18), 1.18));
        assert!(missed <= most_alarms(0.05), "memory {memory}, {slices} slices: {missed} of {RUNS}");
    }
}

#[test]
fn identical_servers_are_called_different_at_most_one_time_in_twenty() {
    let alarms = runs_where(|seed| {
        let interval = compare(seed, 0.9, 1_500, 1.0);
        Verdict::of(&interval, EQUIVALENCE_MARGIN, 60.0).is_difference()
    });
    assert!(alarms <= most_alarms(0.05), "{alarms} of {RUNS}");
}

#[test]
fn the_naive_formula_calls_identical_servers_different() {
    let alarms = runs_where(|seed| {
        let (a, b) = (series(2 * seed, 0.9, 1_500, 1.0).0, series(2 * seed + 1, 0.9, 1_500, 1.0).0);
        let logs: Vec<f64> = a.iter().zip(&b).map(|(a, b)| (a.cost / b.cost).ln()).collect();
        let count = logs.len() as f64;
        let mean = logs.iter().sum::<f64>() / count;
        mean.abs() > 1.96 * (variance(&logs) / count).sqrt()
    });
    assert!(alarms > 10 * RUNS / 20, "{alarms} of {RUNS}");
}

/// Each launch of each arm has an offset of 3 % (one sigma), as memory layout can cause.
fn with_launches(seed: u64, launches: u32) -> Interval {
    let (mut a, mut b) = (Arm::new(2 * seed, 0.5), Arm::new(2 * seed + 1, 0.5));
    let (mut of_a, mut of_b) = (Batches::new(), Batches::new());
    for launch in 0..launches {
        let (shift_a, shift_b) = (1.0 + 0.03 * a.normal(), 1.0 + 0.03 * b.normal());
        for _ in 0..120 {
            of_a.push(a.slice(launch, shift_a), None);
            of_b.push(b.slice(launch, shift_b), None);
        }
    }
    ratio_of_means(of_a.as_slice(), of_b.as_slice(), CONFIDENCE).unwrap()
}

#[test]
fn launches_that_differ_do_not_make_a_difference_between_arms() {
    for launches in [3, 5] {
        let alarms = runs_where(|seed| misses(&with_launches(seed, launches), 1.0));
        assert!(alarms <= most_alarms(0.05), "{launches} launches: {alarms} of {RUNS}");
    }
    // And the interval states why it is wide, so that nobody measures longer in vain.
    let said = runs_where(|seed| with_launches(seed, 5).limited_by_launches);
    assert!(said > RUNS / 2, "{said} of {RUNS}");
}

#[test]
fn two_launches_stretch_the_interval_to_cover_both() {
    let half = |launch: u32, factor: f64| {
        (0..20).map(move |at| Batch {
            launch,
            cost: factor * (1.0 + 0.001 * f64::from(at % 3)),
            operations: 1,
        })
    };
    let a: Vec<Batch> = half(0, 1.10).chain(half(1, 0.90)).collect();
    let b: Vec<Batch> = half(0, 1.0).chain(half(1, 1.0)).collect();
    let interval = ratio_of_means(&a, &b, CONFIDENCE).unwrap();
    assert!(interval.low <= 0.90 + 1e-3 && interval.high >= 1.10 - 1e-3, "{interval:?}");
}

#[test]
fn a_difference_of_the_stated_power_is_found_four_times_in_five() {
    // The stated size varies from run to run; this uses the mean.
    let sizes = (0..RUNS).map(|seed| compare(seed, 0.5, 600, 1.0).smallest_detectable);
    let size = sizes.sum::<f64>() / RUNS as f64;
    let found = runs_where(|seed| compare(seed, 0.5, 600, 1.0 + size).low > 1.0);
    let least = RUNS - most_alarms(0.20);
    assert!(found >= least, "{found} of {RUNS}, at least {least}, size {size}");
}

#[test]
fn a_difference_as_large_as_the_margin_is_hardly_ever_called_none() {
    // Each side of a two-sided 95 % interval misses one time in forty.
    let wrong = runs_where(|seed| {
        compare(seed, 0.5, 1_500, 1.0 + EQUIVALENCE_MARGIN).is_equivalent(EQUIVALENCE_MARGIN)
    });
    assert!(wrong <= most_alarms(0.025), "{wrong} of {RUNS}");
    let equal = runs_where(|seed| compare(seed, 0.5, 1_500, 1.0).is_equivalent(EQUIVALENCE_MARGIN));
    assert!(equal > RUNS * 9 / 10, "{equal} of {RUNS}");
}

/// Lognormal latencies of 64 rounds whose scale drifts slowly.
fn latencies(seed: u64, factor: f64, each: usize) -> Batches {
    weathered(seed, 0.2, factor, each)
}

fn weathered(seed: u64, memory: f64, factor: f64, each: usize) -> Batches {
    let mut arm = Arm::new(seed, memory);
    let mut batches = Batches::new();
    for _ in 0..64 {
        let scale = 4_000.0 * factor * (0.10 * arm.next()).exp();
        let mut histogram = Histogram::new(3).unwrap();
        for _ in 0..each {
            let latency = scale * (0.5 * arm.normal()).exp();
            histogram.record(latency as u64).unwrap();
        }
        let operations = each as u64;
        batches.push(Batch { launch: 0, cost: 0.0, operations }, Some(&histogram));
    }
    batches
}

#[test]
fn the_interval_of_a_percentile_misses_the_truth_at_most_one_time_in_twenty() {
    for (memory, quantile) in [(0.2, 0.5), (0.2, 0.99), (0.8, 0.5)] {
        let runs = 150;
        let missed = (0..runs).filter(|seed| {
            let (a, b) = (weathered(2 * seed, memory, 1.25, 40), weathered(2 * seed + 1, memory, 1.0, 40));
            misses(&ratio_of_percentiles(&a, &b, quantile, CONFIDENCE, *seed).unwrap(), 1.25)
        });
        let most = Binomial::new(0.05, runs).unwrap().inverse_cdf(0.999);
        let missed = missed.count() as u64;
        assert!(missed <= most, "memory {memory}, p{quantile}: {missed} of {runs}, at most {most}");
    }
}

/// Launches of one batch each, with scales that vary by 10 %.
fn episodes(seed: u64, launches: u32) -> Batches {
    let mut arm = Arm::new(seed, 0.0);
    let mut batches = Batches::new();
    for launch in 0..launches {
        let scale = 4_000.0 * (0.10 * arm.next()).exp();
        let mut histogram = Histogram::new(3).unwrap();
        for _ in 0..100 {
            histogram.record((scale * (0.5 * arm.normal()).exp()) as u64).unwrap();
        }
        batches.push(Batch { launch, cost: 0.0, operations: 100 }, Some(&histogram));
    }
    batches
}

#[test]
fn the_interval_of_a_percentile_over_episodes_keeps_what_many_questions_share() {
    for (launches, questions) in [(5, 1), (5, 12), (10, 4), (10, 12)] {
        let confidence = family_wise(CONFIDENCE, questions);
        let alarms = runs_where(|seed| {
            let (a, b) = (episodes(2 * seed, launches), episodes(2 * seed + 1, launches));
            misses(&ratio_of_percentiles(&a, &b, 0.5, confidence, seed).unwrap(), 1.0)
        });
        let most = most_alarms(1.0 - confidence);
        assert!(
            alarms <= most,
            "{launches} episodes, {questions} questions: {alarms} of {RUNS}, at most {most}"
        );
    }
}

#[test]
fn a_percentile_of_too_few_operations_is_no_figure() {
    let (few, more) = (latencies(1, 1.0, 8), latencies(2, 1.0, 20));
    assert_eq!(ratio_of_percentiles(&few, &few, 0.99, CONFIDENCE, 1), None);
    assert!(ratio_of_percentiles(&more, &more, 0.99, CONFIDENCE, 1).is_some());
    assert_eq!(percentile(&more, 0.999, CONFIDENCE, 1), None);
    assert!(enough_for(0.999, 10_000) && !enough_for(0.999, 9_999));
}

#[test]
fn a_percentile_agrees_with_the_histogram_and_repeats_with_its_seed() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
    let (mut batches, mut all) = (Batches::new(), Histogram::<u64>::new(3).unwrap());
    for _ in 0..200 {
        let mut round = Histogram::<u64>::new(3).unwrap();
        for _ in 0..50 {
            round.record(random.random_range(1_000..9_000)).unwrap();
        }
        all.add(&round).unwrap();
        batches.push(Batch { launch: 0, cost: 0.0, operations: 50 }, Some(&round));
    }
    let found = percentile(&batches, 0.9, CONFIDENCE, 3).unwrap();
    assert!((found.estimate - all.value_at_quantile(0.9) as f64).abs() < 1e-9);
    assert!(found.low < found.estimate && found.estimate < found.high);
    assert_eq!(percentile(&batches, 0.9, CONFIDENCE, 3), Some(found));
}

/// Whether two equal arms with launches that vary by 3 % ever seem to differ, in a run that looks repeatedly.
/// `shared`: the looks share one allowance; otherwise each has all of it.
fn seems_to_differ(seed: u64, most: u32, shared: bool) -> bool {
    let (mut a, mut b) = (Arm::new(2 * seed, 0.5), Arm::new(2 * seed + 1, 0.5));
    let (mut of_a, mut of_b) = (Batches::new(), Batches::new());
    let mut looks = Looks::new(6, most);
    (0..most).any(|launch| {
        let (shift_a, shift_b) = (1.0 + 0.03 * a.normal(), 1.0 + 0.03 * b.normal());
        for _ in 0..40 {
            of_a.push(a.slice(launch, shift_a), None);
            of_b.push(b.slice(launch, shift_b), None);
        }
        looks.after(launch + 1, launch + 1 == most).is_some_and(|share| {
            let confidence = 1.0 - (1.0 - CONFIDENCE) * if shared { share } else { 1.0 };
            misses(&ratio_of_means(of_a.as_slice(), of_b.as_slice(), confidence).unwrap(), 1.0)
        })
    })
}

/// The table in `docs/measurement.md` has the results of this simulation.
#[test]
fn who_stops_when_arms_seem_to_differ_is_wrong_at_most_one_time_in_twenty() {
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/measurement.md");
    let documented = std::fs::read_to_string(document).unwrap();
    let mut missing = Vec::new();
    for (most, looks) in [(6, 1), (24, 3), (48, 4)] {
        let [alone, shared] =
            [false, true].map(|shared| runs_where(|seed| seems_to_differ(seed, most, shared)));
        assert!(shared <= most_alarms(0.05), "{most} launches: {shared} of {RUNS}");
        let per_cent = |alarms: u64| alarms as f64 / RUNS as f64 * 100.0;
        let row = format!("| {most} | {looks} | {:.1} % | {:.1} % |", per_cent(alone), per_cent(shared));
        if !documented.contains(&row) {
            missing.push(row);
        }
    }
    assert!(missing.is_empty(), "docs/measurement.md lacks {missing:#?}");
}
