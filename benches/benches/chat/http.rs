//! A client for what the bench asks of a server beside its sockets: one connection, one request at a time.

use std::{
    io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};

/// The time limit of each read and write.
const WITHIN: Duration = Duration::from_secs(10);
/// The largest body of a reply, bytes.
const MAX_BODY: usize = 1 << 20;

/// A request with a JSON body.
pub(crate) struct Post {
    /// Its path.
    pub(crate) path: String,
    /// The token of its sender, if the server wants one.
    pub(crate) token: Option<String>,
    /// Its body.
    pub(crate) body: String,
}

/// A connection that is kept alive, and opened again if the server has closed it.
pub(crate) struct Http {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

impl Http {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None }
    }

    /// Sends a request; returns the body of a reply of the class 2xx.
    pub(crate) fn post(&mut self, post: &Post) -> Result<String> {
        let token = post.token.as_ref().map(|token| format!("authorization: Bearer {token}\r\n"));
        let request = format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n{}content-length: {}\r\n\r\n{}",
            post.path,
            self.address,
            token.unwrap_or_default(),
            post.body.len(),
            post.body
        );
        let is_kept = self.stream.is_some();
        let reply = match self.ask(&request) {
            Err(error) if is_kept && error.downcast_ref().is_some_and(is_closed) => self.ask(&request),
            reply => reply,
        };
        let (status, body) = reply.with_context(|| format!("POST {}", post.path))?;
        ensure!((200..300).contains(&status), "POST {} is answered with {status}: {body}", post.path);
        Ok(body)
    }

    fn ask(&mut self, request: &str) -> Result<(u16, String)> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => BufReader::new(connect(self.address)?),
        };
        stream.get_mut().write_all(request.as_bytes())?;
        let (mut line, mut status, mut length, mut is_last) = (String::new(), None, 0, false);
        loop {
            line.clear();
            if stream.read_line(&mut line)? == 0 {
                return Err(std::io::Error::from(ErrorKind::UnexpectedEof).into());
            }
            let text = line.trim_end().to_ascii_lowercase();
            match (status, text.split_once(": ")) {
                (None, _) => status = Some(status_of(&text)?),
                (_, Some(("content-length", value))) => length = value.parse()?,
                (_, Some(("connection", "close"))) => is_last = true,
                (_, Some(("transfer-encoding", _))) => bail!("the reply has no length"),
                _ => {}
            }
            if text.is_empty() {
                break;
            }
        }
        ensure!(length <= MAX_BODY, "a reply of {length} bytes");
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        self.stream = (!is_last).then_some(stream);
        Ok((status.context("a status")?, String::from_utf8(body)?))
    }
}

/// A connection with time limits.
pub(crate) fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, WITHIN)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(WITHIN))?;
    stream.set_write_timeout(Some(WITHIN))?;
    Ok(stream)
}

fn is_closed(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
    )
}

fn status_of(line: &str) -> Result<u16> {
    let status = line.strip_prefix("http/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    status.with_context(|| format!("`{line}` is no reply"))
}
