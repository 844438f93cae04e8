//! HTTP/1.1 on bytes: encodes requests into a reusable buffer, and decodes replies in the read buffer; and gRPC calls over
//! HTTP/2.
//!
//! `routes` says which of several servers a request goes to. No sockets here: they are in [`crate::sender`].
//! Source: RFC 9112 (message framing), RFC 9110 (which replies have no body); `http2`, `hpack` and `huffman` name theirs.

mod fields;
mod hpack;
mod http2;
mod huffman;
mod reply;
mod request;
mod routes;

pub(crate) use self::{fields::digits, http2::Session};
pub use self::{
    http2::DETAILS,
    reply::{Decoded, MAX_BODY, MAX_HEAD, MAX_HEADERS, Malformed, Reply, decode},
    request::{Method, RequestBuf},
    routes::{PathPrefix, PrefixError, Routes, Server},
};
