//! The journeys of long-lived connections: their handshakes, the messages that they send, the meaning of those that arrive.

use std::time::Duration;

use super::{Connections, Moment};
use crate::journey::{Begun, Failure, Outcome};

/// A source of messages and the judge of those that arrive.
///
/// The lane calls it from one thread; an implementation MUST NOT block. Connections are numbered from 0, and keep their number
/// when they reconnect.
///
/// The callbacks act through [`Connections`]: they send, close and stall, and record the end of operations.
pub trait LiveJourneys: Send {
    /// A run begins, in which sends are due for `length`. Connections of an earlier run are still open.
    fn run_began(&mut self, length: Duration) {
        let _ = length;
    }

    /// Whether a connection is opened when it is closed and nothing will reopen it.
    fn is_wanted(&self, connection: usize) -> bool {
        let _ = connection;
        true
    }

    /// Whether sends can begin: usually when every wanted connection is open.
    fn is_ready(&self, connections: &Connections) -> bool {
        let mut all = 0..connections.len();
        all.all(|connection| connections.is_open(connection) || !self.is_wanted(connection))
    }

    /// The handshake of a connection, each time that it connects: a reconnecting client can send its position.
    fn handshake(&mut self, connection: usize) -> Handshake;

    /// A connection is open.
    fn opened(&mut self, connection: usize, at: Moment, connections: &mut Connections) {
        let _ = (connection, at, connections);
    }

    /// A send is due: chooses a connection and a message. [`Begun::Exhausted`] ends the sends. An operation that has begun
    /// ends once, also if nothing could be sent ([`Connections::operation_ended`]).
    fn due(&mut self, due: Moment, connections: &mut Connections) -> Begun;

    /// A message has arrived.
    fn received(
        &mut self,
        connection: usize,
        message: Message<'_>,
        at: Moment,
        connections: &mut Connections,
    );

    /// A connection has ended, or could not be opened. Returns whether it reconnects.
    fn closed(&mut self, connection: usize, why: Ended, at: Moment, connections: &mut Connections) -> Again;

    /// Called every few milliseconds, for time-outs of operations.
    fn tick(&mut self, now: Moment, connections: &mut Connections) {
        let _ = (now, connections);
    }

    /// Whether all operations have ended, so that the drain of a run can end.
    fn is_settled(&self) -> bool {
        true
    }

    /// The longest drain of a slice: after this time every operation has ended in one way or the other.
    fn settles_within(&self) -> Duration {
        Duration::from_secs(10)
    }
}

/// The handshake of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handshake {
    /// The path, with its query.
    pub path: String,
    /// Additional header fields: a token, `Sec-WebSocket-Protocol`.
    pub fields: Vec<(&'static str, String)>,
    /// To which of the target's servers: counted from 0, and from 0 again behind the last.
    pub server: usize,
}

/// The end of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationEnd {
    /// The operation's name in reports.
    pub kind: &'static str,
    /// When it was due.
    pub due: Moment,
    /// When it was sent.
    pub sent: Option<Moment>,
    /// When its user had what was wanted, or had waited enough.
    pub at: Moment,
    /// How it ended.
    pub outcome: Outcome,
}

impl OperationEnd {
    /// Whether its user waited in vain, so that the wait is a latency: it took as long as users wait.
    pub(super) fn is_in_vain(&self) -> bool {
        let Outcome::Failed(failure) = self.outcome else { return false };
        matches!(failure, Failure::Timeout | Failure::Abandoned | Failure::Missing)
    }
}

/// A received message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A text.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
}

/// Why a connection has ended, or could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The target closed it, perhaps with a code.
    ByTarget(Option<u16>),
    /// The journeys closed it.
    ByUs,
    /// It broke off.
    Lost,
    /// The target violated the protocol, or sent a message above the limit.
    Malformed,
    /// The target refused the handshake with this status.
    Refused(u16),
    /// The TCP connection was refused.
    Unreachable,
    /// The handshake timed out.
    TimedOut,
}

impl Ended {
    /// The name that reports use.
    pub fn name(self) -> &'static str {
        match self {
            Self::ByTarget(_) => "by-target",
            Self::ByUs => "by-us",
            Self::Lost => "lost",
            Self::Malformed => "malformed",
            Self::Refused(_) => "refused",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed-out",
        }
    }
}

/// Whether a connection reconnects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Not in this run.
    Never,
    /// After this time. Without jitter, clients that were disconnected together reconnect together.
    After(Duration),
}
