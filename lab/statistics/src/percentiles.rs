//! Latency percentiles: of one arm, and of one arm relative to another, by a block bootstrap over batches.
//!
//! A percentile is not a mean, so batch means do not apply; and operations are correlated, so they cannot be
//! resampled one by one.
//! Instead whole blocks of batches are resampled, as long as their correlation requires (Künsch, "The
//! jackknife and the bootstrap for general stationary observations", Annals of Statistics 17, 1989; the blocks are
//! disjoint, as in Carlstein, Annals of Statistics 14, 1986); the same blocks for both arms if these share rounds.
//! The interval is the expanded percentile interval (Hesterberg, "What teachers should know about the
//! bootstrap", The American Statistician 69, 2015): the plain percentile interval is too narrow for few
//! batches, by the same factor as a normal interval without Student's t.
//! With few batches and many comparisons, its ends lie beyond all resamples; then the interval is Student's t
//! with the bootstrap's standard error.

use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

use super::{
    batches::{Batches, SparseHistogram},
    interval::Interval,
    means::ratio_interval,
    quantiles::{normal_share_below, student},
    spread::{
        Block, FEWEST_BATCHES, Spread, UncorrelatedBatches, batch_until_uncorrelated, variance, widest,
    },
};

/// The operations that must be expected beyond a percentile for it to be reported.
const FEWEST_BEYOND: f64 = 10.0;

/// The number of resamples; a thin tail needs more, up to [`MOST_RESAMPLES`].
const RESAMPLES: usize = 1_000;
const MOST_RESAMPLES: usize = 10_000;

/// Whether `operations` suffice for `quantile`: at least ten must be expected on either side of it.
///
/// So p50 needs 20 operations, p99 needs 1,000, p99.9 needs 10,000.
pub fn enough_for(quantile: f64, operations: u64) -> bool {
    operations as f64 * quantile.min(1.0 - quantile) >= FEWEST_BEYOND * (1.0 - 1e-9)
}

/// Whether these two arms can be compared by `quantile`; otherwise [`ratio_of_percentiles`] is `None`.
pub fn are_enough_for(a: &Batches, b: &Batches, quantile: f64) -> bool {
    [a, b].into_iter().all(|arm| {
        let recorded = arm.latencies().iter().flatten().map(|(_, count)| count).sum();
        arm.latencies().len() >= FEWEST_BATCHES && enough_for(quantile, recorded)
    })
}

/// The `quantile` (0 to 1) of all latencies of an arm, in the unit of its histograms.
///
/// `None` if there are too few operations for it ([`enough_for`]) or fewer than three batches.
pub fn percentile(arm: &Batches, quantile: f64, confidence: f64, seed: u64) -> Option<Interval> {
    let ratio = against_itself(arm, quantile, confidence, seed)?;
    let scale = Table::of(arm).value_at(quantile, &arm.all())?;
    Some(Interval {
        estimate: scale,
        low: scale * ratio.low,
        high: scale * ratio.high,
        smallest_detectable: scale * ratio.smallest_detectable,
        ..ratio
    })
}

/// The `quantile` (0 to 1) of the latencies of `a` relative to that of `b`.
///
/// The same seed gives the same interval.
/// `None` if either arm has too few operations for this quantile, or fewer than three batches.
pub fn ratio_of_percentiles(
    a: &Batches,
    b: &Batches,
    quantile: f64,
    confidence: f64,
    seed: u64,
) -> Option<Interval> {
    if !are_enough_for(a, b, quantile) {
        return None;
    }
    let (of_a, of_b) = (Table::of(a), Table::of(b));
    let log_ratio = |weights_a: &[u32], weights_b: &[u32]| {
        Some((of_a.value_at(quantile, weights_a)? / of_b.value_at(quantile, weights_b)?).ln())
    };
    let (all_a, all_b) = (a.all(), b.all());
    let estimate = log_ratio(&all_a, &all_b)?;
    let shared = a.launch_of_each_batch() == b.launch_of_each_batch();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    if shared {
        // Walkthrough. The batches of two arms cover the same rounds if they belong to the same launches, one by
        // one. If the arms share rounds, one resample of blocks applies to both, so that a disturbance that slowed
        // both arms in the same rounds cancels in the ratio. Otherwise each arm is resampled on its own, and there
        // is no interval between launches, because the launches of the two arms do not pair. The statistic is the
        // log of the ratio, whose error is symmetric.
        let blocks = Blocks::of(a, |weights| log_ratio(weights, weights))?;
        let tail = Tail::of(confidence, &[&blocks]);
        let resampled = (0..tail.resamples()).filter_map(|_| {
            let weights = blocks.resample(&mut random);
            log_ratio(&weights, &weights)
        });
        let launches: Option<Vec<f64>> =
            a.weights_of_each_launch().iter().map(|launch| log_ratio(launch, launch)).collect();
        return Some(expanded_percentile_interval(
            estimate,
            resampled.collect(),
            confidence,
            tail,
            &launches.unwrap_or_default(),
        ));
    }
    let blocks_a = Blocks::of(a, |weights| log_ratio(weights, &all_b))?;
    let blocks_b = Blocks::of(b, |weights| log_ratio(&all_a, weights))?;
    let tail = Tail::of(confidence, &[&blocks_a, &blocks_b]);
    let resampled = (0..tail.resamples())
        .filter_map(|_| log_ratio(&blocks_a.resample(&mut random), &blocks_b.resample(&mut random)));
    Some(expanded_percentile_interval(estimate, resampled.collect(), confidence, tail, &[]))
}

