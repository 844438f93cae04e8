//! The mixes: the clients, their frequencies and their limits.

use std::time::Duration;

use rand::{RngExt, rngs::Xoshiro256PlusPlus};
use rand_distr::{Distribution, weighted::WeightedAliasIndex};

use crate::journeys::PolicyLine;

/// The names and summaries of the mixes, the default first.
pub(super) const NAMES: [(&str, &str); 5] = [
    ("one-client", "one client, held to 100 a second"),
    ("many-clients", "clients by Zipf(1.0), each held to 100 a second"),
    ("hot-key", "90 % by one client, the rest by all others; nobody reaches the limit"),
    ("abuser", "half by one client, half by a thousand quiet ones; each held to 100 a second"),
    ("multi-limit", "one client, held to 10 a second and to 1,000 an hour"),
];

/// The most frequent client in every mix.
pub(super) const BUSIEST: usize = 0;
/// The clients of [`Mix::Abuser`]: the abuser and the quiet ones.
const ABUSER_AND_QUIET: usize = 1_001;

/// A mix of clients. Its name is also the name of the policy that its preparation stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mix {
    /// One client.
    #[default]
    OneClient,
    /// The k-th client is 1/k as frequent as the first.
    ManyClients,
    /// One client sends nearly all requests, under a limit that costs work and is never reached.
    HotKey,
    /// One client sends half of all requests; each of the others stays far below its limit.
    Abuser,
    /// One client under two limits, the tighter one first.
    MultiLimit,
}

impl Mix {
    /// The mix with a name from [`NAMES`].
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "one-client" => Self::OneClient,
            "many-clients" => Self::ManyClients,
            "hot-key" => Self::HotKey,
            "abuser" => Self::Abuser,
            "multi-limit" => Self::MultiLimit,
            _ => return None,
        })
    }

    /// The name of its policy.
    pub(super) fn policy(self) -> &'static str {
        match self {
            Self::OneClient => "one-client",
            Self::ManyClients => "many-clients",
            Self::HotKey => "hot-key",
            Self::Abuser => "abuser",
            Self::MultiLimit => "multi-limit",
        }
    }

    /// The limits of its policy, at least one.
    pub(super) fn limits(self) -> &'static [PolicyLine] {
        match self {
            Self::OneClient | Self::ManyClients | Self::Abuser => &A_HUNDRED_A_SECOND,
            Self::HotKey => &A_MILLION_A_SECOND,
            Self::MultiLimit => &TEN_A_SECOND_AND_A_THOUSAND_AN_HOUR,
        }
    }

    /// Whether clients can come near a limit.
    pub(super) fn is_felt(self) -> bool {
        self != Self::HotKey
    }

    /// The number of clients, at most `most` and at least one.
    pub(super) fn clients(self, most: usize) -> usize {
        match self {
            Self::OneClient | Self::MultiLimit => 1,
            Self::ManyClients | Self::HotKey => most.max(1),
            Self::Abuser => most.clamp(1, ABUSER_AND_QUIET),
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);
const A_HUNDRED_A_SECOND: [PolicyLine; 1] = [PolicyLine { requests: 100, window: SECOND }];
const A_MILLION_A_SECOND: [PolicyLine; 1] = [PolicyLine { requests: 1_000_000, window: SECOND }];
const TEN_A_SECOND_AND_A_THOUSAND_AN_HOUR: [PolicyLine; 2] = [
    PolicyLine { requests: 10, window: SECOND },
    PolicyLine { requests: 1_000, window: Duration::from_hours(1) },
];

/// Draws clients in constant time.
#[derive(Debug)]
pub(super) enum Picker {
    Weighted(WeightedAliasIndex<f64>),
    /// The busiest client has this share; the others, of this number, share the rest equally.
    Favoured {
        share: f64,
        others: usize,
    },
}

impl Picker {
    /// A picker among `clients` clients (at least one).
    pub(super) fn new(mix: Mix, clients: usize) -> Self {
        let others = clients - 1;
        let only = Self::Favoured { share: 1.0, others: 0 };
        match mix {
            Mix::OneClient | Mix::MultiLimit => only,
            Mix::HotKey => Self::Favoured { share: 0.9, others },
            Mix::Abuser => Self::Favoured { share: 0.5, others },
            Mix::ManyClients => {
                let weights = (1..=clients).map(|rank| 1.0 / rank as f64).collect();
                // Fails only if no weight is above zero, and there is at least one client.
                WeightedAliasIndex::new(weights).map_or(only, Self::Weighted)
            }
        }
    }

    /// The client of the next request.
    pub(super) fn pick(&self, random: &mut Xoshiro256PlusPlus) -> usize {
        match self {
            Self::Weighted(weights) => weights.sample(random),
            Self::Favoured { share, others } => {
                if *others == 0 || random.random::<f64>() < *share {
                    BUSIEST
                } else {
                    random.random_range(1..=*others)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    /// The share of each of at most 100 clients in 100,000 draws.
    fn picks(mix: Mix) -> Vec<f64> {
        let clients = mix.clients(100);
        let picker = Picker::new(mix, clients);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(12);
        let mut counts = vec![0.0; clients];
        for _ in 0..100_000 {
            counts[picker.pick(&mut random)] += 1.0;
        }
        counts
    }

    fn is_near(counted: f64, expected: f64) -> bool {
        (counted - expected).abs() < 5.0 * expected.sqrt()
    }

    #[test]
    fn every_listed_mix_is_there_and_has_the_name_of_its_policy() {
        for (name, _) in NAMES {
            assert_eq!(Mix::named(name).map(Mix::policy), Some(name));
        }
        assert_eq!(Mix::named(NAMES[0].0), Some(Mix::default()));
        assert_eq!(Mix::named("other"), None);
    }

    #[test]
    fn the_busiest_client_has_its_share_in_every_mix() {
        let harmonic: f64 = (1..=100).map(|rank| 1.0 / f64::from(rank)).sum();
        assert_eq!(picks(Mix::OneClient).len(), 1);
        assert!(is_near(picks(Mix::ManyClients)[BUSIEST], 100_000.0 / harmonic));
        assert!(is_near(picks(Mix::HotKey)[BUSIEST], 90_000.0));
        assert!(is_near(picks(Mix::Abuser)[BUSIEST], 50_000.0));
    }

    #[test]
    fn the_clients_beside_an_abuser_are_alike_and_quiet() {
        let quiet = &picks(Mix::Abuser)[1..];
        assert!(quiet.len() == 99 && quiet.iter().all(|&count| is_near(count, 50_000.0 / 99.0)));
        assert_eq!(Mix::Abuser.clients(1_000_000), 1_001);
    }
}
