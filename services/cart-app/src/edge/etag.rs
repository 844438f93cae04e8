//! `If-Match` (RFC 9110, 13.1.1) and `ETag` (8.8.3): the version of a cart.

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use cart::Version;
use runtime::edge::{Problem, parameters::required, single};
use serde::Serialize;
use utoipa::{
    IntoParams, PartialSchema as _,
    openapi::path::{Parameter, ParameterIn},
};

use super::schemas;

/// The version that a change is based on; `None` for a tag that no cart ever has: a weak one, or no number.
///
/// 428 without it (RFC 6585, 3): a change that names no version would overwrite what another has done since.
/// For the same reason `*` is none.
/// A shortcut: of a list of tags RFC 9110 lets any match. Here a change names one.
pub(super) struct Expected(Option<Version>);

impl IntoParams for Expected {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![required("If-Match", ParameterIn::Header, schemas::IfMatch::schema()).build()]
    }
}

impl<S: Sync> FromRequestParts<S> for Expected {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        expected(&parts.headers).map(Self)
    }
}

impl Expected {
    /// The version, or 412: tags are compared strongly, so that a weak one and an unknown one match no cart.
    pub(super) fn version(self) -> Result<Version, Problem> {
        self.0.ok_or_else(|| stale("the tag in `If-Match` is no version of a cart".to_owned()))
    }
}

/// 412: the cart is another one than the change is based on.
pub(super) fn stale(detail: String) -> Problem {
    Problem::new(StatusCode::PRECONDITION_FAILED, "cart-changed", "Cart changed", detail)
}

fn expected(headers: &HeaderMap) -> Result<Option<Version>, Problem> {
    let value = single(headers, &header::IF_MATCH)?.map(|value| value.as_bytes().trim_ascii());
    let missing = |why: &str| {
        let detail = format!("{why}: send the `ETag` of the cart as `If-Match`");
        Problem::new(StatusCode::PRECONDITION_REQUIRED, "version-required", "Version required", detail)
    };
    let tag = match value {
        None => return Err(missing("a change names the version that it is based on")),
        Some(b"*") => return Err(missing("`*` would overwrite what another has changed")),
        Some(tag) => tag,
    };
    let weak = tag.strip_prefix(b"W/");
    let opaque = opaque(weak.unwrap_or(tag)).ok_or_else(|| {
        Problem::malformed("`If-Match` is one tag here, what a reply gave in `ETag`: `\"3\"`".to_owned())
    })?;
    Ok(version(opaque).filter(|_| weak.is_none()))
}

/// What stands between the quotes of an entity tag.
fn opaque(tag: &[u8]) -> Option<&[u8]> {
    let opaque = tag.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let is_etagc = |byte: &u8| matches!(byte, 0x21 | 0x23..=0x7e | 0x80..);
    opaque.iter().all(is_etagc).then_some(opaque)
}

/// The version of an opaque tag.
fn version(opaque: &[u8]) -> Option<Version> {
    let text = str::from_utf8(opaque).ok()?;
    text.parse().ok().filter(|number: &u64| number.to_string() == text).map(Version)
}

/// A reply with the version of what it shows.
pub(super) fn tagged(version: Version, shown: impl Serialize) -> Response {
    let mut response = Json(shown).into_response();
    if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", version.0)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&[u8]]) -> Result<Option<u64>, StatusCode> {
        let value = |line: &&[u8]| (header::IF_MATCH, HeaderValue::from_bytes(line).expect("a value"));
        let read = expected(&lines.iter().map(value).collect());
        read.map(|version| version.map(|version| version.0)).map_err(|it| it.into_response().status())
    }

    #[test]
    fn a_change_names_one_version() {
        for (lines, expected) in [
            (&[&b"\"3\""[..]][..], Ok(Some(3))),
            (&[b" \"0\" "], Ok(Some(0))),
            (&[b"W/\"3\""], Ok(None)),
            (&[b"\"03\""], Ok(None)),
            (&[b"\"x\""], Ok(None)),
            (&[b"\"\""], Ok(None)),
            (&[b"\"\xe9\""], Ok(None)),
            (&[], Err(StatusCode::PRECONDITION_REQUIRED)),
            (&[b"*"], Err(StatusCode::PRECONDITION_REQUIRED)),
            (&[b""], Err(StatusCode::BAD_REQUEST)),
            (&[b"3"], Err(StatusCode::BAD_REQUEST)),
            (&[b"\"3"], Err(StatusCode::BAD_REQUEST)),
            (&[b"\""], Err(StatusCode::BAD_REQUEST)),
            (&[b"w/\"3\""], Err(StatusCode::BAD_REQUEST)),
            (&[b"\"3\", \"4\""], Err(StatusCode::BAD_REQUEST)),
            (&[b"\"3\"", b"\"3\""], Err(StatusCode::BAD_REQUEST)),
        ] {
            assert_eq!(read(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn the_pattern_is_what_is_taken() {
        let pattern = regex::Regex::new(schemas::IF_MATCH_PATTERN).expect("a pattern");
        for line in
            ["\"3\"", "W/\"3\"", "\"x\"", "\"\"", "*", "", "3", "\"3", "\"3\", \"4\"", "\"a b\"", "'3'"]
        {
            assert_eq!(pattern.is_match(line), read(&[line.as_bytes()]).is_ok(), "{line}");
        }
    }
}
