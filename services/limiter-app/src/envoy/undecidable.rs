//! Requests of a proxy that could not be decided: each is counted, and some are logged.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use limiter::{DecisionError, MAX_ASKS, MAX_COST, MAX_FACTS};
use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use super::wire::{MAX_REQUEST_BYTES, Unread};

/// The minimum interval between two log lines of one reason: a client can cause any number of them.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// The reason why a request is over the limit without a decision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Why {
    #[error("{}", unread(*.0))]
    Unread(Unread),
    /// It exceeds the limits of a question.
    #[error("{0}")]
    TooMuch(DecisionError),
}

/// Counts and logs undecidable requests.
pub(super) struct Undecidable {
    too_large: Reason,
    broken: Reason,
    too_much: Reason,
}

struct Reason {
    count: Counter,
    log: LogGate,
}

/// Permits one log line per [`LOG_EVERY`].
#[derive(Default)]
struct LogGate(Mutex<Option<Instant>>);

impl Undecidable {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let counts = Family::<Vec<(&'static str, &'static str)>, Counter>::default();
        registry.register(
            "proxy_undecidable",
            "Requests of a proxy that could not be decided, and were answered as over the limit",
            counts.clone(),
        );
        let reason =
            |why| Reason { count: counts.get_or_create_owned(&vec![("why", why)]), log: LogGate::default() };
        Self { too_large: reason("too-large"), broken: reason("broken"), too_much: reason("too-much") }
    }

    /// Counts a request, and logs a warning unless there was one recently.
    pub(super) fn note(&self, why: &Why) {
        let reason = match why {
            Why::Unread(Unread::TooLarge) => &self.too_large,
            Why::Unread(Unread::Broken) => &self.broken,
            Why::TooMuch(_) => &self.too_much,
        };
        reason.count.inc();
        if reason.log.passes(Instant::now()) {
            let hint = hint(why);
            tracing::warn!(%why, hint, "a proxy's request cannot be decided, and is over the limit");
        }
    }
}

impl LogGate {
    fn passes(&self, now: Instant) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passes = last.is_none_or(|last| now.saturating_duration_since(last) >= LOG_EVERY);
        if passes {
            *last = Some(now);
        }
        passes
    }
}

fn unread(unread: Unread) -> String {
    match unread {
        Unread::TooLarge => format!("its message has more than {MAX_REQUEST_BYTES} bytes"),
        Unread::Broken => "its message is cut off, compressed or malformed".to_owned(),
    }
}

/// Advice to the proxy's operator.
fn hint(why: &Why) -> String {
    match why {
        Why::Unread(Unread::TooLarge) => "let descriptors have fewer, or shorter, entries".to_owned(),
        Why::Unread(Unread::Broken) => {
            "send `RateLimitRequest` of Envoy's version 3, uncompressed".to_owned()
        }
        Why::TooMuch(_) => format!(
            "let a route's `rate_limits` make at most {MAX_ASKS} descriptors of at most {MAX_FACTS} entries, and \
             `hits_addend` be at most {MAX_COST}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted_and_one_in_ten_seconds_is_logged() {
        let (gate, start) = (LogGate::default(), Instant::now());
        let passes = |after_ms| gate.passes(start + Duration::from_millis(after_ms));
        assert_eq!(
            [0, 1, 9_999, 10_000, 10_001, 20_000].map(passes),
            [true, false, false, true, false, true]
        );
        let undecidable = Undecidable::register(&mut Registry::default());
        let too_much = [DecisionError::TooManyAsks, DecisionError::TooManyFacts, DecisionError::Cost];
        let unread = [Unread::TooLarge, Unread::Broken, Unread::Broken].map(Why::Unread);
        for why in too_much.map(Why::TooMuch).into_iter().chain(unread) {
            undecidable.note(&why);
            assert!(!hint(&why).is_empty());
        }
        let counts =
            [&undecidable.too_large, &undecidable.broken, &undecidable.too_much].map(|it| it.count.get());
        assert_eq!(counts, [1, 2, 3]);
        let logged = [&undecidable.too_large, &undecidable.broken, &undecidable.too_much]
            .map(|it| it.log.0.lock().expect("nobody panicked").is_some());
        assert_eq!(logged, [true; 3]);
    }
}
