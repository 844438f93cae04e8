//! The cost of each arm's rounds, in bounded memory.

use hdrhistogram::Histogram;

/// The most batches of an arm; with one more, neighbours merge.
///
/// 32 to 64 batches lose almost nothing against more: Student's t is 2.04 and 2.00 where the normal is 1.96
/// (Schmeiser, "Batch size effects in the analysis of simulation output", Operations Research 30, 1982).
pub const MOST_BATCHES: usize = 64;

/// The cost of a batch of neighbouring rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Batch {
    /// The launch of the arm's processes; batches of different launches never merge.
    pub launch: u32,
    /// The cost, in any additive unit: nanoseconds of CPU, bytes, statements.
    pub cost: f64,
    /// The operations that had this cost.
    pub operations: u64,
}

impl Batch {
    pub(super) fn add(&mut self, other: Batch) {
        self.cost += other.cost;
        self.operations += other.operations;
    }
}

/// The latencies of one batch: each distinct histogram value with its count, ascending.
///
/// A histogram with three digits has up to 200 KiB, mostly zeros; this has only the recorded values.
pub(super) type SparseHistogram = Vec<(u64, u64)>;

/// One arm's rounds, merged into at most [`MOST_BATCHES`] batches of equal length; the last of a launch may be shorter.
///
/// Every arm of a run gets exactly one `push` a round, so batch `i` of one arm and batch `i` of another cover
/// the same time.
/// A round that is void for one arm is left out for all.
/// Every launch keeps at least one batch, so a run of more than 64 launches has as many batches as launches.
#[derive(Clone, Debug)]
pub struct Batches {
    costs: Vec<Batch>,
    latencies: Vec<SparseHistogram>,
    /// Rounds in the last batch so far.
    in_last: u64,
    /// Rounds in a full batch; doubles at each merge.
    in_full: u64,
}

impl Default for Batches {
    fn default() -> Self {
        Self { costs: Vec::new(), latencies: Vec::new(), in_last: 0, in_full: 1 }
    }
}

impl Batches {
    /// An arm without rounds.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one round: its cost and, if latency was recorded, the latencies of its operations.
    ///
    /// The histogram's unit is the unit of every percentile of these batches.
    pub fn push(&mut self, round: Batch, latencies: Option<&Histogram<u64>>) {
        let counts = latencies.map(sparse).unwrap_or_default();
        match self.costs.last_mut() {
            Some(last) if last.launch == round.launch && self.in_last < self.in_full => {
                last.add(round);
                self.in_last += 1;
                if let Some(last) = self.latencies.last_mut() {
                    *last = merged(last, &counts);
                }
            }
            _ => {
                self.costs.push(round);
                self.latencies.push(counts);
                self.in_last = 1;
            }
        }
        if self.costs.len() > MOST_BATCHES {
            self.halve();
        }
    }

    /// The batches in order of time.
    pub fn as_slice(&self) -> &[Batch] {
        &self.costs
    }

    /// Operations in all batches.
    pub fn operations(&self) -> u64 {
        self.costs.iter().map(|batch| batch.operations).sum()
    }

    /// The number of launches in the batches.
    pub fn launches(&self) -> usize {
        self.costs.chunk_by(|a, b| a.launch == b.launch).count()
    }

    pub(super) fn latencies(&self) -> &[SparseHistogram] {
        &self.latencies
    }

    /// Merges neighbours of one launch in pairs. The last one of an odd number keeps half the length, and
    /// fills up if rounds follow.
    fn halve(&mut self) {
        let mut batches: Vec<Batch> = Vec::with_capacity(MOST_BATCHES);
        let mut latencies: Vec<SparseHistogram> = Vec::with_capacity(MOST_BATCHES);
        // Whether the last batch so far is alone, and may merge with the next one.
        let mut is_single = false;
        for (batch, counts) in self.costs.drain(..).zip(self.latencies.drain(..)) {
            match (batches.last_mut(), latencies.last_mut()) {
                (Some(last), Some(seen)) if is_single && last.launch == batch.launch => {
                    last.add(batch);
                    *seen = merged(seen, &counts);
                    is_single = false;
                }
                _ => {
                    batches.push(batch);
                    latencies.push(counts);
                    is_single = true;
                }
            }
        }
        // If the last two merged, the first of them was full.
        let last_pair_merged = !is_single;
        if last_pair_merged {
            self.in_last += self.in_full;
        }
        self.in_full = self.in_full.saturating_mul(2);
        self.costs = batches;
        self.latencies = latencies;
    }
}

/// The recorded values of a histogram.
fn sparse(histogram: &Histogram<u64>) -> SparseHistogram {
    histogram.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect()
}

/// Merges two sorted lists of counts.
fn merged(a: &[(u64, u64)], b: &[(u64, u64)]) -> SparseHistogram {
    let mut both = SparseHistogram::with_capacity(a.len().max(b.len()));
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    loop {
        let next = match (a.peek(), b.peek()) {
            (Some(x), Some(y)) if x.0 <= y.0 => a.next(),
            (_, Some(_)) => b.next(),
            (Some(_), None) => a.next(),
            (None, None) => return both,
        };
        let Some(&(value, count)) = next else {
            return both;
        };
        match both.last_mut() {
            Some(last) if last.0 == value => last.1 += count,
            _ => both.push((value, count)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round(launch: u32, cost: f64) -> Batch {
        Batch { launch, cost, operations: 2 }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn merging_loses_no_operation_no_cost_and_no_latency(
            rounds in prop::collection::vec((1u32..1_000, 1u64..5_000), 1..600),
            launches in 1usize..5,
        ) {
            let mut batches = Batches::new();
            let each = rounds.len().div_ceil(launches);
            for (at, (cost, latency)) in rounds.iter().enumerate() {
                let mut histogram = Histogram::new(3).unwrap();
                histogram.record(*latency).unwrap();
                batches.push(round((at / each) as u32, f64::from(*cost)), Some(&histogram));
            }
            let cost: f64 = batches.as_slice().iter().map(|batch| batch.cost).sum();
            let latencies: u64 = batches.latencies().iter().flatten().map(|(_, count)| count).sum();
            prop_assert!(batches.as_slice().len() <= MOST_BATCHES);
            prop_assert_eq!(batches.operations(), 2 * rounds.len() as u64);
            let spent: f64 = rounds.iter().map(|(cost, _)| f64::from(*cost)).sum();
            prop_assert!((cost - spent).abs() < 1e-6);
            prop_assert_eq!(latencies, rounds.len() as u64);
            prop_assert_eq!(batches.launches(), rounds.len().div_ceil(each));
            prop_assert!(batches.latencies().iter().all(|counts| counts.is_sorted_by(|a, b| a.0 < b.0)));
        }
    }

    #[test]
    fn two_arms_with_the_same_rounds_merge_in_step() {
        let (mut a, mut b) = (Batches::new(), Batches::new());
        for at in 0..5_000 {
            a.push(round(at / 2_000, f64::from(at)), None);
            b.push(round(at / 2_000, f64::from(at)), None);
        }
        assert_eq!(a.as_slice(), b.as_slice());
        assert!(a.as_slice().len() > MOST_BATCHES / 2);
    }
}
