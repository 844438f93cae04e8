//! What an operation is: a journey of one or more requests that ends well, is refused, or fails.

use std::time::Duration;

use crate::http::{Reply, RequestBuf};

/// One operation in flight, as its journey sees it: small, copied with its connection, and meant for any journey.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Operation {
    /// What it is called in reports, `follow` or `create`; operations are counted apart by this.
    pub kind: &'static str,
    /// Where in its journey it stands; the journey's own numbering, from 0.
    pub step: u16,
    /// Which thing it is about; the journey's own numbering.
    pub key: u64,
    /// Whatever else the journey has to remember.
    pub detail: u64,
}

/// Whether a journey had an operation to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// Its first request is in the buffer.
    Written,
    /// There is nothing left to do; only finite journeys (a seed phase, a check) say so.
    Exhausted,
}

/// What follows a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Another request of the same operation is in the buffer.
    Next,
    /// The operation has ended.
    Done(Outcome),
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did what its user wanted; only these count as throughput.
    Success,
    /// The system said no, in order: sold out, over the limit, shed. The cause is counted by this name.
    Refused(&'static str),
    /// It did not do what it should have.
    Failed(Failure),
}

/// Why an operation failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// No connection could be opened, so nothing was sent.
    Connect,
    /// No whole reply within the time-out.
    Timeout,
    /// The connection ended before the reply did.
    Reset,
    /// The reply was not HTTP/1.1.
    Malformed,
    /// The reply was over the size limit.
    TooLarge,
    /// A well-formed reply that says something untrue, such as another link's target.
    WrongAnswer,
    /// What was asked for, and had been acknowledged, is not there.
    Missing,
    /// A 5xx status other than a refusal.
    ServerError,
    /// A status that the API does not promise here.
    UnexpectedStatus,
    /// Still in flight when the run was broken off.
    Abandoned,
}

impl Failure {
    /// The name that reports use.
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

    /// Whether the operation was sent and got no answer that can be read, so that its effect is not known.
    pub fn is_indeterminate(self) -> bool {
        matches!(self, Self::Timeout | Self::Reset | Self::Malformed | Self::TooLarge | Self::Abandoned)
    }
}

/// A source of operations and the judge of their replies.
///
/// The sender calls it from one thread and never waits in it; an implementation MUST NOT block.
/// For each [`begin`](Self::begin) that wrote a request there is exactly one end:
/// a [`reply`](Self::reply) that returned [`Step::Done`], or one call of [`abandoned`](Self::abandoned).
pub trait Journeys: Send {
    /// Is told that a slice begins, and for how long operations will be started. Nothing is in flight.
    fn slice_began(&mut self, length: Duration) {
        let _ = length;
    }

    /// Chooses the next operation and writes its first request.
    fn begin(&mut self, op: &mut Operation, request: &mut RequestBuf) -> Begun;

    /// Judges a reply, and either writes the next request or ends the operation.
    fn reply(&mut self, op: &mut Operation, reply: &Reply<'_>, request: &mut RequestBuf) -> Step;

    /// Is told that the request of the operation was lost and has been sent once more: it may take effect twice.
    fn resent(&mut self, op: &mut Operation) {
        let _ = op;
    }

    /// Is told that the operation ended without an answer.
    fn abandoned(&mut self, op: &mut Operation, why: Failure);

    /// Is told that an operation was due and never begun, because no connection came free.
    fn unsent(&mut self) {}
}

/// What the statuses that every system shares mean; `None` for the others.
///
/// 429 and 503 are refusals (RFC 6585, section 4; RFC 9110, 15.6.4), any other 5xx is a failure.
pub fn common_outcome(status: u16) -> Option<Outcome> {
    match status {
        429 => Some(Outcome::Refused("rate-limited")),
        503 => Some(Outcome::Refused("unavailable")),
        500..=599 => Some(Outcome::Failed(Failure::ServerError)),
        _ => None,
    }
}
