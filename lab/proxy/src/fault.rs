//! What can be done to a link, as data: in JSON for the admin API, in Rust for whoever holds the proxy.

mod distribution;

use std::time::Duration;

pub use distribution::{Distribution, LONGEST_DELAY};
use serde::{Deserialize, Serialize};

/// The longest lease of a fault. What is needed for longer is renewed.
pub const LONGEST_LEASE: Duration = Duration::from_hours(1);

/// The most faults that are in force on a link together.
pub(crate) const MAX_FAULTS: usize = 16;

/// The fastest throttle, bytes a second: more than a link over loopback carries.
const FASTEST: u64 = 100_000_000_000;

/// One fault of a link, with its lease.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What is done.
    pub what: FaultKind,
    /// To which directions; `both` by default.
    #[serde(default)]
    pub directions: Directions,
    /// Its lease, milliseconds: it ends by itself when this has passed.
    pub for_ms: u64,
}

/// The kind of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum FaultKind {
    /// What is sent arrives later, and in order: a piece that is late delays those behind it, as in TCP.
    Latency(Latency),
    /// The link carries so many bytes a second in each direction, over all its connections.
    Throttle {
        /// The rate.
        bytes_per_second: u64,
    },
    /// Connections are accepted and stay open, and nobody answers: the far end has stalled.
    Blackhole {
        /// Whether what is sent is read, and lost. Otherwise it stays in the sender's way until it has no more room.
        #[serde(default = "yes")]
        reads: bool,
    },
    /// Nothing passes, as if a cable were cut: bytes, the end of a connection and new connections wait.
    Partition,
    /// Every connection is reset: the existing ones at once, new ones when they are accepted.
    Reset,
    /// New connections are refused; existing ones go on.
    Refuse,
    /// A partition by a schedule: down first, then up, and again.
    Flap {
        /// How long it is down, milliseconds.
        down_ms: u64,
        /// How long it is up, milliseconds.
        up_ms: u64,
    },
}

/// A delay of each piece that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// How long.
    pub distribution: Distribution,
    /// The seed of its random numbers. A connection's delays follow from this, its number on the link, and the
    /// direction.
    #[serde(default)]
    pub seed: u64,
}

/// One direction of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the client to the upstream: requests.
    To,
    /// From the upstream to the client: replies.
    From,
}

/// The directions that a fault applies to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Directions {
    /// Both.
    #[default]
    Both,
    /// To the upstream: requests.
    To,
    /// From the upstream: replies.
    From,
}

/// Why a fault, or several together, cannot be put on a link.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidFault {
    /// A lease out of bounds.
    #[error("`for_ms` is {0}: a fault lasts at least 1 ms and at most {most} ms", most = LONGEST_LEASE.as_millis())]
    Lease(u64),
    /// A parameter of a distribution out of bounds.
    #[error("`{name}` is {value}: expected {expected}")]
    Delay {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: f64,
        /// Its bounds.
        expected: &'static str,
    },
    /// A rate out of bounds.
    #[error("`bytes_per_second` is {0}: expected 1 to {FASTEST}")]
    Rate(u64),
    /// A period out of bounds.
    #[error("`down_ms` is {down_ms} and `up_ms` is {up_ms}: each is at least 1 and at most {most}", most = LONGEST_LEASE.as_millis())]
    Period {
        /// How long it is down.
        down_ms: u64,
        /// How long it is up.
        up_ms: u64,
    },
    /// One direction of a fault that has none.
    #[error("`{0}` is of a connection as a whole\nhint: leave `directions` out")]
    OneDirection(&'static str),
    /// A kind that is there twice.
    #[error("two faults of the kind `{0}` in one direction of a link")]
    Twice(&'static str),
    /// More faults than a link holds.
    #[error("{0} faults on one link: at most {MAX_FAULTS}")]
    TooMany(usize),
}

fn yes() -> bool {
    true
}

impl FaultKind {
    /// The name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Latency(_) => "latency",
            Self::Throttle { .. } => "throttle",
            Self::Blackhole { .. } => "blackhole",
            Self::Partition => "partition",
            Self::Reset => "reset",
            Self::Refuse => "refuse",
            Self::Flap { .. } => "flap",
        }
    }

    /// Validates its parameters.
    pub fn validate(&self) -> Result<(), InvalidFault> {
        let longest = LONGEST_LEASE.as_millis() as u64;
        match *self {
            Self::Latency(latency) => latency.distribution.validate(),
            Self::Throttle { bytes_per_second } if !(1..=FASTEST).contains(&bytes_per_second) => {
                Err(InvalidFault::Rate(bytes_per_second))
            }
            Self::Flap { down_ms, up_ms }
                if [down_ms, up_ms].iter().any(|part| !(1..=longest).contains(part)) =>
            {
                Err(InvalidFault::Period { down_ms, up_ms })
            }
            _ => Ok(()),
        }
    }

    /// Whether it can apply to one direction alone.
    pub fn has_directions(&self) -> bool {
        !matches!(self, Self::Reset | Self::Refuse)
    }
}

