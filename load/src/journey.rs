//! Journeys: an operation is one or more requests, and ends well, is refused, or fails.

use std::time::Duration;

use crate::http::{Reply, RequestBuf};

/// The state of one operation in flight: small, copied with its connection, the same type for all journeys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operation {
    /// The operation's name in reports, `follow` or `create`; operations are counted by it.
    pub kind: &'static str,
    /// The step within its journey, numbered by the journey from 0.
    pub step: u16,
    /// The thing that it concerns, numbered by the journey.
    pub key: u64,
    /// Additional state of the journey.
    pub detail: u64,
}

/// Whether a journey had another operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Its first request is in the buffer.
    Written,
    /// The journey has ended; only finite ones (preparations, checks) end.
    Exhausted,
}

/// The next step after a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Another request of the same operation is in the buffer.
    Next,
    /// The operation has ended.
    Done(Outcome),
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what its user wanted; only successes count as throughput.
    Success,
    /// The system refused it in order: sold out, over the limit, shed. Counted by this cause.
    Refused(&'static str),
    /// It did not do what it should have done.
    Failed(Failure),
}

/// The cause of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// No connection could be opened, so nothing was sent.
    Connect,
    /// The time-out passed before the reply was complete.
    Timeout,
    /// The connection ended before the reply was complete.
    Reset,
    /// The reply was not HTTP/1.1.
    Malformed,
    /// The reply was over the size limit.
    TooLarge,
    /// A well-formed reply with wrong content, such as another link's target.
    WrongAnswer,
    /// Something acknowledged does not exist.
    Missing,
    /// A 5xx status other than a refusal.
    ServerError,
    /// A status that the API does not define here.
    UnexpectedStatus,
    /// Still in flight when the run was interrupted.
    Abandoned,
}

impl Failure {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Malformed => "malformed",
            Self::TooLarge => "too-large",
            Self::WrongAnswer => "wrong-answer",
            Self::Missing => "missing",
            Self::ServerError => "status-5xx",
            Self::UnexpectedStatus => "unexpected-status",
            Self::Abandoned => "abandoned",
        }
    }

    /// Whether the operation was sent and got no readable reply, so that its effect is unknown.
    pub fn is_indeterminate(self) -> bool {
        matches!(self, Self::Timeout | Self::Reset | Self::Malformed | Self::TooLarge | Self::Abandoned)
    }
}

/// A source of operations and the judge of their replies.
///
/// The sender calls it on its thread; an implementation MUST NOT block.
/// Each [`begin`](Self::begin) that wrote a request has exactly one end: a [`reply`](Self::reply) that
/// returns [`Step::Done`], or one call of [`abandoned`](Self::abandoned).
pub trait Journeys: Send {
    /// Called when a slice begins, with nothing in flight; operations start for `length`.
    fn slice_began(&mut self, length: Duration) {
        let _ = length;
    }

    /// Chooses the next operation and writes its first request.
    fn begin(&mut self, op: &mut Operation, request: &mut RequestBuf) -> Begun;

    /// Judges a reply, and either writes the next request or ends the operation.
    fn reply(&mut self, op: &mut Operation, reply: &Reply<'_>, request: &mut RequestBuf) -> Step;

    /// Called when the operation's request was lost and sent once more: it may take effect twice.
    fn resent(&mut self, op: &mut Operation) {
        let _ = op;
    }

    /// Called when the operation ended without a reply.
    fn abandoned(&mut self, op: &mut Operation, why: Failure);

    /// Called when a due operation was never sent, because no connection became free.
    fn unsent(&mut self) {}
}

/// The cause of a refusal with 503: the system lacked something, or room.
pub const UNAVAILABLE: &str = "unavailable";

/// The outcome of a status that all systems share; `None` for other statuses.
///
/// 429 and 503 are refusals (RFC 6585, section 4; RFC 9110, 15.6.4); any other 5xx is a failure.
pub fn common_outcome(status: u16) -> Option<Outcome> {
    match status {
        429 => Some(Outcome::Refused("rate-limited")),
        503 => Some(Outcome::Refused(UNAVAILABLE)),
        500..=599 => Some(Outcome::Failed(Failure::ServerError)),
        _ => None,
    }
}
