//! The messages of `decisions`.

use std::time::Duration;

use limiter as domain;
use remote::Malformed;

use super::{all_from, all_into, nanos};
use crate::remotes::proto::{
    Ask, DecideAllRequest, DecideAllResponse, DecideRequest, DecideResponse, Decision, Fact, PolicyStanding,
    Verdict,
};

impl From<domain::Fact> for Fact {
    fn from(fact: domain::Fact) -> Self {
        Self { name: fact.name.into_owned(), value: fact.value }
    }
}

impl From<Fact> for domain::Fact {
    fn from(message: Fact) -> Self {
        Self { name: message.name.into(), value: message.value }
    }
}

impl From<domain::Ask> for Ask {
    fn from(ask: domain::Ask) -> Self {
        Self { facts: all_into(ask.facts), cost: ask.cost }
    }
}

impl From<Ask> for domain::Ask {
    fn from(message: Ask) -> Self {
        Self { facts: all_into(message.facts), cost: message.cost }
    }
}

impl From<domain::Ask> for DecideRequest {
    fn from(ask: domain::Ask) -> Self {
        Self { ask: Some(ask.into()) }
    }
}

impl TryFrom<DecideRequest> for domain::Ask {
    type Error = Malformed;

    fn try_from(message: DecideRequest) -> Result<Self, Malformed> {
        Malformed::required("ask", message.ask).map(Into::into)
    }
}

impl From<domain::Asks> for DecideAllRequest {
    fn from(asks: domain::Asks) -> Self {
        Self { asks: all_into(asks.asks) }
    }
}

impl From<DecideAllRequest> for domain::Asks {
    fn from(message: DecideAllRequest) -> Self {
        Self { asks: all_into(message.asks) }
    }
}

impl From<domain::PolicyStanding> for PolicyStanding {
    fn from(standing: domain::PolicyStanding) -> Self {
        Self {
            policy: standing.policy,
            limit: Some(standing.limit.into()),
            remaining: standing.remaining,
            reset_after_ns: nanos(standing.reset_after),
            more_after_ns: nanos(standing.more_after),
        }
    }
}

impl TryFrom<PolicyStanding> for domain::PolicyStanding {
    type Error = Malformed;

    fn try_from(message: PolicyStanding) -> Result<Self, Malformed> {
        Ok(Self {
            policy: message.policy,
            limit: Malformed::required("standings.limit", message.limit)?.try_into()?,
            remaining: message.remaining,
            reset_after: Duration::from_nanos(message.reset_after_ns),
            more_after: Duration::from_nanos(message.more_after_ns),
        })
    }
}

impl From<domain::Decision> for Decision {
    fn from(decision: domain::Decision) -> Self {
        let (verdict, after) = match decision.verdict {
            domain::Verdict::Admitted(after) => (Verdict::Admitted, Some(after)),
            domain::Verdict::Refused(after) => (Verdict::Refused, after),
        };
        Self {
            verdict: verdict.into(),
            after_ns: after.map(nanos),
            standings: all_into(decision.standings),
            would_refuse: decision.would_refuse,
            counted: decision.counted,
        }
    }
}

impl TryFrom<Decision> for domain::Decision {
    type Error = Malformed;

    fn try_from(message: Decision) -> Result<Self, Malformed> {
        let after = message.after_ns.map(Duration::from_nanos);
        let verdict = match message.verdict() {
            Verdict::Admitted => domain::Verdict::Admitted(Malformed::required("after_ns", after)?),
            Verdict::Refused => domain::Verdict::Refused(after),
            Verdict::Unspecified => return Err(Malformed::new("verdict", "it is required")),
        };
        Ok(Self {
            verdict,
            standings: all_from(message.standings)?,
            would_refuse: message.would_refuse,
            counted: message.counted,
        })
    }
}

impl From<domain::Decision> for DecideResponse {
    fn from(decision: domain::Decision) -> Self {
        Self { decision: Some(decision.into()) }
    }
}

impl TryFrom<DecideResponse> for domain::Decision {
    type Error = Malformed;

    fn try_from(message: DecideResponse) -> Result<Self, Malformed> {
        Malformed::required("decision", message.decision)?.try_into()
    }
}

impl From<Vec<domain::Decision>> for DecideAllResponse {
    fn from(decisions: Vec<domain::Decision>) -> Self {
        Self { decisions: all_into(decisions) }
    }
}

impl TryFrom<DecideAllResponse> for Vec<domain::Decision> {
    type Error = Malformed;

    fn try_from(message: DecideAllResponse) -> Result<Self, Malformed> {
        all_from(message.decisions)
    }
}
