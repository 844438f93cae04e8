//! The statistics of a comparison: how far apart two arms are, and how sure that is.
//!
//! Pure maths: no clock, no I/O, and the only randomness is a seed that the caller gives.
//!
//! What it is for: two servers on a shared machine, measured in interleaved slices whose errors are correlated.
//! The textbook formula (a standard error over all slices) takes such slices for independent and calls identical servers different; `tests::the_naive_formula_calls_identical_servers_different` shows it on the data on which this crate stays honest.
//!
//! In reading order:
//!
//! - [`Batches`] collects what each round cost, in bounded memory.
//! - [`ratio_of_means`], [`difference_of_means`] and [`mean`] compare costs: `spread` holds the method.
//! - [`ratio_of_percentiles`] and [`percentile`] compare latencies: a bootstrap over blocks of batches.
//! - [`sum_of_counts`]: how far a count could be off.
//! - [`Interval`] is what each of them returns.
//! - [`Interval::over`] says how far two runs of one question lie apart.
//! - [`family_wise`] corrects for asking many questions of one run.
//! - [`Looks`] shares that among looks at a run that stops when it has decided.
//! - [`operations_for`] and [`difference_for`] say before a run how much it needs, and what it can tell.
//! - [`Verdict`] turns an interval into one of three answers, and [`Verdict::sentence`] into English.
//! - [`numbers`] says how a number is written in any of that.
//!
//! Not here: what is measured, and of what (`load`, `runtimes`), and how a report says it (`report`).

mod ahead;
mod batches;
mod counts;
mod family;
mod interval;
mod looks;
mod means;
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
pub use percentiles::{are_enough_for, enough_for, percentile, ratio_of_percentiles};
pub use verdict::{EQUIVALENCE_MARGIN, Verdict};
pub use wording::{Metric, factor};
