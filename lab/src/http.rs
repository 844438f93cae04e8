//! `GET` over HTTP/1.0 for health checks and metrics: the lab's own, blocking, on loopback.
//!
//! HTTP/1.0, so that the reply ends with the connection and is never chunked. The load goes through crate `load`.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// The longest reply that is read; a page of metrics has some 20 KiB.
const MAX_REPLY: u64 = 4 << 20;

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The status code.
    pub(crate) status: u16,
    /// The body; bytes that are not UTF-8 are replaced.
    pub(crate) body: String,
}

/// Asks for a path; each step may take `limit`.
pub(crate) fn get(address: SocketAddr, path: &str, limit: Duration) -> io::Result<Reply> {
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    stream.set_nodelay(true)?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n").as_bytes())?;
    let mut bytes = Vec::new();
    stream.take(MAX_REPLY).read_to_end(&mut bytes)?;
    parse(&String::from_utf8_lossy(&bytes))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the reply is not HTTP"))
}

fn parse(text: &str) -> Option<Reply> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Reply { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_a_status_and_a_body() {
        let reply = parse("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
        assert_eq!((reply.status, reply.body.as_str()), (200, "ok"));
        assert_eq!(parse("SSH-2.0-OpenSSH"), None);
    }
}
