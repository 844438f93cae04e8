//! The uncertainty of an estimate: jackknifed batch means, with the correlation of slices and the differences
//! of launches.
//!
//! 1. A statistic of totals (a ratio, a mean, a difference) is estimated from the totals of all batches.
//! 2. Leaving out one batch at a time gives one pseudo-value per batch (Miller, "The jackknife: a review",
//!    Biometrika 61, 1974).
//!    For a ratio of sums this removes most of the bias that a mean of per-batch ratios has, weights batches
//!    by their operations, and tolerates a batch with zero cost.
//! 3. Neighbouring batches merge until their correlation is not visible any more or few are left (Fishman,
//!    "Grouping observations in digital simulation", Management Science 24, 1978).
//! 4. The remaining correlation widens the standard error: `n` batches with lag-1 correlation `r` are worth
//!    `n (1 - r) / (1 + r)` independent ones (an autoregressive process of order one).
//! 5. From three launches of the processes on there are two standard errors, one from the spread within
//!    launches and one from the spread of the launches' own estimates; the wider one counts (Kalibera and
//!    Jones, "Rigorous benchmarking in reasonable time", ISMM 2013: the outermost repeated level is the one
//!    that generalises).
//!    The number of launches in a given measured time matters more than any formula.
//!    Simulated, 600 slices, launches that differ by 2 %, two equal arms, 95 %: with one launch 47 % of runs
//!    find a difference, with two 25 %, with three 4 % (with an interval 2.0 times as wide as with six
//!    launches), with six, eight and twelve 5 %.
//!    After a correction for ten comparisons, three launches give an interval 3.4 times as wide as six do:
//!    **measure six launches or more**.
//!    Two launches cannot estimate a spread (Student's t is 12.7 with one degree of freedom): their
//!    difference counts as correlation of the batches, and the interval is stretched to cover both; it claims
//!    no more.

use super::{batches::Batch, quantiles::student};

/// With fewer batches there is no standard error.
pub(super) const FEWEST_BATCHES: usize = 3;

/// Merging stops before fewer batches than this are left: with ten, Student's t is 2.26, only 15 % above the normal.
const FEWEST_AFTER_MERGING: usize = 10;

/// With fewer launches their spread cannot be estimated.
pub(super) const FEWEST_LAUNCHES: usize = 3;

/// The statistical power of `smallest_detectable`: the probability with which such a difference is found.
const POWER: f64 = 0.80;

/// One batch of one arm, or the same batch of two arms.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    pub(super) a: Batch,
    pub(super) b: Batch,
}

/// A measurement over a time of one launch, which can be merged with the following one.
pub(super) trait Block: Copy {
    fn launch(&self) -> u32;
    fn plus(self, next: Self) -> Self;
}

impl Block for Pair {
    fn launch(&self) -> u32 {
        self.a.launch
    }

    fn plus(mut self, next: Self) -> Self {
        self.a.add(next.a);
        self.b.add(next.b);
        self
    }
}

impl Pair {
    fn minus(self, other: Self) -> Self {
        let less = |x: Batch, y: Batch| Batch {
            launch: x.launch,
            cost: x.cost - y.cost,
            operations: x.operations.saturating_sub(y.operations),
        };
        Self { a: less(self.a, other.a), b: less(self.b, other.b) }
    }
}

/// An estimate with its uncertainty, on the scale of the statistic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Estimate {
    pub(super) value: f64,
    pub(super) half_width: f64,
    pub(super) effective_samples: f64,
    /// The minimum detectable effect, at [`POWER`].
    pub(super) smallest_detectable: f64,
    /// Whether this is the interval from the spread between launches.
    pub(super) between_launches: bool,
    /// Whether only more launches narrow the interval, and a longer measurement does not.
    pub(super) limited_by_launches: bool,
}

/// The spread of `statistic` over the totals of `batches`; `None` if there are too few of them or a total has
/// no value.
pub(super) fn jackknife(
    batches: &[Pair],
    confidence: f64,
    statistic: impl Fn(&Pair) -> Option<f64>,
) -> Option<Estimate> {
    let estimate = statistic(&total(batches)?)?;
    let launches: Vec<f64> =
        launches_of(batches).map(|launch| statistic(&total(launch)?)).collect::<Option<_>>()?;
    let uncorrelated =
        batch_until_uncorrelated(batches.to_vec(), |batches| pseudo_values(batches, &statistic))?;
    let (values, effective_samples) = (&uncorrelated.values, uncorrelated.effective());
    // `variance` divides by n - 1. From three launches on the values are centred within L launches, which leaves n - L degrees
    // of freedom, so this interval is a little too narrow: by 4 % with 64 batches and six launches, and only where it
    // counts, which is where it is wider than the interval between launches.
    let within = Spread {
        standard_error: (variance(values) / effective_samples).sqrt(),
        degrees_of_freedom: effective_samples - 1.0,
    };
    Some(widest(estimate, confidence, within, effective_samples, &launches, batches.len()))
}

