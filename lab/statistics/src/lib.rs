//! The statistics of a comparison: the difference between two arms, and its uncertainty.
//!
//! Pure maths: no clock, no I/O, and the only randomness is a seed that the caller gives.
//!
//! The purpose: two servers on a shared machine, measured in interleaved slices with correlated errors.
//! The textbook formula (a standard error over all slices) assumes independent slices and calls identical
//! servers different; `tests::the_naive_formula_calls_identical_servers_different` shows it on the data on
//! which this crate's intervals are honest.
//!
//! In reading order:
//!
//! - [`Batches`] collects the cost of each round, in bounded memory.
//! - [`ratio_of_means`], [`difference_of_means`] and [`mean`] compare costs: `spread` explains the method.
//! - [`ratio_of_percentiles`] and [`percentile`] compare latencies: a block bootstrap over batches.
//! - [`sum_of_counts`]: the uncertainty of a count; [`median_interval`]: that of the median of a few values.
//! - [`Interval`] is the result of each of them.
//! - [`Interval::over`] compares two runs of one question.
//! - [`family_wise`] corrects for many comparisons in one run.
//! - [`Looks`] divides that correction among looks, in a run that stops when it has decided.
//! - [`operations_for`] and [`difference_for`] estimate in advance how much a run needs, and its precision.
//! - [`Verdict`] turns an interval into one of three conclusions, and [`Verdict::sentence`] into English.
//! - [`numbers`] formats the numbers.
//!
//! Time has units of several sizes, the small ones first:
//!
//! | unit | is |
//! |---|---|
//! | slice | a stretch of load on one arm; reports print its length as the length of a turn |
//! | round | one slice of every arm, in random order |
//! | batch | neighbouring rounds of one launch, merged so that memory stays bounded ([`Batches`]) |
//! | block | neighbouring batches, merged until blocks are uncorrelated (`spread`) |
//! | launch | one start of all processes, with many rounds (a trial, or an outer repetition, elsewhere) |
//! | episode | a launch with one round, whose load has a course: a launch, a round and a batch in one |
//! | run | all launches of one execution |
//!
//! Not here: the measurements (`load`, `runtimes`), and the wording of a report (`report`).

mod ahead;
mod batches;
mod counts;
mod family;
mod interval;
mod looks;
mod means;
mod median;
pub mod numbers;
mod percentiles;
mod quantiles;
mod spread;
#[cfg(test)]
mod tests;
mod two_runs;
mod verdict;
mod wording;

pub use ahead::{difference_for, operations_for};
pub use batches::{Batch, Batches, MOST_BATCHES};
pub use counts::sum_of_counts;
pub use family::family_wise;
pub use interval::Interval;
pub use looks::Looks;
pub use means::{difference_of_means, mean, ratio_of_means};
pub use median::median_interval;
pub use percentiles::{are_enough_for, enough_for, percentile, ratio_of_percentiles};
pub use verdict::{EQUIVALENCE_MARGIN, Verdict};
pub use wording::{Metric, factor};
