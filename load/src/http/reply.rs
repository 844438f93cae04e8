//! Decodes replies.

use std::{borrow::Cow, mem::MaybeUninit};

use httparse::{Error, Header, ParserConfig, Response, Status};

use super::fields;

/// The largest head of a reply, in bytes.
pub const MAX_HEAD: usize = 64 * 1024;
/// The largest body of a reply, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;
/// The most interim replies before a final one.
const MAX_INTERIM: usize = 8;
/// The most header lines in a reply.
pub const MAX_HEADERS: usize = 512;

/// A complete reply.
#[derive(Debug)]
pub struct Reply<'a> {
    /// The status code.
    pub status: u16,
    /// The headers, in order.
    pub headers: &'a [Header<'a>],
    /// The body, without its framing.
    pub body: &'a [u8],
}

impl Reply<'_> {
    /// The value of the header `name` (case-insensitive) if it is text; `None` if several lines differ.
    pub fn header(&self, name: &str) -> Option<&str> {
        fields::one(self.headers, name)
    }

    /// The value of a list header, which may be spread over several lines.
    pub fn list(&self, name: &str) -> Option<Cow<'_, str>> {
        fields::list(self.headers, name)
    }

    /// The `Location` header.
    pub fn location(&self) -> Option<&str> {
        self.header("location")
    }
}

/// The result of decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded<T> {
    /// The reply is incomplete.
    Partial,
    /// A complete reply, already passed to the caller's function.
    Whole {
        /// The reply's length in bytes.
        consumed: usize,
        /// Whether the connection can carry another request.
        keep_alive: bool,
        /// The function's result.
        value: T,
    },
}

/// The reasons why bytes are not an acceptable reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not HTTP/1.1 by RFC 9112.
    #[error("the reply is not well-formed HTTP/1.1")]
    Syntax,
    /// A head over [`MAX_HEAD`] or [`MAX_HEADERS`], or a body over [`MAX_BODY`].
    #[error(
        "the reply is larger than {MAX_HEAD} bytes or {MAX_HEADERS} lines of head or {MAX_BODY} bytes of body"
    )]
    TooLarge,
}

/// Decodes one reply from the start of `bytes` and passes it to `read`.
///
/// `to_head`: the request was `HEAD`. `ended`: the peer has closed its side. `scratch` is the buffer for a
/// chunked body.
pub fn decode<T>(
    bytes: &[u8],
    to_head: bool,
    ended: bool,
    scratch: &mut Vec<u8>,
    read: impl FnOnce(&Reply<'_>) -> T,
) -> Result<Decoded<T>, Malformed> {
    let mut start = 0;
    for _ in 0..=MAX_INTERIM {
        let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
        let mut head = Response::new(&mut []);
        let parsed = ParserConfig::default().parse_response_with_uninit_headers(
            &mut head,
            &bytes[start..],
            &mut headers,
        );
        let refused =
            |error| if error == Error::TooManyHeaders { Malformed::TooLarge } else { Malformed::Syntax };
        let Status::Complete(length) = parsed.map_err(refused)? else {
            let too_large = bytes.len() - start > MAX_HEAD;
            return if too_large { Err(Malformed::TooLarge) } else { Ok(Decoded::Partial) };
        };
        if length > MAX_HEAD {
            return Err(Malformed::TooLarge);
        }
        start += length;
        let status = head.code.ok_or(Malformed::Syntax)?;
        if (100..200).contains(&status) {
            // An interim reply (RFC 9110, 15.2); the final one follows.
            continue;
        }
        let framing = framing(status, to_head, head.headers)?;
        let Some((body, taken)) = body(framing, &bytes[start..], ended, scratch)? else {
            return Ok(Decoded::Partial);
        };
        let closes = fields::lists(head.headers, "connection", "close");
        // Two framings are an error or an attack (request smuggling); the reader must not go on (RFC 9112,
        // 6.3).
        let twofold =
            framing == Framing::Chunked && fields::elements(head.headers, "content-length").count() > 0;
        let keep_alive = head.version == Some(1) && !closes && !twofold && framing != Framing::UntilClosed;
        let value = read(&Reply { status, headers: head.headers, body });
        return Ok(Decoded::Whole { consumed: start + taken, keep_alive, value });
    }
    Err(Malformed::Syntax)
}

/// How the end of a body is found (RFC 9112, 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    UntilClosed,
}

fn framing(status: u16, to_head: bool, headers: &[Header<'_>]) -> Result<Framing, Malformed> {
    if to_head || status == 204 || status == 304 {
        return Ok(Framing::Length(0));
    }
    let mut codings = fields::elements(headers, "transfer-encoding");
    if let Some(coding) = codings.next() {
        // The sender accepts no other coding, and chunked twice is invalid.
        let chunked = coding.eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
        return if chunked { Ok(Framing::Chunked) } else { Err(Malformed::Syntax) };
    }
    match fields::content_length(headers)? {
        None => Ok(Framing::UntilClosed),
        Some(length) if length > MAX_BODY => Err(Malformed::TooLarge),
        Some(length) => Ok(Framing::Length(length)),
    }
}

/// The body at the start of `rest` and its length with framing; `None` if it is incomplete.
fn body<'a>(
    framing: Framing,
    rest: &'a [u8],
    ended: bool,
    scratch: &'a mut Vec<u8>,
) -> Result<Option<(&'a [u8], usize)>, Malformed> {
    match framing {
        Framing::Length(length) => Ok(rest.get(..length).map(|body| (body, length))),
        Framing::Chunked => {
            let taken = chunks(rest, scratch)?;
            Ok(taken.map(|taken| (scratch.as_slice(), taken)))
        }
        Framing::UntilClosed if rest.len() > MAX_BODY => Err(Malformed::TooLarge),
        Framing::UntilClosed => Ok(ended.then_some((rest, rest.len()))),
    }
}

/// Joins the chunks of `rest` in `joined` (RFC 9112, 7.1); skips trailers.
fn chunks(rest: &[u8], joined: &mut Vec<u8>) -> Result<Option<usize>, Malformed> {
    joined.clear();
    let mut at = 0;
    loop {
        let (start, size) = match httparse::parse_chunk_size(&rest[at..]) {
            Ok(Status::Complete(found)) => found,
            Ok(Status::Partial) => return Ok(None),
            Err(_) => return Err(Malformed::Syntax),
        };
        at += start;
        if size == 0 {
            return trailers(rest, at);
        }
        let size = usize::try_from(size).map_err(|_| Malformed::TooLarge)?;
        if size > MAX_BODY - joined.len() {
            return Err(Malformed::TooLarge);
        }
        let Some(chunk) = rest.get(at..at + size) else { return Ok(None) };
        joined.extend_from_slice(chunk);
        at += size;
        match rest.get(at..at + 2) {
            None => return Ok(None),
            Some(b"\r\n") => at += 2,
            Some(_) => return Err(Malformed::Syntax),
        }
    }
}

/// The end of the trailers that start at `at`: an empty line.
fn trailers(rest: &[u8], mut at: usize) -> Result<Option<usize>, Malformed> {
    let start = at;
    loop {
        let Some(line) = rest[at..].windows(2).position(|pair| pair == b"\r\n") else {
            return if rest.len() - start > MAX_HEAD { Err(Malformed::TooLarge) } else { Ok(None) };
        };
        at += line + 2;
        if line == 0 {
            return Ok(Some(at));
        }
    }
}
