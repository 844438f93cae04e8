//! A client that sends exactly the given bytes, for requests that no well-behaved client sends.

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

use axum::body::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::edge_client::Reply;

/// The time limit of a reply, and of a server's close.
const WITHIN: Duration = Duration::from_secs(30);

/// One connection.
pub struct Wire {
    stream: TcpStream,
    /// Received bytes that belong to no reply yet.
    rest: Vec<u8>,
}

impl Wire {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).expect("it listens")
    }

    /// Connects if the address accepts connections.
    pub fn try_connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(WITHIN))?;
        stream.set_write_timeout(Some(WITHIN))?;
        Ok(Self { stream, rest: Vec::new() })
    }

    /// Connects and sends these bytes.
    pub fn saying(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Self {
        let mut wire = Self::connect(address);
        wire.say(bytes);
        wire
    }

    /// Sends these bytes.
    pub fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the server reads what it is sent");
    }

    /// Closes the sending side; still receives.
    pub fn ends(&mut self) {
        self.stream.shutdown(Shutdown::Write).expect("it is open");
    }

    /// The next reply, as HTTP/1.1 with a `Content-Length`.
    pub fn reply(&mut self) -> Reply {
        loop {
            if let Some(reply) = self.parsed() {
                return reply;
            }
            assert_ne!(self.read(), 0, "it is closed, after {:?}", String::from_utf8_lossy(&self.rest));
        }
    }

    /// Fails unless the server closes the connection in order and sends nothing more.
    #[track_caller]
    pub fn is_closed(&mut self) {
        let read = self.read();
        assert_eq!((read, self.rest.len()), (0, 0), "{:?}", String::from_utf8_lossy(&self.rest));
    }

    fn read(&mut self) -> usize {
        let mut bytes = [0; 4_096];
        let read = self.stream.read(&mut bytes).expect("a reply or an end in time");
        self.rest.extend(&bytes[..read]);
        read
    }

    fn parsed(&mut self) -> Option<Reply> {
        let end = self.rest.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
        let head = std::str::from_utf8(&self.rest[..end]).expect("a head is ASCII");
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().expect("a status");
        let headers: HeaderMap = lines.map(field).collect();
        let length = headers.get("content-length").map_or("0", |length| length.to_str().expect("digits"));
        let whole = end + length.parse::<usize>().expect("a length");
        if self.rest.len() < whole {
            return None;
        }
        let bytes: Vec<_> = self.rest.drain(..whole).collect();
        Some(Reply { status, headers, body: Bytes::copy_from_slice(&bytes[end..]) })
    }
}

fn field(line: &str) -> (HeaderName, HeaderValue) {
    let (name, value) = line.split_once(": ").expect("a field");
    (name.parse().expect("a name"), value.parse().expect("a value"))
}
