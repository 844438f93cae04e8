//! An adaptive limit: additive increase, multiplicative decrease.
//!
//! Chiu and Jain, "Analysis of the Increase and Decrease Algorithms for Congestion Avoidance in Computer
//! Networks", 1989; TCP's congestion avoidance (RFC 5681) does the same with its window.
//! Of the two algorithms of <https://github.com/Netflix/concurrency-limits> it is the one that compares a call
//! with a fixed duration. Gradient2 compares it with a moving average, which follows a modest overload upwards
//! without end (Netflix/concurrency-limits, pull request 134).

use std::time::Instant;

use crate::settings::AdaptiveSettings;

/// The limit, which learns from each call that ended.
#[derive(Clone, Debug)]
pub struct Aimd {
    settings: AdaptiveSettings,
    limit: f64,
    last_decrease: Option<Instant>,
}

impl Aimd {
    /// Starts at the first limit.
    pub fn new(settings: AdaptiveSettings) -> Self {
        Self { settings, limit: settings.first as f64, last_decrease: None }
    }

    /// Learns from a call that was one of `in_flight` when it began, and returns the new limit.
    pub fn settle(&mut self, began: Instant, now: Instant, in_flight: usize, is_drop: bool) -> usize {
        let AdaptiveSettings { least, most, decrease, .. } = self.settings;
        if is_drop {
            // Once for all calls that were in flight together: they report the same overload. Each of them by a
            // tenth would take a limit of 100 to nothing in one round trip.
            if self.last_decrease.is_none_or(|last| began >= last) {
                self.limit = (self.limit * decrease).min(self.limit - 1.0);
                self.last_decrease = Some(now);
            }
        } else if in_flight as f64 * 2.0 >= self.limit {
            // By one in a round trip, and only where the limit is used: what nobody tried says nothing.
            self.limit += 1.0 / self.limit;
        }
        self.limit = self.limit.clamp(least.max(1) as f64, most.max(1) as f64);
        self.limit as usize
    }
}
