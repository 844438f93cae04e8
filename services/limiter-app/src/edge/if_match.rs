//! `If-Match` (RFC 9110, 13.1.1, 8.8.3) and `If-None-Match` (13.1.2).
//!
//! `If-None-Match: *` never holds, because policies always exist. A list of tags in it is refused: a
//! replacement names the versions that it may replace in `If-Match`.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use runtime::edge::Problem;
use utoipa::{IntoParams, PartialSchema as _};

use super::schemas;

/// The expected versions, as [`versions`] parses them.
#[derive(IntoParams)]
#[into_params(parameter_in = Header, names("If-Match"))]
pub(super) struct Expected(#[param(schema_with = schemas::IfMatch::schema)] pub(super) Option<Vec<u64>>);

impl<S: Sync> FromRequestParts<S> for Expected {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        versions(&parts.headers).map(Self)
    }
}

/// The versions in `If-Match`, of which one must be the current one; `None` if any may be, because the field
/// is absent or `*`.
///
/// A list may be spread over several lines. Tags are compared strongly: a weak one (`W/"3"`) and an unknown
/// one match no version.
fn versions(headers: &HeaderMap) -> Result<Option<Vec<u64>>, Problem> {
    if_none_match(headers)?;
    let lines: Vec<_> = headers.get_all(header::IF_MATCH).iter().collect();
    if lines.is_empty() || matches!(lines[..], [line] if line.as_bytes().trim_ascii() == b"*") {
        return Ok(None);
    }
    let mut versions = Vec::new();
    for line in lines {
        tags(line.as_bytes(), &mut versions).ok_or_else(|| {
            let detail =
                "`If-Match` is `*`, or a list of what a GET gave in `ETag`, such as `\"3\"`".to_owned();
            Problem::malformed(detail)
        })?;
    }
    Ok(Some(versions))
}

/// Refuses every `If-None-Match`.
fn if_none_match(headers: &HeaderMap) -> Result<(), Problem> {
    let lines: Vec<_> = headers.get_all(header::IF_NONE_MATCH).iter().collect();
    match lines[..] {
        [] => Ok(()),
        [line] if line.as_bytes().trim_ascii() == b"*" => {
            let detail = "`If-None-Match: *` never holds, because policies always exist: name the version to replace \
                          in `If-Match`";
            let status = StatusCode::PRECONDITION_FAILED;
            Err(Problem::new(status, "policies-changed", "Policies changed", detail.to_owned()))
        }
        _ => {
            let detail = "`If-None-Match` is `*` or absent here: name the versions to replace in `If-Match`";
            Err(Problem::malformed(detail.to_owned()))
        }
    }
}

/// Parses a list of tags: `#entity-tag`, with empty elements allowed (5.6.1).
fn tags(mut rest: &[u8], versions: &mut Vec<u64>) -> Option<()> {
    loop {
        rest = rest.trim_ascii_start();
        if let Some(after) = rest.strip_prefix(b",") {
            rest = after;
            continue;
        }
        if rest.is_empty() {
            return Some(());
        }
        let weak = rest.strip_prefix(b"W/");
        let opaque = weak.unwrap_or(rest).strip_prefix(b"\"")?;
        let end = opaque.iter().position(|byte| *byte == b'"')?;
        let (tag, after) = (&opaque[..end], opaque[end + 1..].trim_ascii_start());
        let is_etagc = |byte: &u8| matches!(byte, 0x21 | 0x23..=0x7e | 0x80..);
        // A comma or the end follows a tag.
        if !tag.iter().all(is_etagc) || !matches!(after.first(), None | Some(b',')) {
            return None;
        }
        versions.extend(version(tag).filter(|_| weak.is_none()));
        rest = after;
    }
}

/// The version of a tag.
fn version(tag: &[u8]) -> Option<u64> {
    let text = str::from_utf8(tag).ok()?;
    text.parse().ok().filter(|version: &u64| version.to_string() == text)
}

#[cfg(test)]
mod tests {
    use axum::{http::HeaderValue, response::IntoResponse as _};
    use limiter::MAX_EXPECTED;

    use super::*;

    fn read(lines: &[&[u8]]) -> Result<Option<Vec<u64>>, ()> {
        let value = |line: &&[u8]| (header::IF_MATCH, HeaderValue::from_bytes(line).expect("a value"));
        versions(&lines.iter().map(value).collect()).map_err(|_| ())
    }

    #[test]
    fn policies_always_exist_and_a_list_of_versions_is_for_if_match() {
        for (lines, status) in [
            (&["*"][..], 412),
            (&[" * "], 412),
            (&["\"3\""], 400),
            (&["W/\"3\", \"4\""], 400),
            (&["3"], 400),
            (&[""], 400),
            (&["*", "*"], 400),
        ] {
            let field = |line: &&'static str| (header::IF_NONE_MATCH, HeaderValue::from_static(line));
            let refused =
                versions(&lines.iter().map(field).collect()).map_err(|it| it.into_response().status());
            assert_eq!(refused, Err(StatusCode::from_u16(status).expect("a status")), "{lines:?}");
        }
    }

    #[test]
    fn the_pattern_is_what_is_taken() {
        let pattern = regex::Regex::new(&schemas::if_match_pattern()).expect("a pattern");
        for line in [
            "*",
            " * ",
            "\"3\"",
            "\"3\", \"4\"",
            " ,\"3\" ,, \"4\", ",
            "W/\"3\"",
            "\"x\", \"\"",
            "",
            "3",
            "\"3",
            "3\"",
            "\"3\" \"4\"",
            "\"3\"4",
            "w/\"3\"",
            "W/3",
            "*, \"3\"",
            "\"a b\"",
            "'3'",
        ] {
            assert_eq!(pattern.is_match(line), read(&[line.as_bytes()]).is_ok(), "{line}");
        }
        for tags in [MAX_EXPECTED, MAX_EXPECTED + 1] {
            assert_eq!(pattern.is_match(&vec!["\"1\""; tags].join(",")), tags <= MAX_EXPECTED, "{tags}");
        }
    }

    #[test]
    fn a_list_names_versions_and_a_weak_tag_none() {
        for (lines, expected) in [
            (&[][..], None),
            (&[&b"*"[..]][..], None),
            (&[b" * "], None),
            (&[b"\"3\""], Some(vec![3])),
            (&[b"\"3\", \"4\""], Some(vec![3, 4])),
            (&[b" ,\"3\" ,, \"4\", "], Some(vec![3, 4])),
            (&[b"\"3\"", b"\"4\",\"5\""], Some(vec![3, 4, 5])),
            (&[b"W/\"3\""], Some(vec![])),
            (&[b"W/\"3\", \"4\""], Some(vec![4])),
            (&[b"\"x\", \"03\", \"+3\", \"\", \"a,b\", \"\xe9\""], Some(vec![])),
            (&[b""], Some(vec![])),
        ] {
            assert_eq!(read(lines), Ok(expected), "{lines:?}");
        }
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        for line in
            ["3", "\"3", "3\"", "\"3\" \"4\"", "\"3\"4", "w/\"3\"", "W/3", "*, \"3\"", "\"a b\"", "'3'"]
        {
            assert_eq!(read(&[line.as_bytes()]), Err(()), "{line}");
        }
        assert_eq!(read(&[b"*", b"*"]), Err(()));
    }
}
