//! What a provider is started with.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::script::{Latency, Script};

/// What a provider serves, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The file of its books; made if it is not there.
    pub books: PathBuf,
    /// What goes wrong.
    #[serde(default)]
    pub script: Script,
    /// How webhooks are delivered.
    #[serde(default)]
    pub webhooks: WebhookLimits,
    /// The limits of its server.
    #[serde(default)]
    pub limits: Limits,
}

/// How webhooks are delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookLimits {
    /// How long an attempt may take, milliseconds.
    pub attempt_ms: u64,
    /// The pause after the first attempt that fails, milliseconds; it doubles with each.
    pub first_pause_ms: u64,
    /// The longest pause, milliseconds.
    pub longest_pause_ms: u64,
    /// How long after it was first due a webhook is tried at most, milliseconds. Stripe tries for three days.
    pub tried_for_ms: u64,
    /// Attempts in flight.
    pub at_once: usize,
}

/// The limits of its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections that are open at once; further ones wait in the kernel's backlog.
    pub connections: usize,
    /// Requests with a key that are in flight; a further one is refused with 503.
    pub in_flight: usize,
    /// How long a body may take to arrive, milliseconds.
    pub body_ms: u64,
    /// Charges that the books hold; a further one is refused with 507.
    pub charges: i64,
    /// How long requests in flight may take when it stops, milliseconds.
    pub drain_ms: u64,
}

/// Why a configuration cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A share outside of 0 to 1.
    #[error("`{0}` is not a share\nhint: use a number from 0 to 1")]
    Share(&'static str),
    /// Weights that are negative, infinite or all zero.
    #[error(
        "the shares of `webhooks` are weights, finite and from 0 on, and one of them has to be above 0\nhint: `never = 1` delivers no webhook"
    )]
    Weights,
    /// An invalid distribution.
    #[error(
        "the distribution of `latency` is invalid\nhint: its numbers are milliseconds from 0 on, the lower bound first, and a median is above 0"
    )]
    Latency,
    /// A limit of zero.
    #[error("`{0}` is 0: nothing could be served\nhint: leave it out for its default")]
    Zero(&'static str),
}

impl Default for WebhookLimits {
    fn default() -> Self {
        Self {
            attempt_ms: 2_000,
            first_pause_ms: 200,
            longest_pause_ms: 10_000,
            tried_for_ms: 120_000,
            at_once: 32,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 1_024, in_flight: 512, body_ms: 10_000, charges: 10_000_000, drain_ms: 5_000 }
    }
}

impl WebhookLimits {
    /// How long an attempt may take.
    pub(crate) fn attempt(&self) -> Duration {
        Duration::from_millis(self.attempt_ms)
    }

    /// The pause after so many failed attempts, milliseconds.
    pub(crate) fn pause_ms(&self, failed: u32) -> u64 {
        let doubled = 1_u64.checked_shl(failed.saturating_sub(1)).unwrap_or(u64::MAX);
        self.first_pause_ms.saturating_mul(doubled).min(self.longest_pause_ms)
    }
}

impl Config {
    /// A provider that does nothing wrong, with every limit at its default.
    pub fn new(listen: SocketAddr, books: PathBuf) -> Self {
        let (script, webhooks, limits) = (Script::default(), WebhookLimits::default(), Limits::default());
        Self { listen, books, script, webhooks, limits }
    }