/// The quantile of an arm's resamples relative to the arm's own.
fn against_itself(arm: &Batches, quantile: f64, confidence: f64, seed: u64) -> Option<Interval> {
    if !are_enough_for(arm, arm, quantile) {
        return None;
    }
    let table = Table::of(arm);
    let middle = table.value_at(quantile, &arm.all())?;
    let log = |weights: &[u32]| Some((table.value_at(quantile, weights)? / middle).ln());
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let blocks = Blocks::of(arm, log)?;
    let tail = Tail::of(confidence, &[&blocks]);
    let resampled = (0..tail.resamples()).filter_map(|_| log(&blocks.resample(&mut random))).collect();
    let launches: Option<Vec<f64>> = arm.weights_of_each_launch().iter().map(|launch| log(launch)).collect();
    Some(expanded_percentile_interval(0.0, resampled, confidence, tail, &launches.unwrap_or_default()))
}

/// Neighbouring batches that are resampled together.
struct Blocks(UncorrelatedBatches<Span>);

/// A range of batches of one launch.
#[derive(Clone, Copy)]
struct Span {
    launch: u32,
    from: usize,
    to: usize,
}

impl Block for Span {
    fn launch(&self) -> u32 {
        self.launch
    }

    fn plus(self, next: Self) -> Self {
        Self { to: next.to, ..self }
    }
}

impl Blocks {
    /// Blocks as long as the correlation of this statistic requires; it maps batch weights to a value.
    ///
    /// The correlation is measured on jackknife pseudo-values. For a quantile their variance says nothing: the delete-one
    /// jackknife is no variance of a quantile (Efron and Tibshirani, "An introduction to the bootstrap", 1993,
    /// chapter 11). Here it only finds the block length; the standard error comes from the bootstrap.
    fn of(arm: &Batches, statistic: impl Fn(&[u32]) -> Option<f64>) -> Option<Self> {
        let spans = arm.launch_of_each_batch().into_iter().enumerate();
        let spans = spans.map(|(place, launch)| Span { launch, from: place, to: place + 1 }).collect();
        let all = arm.all();
        let whole = statistic(&all)?;
        let uncorrelated = batch_until_uncorrelated(spans, |spans| {
            let count = spans.len() as f64;
            let mut weights = all.clone();
            spans
                .iter()
                .map(|span| {
                    weights[span.from..span.to].fill(0);
                    let without = statistic(&weights);
                    weights[span.from..span.to].fill(1);
                    Some(count * whole - (count - 1.0) * without?)
                })
                .collect()
        })?;
        Some(Self(uncorrelated))
    }

    fn count(&self) -> f64 {
        self.0.blocks.len() as f64
    }

    fn batches(&self) -> usize {
        self.0.blocks.last().map_or(0, |last| last.to)
    }

    /// A resample: as many blocks as there are, drawn with replacement; returns the weight of each batch, which is how often
    /// it was drawn.
    fn resample(&self, random: &mut Xoshiro256PlusPlus) -> Vec<u32> {
        let blocks = &self.0.blocks;
        let mut weights = vec![0; self.batches()];
        for _ in 0..blocks.len() {
            let Span { from, to, .. } = blocks[random.random_range(0..blocks.len())];
            weights[from..to].iter_mut().for_each(|weight| *weight += 1);
        }
        weights
    }
}

/// The tail beyond either end of an expanded percentile interval.
#[derive(Clone, Copy)]
struct Tail {
    share: f64,
    batches: usize,
    /// The number of independent blocks that the blocks are worth.
    effective: f64,
    /// The bootstrap divides by n where the sample variance divides by n - 1, and it treats blocks as
    /// independent.
    correction: f64,
}

impl Tail {
    fn of(confidence: f64, arms: &[&Blocks]) -> Self {
        // Walkthrough. A percentile interval of bootstrap resamples has two defects with few blocks: its
        // spread lacks the factor `sqrt(n / (n - 1))`, and it uses normal quantiles where Student's t is
        // needed. The expanded interval therefore reads the resamples at more extreme shares: the end that
        // Student's t asks for, in units of the bootstrap's standard error, converted to a share of a normal
        // distribution. If that share is so small that not even the most resamples put ten values beyond it,
        // the tail is not resolved.
        let batches = arms.iter().map(|blocks| blocks.batches()).min().unwrap_or(0);
        let least =
            |of: fn(&Blocks) -> f64| arms.iter().map(|blocks| of(blocks)).fold(f64::INFINITY, f64::min);
        let (count, effective) = (least(Blocks::count), least(|blocks| blocks.0.effective()));
        let correction = (count / (count - 1.0) * count / effective).sqrt();
        let end = correction * student(f64::midpoint(1.0, confidence), effective - 1.0);
        Self { share: normal_share_below(-end), batches, effective, correction }
    }