impl Fault {
    /// Its lease.
    pub fn lease(&self) -> Duration {
        Duration::from_millis(self.for_ms)
    }

    fn validate(&self) -> Result<(), InvalidFault> {
        if !(1..=LONGEST_LEASE.as_millis() as u64).contains(&self.for_ms) {
            return Err(InvalidFault::Lease(self.for_ms));
        }
        if !self.what.has_directions() && self.directions != Directions::Both {
            return Err(InvalidFault::OneDirection(self.what.name()));
        }
        self.what.validate()
    }
}

/// Validates the faults of one link: each, and all together.
pub(crate) fn validate(faults: &[Fault]) -> Result<(), InvalidFault> {
    if faults.len() > MAX_FAULTS {
        return Err(InvalidFault::TooMany(faults.len()));
    }
    for (index, fault) in faults.iter().enumerate() {
        fault.validate()?;
        let name = fault.what.name();
        let before = &faults[..index];
        if before.iter().any(|other| other.what.name() == name && other.directions.meet(fault.directions)) {
            return Err(InvalidFault::Twice(name));
        }
    }
    Ok(())
}

impl Directions {
    /// Whether this direction is among them.
    pub fn cover(self, direction: Direction) -> bool {
        match self {
            Self::Both => true,
            Self::To => direction == Direction::To,
            Self::From => direction == Direction::From,
        }
    }

    /// Whether one direction is among these and the others.
    pub fn meet(self, others: Self) -> bool {
        [Direction::To, Direction::From].iter().any(|&one| self.cover(one) && others.cover(one))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Fault {
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
    }

    #[test]
    fn every_kind_is_read_and_written_the_same() {
        for json in [
            r#"{"what":{"latency":{"distribution":{"constant":{"ms":50.0}},"seed":7}},"directions":"to","for_ms":1}"#,
            r#"{"what":{"throttle":{"bytes_per_second":1000}},"directions":"from","for_ms":10}"#,
            r#"{"what":{"blackhole":{"reads":false}},"directions":"both","for_ms":10}"#,
            r#"{"what":"partition","directions":"both","for_ms":10}"#,
            r#"{"what":"reset","directions":"both","for_ms":10}"#,
            r#"{"what":"refuse","directions":"both","for_ms":10}"#,
            r#"{"what":{"flap":{"down_ms":1,"up_ms":2}},"directions":"both","for_ms":10}"#,
        ] {
            let fault = parse(json);
            assert_eq!(serde_json::to_string(&fault).unwrap(), json);
            assert!(json.contains(fault.what.name()), "{json}");
            assert_eq!(validate(&[fault]), Ok(()), "{json}");
        }
    }

    #[test]
    fn a_blackhole_reads_by_default_and_a_fault_is_of_both_directions() {
        let fault = parse(r#"{"what":{"blackhole":{}},"for_ms":10}"#);
        assert_eq!(fault.what, FaultKind::Blackhole { reads: true });
        assert_eq!(fault.directions, Directions::Both);
    }

    #[test]
    fn a_fault_without_a_lease_or_with_an_unknown_key_is_not_read() {
        for json in [
            r#"{"what":"reset"}"#,
            r#"{"what":"reset","for_ms":1,"four":1}"#,
            r#"{"what":"rest","for_ms":1}"#,
        ] {
            assert!(serde_json::from_str::<Fault>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_fault_out_of_bounds_is_refused() {
        let of = |what, directions, for_ms| validate(&[Fault { what, directions, for_ms }]);
        let both = Directions::Both;
        assert_eq!(of(FaultKind::Partition, both, 0), Err(InvalidFault::Lease(0)));
        assert_eq!(of(FaultKind::Partition, both, 3_600_001), Err(InvalidFault::Lease(3_600_001)));
        assert_eq!(of(FaultKind::Reset, Directions::To, 1), Err(InvalidFault::OneDirection("reset")));
        assert_eq!(of(FaultKind::Throttle { bytes_per_second: 0 }, both, 1), Err(InvalidFault::Rate(0)));
        let still = FaultKind::Flap { down_ms: 0, up_ms: 5 };
        assert_eq!(of(still, both, 1), Err(InvalidFault::Period { down_ms: 0, up_ms: 5 }));
    }

    #[test]
    fn a_kind_is_once_in_a_direction() {
        let cut = |directions| Fault { what: FaultKind::Partition, directions, for_ms: 1 };
        assert_eq!(validate(&[cut(Directions::To), cut(Directions::From)]), Ok(()));
        assert_eq!(
            validate(&[cut(Directions::To), cut(Directions::Both)]),
            Err(InvalidFault::Twice("partition"))
        );
        assert_eq!(validate(&[cut(Directions::To); 17]), Err(InvalidFault::TooMany(17)));
    }
}
