//! Curves with fewer buckets, in the unit in which they are drawn.

use super::Curve;

/// The most buckets of a curve: each is two or three pixels wide.
const MOST: usize = 120;
/// The fewest, unless there are fewer.
const LEAST: usize = 60;
/// The operations that a bucket should have: with fewer, chance is all that is seen.
const ENOUGH: f64 = 20.0;
/// The most buckets of a curve in all arms together, so that a page with many arms stays small.
const MOST_IN_ALL: usize = 640;

/// Merges the buckets of an episode.
#[derive(Clone, Copy)]
pub(super) struct Merge {
    bucket_ms: f64,
    by: usize,
}

impl Merge {
    /// For an episode of that many buckets in each of that many arms.
    pub(super) fn new(bucket_ms: f64, buckets: usize, arms: usize) -> Self {
        let most = MOST.min(MOST_IN_ALL / arms.max(1)).max(1);
        Self { bucket_ms, by: buckets.div_ceil(most).max(1) }
    }

    /// With still fewer buckets, so that counts are more than chance; `usual` is the mean count of a bucket now.
    pub(super) fn steadier(self, usual: f64, buckets: usize) -> Self {
        let wanted = (ENOUGH / usual.max(f64::MIN_POSITIVE)).ceil().min(buckets as f64) as usize;
        Self { by: wanted.min(buckets / LEAST).max(self.by), ..self }
    }

    /// The length of a merged bucket.
    pub(super) fn bucket_ms(self) -> f64 {
        self.bucket_ms * self.by as f64
    }

    /// Counts a bucket, as counts a second.
    pub(super) fn rate(self, counts: &[f64]) -> Curve {
        self.sampled_rate(&some(counts))
    }

    /// The same of counts with gaps.
    pub(super) fn sampled_rate(self, counts: &[Option<f64>]) -> Curve {
        let per_second = 1_000.0 / self.bucket_ms.max(f64::MIN_POSITIVE);
        self.level(counts).into_iter().map(|count| Some(count? * per_second)).collect()
    }

    /// Counts a bucket of another length, as counts a second; each counts where its bucket begins.
    pub(super) fn rate_of(self, counts: &[f64], bucket_ms: f64) -> Curve {
        let merged_ms = self.bucket_ms().max(f64::MIN_POSITIVE);
        let place = |at: usize| (at as f64 * bucket_ms / merged_ms + 1e-9) as usize;
        let mut rates = vec![0.0; counts.len().checked_sub(1).map_or(0, |last| place(last) + 1)];
        for (at, count) in counts.iter().enumerate() {
            rates[place(at)] += count * 1_000.0 / merged_ms;
        }
        some(&rates)
    }

    /// Levels: their mean.
    pub(super) fn level(self, levels: &[Option<f64>]) -> Curve {
        self.chunks(levels, |known| known.iter().sum::<f64>() / known.len() as f64)
    }

    /// Values of which the greatest matters.
    pub(super) fn greatest(self, values: &[Option<f64>]) -> Curve {
        self.chunks(values, |known| known.iter().copied().fold(f64::MIN, f64::max))
    }

    /// A gap stays one only if nothing of a merged bucket is known.
    fn chunks(self, values: &[Option<f64>], merged: impl Fn(&[f64]) -> f64) -> Curve {
        let one = |chunk: &[Option<f64>]| {
            let known: Vec<f64> = chunk.iter().copied().flatten().collect();
            (!known.is_empty()).then(|| merged(&known))
        };
        values.chunks(self.by).map(one).collect()
    }
}

/// A curve without gaps.
pub(super) fn some(values: &[f64]) -> Curve {
    values.iter().copied().map(Some).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_buckets_keep_rates_and_gaps() {
        let merge = Merge::new(50.0, 2 * MOST, 3);
        assert!((merge.bucket_ms() - 100.0).abs() < 1e-9);
        assert_eq!(merge.rate(&[1.0, 3.0, 5.0]), [Some(40.0), Some(100.0)]);
        assert_eq!(merge.level(&[None, Some(2.0), None, None]), [Some(2.0), None]);
        assert!((Merge::new(50.0, 2 * MOST, 8).bucket_ms() - 150.0).abs() < 1e-9);
        assert!((merge.steadier(8.0, 2 * MOST).bucket_ms() - 150.0).abs() < 1e-9);
        assert!((merge.steadier(0.1, 2 * MOST).bucket_ms() - 200.0).abs() < 1e-9);
        assert_eq!(merge.rate_of(&[1.0, 3.0, 5.0], 50.0), [Some(40.0), Some(50.0)]);
        assert_eq!(merge.rate_of(&[1.0, 3.0], 200.0), [Some(10.0), Some(0.0), Some(30.0)]);
        assert!(merge.rate_of(&[], 50.0).is_empty());
        assert_eq!(merge.greatest(&[Some(1.0), Some(7.0)]), [Some(7.0)]);
    }
}
