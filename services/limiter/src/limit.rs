//! A limit: a number of requests in a time window.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// At most `requests` in `window`; the algorithm defines which windows, and how strictly.
///
/// Invariant: 1 to 1,000,000 requests, a window of 1 ms to 31 days, at most a million requests a second, and a burst of
/// 1 to `requests`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Limit {
    requests: u32,
    window: Duration,
    burst: u32,
}

/// A limit in its serialised form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    requests: u64,
    window_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    burst: Option<u64>,
}

/// The reasons why a limit is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum LimitError {
    /// Zero, which admits nothing, or more than [`Limit::MAX_REQUESTS`].
    #[error("a limit has 1 to {} requests", Limit::MAX_REQUESTS)]
    Requests,
    /// Shorter than the clocks' resolution, or longer than 31 days.
    #[error("a window is 1 ms to 31 days long")]
    Window,
    /// Above a million requests a second, faster than the limiter decides.
    #[error("a limit has at most a million requests a second")]
    Rate,
    /// Zero, or above the limit's requests.
    #[error("a burst is 1 to as many requests as the limit has")]
    Burst,
}

impl Limit {
    /// The most requests of a limit.
    pub const MAX_REQUESTS: u64 = 1_000_000;
    /// The shortest and the longest window.
    pub const WINDOWS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_hours(31 * 24));

    /// Creates a limit; without a `burst`, all of a window's requests may come at once.
    pub fn new(requests: u64, window: Duration, burst: Option<u64>) -> Result<Self, LimitError> {
        if !(1..=Self::MAX_REQUESTS).contains(&requests) {
            return Err(LimitError::Requests);
        }
        if window < Self::WINDOWS.0 || window > Self::WINDOWS.1 {
            return Err(LimitError::Window);
        }
        if u128::from(requests) > window.as_micros() {
            return Err(LimitError::Rate);
        }
        let burst = burst.unwrap_or(requests);
        if !(1..=requests).contains(&burst) {
            return Err(LimitError::Burst);
        }
        Ok(Self { requests: requests as u32, window, burst: burst as u32 })
    }

    /// The smallest limit: one request in the shortest window.
    pub fn shortest() -> Self {
        Self { requests: 1, window: Self::WINDOWS.0, burst: 1 }
    }

    /// The requests of a window.
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// The length of the window.
    pub fn window(&self) -> Duration {
        self.window
    }

    /// The requests that may come at once, for algorithms with bursts (token bucket, leaky bucket, GCRA).
    pub fn burst(&self) -> u32 {
        self.burst
    }
}

impl TryFrom<Written> for Limit {
    type Error = LimitError;

    fn try_from(written: Written) -> Result<Self, LimitError> {
        Self::new(written.requests, Duration::from_millis(written.window_ms), written.burst)
    }
}

impl From<Limit> for Written {
    fn from(limit: Limit) -> Self {
        let burst = (limit.burst != limit.requests).then(|| u64::from(limit.burst));
        Self { requests: limit.requests.into(), window_ms: limit.window.as_millis() as u64, burst }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_limit_that_nobody_could_keep_or_feel_is_none() {
        assert_eq!(Limit::new(0, SECOND, None), Err(LimitError::Requests));
        assert_eq!(Limit::new(u64::MAX, SECOND, None), Err(LimitError::Requests));
        assert_eq!(Limit::new(1, Duration::ZERO, None), Err(LimitError::Window));
        assert_eq!(Limit::new(1, Duration::MAX, None), Err(LimitError::Window));
        assert_eq!(Limit::new(1_001, Duration::from_millis(1), None), Err(LimitError::Rate));
        assert_eq!(Limit::new(10, SECOND, Some(0)), Err(LimitError::Burst));
        assert_eq!(Limit::new(10, SECOND, Some(11)), Err(LimitError::Burst));
        assert_eq!(Limit::new(10, SECOND, None).unwrap().burst(), 10);
    }
}