/// A standard error with its degrees of freedom, which need not be an integer.
#[derive(Clone, Copy)]
pub(super) struct Spread {
    pub(super) standard_error: f64,
    pub(super) degrees_of_freedom: f64,
}

impl Spread {
    pub(super) fn half_width(self, confidence: f64) -> f64 {
        self.standard_error * student(f64::midpoint(1.0, confidence), self.degrees_of_freedom)
    }

    /// The true difference for which the interval excludes zero with probability [`POWER`]: the minimum detectable effect
    /// (MDE). Reports print it as the smallest difference that such a run finds four times in five.
    pub(super) fn smallest_detectable(self, confidence: f64) -> f64 {
        self.half_width(confidence) + self.standard_error * student(POWER, self.degrees_of_freedom)
    }
}

/// The wider of the intervals from the standard error within launches and from that between launches; the launches have
/// this many batches together.
pub(super) fn widest(
    estimate: f64,
    confidence: f64,
    within: Spread,
    effective_samples: f64,
    launches: &[f64],
    batches: usize,
) -> Estimate {
    let inner = Estimate {
        value: estimate,
        half_width: within.half_width(confidence),
        effective_samples,
        smallest_detectable: within.smallest_detectable(confidence),
        between_launches: false,
        limited_by_launches: false,
    };
    // If every batch is a launch of its own (an episode), measuring longer adds launches, and they are no limit.
    let limited_by_launches = launches.len() < batches;
    let count = launches.len() as f64;
    // Walkthrough. Replicated measurements have two levels: batches within a launch, and launches. One launch
    // has only the inner level. Two launches have no usable standard error, so the interval is stretched to
    // contain both estimates. From three on, the launches' estimates are a sample with `count - 1` degrees of
    // freedom, and its standard error needs no assumption about the batches.
    let outer = match launches.len() {
        0 | 1 => return inner,
        fewer if fewer < FEWEST_LAUNCHES => {
            let reach = launches.iter().map(|launch| (launch - estimate).abs()).fold(0.0, f64::max);
            let stretched = inner.smallest_detectable + (reach - inner.half_width).max(0.0);
            Estimate {
                half_width: reach,
                smallest_detectable: stretched,
                between_launches: true,
                limited_by_launches,
                ..inner
            }
        }
        _ => {
            let between = Spread {
                standard_error: (variance(launches) / count).sqrt(),
                degrees_of_freedom: count - 1.0,
            };
            Estimate {
                half_width: between.half_width(confidence),
                effective_samples: effective_samples.min(count),
                smallest_detectable: between.smallest_detectable(confidence),
                between_launches: true,
                limited_by_launches,
                value: estimate,
            }
        }
    };
    if outer.half_width > inner.half_width { outer } else { inner }
}

/// Batches merged until they are uncorrelated, as far as visible, or until few are left.
pub(super) struct UncorrelatedBatches<B> {
    pub(super) blocks: Vec<B>,
    /// One pseudo-value per block, relative to its launch's mean.
    values: Vec<f64>,
    /// The remaining lag-1 autocorrelation.
    correlation: f64,
}

impl<B> UncorrelatedBatches<B> {
    /// The effective sample size: the number of independent blocks that these are worth, from their remaining
    /// autocorrelation. Reports print it as independent observations.
    ///
    /// At least two, because Student's t needs a degree of freedom. There are never fewer blocks than that: three batches are
    /// required ([`FEWEST_BATCHES`]), and merging leaves ten.
    pub(super) fn effective(&self) -> f64 {
        let count = self.blocks.len() as f64;
        (count * (1.0 - self.correlation) / (1.0 + self.correlation)).clamp(2.0, count)
    }
}

