//! The mixes: the shares of operations, and the popularity of links.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use rand::{SeedableRng, rngs::Xoshiro256PlusPlus, seq::SliceRandom};
use rand_distr::{Distribution, weighted::WeightedAliasIndex};

/// The names and summaries of the mixes, the default first.
pub(super) const NAMES: [(&str, &str); 5] = [
    ("follow-mostly", "95 % follow by Zipf(1.0), 5 % create"),
    ("follow-only", "follow by Zipf(1.0)"),
    ("create-only", "create"),
    ("hot-key", "follow one link"),
    ("cold-cache", "follow each link once, so that no cache can have it"),
];
/// The mix that follows each link once.
const COLD: &str = "cold-cache";

/// A mix of operations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mix {
    /// The share of follows; the rest are creates.
    pub follow: f64,
    /// The popularity of links.
    pub keys: Keys,
    /// Whether every link is read before the load, so that caches are warm.
    pub warm: bool,
}

/// The popularity of links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// The k-th most popular link is followed 1/k as often as the first, like web pages
    /// (Breslau et al.: "Web Caching and Zipf-like Distributions", INFOCOM 1999).
    Zipf,
    /// One link gets every follow.
    One,
    /// Each link is followed once before any is followed again.
    Once,
}

impl Mix {
    /// The mix with a name from [`NAMES`]; the default for any other name.
    pub(super) fn named(name: &str) -> Self {
        let (follow, keys) = match name {
            "follow-only" => (1.0, Keys::Zipf),
            "create-only" => (0.0, Keys::Zipf),
            "hot-key" => (1.0, Keys::One),
            COLD => (1.0, Keys::Once),
            _ => (0.95, Keys::Zipf),
        };
        Self { follow, keys, warm: name != COLD }
    }
}

/// Whether the mix of that name follows each link once.
pub(super) fn takes_each_once(name: &str) -> bool {
    name == COLD
}

/// Draws links in constant time. Clones share their state: of links that are taken once, each clone gets
/// others.
#[derive(Clone, Debug)]
pub(super) enum Picker {
    Weighted(WeightedAliasIndex<f64>),
    One,
    Once { order: Arc<[usize]>, taken: Arc<AtomicUsize> },
}

/// A link to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pick {
    pub(super) link: usize,
    /// Whether the link was to be taken once and was taken before: there were too few.
    pub(super) is_again: bool,
}

impl Picker {
    /// A picker among `links` links (at least one). The seed decides which link is the most popular, so that
    /// popularity is independent of the order in which links were created and stored.
    pub(super) fn new(keys: Keys, links: usize, seed: u64) -> Self {
        match keys {
            Keys::One => Self::One,
            Keys::Once => {
                let mut order: Vec<usize> = (0..links).collect();
                order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
                Self::Once { order: order.into(), taken: Arc::default() }
            }
            Keys::Zipf => {
                let mut weights: Vec<f64> = (1..=links).map(|rank| 1.0 / rank as f64).collect();
                weights.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
                // Fails only if no weight is above zero, and there is at least one link.
                WeightedAliasIndex::new(weights).map_or(Self::One, Self::Weighted)
            }
        }
    }

    /// The next link to follow.
    pub(super) fn pick(&self, random: &mut Xoshiro256PlusPlus) -> Pick {
        let once = |link| Pick { link, is_again: false };
        match self {
            Self::Weighted(weights) => once(weights.sample(random)),
            Self::One => once(0),
            Self::Once { order, taken } => {
                let nth = taken.fetch_add(1, Ordering::Relaxed);
                Pick { link: order[nth % order.len()], is_again: nth >= order.len() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The share of each of 100 links in 100,000 draws.
    fn picks(keys: Keys) -> Vec<f64> {
        let picker = Picker::new(keys, 100, 11);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(12);
        let mut counts = vec![0.0; 100];
        for _ in 0..100_000 {
            counts[picker.pick(&mut random).link] += 1.0;
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
    fn a_hot_key_is_one_link() {
        assert!((picks(Keys::One)[0] - 100_000.0).abs() < f64::EPSILON);
    }

    #[test]
    fn in_a_cold_cache_each_link_is_followed_once_by_all_threads_together_before_any_is_again() {
        let picker = Picker::new(Keys::Once, 100, 11);
        let threads = [picker.clone(), picker];
        let mut random = Xoshiro256PlusPlus::seed_from_u64(12);
        let mut pass =
            || -> Vec<Pick> { (0..100).map(|nth: usize| threads[nth % 2].pick(&mut random)).collect() };
        for is_again in [false, true] {
            let picks = pass();
            assert!(picks.iter().all(|pick| pick.is_again == is_again));
            let mut links: Vec<_> = picks.iter().map(|pick| pick.link).collect();
            assert_ne!(links, (0..100).collect::<Vec<_>>(), "not in the order in which they were made");
            links.sort_unstable();
            assert_eq!(links, (0..100).collect::<Vec<_>>());
        }
    }
}
