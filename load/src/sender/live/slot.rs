//! One connection: connecting, handshake, messages, end.

use std::{
    io::{self, ErrorKind},
    net::TcpStream,
};

use tungstenite::{
    Message, Utf8Bytes,
    client::client_with_config,
    error::{Error, ProtocolError},
    handshake::{
        HandshakeError, MidHandshake,
        client::{ClientHandshake, Request, generate_key},
    },
    protocol::{CloseFrame, WebSocket, WebSocketConfig},
};

use super::{Ended, Handshake};
use crate::clock::Nanos;

/// The state of a connection.
#[derive(Default)]
pub(super) enum State {
    /// No connection.
    #[default]
    Closed,
    /// TCP is connecting.
    Connecting(TcpStream, Box<Handshake>),
    /// The handshake is in progress.
    Handshaking(Box<MidHandshake<ClientHandshake<TcpStream>>>),
    /// It is open.
    Open(Box<WebSocket<TcpStream>>),
}

/// A place for a connection.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) state: State,
    /// The number of earlier sockets in this slot: it tells their events from those of the present one.
    pub(super) generation: u32,
    /// When the connection was due.
    pub(super) due: Nanos,
    /// It is not read before this time.
    pub(super) stalled_until: Nanos,
}

/// The result of a read.
pub(super) enum Read {
    /// A message.
    Message(Message),
    /// Nothing more for now (`EAGAIN`).
    Nothing,
    /// The end.
    Ended(Ended),
}

/// The result of a step of the handshake.
pub(super) enum HandshakeStep {
    /// It is open now.
    Open,
    /// It continues when the socket is ready again.
    NotYet,
    /// It has failed.
    Ended(Ended),
}

/// The result of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// Written, or buffered until the socket is writable.
    Sent,
    /// The limit of unsent bytes is reached.
    Full,
    /// The connection has ended.
    Ended(Ended),
}

impl Slot {
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Whether it is being opened.
    pub(super) fn is_opening(&self) -> bool {
        matches!(self.state, State::Connecting(..) | State::Handshaking(_))
    }

    /// Closes its socket.
    pub(super) fn clear(&mut self) {
        self.state = State::Closed;
        self.generation = self.generation.wrapping_add(1);
        self.stalled_until = 0;
    }

    /// Continues connecting or the handshake; to be called when the socket is ready. `host` names the host of a server.
    pub(super) fn handshake<'h>(
        &mut self,
        host: impl FnOnce(usize) -> &'h str,
        config: WebSocketConfig,
    ) -> HandshakeStep {
        let step = match std::mem::take(&mut self.state) {
            State::Connecting(stream, handshake) => {
                if !matches!(stream.take_error(), Ok(None)) {
                    return HandshakeStep::Ended(Ended::Unreachable);
                }
                let Ok(request) = request(host(handshake.server), &handshake) else {
                    return HandshakeStep::Ended(Ended::Malformed);
                };
                client_with_config(request, stream, Some(config))
            }
            State::Handshaking(pending) => pending.handshake(),
            other => {
                self.state = other;
                return HandshakeStep::NotYet;
            }
        };
        match step {
            Ok((socket, _)) => {
                self.state = State::Open(Box::new(socket));
                HandshakeStep::Open
            }
            Err(HandshakeError::Interrupted(pending)) => {
                self.state = State::Handshaking(Box::new(pending));
                HandshakeStep::NotYet
            }
            Err(HandshakeError::Failure(error)) => HandshakeStep::Ended(ended(&error)),
        }
    }

    /// Reads one message. `tungstenite` queues pongs, and writes them with its next read.
    pub(super) fn read(&mut self) -> Read {
        let State::Open(socket) = &mut self.state else { return Read::Nothing };
        loop {
            return match socket.read() {
                Ok(Message::Close(close)) => {
                    // Writes the reply to the close frame.
                    let _ = socket.flush();
                    Read::Ended(Ended::ByTarget(close.map(|close| close.code.into())))
                }
                Ok(message @ (Message::Text(_) | Message::Binary(_))) => Read::Message(message),
                Ok(_) => continue,
                Err(Error::Io(error)) if is_for_later(&error) => Read::Nothing,
                Err(error) => Read::Ended(ended(&error)),
            };
        }
    }

    /// Writes a text; what the socket does not accept is buffered.
    pub(super) fn write(&mut self, text: Utf8Bytes) -> Written {
        let State::Open(socket) = &mut self.state else { return Written::Ended(Ended::Lost) };
        match socket.send(Message::Text(text)) {
            Ok(()) => Written::Sent,
            // The message is buffered.
            Err(Error::Io(error)) if is_for_later(&error) => Written::Sent,
            Err(Error::WriteBufferFull(_)) => Written::Full,
            Err(error) => Written::Ended(ended(&error)),
        }
    }

    /// Writes buffered bytes.
    pub(super) fn flush(&mut self) -> Result<(), Ended> {
        let State::Open(socket) = &mut self.state else { return Ok(()) };
        match socket.flush() {
            Ok(()) => Ok(()),
            Err(Error::Io(error)) if is_for_later(&error) => Ok(()),
            Err(error) => Err(ended(&error)),
        }
    }

    /// Sends a close frame, if the socket is writable.
    pub(super) fn send_close(&mut self, code: u16) {
        if let State::Open(socket) = &mut self.state {
            let _ = socket.close(Some(CloseFrame { code: code.into(), reason: Utf8Bytes::default() }));
        }
    }
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Why a connection has ended, by the error.
fn ended(error: &Error) -> Ended {
    match error {
        Error::Http(response) => Ended::Refused(response.status().as_u16()),
        Error::Io(_)
        | Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake | ProtocolError::HandshakeIncomplete) => {
            Ended::Lost
        }
        _ => Ended::Malformed,
    }
}

fn request(host: &str, handshake: &Handshake) -> Result<Request, tungstenite::http::Error> {
    let mut request = Request::get(format!("ws://{host}{}", handshake.path))
        .header("Host", host)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", generate_key());
    for (name, value) in &handshake.fields {
        request = request.header(*name, value);
    }
    request.body(())
}