/// Merges batches until they are uncorrelated; `pseudo` computes their pseudo-values.
pub(super) fn batch_until_uncorrelated<B: Block>(
    mut blocks: Vec<B>,
    pseudo: impl Fn(&[B]) -> Option<Vec<f64>>,
) -> Option<UncorrelatedBatches<B>> {
    loop {
        // Walkthrough. The lag-1 correlation of the pseudo-values is visible if it exceeds `1 / sqrt(n)`, its
        // standard error for independent values. Merging neighbours in pairs halves the number of batches and
        // moves their correlation towards zero, because neighbours then lie further apart. This repeats until
        // the correlation is invisible; `effective` corrects for the rest.
        let values = within_launches(&blocks, pseudo(&blocks)?);
        let correlation = neighbour_correlation(&blocks, &values);
        let coarser = merge_neighbours(&blocks);
        let visible = correlation > 1.0 / (values.len() as f64).sqrt();
        if !visible || coarser.len() < FEWEST_AFTER_MERGING || coarser.len() == blocks.len() {
            return Some(UncorrelatedBatches { blocks, values, correlation });
        }
        blocks = coarser;
    }
}

fn pseudo_values(batches: &[Pair], statistic: &impl Fn(&Pair) -> Option<f64>) -> Option<Vec<f64>> {
    if batches.len() < FEWEST_BATCHES {
        return None;
    }
    let total = total(batches)?;
    // Walkthrough of the jackknife. The pseudo-value of a batch is `n` times the statistic of all, less
    // `n - 1` times the statistic without that batch. For a mean it is the batch's own value; for a ratio of sums
    // it is the batch's contribution. So the pseudo-values can be treated like a sample: their variance over
    // `n` is the squared standard error.
    let (count, whole) = (batches.len() as f64, statistic(&total)?);
    batches
        .iter()
        .map(|batch| Some(count * whole - (count - 1.0) * statistic(&total.minus(*batch))?))
        .collect()
}

/// Pseudo-values relative to their launch's mean, if launches have a standard error of their own (from three
/// on).
///
/// With fewer, the launch's mean stays in and shows as correlation of neighbours, which widens the interval.
fn within_launches<B: Block>(batches: &[B], mut values: Vec<f64>) -> Vec<f64> {
    if launches_of(batches).count() < FEWEST_LAUNCHES {
        return values;
    }
    let mut rest = values.as_mut_slice();
    for launch in launches_of(batches) {
        let (own, others) = rest.split_at_mut(launch.len());
        let level = own.iter().sum::<f64>() / launch.len() as f64;
        for value in own {
            *value -= level;
        }
        rest = others;
    }
    values
}

/// The lag-1 autocorrelation of neighbours within a launch, clamped to 0 to 0.9.
///
/// The sample correlation is biased downwards by about `(1 + 3r) / n` (Marriott and Pope, Biometrika 41,
/// 1954), which is corrected.
/// A negative correlation would narrow the interval, and is not used.
fn neighbour_correlation<B: Block>(batches: &[B], values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let middle = values.iter().sum::<f64>() / count;
    let neighbours: Vec<f64> = batches
        .windows(2)
        .zip(values.windows(2))
        .filter(|(batch, _)| batch[0].launch() == batch[1].launch())
        .map(|(_, value)| (value[0] - middle) * (value[1] - middle))
        .collect();
    let variance = values.iter().map(|value| (value - middle).powi(2)).sum::<f64>() / count;
    if neighbours.len() < FEWEST_BATCHES || count <= 4.0 || variance <= 0.0 {
        return 0.0;
    }
    // With one launch this is the usual estimator, which divides the sum by the number of values: one more than there are
    // pairs.
    let pairs = neighbours.len() as f64;
    let raw = neighbours.iter().sum::<f64>() / (pairs + 1.0) / variance;
    // The estimator is biased towards zero, raw = r - (1 + 3r) / n; this is solved for r.
    ((count * raw + 1.0) / (count - 3.0)).clamp(0.0, 0.9)
}

/// Merges neighbours of one launch in pairs; the last of an odd number joins the pair before it.
fn merge_neighbours<B: Block>(batches: &[B]) -> Vec<B> {
    let mut merged = Vec::with_capacity(batches.len() / 2 + 1);
    for launch in launches_of(batches) {
        let pairs = (launch.len() / 2).max(1);
        for at in 0..pairs {
            let end = if at + 1 == pairs { launch.len() } else { 2 * at + 2 };
            merged.extend(total(&launch[2 * at..end]));
        }
    }
    merged
}

fn launches_of<B: Block>(batches: &[B]) -> impl Iterator<Item = &[B]> {
    batches.chunk_by(|x, y| x.launch() == y.launch())
}

fn total<B: Block>(batches: &[B]) -> Option<B> {
    batches.iter().copied().reduce(B::plus)
}

/// The sample variance; zero for fewer than two values.
pub(super) fn variance(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let count = values.len() as f64;
    let middle = values.iter().sum::<f64>() / count;
    values.iter().map(|value| (value - middle).powi(2)).sum::<f64>() / (count - 1.0)
}
