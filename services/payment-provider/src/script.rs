//! What goes wrong on order, and how slow it is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{charge::Decline, choice};

/// The token whose authorisation has expired as soon as it is made: a capture of it is refused for good.
const EXPIRES_AT_ONCE: &str = "expires-at-once";

/// No request is delayed for longer, whatever its distribution says.
pub(crate) const LONGEST_LATENCY: Duration = Duration::from_mins(1);

/// What a provider does wrong, and how often. Each choice depends on the seed and on the request's key alone.
///
/// Whatever the shares say, the tokens `declined` and `insufficient-funds` are declined for that reason, and the
/// authorisation of `expires-at-once` has expired when its reply is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// Chooses everything that is a share or a distribution.
    pub seed: u32,
    /// The share of charges that are declined.
    pub declined: f64,
    /// The share of requests with a key whose first reply never comes, although the work is done. A repeated key is
    /// replied to.
    pub lost_replies: f64,
    /// How long the connection of such a request stays open before it is closed without a reply, milliseconds.
    pub lost_reply_held_ms: u64,
    /// How long an authorisation holds money, milliseconds.
    pub authorisation_ms: u64,
    /// How long a request with a key takes before anything is done. Reads are answered at once.
    pub latency: Latency,
    /// How webhooks arrive.
    pub webhooks: WebhookShares,
}

/// The distribution of latencies, milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Latency {
    /// Nothing beyond what it takes.
    #[default]
    None,
    /// Always the same.
    Fixed {
        /// The latency.
        ms: f64,
    },
    /// Anything between two bounds.
    Uniform {
        /// The lower bound.
        from_ms: f64,
        /// The upper bound.
        to_ms: f64,
    },
    /// Log-normal: most are near the median, a few are much later, as at real services.
    LogNormal {
        /// Half are shorter.
        median_ms: f64,
        /// One in a hundred is longer.
        p99_ms: f64,
    },
}

/// How webhooks arrive, as shares of all events: relative weights, of which at least one is above zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookShares {
    /// Soon after the reply, once.
    pub once: f64,
    /// Twice, with the same event id.
    pub twice: f64,
    /// Before the reply: the reply waits for the first attempt.
    pub early: f64,
    /// After `late_ms`.
    pub late: f64,
    /// After the next event of the same charge, or after `late_ms` if none comes.
    pub out_of_order: f64,
    /// Not at all.
    pub never: f64,
    /// How long after the work a webhook is due that is neither early nor late, milliseconds.
    pub soon_ms: u64,
    /// How long after the work a late one is due, milliseconds.
    pub late_ms: u64,
}

/// How one event arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    Once,
    Twice,
    Early,
    Late,
    OutOfOrder,
    Never,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            seed: 0,
            declined: 0.0,
            lost_replies: 0.0,
            lost_reply_held_ms: 30_000,
            // Seven days, as most cards.
            authorisation_ms: 7 * 24 * 60 * 60 * 1_000,
            latency: Latency::None,
            webhooks: WebhookShares::default(),
        }
    }
}

impl Default for WebhookShares {
    fn default() -> Self {
        Self {
            once: 1.0,
            twice: 0.0,
            early: 0.0,
            late: 0.0,
            out_of_order: 0.0,
            never: 0.0,
            soon_ms: 20,
            late_ms: 5_000,
        }
    }
}

impl Script {
    /// The script of this text, in TOML; what it does not say has its default.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// How long a request takes before anything is done.
    pub(crate) fn latency(&self, key: &str) -> Duration {
        let draw = |what| choice::unit(self.seed, what, key);
        let ms = match self.latency {
            Latency::None => 0.0,
            Latency::Fixed { ms } => ms,
            Latency::Uniform { from_ms, to_ms } => from_ms + (to_ms - from_ms) * draw("latency"),
            Latency::LogNormal { median_ms, p99_ms } => {
                let sigma = (p99_ms / median_ms).ln() / Z_99;
                median_ms * (sigma * normal(draw("latency"), draw("angle"))).exp()
            }
        };
        Duration::try_from_secs_f64(ms / 1_000.0).unwrap_or(LONGEST_LATENCY).min(LONGEST_LATENCY)
    }

    /// Why a charge is declined, if it is.
    pub(crate) fn decline(&self, key: &str, token: &str) -> Option<Decline> {
        let by_share = || choice::unit(self.seed, "decline", key) < self.declined;
        Decline::parse(token).or_else(|| by_share().then_some(Decline::Declined))
    }

    /// How long an authorisation with this token holds money.
    pub(crate) fn authorised_for_ms(&self, token: &str) -> u64 {
        if token == EXPIRES_AT_ONCE { 0 } else { self.authorisation_ms }
    }

