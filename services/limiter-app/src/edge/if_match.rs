//! `If-Match`, as RFC 9110 (13.1.1, 8.8.3) has it, and why no `If-None-Match` can hold.

use axum::http::{HeaderMap, StatusCode, header};
use runtime::edge::Problem;

/// The versions that `If-Match` names, of which one has to be in force; `None` where any may be: it is absent, or `*`.
///
/// A list may come in several lines. Tags are compared strongly, so that a weak one (`W/"3"`) names no version, and neither
/// does one that was never given.
pub(super) fn versions(headers: &HeaderMap) -> Result<Option<Vec<u64>>, Problem> {
    if headers.contains_key(header::IF_NONE_MATCH) {
        // There always are policies, so `*` never holds (13.1.2); who names versions means `If-Match`.
        let detail = "policies are always there: name the version to replace in `If-Match`".to_owned();
        let status = StatusCode::PRECONDITION_FAILED;
        return Err(Problem::new(status, "policies-changed", "Policies changed", detail));
    }
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

/// Reads a list of tags: `#entity-tag`, where elements may be empty (5.6.1).
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
        // After a tag comes a comma, or nothing.
        if !tag.iter().all(is_etagc) || !matches!(after.first(), None | Some(b',')) {
            return None;
        }
        versions.extend(version(tag).filter(|_| weak.is_none()));
        rest = after;
    }
}

/// The version that a tag was given for.
fn version(tag: &[u8]) -> Option<u64> {
    let text = str::from_utf8(tag).ok()?;
    text.parse().ok().filter(|version: &u64| version.to_string() == text)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(lines: &[&[u8]]) -> Result<Option<Vec<u64>>, ()> {
        let value = |line: &&[u8]| (header::IF_MATCH, HeaderValue::from_bytes(line).expect("a value"));
        versions(&lines.iter().map(value).collect()).map_err(|_| ())
    }

    #[test]
    fn policies_that_are_not_to_be_there_always_are() {
        for value in ["*", "\"3\""] {
            let fields = [(header::IF_NONE_MATCH, HeaderValue::from_static(value))].into_iter().collect();
            assert!(versions(&fields).is_err(), "{value}");
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
