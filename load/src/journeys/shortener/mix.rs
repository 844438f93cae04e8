//! How much of what, on which links.

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_distr::Distribution;
use rand_distr::weighted::WeightedAliasIndex;

/// Names and summaries of the mixes, the default first.
pub(super) const NAMES: [(&str, &str); 5] = [
    ("follow-mostly", "95 % follow by Zipf(1.0), 5 % create"),
    ("follow-only", "follow by Zipf(1.0)"),
    ("create-only", "create"),
    ("hot-key", "follow one link"),
    ("cold-cache", "follow, every link as likely as any other"),
];

/// A mix of operations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mix {
    /// The share of follows; the rest are creates.
    pub follow: f64,
    /// Which links are followed.
    pub keys: Keys,
    /// Whether every link has been read before load begins.
    pub warm: bool,
}

/// How popular links are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// The k-th most popular link is followed 1/k as often as the first, as web pages are
    /// (Breslau et al.: "Web Caching and Zipf-like Distributions", INFOCOM 1999).
    Zipf,
    /// One link gets every follow.
    One,
    /// All links are alike.
    Uniform,
}

impl Mix {
    /// The mix of a name in [`NAMES`]; any other name gets the default.
    pub(super) fn named(name: &str) -> Self {
        let (follow, keys) = match name {
            "follow-only" => (1.0, Keys::Zipf),
            "create-only" => (0.0, Keys::Zipf),
            "hot-key" => (1.0, Keys::One),
            "cold-cache" => (1.0, Keys::Uniform),
            _ => (0.95, Keys::Zipf),
        };
        Self { follow, keys, warm: name != "cold-cache" }
    }
}

/// Draws links in constant time.
#[derive(Debug)]
pub(super) enum Picker {
    Weighted(WeightedAliasIndex<f64>),
    One,
    Uniform(usize),
}

impl Picker {
    /// A picker among `links` links (at least one). Which link is the most popular is drawn from the seed, so that
    /// popularity has nothing to do with the order in which the links were made, or stored.
    pub(super) fn new(keys: Keys, links: usize, seed: u64) -> Self {
        match keys {
            Keys::One => Self::One,
            Keys::Uniform => Self::Uniform(links),
            Keys::Zipf => {
                let mut weights: Vec<f64> = (1..=links).map(|rank| 1.0 / rank as f64).collect();
                weights.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
                // Fails only without a weight above zero, and there is at least one link.
                WeightedAliasIndex::new(weights).map_or(Self::One, Self::Weighted)
            }
        }
    }

    /// The next link to follow.
    pub(super) fn pick(&self, random: &mut Xoshiro256PlusPlus) -> usize {
        match self {
            Self::Weighted(weights) => weights.sample(random),
            Self::One => 0,
            Self::Uniform(links) => random.random_range(0..*links),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each of 100 links is picked in 100,000 draws.
    fn picks(keys: Keys) -> Vec<f64> {
        let picker = Picker::new(keys, 100, 11);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(12);
        let mut counts = vec![0.0; 100];
        for _ in 0..100_000 {
            counts[picker.pick(&mut random)] += 1.0;
        }
        counts.sort_unstable_by(|one, other| f64::total_cmp(other, one));
        counts
    }

    #[test]
    fn the_kth_most_popular_link_is_followed_one_over_k_as_often() {
        let counts = picks(Keys::Zipf);
        let harmonic: f64 = (1..=100).map(|rank| 1.0 / f64::from(rank)).sum();
        for rank in [1, 2, 3, 5, 10] {
            let expected = 100_000.0 / harmonic / f64::from(rank);
            let counted = counts[rank as usize - 1];
            assert!(
                (counted - expected).abs() < 5.0 * expected.sqrt(),
                "rank {rank}: {counted}, not {expected}"
            );
        }
    }

    #[test]
    fn a_hot_key_is_one_link_and_a_cold_cache_all_of_them() {
        assert!((picks(Keys::One)[0] - 100_000.0).abs() < f64::EPSILON);
        let uniform = picks(Keys::Uniform);
        assert!(uniform.iter().all(|count| (count - 1000.0).abs() < 200.0));
    }
}
