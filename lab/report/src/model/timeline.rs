//! What happened over the time of an episode, and what each fault did to it.
//!
//! Every curve of a [`Timeline`] has one value a bucket, from the start of the episode's measured slice, and is the mean over
//! the episodes of an arm. [`FaultEffect`]s are figures of single episodes, of which the median and the range are kept.

use serde::{Deserialize, Serialize};

/// The mean episode of an arm.
///
/// What the generator saw is complete. What processes counted was sampled, so that it has gaps (`None`): a process that was
/// killed has no counters until it serves again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// The length of a bucket.
    pub bucket_ms: f64,
    /// Operations that were due in the bucket.
    pub offered: Vec<f64>,
    /// Operations that ended well in it: the goodput.
    pub good: Vec<f64>,
    /// Operations that ended otherwise in it, by cause; the most frequent cause first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<EndedCurve>,
    /// The latency from the due time of the operations that ended in it, as in [`Arm::latency_ms`](super::Arm::latency_ms).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<LatencyBand>,
    /// Operations that were in flight at the generator at the bucket's end: sent or waiting for a connection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_flight: Vec<f64>,
    /// What each process counted of its calls; empty where nothing was sampled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<LinkTimeline>,
    /// What each process counted of the requests to it; empty where nothing was sampled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<ProcessTimeline>,
    /// Events that wait, by consumer group or outbox; empty where the wiring has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lag: Vec<LevelCurve>,
    /// The goodput of the last phase as a share of that of the first: whether it is still down at the end.
    /// Without phases: that after the last fault against that before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goodput_ratio: Option<Spread>,
    /// The highest amplification of an episode: see [`FaultEffect::amplification`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amplification: Option<Spread>,
}

/// Operations that did not end well, of one cause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndedCurve {
    /// The cause, as in [`Arm::refused`](super::Arm::refused) and [`Arm::failed`](super::Arm::failed): `unavailable`.
    pub cause: String,
    /// Whether they failed; otherwise the system refused them in order.
    pub failed: bool,
    /// The mean count of each bucket.
    pub counts: Vec<f64>,
}

/// Percentiles of each bucket in milliseconds; absent where too little ended in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyBand {
    /// The median.
    pub p50: Vec<Option<f64>>,
    /// The 90th percentile.
    pub p90: Vec<Option<f64>>,
    /// The 99th percentile.
    pub p99: Vec<Option<f64>>,
}

/// The calls of one process to one callee; replicas of the calling process are summed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LinkTimeline {
    /// The calling process: `gateway`.
    pub from: String,
    /// The callee: a component, `redis` or `postgres`.
    pub to: String,
    /// Calls that the process asked for, a bucket, each however often it was sent.
    pub calls: Vec<Option<f64>>,
    /// Attempts that were sent, retries and hedges included. `sent` of a span of time by its `calls` is the link's
    /// amplification: 1 without retries, less where calls are rejected.
    pub sent: Vec<Option<f64>>,
    /// Retries.
    pub retries: Vec<Option<f64>>,
    /// Hedges: second attempts beside a slow first.
    pub hedges: Vec<Option<f64>>,
    /// Calls that were not sent, because a breaker or a limit rejected them.
    pub rejected: Vec<Option<f64>>,
    /// Calls that ended with an error other than the contract's, rejected ones included.
    pub failed: Vec<Option<f64>>,
    /// The state of the circuit breaker: 0 closed, 1 half-open, 2 open; the mean over replicas and episodes. Empty without a
    /// breaker.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breaker: Vec<Option<f64>>,
}

/// The requests to one process; its replicas are summed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProcessTimeline {
    /// The process: `links`.
    pub process: String,
    /// Requests in flight at its servers.
    pub in_flight: Vec<Option<f64>>,
    /// Requests that it refused because it was full, a bucket.
    pub shed: Vec<Option<f64>>,
}

/// A level that was sampled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelCurve {
    /// Its name: `clicks` for a consumer group, `outbox clicks` for an outbox.
    pub name: String,
    /// The mean level in each bucket.
    pub levels: Vec<Option<f64>>,
}

/// What a disturbance did to an arm, over its episodes. `docs/measurement.md` defines the figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FaultEffect {
    /// The index of the fault in [`Load::faults`](super::Load::faults). Absent where a scenario has no fault: then the phases
    /// between the first and the last are the disturbance.
    pub fault: Option<usize>,
    /// From its beginning to the first call that failed or was rejected because of it, milliseconds.
    pub detect_ms: Spread,
    /// From its end until goodput stays at 95 % of what it was before, milliseconds.
    pub recover_ms: Spread,
    /// Operations that did not end well from its beginning to the recovery, beyond those that would not have without it.
    pub lost_operations: Spread,
    /// The highest amplification since its beginning, up to the recovery: calls that reached the last callee of the worst
    /// path, by calls asked for at its beginning.
    pub amplification: Spread,
}

/// A figure over the episodes of an arm.
///
/// An episode without a value has not come to it (it never recovered), so it counts as beyond all others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The value of each episode, in their order; `None` where it was not reached, or could not be measured.
    pub episodes: Vec<Option<f64>>,
}

impl Spread {
    /// The median; `None` if as many episodes have no value.
    pub fn median(&self) -> Option<f64> {
        let sorted = self.sorted();
        let middle = self.episodes.len().checked_sub(1)? / 2;
        let low = *sorted.get(middle)?;
        let is_even = self.episodes.len().is_multiple_of(2);
        let high = if is_even { *sorted.get(middle + 1)? } else { low };
        Some(f64::midpoint(low, high))
    }

    /// The least value.
    pub fn low(&self) -> Option<f64> {
        self.sorted().first().copied()
    }

    /// The greatest value; `None` if an episode has none.
    pub fn high(&self) -> Option<f64> {
        if self.missing() > 0 { None } else { self.sorted().last().copied() }
    }

    /// The number of episodes without a value.
    pub fn missing(&self) -> usize {
        self.episodes.iter().filter(|value| value.is_none()).count()
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted: Vec<f64> = self.episodes.iter().copied().flatten().collect();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(episodes: &[Option<f64>]) -> Spread {
        Spread { episodes: episodes.to_vec() }
    }

    #[test]
    fn an_episode_that_never_recovered_lies_beyond_all_others() {
        let four = spread(&[Some(30.0), None, Some(10.0), Some(20.0)]);
        assert_eq!(
            (four.low(), four.median(), four.high(), four.missing()),
            (Some(10.0), Some(25.0), None, 1)
        );
        let half = spread(&[Some(10.0), None, Some(20.0), None]);
        assert_eq!((half.low(), half.median(), half.high()), (Some(10.0), None, None));
        let three = spread(&[Some(3.0), None, Some(1.0)]);
        assert_eq!(three.median(), Some(3.0));
        assert_eq!((spread(&[]).low(), spread(&[]).median(), spread(&[]).high()), (None, None, None));
    }
}
