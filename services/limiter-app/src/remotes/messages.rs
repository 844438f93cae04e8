//! How the messages of protobuf become the types of the contracts, and those become messages.

mod counts;
mod decisions;
mod policies;

use std::time::Duration;

use remote::Malformed;

use super::proto::Limit;

impl From<limiter::Limit> for Limit {
    fn from(limit: limiter::Limit) -> Self {
        Self {
            requests: limit.requests().into(),
            window_ms: limit.window().as_millis() as u64,
            burst: limit.burst().into(),
        }
    }
}

impl TryFrom<Limit> for limiter::Limit {
    type Error = Malformed;

    fn try_from(message: Limit) -> Result<Self, Malformed> {
        let window = Duration::from_millis(message.window_ms);
        Malformed::field("limit", limiter::Limit::new(message.requests, window, Some(message.burst)))
    }
}

/// Many of one kind.
fn all_into<M: From<T>, T>(values: Vec<T>) -> Vec<M> {
    values.into_iter().map(M::from).collect()
}

fn all_from<T: TryFrom<M>, M>(messages: Vec<M>) -> Result<Vec<T>, T::Error> {
    messages.into_iter().map(T::try_from).collect()
}

/// A duration on the wire: no shorter than it is, and as long as fits.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