    /// The configuration of this text, in TOML; the error says where it is malformed and what was expected.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The file's text.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a configuration holds only tables, strings and numbers")
    }

    /// Validates it.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        let Script { declined, lost_replies, latency, webhooks, .. } = &self.script;
        let shares = [("declined", *declined), ("lost_replies", *lost_replies)];
        if let Some((name, _)) = shares.into_iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            return Err(ConfigError::Share(name));
        }
        let weights = webhooks.weighed().map(|(share, _)| share);
        let total: f64 = weights.iter().sum();
        if weights.iter().any(|share| *share < 0.0) || !total.is_finite() || total <= 0.0 {
            return Err(ConfigError::Weights);
        }
        if !is_a_latency(*latency) {
            return Err(ConfigError::Latency);
        }
        let zeroes = [
            ("connections", self.limits.connections == 0),
            ("in_flight", self.limits.in_flight == 0),
            ("body_ms", self.limits.body_ms == 0),
            ("attempt_ms", self.webhooks.attempt_ms == 0),
            ("first_pause_ms", self.webhooks.first_pause_ms == 0),
            ("longest_pause_ms", self.webhooks.longest_pause_ms == 0),
            ("at_once", self.webhooks.at_once == 0),
        ];
        let zero = zeroes.into_iter().find(|(_, is_zero)| *is_zero);
        zero.map_or(Ok(()), |(name, _)| Err(ConfigError::Zero(name)))
    }
}

fn is_a_latency(latency: Latency) -> bool {
    let (from, to) = match latency {
        Latency::None => (0.0, 0.0),
        Latency::Fixed { ms } => (ms, ms),
        Latency::Uniform { from_ms, to_ms } => (from_ms, to_ms),
        Latency::LogNormal { median_ms, .. } if median_ms <= 0.0 => return false,
        Latency::LogNormal { median_ms, p99_ms } => (median_ms, p99_ms),
    };
    0.0 <= from && from <= to && to.is_finite()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(script: &str) -> Config {
        let text = format!("listen = '127.0.0.1:0'\nbooks = 'books.db'\n[script]\n{script}");
        Config::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn everything_but_the_address_and_the_books_has_a_default_and_an_unknown_key_is_refused() {
        assert_eq!(config("").validate(), Ok(()));
        assert_eq!(config("").script, Script::default());
        let unknown = "listen = '127.0.0.1:0'\nbooks = 'b'\n[scripts]";
        assert!(Config::parse(unknown).is_err());
    }

    #[test]
    fn a_configuration_is_read_as_it_was_written() {
        let script = "seed = 7\ndeclined = 0.5\n[script.latency.log-normal]\nmedian_ms = 50\np99_ms = 400\n\
                      [script.webhooks]\nlate = 1";
        let config = config(script);
        let latency = Latency::LogNormal { median_ms: 50.0, p99_ms: 400.0 };
        assert_eq!((config.script.latency, config.script.webhooks.late), (latency, 1.0));
        assert_eq!(Config::parse(&config.to_toml()).unwrap(), config);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (script, expected) in [
            ("declined = 1.5", ConfigError::Share("declined")),
            ("declined = nan", ConfigError::Share("declined")),
            ("lost_replies = -0.1", ConfigError::Share("lost_replies")),
            ("webhooks = { once = 0 }", ConfigError::Weights),
            ("webhooks = { late = -1 }", ConfigError::Weights),
            ("webhooks = { late = nan }", ConfigError::Weights),
            ("latency = { fixed = { ms = -1 } }", ConfigError::Latency),
            ("latency = { fixed = { ms = inf } }", ConfigError::Latency),
            ("latency = { uniform = { from_ms = 2, to_ms = 1 } }", ConfigError::Latency),
            ("latency = { log-normal = { median_ms = 0, p99_ms = 1 } }", ConfigError::Latency),
        ] {
            assert_eq!(config(script).validate(), Err(expected), "{script}");
        }
        let zero = WebhookLimits { at_once: 0, ..WebhookLimits::default() };
        let zero = Config { webhooks: zero, ..config("") };
        assert_eq!(zero.validate(), Err(ConfigError::Zero("at_once")));
    }

    #[test]
    fn a_pause_doubles_up_to_its_limit() {
        let limits =
            WebhookLimits { first_pause_ms: 100, longest_pause_ms: 1_000, ..WebhookLimits::default() };
        let pauses = [1, 2, 3, 4, 5, 64, 65, u32::MAX].map(|failed| limits.pause_ms(failed));
        assert_eq!(pauses, [100, 200, 400, 800, 1_000, 1_000, 1_000, 1_000]);
    }
}
