//! HTTP/1.1 on bytes: requests are encoded into a reusable buffer, replies are decoded where they were read.
//!
//! No sockets here: they are in [`crate::sender`].
//! Source: RFC 9112 (message framing), RFC 9110 (which replies have no body).

mod fields;
mod reply;
mod request;

pub(crate) use self::fields::digits;
pub use self::reply::{Decoded, MAX_BODY, MAX_HEAD, MAX_HEADERS, Malformed, Reply, decode};
pub use self::request::{Method, RequestBuf};
