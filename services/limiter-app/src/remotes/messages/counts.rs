//! The messages of `counts`.

use std::time::Duration;

use limiter::{self as domain, CountKey};
use remote::Malformed;

use super::{all_from, all_into, nanos};
use crate::remotes::proto::{Charge, Standing, TakeRequest, TakeResponse};

impl From<domain::Charge> for Charge {
    fn from(charge: domain::Charge) -> Self {
        let domain::Charge { key, limit, enforced, cost } = charge;
        Self { key: key.0, limit: Some(limit.into()), enforced, cost }
    }
}

impl TryFrom<Charge> for domain::Charge {
    type Error = Malformed;

    fn try_from(message: Charge) -> Result<Self, Malformed> {
        let Charge { key, limit, enforced, cost } = message;
        let limit = Malformed::required("charges.limit", limit)?.try_into()?;
        Ok(Self { key: CountKey(key), limit, enforced, cost })
    }
}

impl From<domain::Take> for TakeRequest {
    fn from(take: domain::Take) -> Self {
        Self { charges: all_into(take.charges) }
    }
}

impl TryFrom<TakeRequest> for domain::Take {
    type Error = Malformed;

    fn try_from(message: TakeRequest) -> Result<Self, Malformed> {
        Ok(Self { charges: all_from(message.charges)? })
    }
}

impl From<domain::Standing> for Standing {
    fn from(standing: domain::Standing) -> Self {
        Self {
            admits: standing.admits,
            remaining: standing.remaining,
            reset_after_ns: nanos(standing.reset_after),
            retry_after_ns: standing.retry_after.map(nanos),
            wait_ns: nanos(standing.wait),
            more_after_ns: nanos(standing.more_after),
        }
    }
}

impl From<Standing> for domain::Standing {
    fn from(message: Standing) -> Self {
        Self {
            admits: message.admits,
            remaining: message.remaining,
            reset_after: Duration::from_nanos(message.reset_after_ns),
            retry_after: message.retry_after_ns.map(Duration::from_nanos),
            wait: Duration::from_nanos(message.wait_ns),
            more_after: Duration::from_nanos(message.more_after_ns),
        }
    }
}

impl From<domain::Taken> for TakeResponse {
    fn from(taken: domain::Taken) -> Self {
        Self { standings: all_into(taken.standings) }
    }
}

impl From<TakeResponse> for domain::Taken {
    fn from(message: TakeResponse) -> Self {
        Self { standings: all_into(message.standings) }
    }
}
