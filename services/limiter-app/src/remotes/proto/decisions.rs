//! The messages of `decisions`.

use std::time::Duration;

use limiter::{self as domain, Verdict};
use remote::{Encodes, Malformed};

use super::{Away, Limit, all_of, nanos, parse_all, required};

/// `message Fact { string name = 1; string value = 2; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Fact {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

impl Encodes<domain::Fact> for Fact {
    fn of(fact: domain::Fact) -> Self {
        Self { name: fact.name.into_owned(), value: fact.value }
    }

    fn parse(self) -> Result<domain::Fact, Malformed> {
        Ok(domain::Fact { name: self.name.into(), value: self.value })
    }
}

/// `message Ask { repeated Fact facts = 1; uint32 cost = 2; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Ask {
    #[prost(message, repeated, tag = "1")]
    facts: Vec<Fact>,
    #[prost(uint32, tag = "2")]
    cost: u32,
}

impl Encodes<domain::Ask> for Ask {
    fn of(ask: domain::Ask) -> Self {
        Self { facts: all_of(ask.facts), cost: ask.cost }
    }

    fn parse(self) -> Result<domain::Ask, Malformed> {
        Ok(domain::Ask { facts: parse_all(self.facts)?, cost: self.cost })
    }
}

/// `message Asks { repeated Ask asks = 1; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Asks {
    #[prost(message, repeated, tag = "1")]
    asks: Vec<Ask>,
}

impl Encodes<domain::Asks> for Asks {
    fn of(asks: domain::Asks) -> Self {
        Self { asks: all_of(asks.asks) }
    }

    fn parse(self) -> Result<domain::Asks, Malformed> {
        Ok(domain::Asks { asks: parse_all(self.asks)? })
    }
}

/// `message PolicyStanding { string policy = 1; Limit limit = 2; uint32 remaining = 3; uint64 reset_ns = 4; uint64 more_ns = 5; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct PolicyStanding {
    #[prost(string, tag = "1")]
    policy: String,
    #[prost(message, optional, tag = "2")]
    limit: Option<Limit>,
    #[prost(uint32, tag = "3")]
    remaining: u32,
    #[prost(uint64, tag = "4")]
    reset_ns: u64,
    #[prost(uint64, tag = "5")]
    more_ns: u64,
}

impl Encodes<domain::PolicyStanding> for PolicyStanding {
    fn of(standing: domain::PolicyStanding) -> Self {
        Self {
            policy: standing.policy,
            limit: Some(Limit::of(standing.limit)),
            remaining: standing.remaining,
            reset_ns: nanos(standing.reset_after),
            more_ns: nanos(standing.more_after),
        }
    }

    fn parse(self) -> Result<domain::PolicyStanding, Malformed> {
        Ok(domain::PolicyStanding {
            policy: self.policy,
            limit: required(self.limit)?,
            remaining: self.remaining,
            reset_after: Duration::from_nanos(self.reset_ns),
            more_after: Duration::from_nanos(self.more_ns),
        })
    }
}

/// `message Decision { bool admitted = 1; optional uint64 after_ns = 2; repeated PolicyStanding standings = 3; bool would_refuse = 4; bool counted = 5; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Decision {
    #[prost(bool, tag = "1")]
    admitted: bool,
    /// After how long it passes, or another one may; none for never.
    #[prost(uint64, optional, tag = "2")]
    after_ns: Option<u64>,
    #[prost(message, repeated, tag = "3")]
    standings: Vec<PolicyStanding>,
    #[prost(bool, tag = "4")]
    would_refuse: bool,
    #[prost(bool, tag = "5")]
    counted: bool,
}

impl Encodes<domain::Decision> for Decision {
    fn of(decision: domain::Decision) -> Self {
        let (admitted, after) = match decision.verdict {
            Verdict::Admitted(after) => (true, Some(after)),
            Verdict::Refused(after) => (false, after),
        };
        Self {
            admitted,
            after_ns: after.map(nanos),
            standings: all_of(decision.standings),
            would_refuse: decision.would_refuse,
            counted: decision.counted,
        }
    }

    fn parse(self) -> Result<domain::Decision, Malformed> {
        let after = self.after_ns.map(Duration::from_nanos);
        let admitted = || after.map(Verdict::Admitted).ok_or(Malformed);
        Ok(domain::Decision {
            verdict: if self.admitted { admitted()? } else { Verdict::Refused(after) },
            standings: parse_all(self.standings)?,
            would_refuse: self.would_refuse,
            counted: self.counted,
        })
    }
}

/// `message Decided { repeated Decision decisions = 1; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Decided {
    #[prost(message, repeated, tag = "1")]
    decisions: Vec<Decision>,
}

impl Encodes<Vec<domain::Decision>> for Decided {
    fn of(decisions: Vec<domain::Decision>) -> Self {
        Self { decisions: all_of(decisions) }
    }

    fn parse(self) -> Result<Vec<domain::Decision>, Malformed> {
        parse_all(self.decisions)
    }
}

/// Which error, in [`DecisionError::what`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum What {
    /// Not an error of ours.
    Unspecified = 0,
    /// The component did not answer.
    Unavailable = 1,
    /// More facts than a request has.
    TooManyFacts = 2,
    /// A cost that is none.
    Cost = 4,
    /// More questions than there are about a request.
    TooManyAsks = 5,
}

/// `message DecisionError { What what = 1; Unavailable unavailable = 2; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct DecisionError {
    #[prost(enumeration = "What", tag = "1")]
    what: i32,
    /// For `Unavailable`.
    #[prost(message, optional, tag = "2")]
    unavailable: Option<Away>,
}

impl Encodes<domain::DecisionError> for DecisionError {
    fn of(error: domain::DecisionError) -> Self {
        let (what, unavailable) = match error {
            domain::DecisionError::TooManyAsks => (What::TooManyAsks, None),
            domain::DecisionError::TooManyFacts => (What::TooManyFacts, None),
            domain::DecisionError::Cost => (What::Cost, None),
            domain::DecisionError::Unavailable(unavailable) => {
                (What::Unavailable, Some(Away::of(unavailable)))
            }
        };
        Self { what: what.into(), unavailable }
    }

    fn parse(self) -> Result<domain::DecisionError, Malformed> {
        match self.what() {
            What::TooManyAsks => Ok(domain::DecisionError::TooManyAsks),
            What::TooManyFacts => Ok(domain::DecisionError::TooManyFacts),
            What::Cost => Ok(domain::DecisionError::Cost),
            What::Unavailable => required(self.unavailable).map(domain::DecisionError::Unavailable),
            What::Unspecified => Err(Malformed),
        }
    }
}
