//! HTTP/1.1 on bytes: encodes requests into a reusable buffer, and decodes replies in the read buffer.
//!
//! No sockets here: they are in [`crate::sender`].
//! Source: RFC 9112 (message framing), RFC 9110 (which replies have no body).

mod fields;
mod reply;
mod request;

pub(crate) use self::fields::digits;
pub use self::{
    reply::{Decoded, MAX_BODY, MAX_HEAD, MAX_HEADERS, Malformed, Reply, decode},
    request::{Method, RequestBuf},
};
