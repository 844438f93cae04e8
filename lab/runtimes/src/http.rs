//! Requests over HTTP/1.0 to the internal servers of processes: the lab's own, blocking, on loopback.
//!
//! HTTP/1.0, so that the connection ends with the reply; one that stays open is dropped when the reply is
//! complete.
//! The generator's decoder parses the replies.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use load::http::{Decoded, MAX_BODY, MAX_HEAD, decode};

/// The longest reply; a page of metrics has some 20 KiB.
const MAX_REPLY: usize = MAX_HEAD + MAX_BODY;
/// The size of one read.
const READ: usize = 64 * 1024;

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The body; bytes that are not UTF-8 are replaced.
    pub body: String,
}

/// Requests a path; each step has a time limit of `limit`.
pub fn get(address: SocketAddr, path: &str, limit: Duration) -> io::Result<Reply> {
    ask("GET", address, path, "", limit)
}

/// Has something done that a path stands for; each step may take `limit`.
pub fn post(address: SocketAddr, path: &str, limit: Duration) -> io::Result<Reply> {
    ask("POST", address, path, "", limit)
}

fn ask(method: &str, address: SocketAddr, path: &str, json: &str, limit: Duration) -> io::Result<Reply> {
    send(method, address, path, json, limit)?.reply()
}

/// Sends a request, with this JSON if there is any, and leaves its reply for later; each step may take `limit`.
pub(crate) fn send(
    method: &str,
    address: SocketAddr,
    path: &str,
    json: &str,
    limit: Duration,
) -> io::Result<Sent> {
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    stream.set_nodelay(true)?;
    let kind = if json.is_empty() { "" } else { "content-type: application/json\r\n" };
    let length = json.len();
    let request = format!(
        "{method} {path} HTTP/1.0\r\nhost: {address}\r\n{kind}content-length: {length}\r\n\r\n{json}"
    );
    stream.write_all(request.as_bytes())?;
    Ok(Sent(stream))
}

/// A request that was sent.
pub(crate) struct Sent(TcpStream);

impl Sent {
    /// Waits for its reply.
    pub(crate) fn reply(mut self) -> io::Result<Reply> {
        let (mut bytes, mut read) = (Vec::new(), vec![0; READ]);
        loop {
            let more = self.0.read(&mut read)?;
            bytes.extend_from_slice(&read[..more]);
            let has_ended = more == 0 || bytes.len() >= MAX_REPLY;
            if let Some(reply) = parse(&bytes, has_ended)? {
                return Ok(reply);
            }
        }
    }
}

/// The reply, if it is complete.
fn parse(bytes: &[u8], has_ended: bool) -> io::Result<Option<Reply>> {
    let read = |reply: &load::http::Reply<'_>| Reply {
        status: reply.status,
        body: String::from_utf8_lossy(reply.body).into_owned(),
    };
    match decode(bytes, false, has_ended, &mut Vec::new(), read) {
        Ok(Decoded::Whole { value, .. }) => Ok(Some(value)),
        Ok(Decoded::Partial) if has_ended => {
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the reply is cut off"))
        }
        Ok(Decoded::Partial) => Ok(None),
        Err(malformed) => Err(io::Error::new(io::ErrorKind::InvalidData, malformed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_a_status_and_a_body() {
        for reply in [
            "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "HTTP/1.0 200 OK\r\n\r\nok",
        ] {
            let reply = parse(reply.as_bytes(), true).unwrap().unwrap();
            assert_eq!((reply.status, reply.body.as_str()), (200, "ok"));
        }
        for has_ended in [false, true] {
            let other = parse(b"SSH-2.0-OpenSSH\r\n\r\n", has_ended);
            assert_eq!(other.unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }

    #[test]
    fn a_reply_that_says_how_long_it_is_is_whole_before_its_connection_ends() {
        let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        assert_eq!(parse(reply, false).unwrap().unwrap().body, "ok");
        assert_eq!(parse(&reply[..reply.len() - 1], false).unwrap(), None);
        // Without keep-alive or a length, only the end of the connection completes the reply.
        let endless = b"HTTP/1.0 200 OK\r\n\r\nok";
        assert_eq!(parse(endless, false).unwrap(), None);
        assert_eq!(parse(endless, true).unwrap().unwrap().body, "ok");
    }

    #[test]
    fn a_reply_that_is_cut_off_is_none() {
        let cut = parse(b"HTTP/1.0 200 OK\r\ncontent-length: 20\r\n\r\nok", true);
        assert_eq!(cut.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(parse(b"", true).is_err());
    }
}