    /// Whether the first reply to a key never comes.
    pub(crate) fn loses_reply(&self, key: &str) -> bool {
        choice::unit(self.seed, "lost reply", key) < self.lost_replies
    }

    /// How the event of a request arrives.
    pub(crate) fn arrival(&self, key: &str) -> Arrival {
        let shares = self.webhooks.weighed();
        let total: f64 = shares.iter().map(|(share, _)| share).sum();
        let mut left = choice::unit(self.seed, "webhook", key) * total;
        let chosen = shares.into_iter().filter(|(share, _)| *share > 0.0).find(|(share, _)| {
            left -= share;
            left < 0.0
        });
        // Rounding may leave nothing for the last one.
        chosen.map_or(Arrival::Once, |(_, arrival)| arrival)
    }

    /// The secret with which webhooks are signed.
    ///
    /// Who knows the seed knows it: a real provider draws it at random.
    pub(crate) fn secret(&self) -> String {
        choice::id("whsec", self.seed, "")
    }
}

impl WebhookShares {
    /// Each share with what it is of.
    pub(crate) fn weighed(&self) -> [(f64, Arrival); 6] {
        [
            (self.once, Arrival::Once),
            (self.twice, Arrival::Twice),
            (self.early, Arrival::Early),
            (self.late, Arrival::Late),
            (self.out_of_order, Arrival::OutOfOrder),
            (self.never, Arrival::Never),
        ]
    }
}

/// The 99th percentile of the standard normal distribution.
const Z_99: f64 = 2.326_347_874_040_841;

/// A standard normal number of two uniform ones in `[0, 1)` (Box and Muller, 1958).
fn normal(one: f64, other: f64) -> f64 {
    (-2.0 * (1.0 - one).ln()).sqrt() * (std::f64::consts::TAU * other).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latencies(latency: Latency) -> Vec<f64> {
        let script = Script { latency, ..Script::default() };
        let mut all: Vec<_> =
            (0..10_000).map(|n| script.latency(&n.to_string()).as_secs_f64() * 1_000.0).collect();
        all.sort_by(f64::total_cmp);
        all
    }

    #[test]
    fn latencies_have_their_distribution() {
        assert!(latencies(Latency::Fixed { ms: 2.5 }).iter().all(|ms| (ms - 2.5).abs() < 1e-6));
        let uniform = latencies(Latency::Uniform { from_ms: 10.0, to_ms: 20.0 });
        assert!(uniform[0] >= 10.0 && uniform[9_999] <= 20.0);
        assert!((uniform[5_000] - 15.0).abs() < 0.3, "{}", uniform[5_000]);
        let tailed = latencies(Latency::LogNormal { median_ms: 50.0, p99_ms: 400.0 });
        assert!((tailed[5_000] / 50.0 - 1.0).abs() < 0.1, "{}", tailed[5_000]);
        assert!((tailed[9_900] / 400.0 - 1.0).abs() < 0.2, "{}", tailed[9_900]);
    }

    #[test]
    fn no_latency_is_longer_than_the_limit() {
        let longest = LONGEST_LATENCY.as_secs_f64() * 1_000.0;
        for ms in [1e9, f64::MAX] {
            assert!(latencies(Latency::Fixed { ms }).iter().all(|got| *got <= longest));
        }
    }

    #[test]
    fn some_tokens_are_declined_whatever_the_share_is_and_others_by_it() {
        let always = |token| Script::default().decline("k", token);
        assert_eq!(always("declined"), Some(Decline::Declined));
        assert_eq!(always("insufficient-funds"), Some(Decline::InsufficientFunds));
        assert_eq!(always("visa"), None);
        let script = Script { declined: 0.2, ..Script::default() };
        let declined = (0..10_000).filter(|n| script.decline(&n.to_string(), "visa").is_some()).count();
        assert!(declined.abs_diff(2_000) < 200, "{declined}");
    }

    #[test]
    fn events_arrive_by_their_shares() {
        let webhooks = WebhookShares { once: 2.0, late: 1.0, never: 1.0, ..WebhookShares::default() };
        let script = Script { webhooks, ..Script::default() };
        let count = |arrival| (0..10_000).filter(|n| script.arrival(&n.to_string()) == arrival).count();
        assert!(count(Arrival::Once).abs_diff(5_000) < 250);
        assert!(count(Arrival::Late).abs_diff(2_500) < 250);
        assert!(count(Arrival::Never).abs_diff(2_500) < 250);
        assert_eq!(count(Arrival::Twice) + count(Arrival::Early) + count(Arrival::OutOfOrder), 0);
    }
}