    /// The number of resamples that puts ten beyond each end.
    fn wanted(self) -> f64 {
        (FEWEST_BEYOND / self.share).ceil()
    }

    fn is_resolved(self) -> bool {
        self.wanted() <= MOST_RESAMPLES as f64
    }

    fn resamples(self) -> usize {
        if self.is_resolved() { RESAMPLES.max(self.wanted() as usize) } else { RESAMPLES }
    }
}

/// The expanded percentile interval if its tail is resolved, and Student's t otherwise; or the launches' interval
/// if that is wider.
fn expanded_percentile_interval(
    estimate: f64,
    mut resampled: Vec<f64>,
    confidence: f64,
    tail: Tail,
    launches: &[f64],
) -> Interval {
    resampled.sort_by(f64::total_cmp);
    let within = Spread {
        standard_error: variance(&resampled).sqrt() * tail.correction,
        degrees_of_freedom: tail.effective - 1.0,
    };
    let found = widest(estimate, confidence, within, tail.effective, launches, tail.batches);
    if found.between_launches || !tail.is_resolved() {
        return ratio_interval(found, confidence, found.half_width, found.half_width);
    }
    let down = estimate - at_share(&resampled, tail.share).unwrap_or(f64::NEG_INFINITY);
    let up = at_share(&resampled, 1.0 - tail.share).unwrap_or(f64::INFINITY) - estimate;
    ratio_interval(found, confidence, down.max(0.0), up.max(0.0))
}

/// The value at a share of a sorted list, linearly interpolated.
fn at_share(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (sorted.get(place.floor() as usize)?, sorted.get(place.ceil() as usize)?);
    Some(low + (high - low) * place.fract())
}

impl Batches {
    /// The weights of the sample itself: every batch once.
    fn all(&self) -> Vec<u32> {
        vec![1; self.as_slice().len()]
    }

    /// For each launch the weights of its own sample: its batches once, and no others.
    fn weights_of_each_launch(&self) -> Vec<Vec<u32>> {
        let launches = self.as_slice().chunk_by(|x, y| x.launch == y.launch);
        launches
            .map(|launch| {
                let of = launch.first().map(|batch| batch.launch);
                self.as_slice().iter().map(|batch| u32::from(Some(batch.launch) == of)).collect()
            })
            .collect()
    }

    /// The number of the launch that each batch belongs to. Arms that agree in it share their rounds.
    fn launch_of_each_batch(&self) -> Vec<u32> {
        self.as_slice().iter().map(|batch| batch.launch).collect()
    }
}

/// Cumulative counts of all batches at each distinct value: a row per value, a column per batch.
///
/// A quantile of a resample is then a binary search over rows, each a weighted sum over a short, contiguous
/// row.
struct Table {
    values: Vec<u64>,
    batches: usize,
    /// Operations at or below a row's value, by row and batch.
    below: Vec<u64>,
}

impl Table {
    fn of(arm: &Batches) -> Self {
        let columns: &[SparseHistogram] = arm.latencies();
        let mut values: Vec<u64> = columns.iter().flatten().map(|(value, _)| *value).collect();
        values.sort_unstable();
        values.dedup();
        let mut below = vec![0; values.len() * columns.len()];
        for (column, counts) in columns.iter().enumerate() {
            let (mut seen, mut rest) = (0, counts.iter().peekable());
            for (row, value) in values.iter().enumerate() {
                while let Some((_, count)) = rest.next_if(|(next, _)| next <= value) {
                    seen += count;
                }
                below[row * columns.len() + column] = seen;
            }
        }
        Self { values, batches: columns.len(), below }
    }

    /// The smallest value that at least the share `quantile` of the resampled operations does not exceed.
    fn value_at(&self, quantile: f64, weights: &[u32]) -> Option<f64> {
        let at_or_below = |row: usize| -> u64 {
            let row = &self.below[row * self.batches..(row + 1) * self.batches];
            row.iter().zip(weights).map(|(count, weight)| count * u64::from(*weight)).sum()
        };
        let all = at_or_below(self.values.len().checked_sub(1)?);
        if all == 0 {
            return None;
        }
        let wanted = ((quantile * all as f64).ceil() as u64).max(1);
        let (mut low, mut high) = (0, self.values.len() - 1);
        while low < high {
            let middle = usize::midpoint(low, high);
            if at_or_below(middle) < wanted {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        // A latency below the histogram's unit would make a ratio infinite.
        Some(self.values[low].max(1) as f64)
    }
}
