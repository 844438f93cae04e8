//! Why a long-lived connection has ended, and its close code.

use std::borrow::Cow;

use tokio_tungstenite::tungstenite::{
    Error, Utf8Bytes,
    error::ProtocolError,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

/// The longest reason in a close frame, bytes (RFC 6455, 5.5): a frame of control has 125, of which the code takes two.
const REASON_BYTES: usize = 123;

/// The content of a close frame: a code (RFC 6455, 7.4) and a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// The code: 1000 to 1014 belong to the protocol, 3000 to 3999 are registered with IANA, 4000 to 4999 are private.
    pub code: u16,
    /// The reason; truncated to 123 bytes.
    pub reason: Cow<'static, str>,
}

impl Close {
    /// Normal closure.
    pub const NORMAL: Self = Self::new(1000, "");

    /// A close with this code and reason.
    pub const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason: Cow::Borrowed(reason) }
    }

    pub(super) fn frame(&self) -> CloseFrame {
        let mut end = self.reason.len().min(REASON_BYTES);
        while !self.reason.is_char_boundary(end) {
            end -= 1;
        }
        CloseFrame { code: CloseCode::from(self.code), reason: Utf8Bytes::from(&self.reason[..end]) }
    }
}

/// Why a long-lived connection has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The session closed it, or a holder of its [`Sender`](super::Sender) did.
    ByServer(Close),
    /// The client closed it, perhaps with a code.
    ByClient(Option<u16>),
    /// It broke off without a close frame.
    Lost,
    /// The process is stopping: the client should reconnect after a random delay.
    Restart,
    /// No message in either direction for [`idle`](super::Limits::idle).
    Idle,
    /// The client did not answer a ping: the connection is half-open, or the client hangs.
    NoPong,
    /// The client did not read: its queue was full, or a write took too long.
    Slow,
    /// The client sent a message above the limit.
    TooLarge,
    /// The client sent a text that is not UTF-8.
    NotUtf8,
    /// The client violated the protocol.
    Protocol,
    /// The session exceeded its deadline for a message.
    Overdue,
}

impl Closed {
    /// The label in metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::ByServer(_) => "server",
            Self::ByClient(_) => "client",
            Self::Lost => "lost",
            Self::Restart => "restart",
            Self::Idle => "idle",
            Self::NoPong => "no-pong",
            Self::Slow => "slow",
            Self::TooLarge => "too-large",
            Self::NotUtf8 => "not-utf8",
            Self::Protocol => "protocol",
            Self::Overdue => "overdue",
        }
    }

    /// The close frame to send; `None` if the client closed the connection itself, or is gone.
    ///
    /// 1012 is `Service Restart`, 3008 `Timeout` in IANA's registry. No registered code means a slow consumer: 4008 is private.
    pub fn close(&self) -> Option<Close> {
        Some(match self {
            Self::ByServer(close) => close.clone(),
            Self::ByClient(_) | Self::Lost => return None,
            Self::Restart => Close::new(1012, "restarting: reconnect after a random delay"),
            Self::Idle => Close::new(3008, "idle for too long"),
            Self::NoPong => Close::new(3008, "a ping was not answered"),
            Self::Slow => Close::new(4008, "slow consumer: messages were not read in time"),
            Self::TooLarge => Close::new(1009, "the message is too large"),
            Self::NotUtf8 => Close::new(1007, "the text is not UTF-8"),
            Self::Protocol => Close::new(1002, "protocol violation"),
            Self::Overdue => Close::new(1011, "deadline exceeded; the effect of the message is unknown"),
        })
    }

    /// Whether further frames can be read: after a malformed one the start of the next is unknown.
    pub(super) fn is_readable(&self) -> bool {
        !matches!(self, Self::TooLarge | Self::NotUtf8 | Self::Protocol | Self::ByClient(_) | Self::Lost)
    }

    /// Whether the client has stopped reading.
    pub(super) fn is_unread(&self) -> bool {
        matches!(self, Self::Slow | Self::NoPong)
    }
}

impl From<Error> for Closed {
    fn from(error: Error) -> Self {
        match error {
            Error::Utf8 { .. } => Self::NotUtf8,
            Error::Capacity(_) => Self::TooLarge,
            Error::WriteBufferFull(_) => Self::Slow,
            Error::Protocol(fault) if fault != ProtocolError::ResetWithoutClosingHandshake => Self::Protocol,
            _ => Self::Lost,
        }
    }
}
