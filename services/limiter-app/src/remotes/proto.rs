//! The protobuf messages of the contracts, one for each type, of the same name.

mod counts;
mod decisions;
mod policies;

use std::time::Duration;

use contract::{Unavailable, Why};
use remote::{Encodes, Malformed};

pub use counts::{Charge, CountError, Standing, Take, Taken};
pub use decisions::{Ask, Asks, Decided, Decision, DecisionError, Fact, PolicyStanding};
pub use policies::{Known, Policy, PolicyError, PolicySet, Replacement, Update};

/// `message Limit { uint64 requests = 1; uint64 window_ms = 2; uint64 burst = 3; }`
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Limit {
    #[prost(uint64, tag = "1")]
    requests: u64,
    #[prost(uint64, tag = "2")]
    window_ms: u64,
    #[prost(uint64, tag = "3")]
    burst: u64,
}

impl Encodes<limiter::Limit> for Limit {
    fn of(limit: limiter::Limit) -> Self {
        Self {
            requests: limit.requests().into(),
            window_ms: limit.window().as_millis() as u64,
            burst: limit.burst().into(),
        }
    }

    fn parse(self) -> Result<limiter::Limit, Malformed> {
        let window = Duration::from_millis(self.window_ms);
        limiter::Limit::new(self.requests, window, Some(self.burst)).map_err(|_| Malformed)
    }
}

/// A message that has to be there.
fn required<M: Encodes<T>, T>(message: Option<M>) -> Result<T, Malformed> {
    message.ok_or(Malformed)?.parse()
}

/// Many of one kind.
fn all_of<M: Encodes<T>, T>(values: Vec<T>) -> Vec<M> {
    values.into_iter().map(M::of).collect()
}

fn parse_all<M: Encodes<T>, T>(messages: Vec<M>) -> Result<Vec<T>, Malformed> {
    messages.into_iter().map(M::parse).collect()
}

/// A duration on the wire: no shorter than it is, and as long as fits.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The reasons in the order of their numbers on the wire, from 1.
const REASONS: [Why; 5] = [Why::Unreachable, Why::TimedOut, Why::Overloaded, Why::Misunderstood, Why::Broken];

/// `message Unavailable { string service = 1; uint32 why = 2; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Away {
    #[prost(string, tag = "1")]
    service: String,
    #[prost(uint32, tag = "2")]
    why: u32,
}

impl Encodes<Unavailable> for Away {
    fn of(unavailable: Unavailable) -> Self {
        let place = REASONS.iter().position(|reason| *reason == unavailable.why);
        Self { service: unavailable.service, why: place.map_or(0, |place| place as u32 + 1) }
    }

    fn parse(self) -> Result<Unavailable, Malformed> {
        let place = (self.why as usize).checked_sub(1).ok_or(Malformed)?;
        let why = *REASONS.get(place).ok_or(Malformed)?;
        Ok(Unavailable { service: self.service, why })
    }
}
