//! One non-blocking TCP connection and its buffers.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    os::fd::{AsRawFd, OwnedFd},
};

use nix::{
    errno::Errno,
    sys::{
        resource::{Resource, getrlimit, setrlimit},
        socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, connect, socket},
    },
};

use crate::http::{Decoded, MAX_BODY, MAX_HEAD, Malformed, Reply, Session, decode};

/// The initial size of a read buffer; most replies fit.
const FIRST_READ: usize = 4 * 1024;
/// The largest size of a read buffer: the largest reply, and one more head for the framing of its chunks.
const MOST_READ: usize = 2 * MAX_HEAD + MAX_BODY;

/// The result of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// Bytes were read; there may be more.
    Bytes(usize),
    /// Nothing more for now (`EAGAIN`).
    Nothing,
    /// The peer has closed its side.
    End,
}

/// A socket with its unsent bytes, and the received bytes of an incomplete reply.
pub(super) struct Connection {
    stream: TcpStream,
    open: bool,
    /// Whether it has carried a reply.
    used: bool,
    unsent: Vec<u8>,
    read: Vec<u8>,
    filled: usize,
    /// What is known of it if it speaks HTTP/2; otherwise it speaks HTTP/1.1.
    http2: Option<Session>,
}

/// Open files of a generator beside its connections.
const OTHER_FILES: u64 = 256;

/// Raises the soft limit of open files, usually 1,024, to what so many connections need, if the hard limit allows it.
pub(crate) fn raise_file_limit(connections: usize) {
    let needed = connections as u64 + OTHER_FILES;
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < needed
    {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, needed.min(hard), hard);
    }
}

/// Begins to connect without blocking. Returns the socket, which becomes writable when connecting has succeeded or failed,
/// and whether it is connected already.
pub(crate) fn dial(address: SocketAddr) -> io::Result<(TcpStream, bool)> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket: OwnedFd = socket(family, SockType::Stream, flags, None)?;
    let open = match connect(socket.as_raw_fd(), &SockaddrStorage::from(address)) {
        Ok(()) => true,
        Err(Errno::EINPROGRESS) => false,
        Err(error) => return Err(error.into()),
    };
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    Ok((stream, open))
}

impl Connection {
    /// Begins to connect; the socket becomes writable when connecting has succeeded or failed.
    pub(super) fn begin(address: SocketAddr, is_http2: bool) -> io::Result<Self> {
        let (stream, open) = dial(address)?;
        let http2 = is_http2.then(Session::default);
        Ok(Self {
            stream,
            open,
            used: false,
            unsent: Vec::new(),
            read: vec![0; FIRST_READ],
            filled: 0,
            http2,
        })
    }

    pub(super) fn is_http2(&self) -> bool {
        self.http2.is_some()
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Whether it has carried a reply: then its peer may close it as idle at any time.
    pub(super) fn is_used(&self) -> bool {
        self.used
    }

    /// Whether no byte of the current reply has arrived.
    pub(super) fn is_empty(&self) -> bool {
        self.http2.as_ref().map_or(self.filled == 0, |session| !session.has_reply())
    }

    /// The result of connecting; must be called when the socket is writable.
    pub(super) fn opened(&mut self) -> io::Result<()> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        self.open = true;
        Ok(())
    }

    /// Writes as much of a request as the socket accepts; `flush` writes the rest.
    pub(super) fn send(&mut self, request: &[u8]) -> io::Result<()> {
        match &mut self.http2 {
            None => self.write_all(request),
            Some(session) => {
                let bytes = session.begin(request);
                self.write_all(&bytes)
            }
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let taken = if self.open && self.unsent.is_empty() { self.write(bytes)? } else { 0 };
        self.unsent.extend_from_slice(&bytes[taken..]);
        Ok(())
    }

    /// Writes what [`send`](Self::send) left over.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if !self.unsent.is_empty() {
            let unsent = std::mem::take(&mut self.unsent);
            let taken = self.write(&unsent)?;
            self.unsent.extend_from_slice(&unsent[taken..]);
        }
        Ok(())
    }

    /// Reads once.
    pub(super) fn receive(&mut self) -> io::Result<Received> {
        if self.filled == self.read.len() {
            let larger = (self.read.len() * 4).min(MOST_READ);
            if larger == self.filled {
                return Err(ErrorKind::FileTooLarge.into());
            }
            self.read.resize(larger, 0);
        }
        match (&self.stream).read(&mut self.read[self.filled..]) {
            Ok(0) => Ok(Received::End),
            Ok(count) => {
                self.filled += count;
                Ok(Received::Bytes(count))
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                Ok(Received::Nothing)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the last read left room in the buffer, which on a stream means that it read everything
    /// (epoll(7), question 9).
    pub(super) fn has_room(&self) -> bool {
        self.filled < self.read.len()
    }

    /// Decodes a reply, and removes it from the buffer if it is complete. A connection with bytes left over
    /// must not be reused, because no request asked for them.
    pub(super) fn decode<T>(
        &mut self,
        to_head: bool,
        ended: bool,
        scratch: &mut Vec<u8>,
        read: impl FnOnce(&Reply<'_>) -> T,
    ) -> Result<Decoded<T>, Malformed> {
        if self.is_http2() {
            return self.decode_calls(ended, read);
        }
        let decoded = decode(&self.read[..self.filled], to_head, ended, scratch, read)?;
        Ok(match decoded {
            Decoded::Partial => Decoded::Partial,
            Decoded::Whole { consumed, keep_alive, value } => {
                let keep_alive = keep_alive && !ended && consumed == self.filled;
                (self.filled, self.used) = (0, true);
                if self.read.len() > 4 * FIRST_READ {
                    self.read = vec![0; FIRST_READ];
                }
                Decoded::Whole { consumed, keep_alive, value }
            }
        })
    }

    /// The same of calls over HTTP/2, whose bytes are taken as they come.
    fn decode_calls<T>(
        &mut self,
        ended: bool,
        read: impl FnOnce(&Reply<'_>) -> T,
    ) -> Result<Decoded<T>, Malformed> {
        self.absorb()?;
        let Some(session) = &mut self.http2 else { return Ok(Decoded::Partial) };
        Ok(match session.reply(read) {
            Decoded::Partial => Decoded::Partial,
            Decoded::Whole { consumed, keep_alive, value } => {
                self.used = true;
                Decoded::Whole { consumed, keep_alive: keep_alive && !ended, value }
            }
        })
    }

    /// Takes the frames that have arrived, and sends what the protocol has this side reply.
    fn absorb(&mut self) -> Result<(), Malformed> {
        let Some(session) = &mut self.http2 else { return Ok(()) };
        let taken = session.absorb(&self.read[..self.filled])?;
        self.read.copy_within(taken..self.filled, 0);
        self.filled -= taken;
        let reply = std::mem::take(&mut session.unsent);
        // A connection that cannot be written to is found out by the next request.
        let _ = if reply.is_empty() { Ok(()) } else { self.write_all(&reply) };
        Ok(())
    }

    /// Takes what arrives while no operation uses the connection; `false` if it cannot be used any more.
    ///
    /// Over HTTP/1.1 nothing arrives then but the peer's close.
    pub(super) fn rests(&mut self) -> bool {
        loop {
            match self.receive() {
                Ok(Received::Nothing) => return self.http2.as_ref().is_some_and(Session::is_open),
                Ok(Received::Bytes(_)) if self.is_http2() && self.absorb().is_ok() => {}
                _ => return false,
            }
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match (&self.stream).write(bytes) {
            Ok(count) => Ok(count),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(0),
            Err(error) => Err(error),
        }
    }
}
