//! The requests and replies of the shortener's public API.

use std::fmt::{self, Display};

use serde::Deserialize;

use crate::http::{Method, Reply, RequestBuf};

/// The target of a numbered link. Every link has a different one, so a wrong redirect shows at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinkTarget {
    pub(super) seed: u64,
    pub(super) number: u64,
}

impl Display for LinkTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://example.com/{:x}/{}", self.seed, self.number)
    }
}

impl LinkTarget {
    /// Whether `text` is this target; `scratch` is a buffer.
    pub(super) fn is(self, text: &str, scratch: &mut String) -> bool {
        use fmt::Write;
        scratch.clear();
        write!(scratch, "{self}").is_ok() && scratch == text
    }
}

/// `GET /links/{code}`, and the same part of `POST /links`.
#[derive(Debug, Deserialize)]
pub(super) struct LinkView {
    pub(super) target: String,
    #[serde(default)]
    pub(super) created_at: String,
    #[serde(default)]
    pub(super) clicks: u64,
}

/// Creates a numbered link. Its key depends on seed and number only, so the same call is the same request.
pub(super) fn create(target: LinkTarget, request: &mut RequestBuf) {
    let key = format!("{:x}-{:x}", target.seed, target.number);
    let body = format!(r#"{{"target":"{target}"}}"#);
    request.write_json(Method::Post, "/links", Some(("Idempotency-Key", &key)), &body);
}

/// Creates a link with a key of this run only, because a link of an earlier run with the same seed may have
/// ended; with an optional expiry (RFC 3339).
pub(super) fn create_once(target: LinkTarget, run: u64, ends: Option<&str>, request: &mut RequestBuf) {
    let key = format!("{run:x}-{:x}", target.number);
    let ends = ends.map(|ends| format!(r#","expires_at":"{ends}""#)).unwrap_or_default();
    let body = format!(r#"{{"target":"{target}"{ends}}}"#);
    request.write_json(Method::Post, "/links", Some(("Idempotency-Key", &key)), &body);
}

/// Creates a link with a chosen code, with a key of this run only.
pub(super) fn create_as(code: &str, target: LinkTarget, request: &mut RequestBuf) {
    let key = format!("{code}-{:x}", target.number);
    let body = format!(r#"{{"target":"{target}","alias":"{code}"}}"#);
    request.write_json(Method::Post, "/links", Some(("Idempotency-Key", &key)), &body);
}

/// Follows a link.
pub(super) fn follow(code: &str, request: &mut RequestBuf) {
    request.write(Method::Get, format_args!("/{code}"));
}

/// Reads a link like a follow, without following it: a `HEAD` request counts no click.
pub(super) fn read(code: &str, request: &mut RequestBuf) {
    request.write(Method::Head, format_args!("/{code}"));
}

/// Deletes a link.
pub(super) fn delete(code: &str, request: &mut RequestBuf) {
    request.write(Method::Delete, format_args!("/links/{code}"));
}

/// Looks a link up without following it.
pub(super) fn look_up(code: &str, request: &mut RequestBuf) {
    request.write(Method::Get, format_args!("/links/{code}"));
}

/// Requests the number of follows that are acknowledged and not counted yet.
pub(super) fn pending(request: &mut RequestBuf) {
    request.write(Method::Get, "/clicks/pending");
}

/// `GET /clicks/pending`.
#[derive(Debug, Deserialize)]
pub(super) struct PendingView {
    pub(super) pending: u64,
}

/// The code of a link, if the reply is a 201.
pub(super) fn created<'a>(reply: &'a Reply<'_>) -> Option<&'a str> {
    if reply.status == 201 { created_code(reply) } else { None }
}

/// The code in the `Location` of a created link.
pub(super) fn created_code<'a>(reply: &'a Reply<'_>) -> Option<&'a str> {
    let code = reply.location()?.rsplit('/').next()?;
    (!code.is_empty()).then_some(code)
}

/// The link in a reply's body.
pub(super) fn view(reply: &Reply<'_>) -> Option<LinkView> {
    serde_json::from_slice(reply.body).ok()
}
