//! One non-blocking TCP connection and its buffers.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    os::fd::{AsRawFd, OwnedFd},
};

use nix::{
    errno::Errno,
    sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, connect, socket},
};

use crate::http::{Decoded, MAX_BODY, MAX_HEAD, Malformed, Reply, decode};

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
    pub(super) fn begin(address: SocketAddr) -> io::Result<Self> {
        let (stream, open) = dial(address)?;
        Ok(Self { stream, open, used: false, unsent: Vec::new(), read: vec![0; FIRST_READ], filled: 0 })
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
        self.filled == 0
    }

    /// The result of connecting; must be called when the socket is writable.
    pub(super) fn opened(&mut self) -> io::Result<()> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        self.open = true;
        Ok(())
    }

    /// Writes as much of `bytes` as the socket accepts; `flush` writes the rest.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
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

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match (&self.stream).write(bytes) {
            Ok(count) => Ok(count),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(0),
            Err(error) => Err(error),
        }
    }
}
