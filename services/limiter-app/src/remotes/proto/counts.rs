//! The messages of `counts`.

use std::time::Duration;

use limiter::{self as domain, CountKey};
use remote::{Encodes, Malformed};

use super::{Away, Limit, all_of, nanos, parse_all, required};

/// `message Charge { string key = 1; Limit limit = 2; bool enforced = 3; uint32 cost = 4; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Charge {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    limit: Option<Limit>,
    #[prost(bool, tag = "3")]
    enforced: bool,
    #[prost(uint32, tag = "4")]
    cost: u32,
}

impl Encodes<domain::Charge> for Charge {
    fn of(charge: domain::Charge) -> Self {
        let domain::Charge { key, limit, enforced, cost } = charge;
        Self { key: key.0, limit: Some(Limit::of(limit)), enforced, cost }
    }

    fn parse(self) -> Result<domain::Charge, Malformed> {
        let limit = required(self.limit)?;
        Ok(domain::Charge { key: CountKey(self.key), limit, enforced: self.enforced, cost: self.cost })
    }
}

/// `message Take { repeated Charge charges = 1; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Take {
    #[prost(message, repeated, tag = "1")]
    charges: Vec<Charge>,
}

impl Encodes<domain::Take> for Take {
    fn of(take: domain::Take) -> Self {
        Self { charges: all_of(take.charges) }
    }

    fn parse(self) -> Result<domain::Take, Malformed> {
        Ok(domain::Take { charges: parse_all(self.charges)? })
    }
}

/// `message Standing { bool admits = 1; uint32 remaining = 2; uint64 reset_ns = 3; optional uint64 retry_ns = 4; uint64 wait_ns = 5; uint64 more_ns = 6; }`
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Standing {
    #[prost(bool, tag = "1")]
    admits: bool,
    #[prost(uint32, tag = "2")]
    remaining: u32,
    #[prost(uint64, tag = "3")]
    reset_ns: u64,
    /// None for never.
    #[prost(uint64, optional, tag = "4")]
    retry_ns: Option<u64>,
    #[prost(uint64, tag = "5")]
    wait_ns: u64,
    #[prost(uint64, tag = "6")]
    more_ns: u64,
}

impl Encodes<domain::Standing> for Standing {
    fn of(standing: domain::Standing) -> Self {
        Self {
            admits: standing.admits,
            remaining: standing.remaining,
            reset_ns: nanos(standing.reset_after),
            retry_ns: standing.retry_after.map(nanos),
            wait_ns: nanos(standing.wait),
            more_ns: nanos(standing.more_after),
        }
    }

    fn parse(self) -> Result<domain::Standing, Malformed> {
        Ok(domain::Standing {
            admits: self.admits,
            remaining: self.remaining,
            reset_after: Duration::from_nanos(self.reset_ns),
            retry_after: self.retry_ns.map(Duration::from_nanos),
            wait: Duration::from_nanos(self.wait_ns),
            more_after: Duration::from_nanos(self.more_ns),
        })
    }
}

/// `message Taken { repeated Standing standings = 1; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Taken {
    #[prost(message, repeated, tag = "1")]
    standings: Vec<Standing>,
}

impl Encodes<domain::Taken> for Taken {
    fn of(taken: domain::Taken) -> Self {
        Self { standings: all_of(taken.standings) }
    }

    fn parse(self) -> Result<domain::Taken, Malformed> {
        Ok(domain::Taken { standings: parse_all(self.standings)? })
    }
}

/// `message CountError { oneof what { bool too_many_charges = 1; Unavailable unavailable = 2; } }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct CountError {
    #[prost(bool, tag = "1")]
    too_many_charges: bool,
    #[prost(message, optional, tag = "2")]
    unavailable: Option<Away>,
}

impl Encodes<domain::CountError> for CountError {
    fn of(error: domain::CountError) -> Self {
        match error {
            domain::CountError::TooManyCharges => Self { too_many_charges: true, unavailable: None },
            domain::CountError::Unavailable(unavailable) => {
                Self { too_many_charges: false, unavailable: Some(Away::of(unavailable)) }
            }
        }
    }

    fn parse(self) -> Result<domain::CountError, Malformed> {
        if self.too_many_charges {
            return Ok(domain::CountError::TooManyCharges);
        }
        required(self.unavailable).map(domain::CountError::Unavailable)
    }
}
