//! Header fields: single values, and lists that may be spread over several lines (RFC 9110, 5.3 and 5.6.1).

use std::borrow::Cow;

use httparse::Header;

use super::Malformed;

/// The value of the field `name` (case-insensitive); `None` if it is absent or not text. Equal lines count as
/// one; different lines count as absent, because no reader could choose between them.
pub(super) fn one<'a>(headers: &'a [Header<'_>], name: &str) -> Option<&'a str> {
    let mut lines = lines(headers, name);
    let first = lines.next()?;
    if lines.all(|line| line == first) { std::str::from_utf8(first).ok() } else { None }
}

/// The value of a list field: its lines joined by commas; `None` if they are not text.
pub(super) fn list<'a>(headers: &'a [Header<'_>], name: &str) -> Option<Cow<'a, str>> {
    let mut lines = lines(headers, name).map(std::str::from_utf8);
    let mut joined = Cow::Borrowed(lines.next()?.ok()?);
    for line in lines {
        let joined = joined.to_mut();
        joined.push_str(", ");
        joined.push_str(line.ok()?);
    }
    Some(joined)
}

/// Whether a list contains `element`, case-insensitively.
pub(super) fn lists(headers: &[Header<'_>], name: &str, element: &str) -> bool {
    elements(headers, name).any(|found| found.eq_ignore_ascii_case(element.as_bytes()))
}

/// The elements of a list; empty ones are skipped.
pub(super) fn elements<'a>(headers: &'a [Header<'_>], name: &str) -> impl Iterator<Item = &'a [u8]> {
    let split = |line: &'a [u8]| line.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    lines(headers, name).flat_map(split).filter(|element| !element.is_empty())
}

/// The `Content-Length`; `None` if it is absent. It consists of digits, and may be repeated with the same
/// value (RFC 9110, 8.6). A number that overflows saturates.
pub(super) fn content_length(headers: &[Header<'_>]) -> Result<Option<usize>, Malformed> {
    let mut length = None;
    for line in lines(headers, "content-length") {
        for element in line.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            let said = digits(element).ok_or(Malformed::Syntax)?;
            let said = usize::try_from(said).unwrap_or(usize::MAX);
            if *length.get_or_insert(said) != said {
                return Err(Malformed::Syntax);
            }
        }
    }
    Ok(length)
}

/// Parses digits only; `str::parse` would accept `+5` as well. Saturates on overflow.
pub(crate) fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        Some(number.saturating_mul(10).saturating_add(digit))
    })
}

fn lines<'a>(headers: &'a [Header<'_>], name: &str) -> impl Iterator<Item = &'a [u8]> {
    let called = move |header: &&Header<'_>| header.name.eq_ignore_ascii_case(name);
    headers.iter().filter(called).map(|header| header.value.trim_ascii())
}
