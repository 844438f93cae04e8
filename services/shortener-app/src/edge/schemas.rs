//! The OpenAPI schemas of the public API's values; each bound and pattern is the constant that the parser
//! checks.

use runtime::edge::{moment, or_null, text_of};
use serde_json::json;
use shortener::{Code, RequestKey, Target};

/// Years from 2026 on, when this was written.
const NOT_LONG_PAST: &str = "^(?:202[6-9]|20[3-9][0-9]|2[1-9][0-9]{2}|[3-9][0-9]{3})-";

runtime::schemas! {
    /// Where the link shall lead: an absolute `http` or `https` URL with a host, no user name or password,
    /// percent-encoded where it has to be. It is kept in the normal form of WHATWG URL.
    TargetAsked = text_of(1..=Target::MAX_BYTES, Target::PATTERN).examples([json!("https://example.com/")]);
    /// Where it leads, in the normal form of WHATWG URL.
    TargetShown = text_of(1..=Target::MAX_BYTES + "/".len(), Target::PATTERN).examples([json!("https://example.com/")]);
    /// The link's code: the path of the short link.
    CodeShown = text_of(1..=Code::MAX_LENGTH, Code::PATTERN).examples([json!("hello")]);
    /// The code that you wish for; without it one is made.
    Alias = or_null(text_of(1..=Code::MAX_LENGTH, &Code::free_pattern()).examples([json!("hello")]));
    /// The path of the short link.
    LinkPath = text_of(1..=Code::MAX_LENGTH + 1, &format!("^/{}", &Code::PATTERN[1..])).examples([json!("/hello")]);
    /// Makes the request idempotent: the same key with the same target, alias and expiry again returns the same link, and
    /// with any other is refused.
    Key = text_of(1..=RequestKey::MAX_CHARS, RequestKey::PATTERN);
    /// When it was made, RFC 3339 in UTC.
    CreatedAt = moment().examples([json!("2026-01-31T12:00:00.125Z")]);
    /// From when on it leads nowhere, RFC 3339 in UTC; null: never.
    ExpiresAt = or_null(moment().examples([json!("2999-12-31T23:59:59Z")]));
    /// From when on the link shall lead nowhere: RFC 3339, in the future, at most 9999-12-31T23:59:59.999Z; kept in
    /// milliseconds. Without it, never.
    ExpiresAtAsked = or_null(moment().examples([json!("2999-12-31T23:59:59Z")]).pattern(Some(NOT_LONG_PAST)));
}
