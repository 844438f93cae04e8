//! The time until a caller's deadline, in the header of each transport.

use std::time::Duration;

use axum::http::HeaderMap;
use remote::{GRPC_TIMEOUT, TIMEOUT_MS, is_grpc};

/// The time until the caller's deadline: `grpc-timeout` of gRPC, `x-timeout-ms` of HTTP/JSON.
///
/// `None` if the header is absent or malformed: then the server's own limit applies, as in tonic's server.
pub(super) fn time_left(headers: &HeaderMap) -> Option<Duration> {
    if is_grpc(headers) {
        return parse_grpc_timeout(headers.get(GRPC_TIMEOUT)?.as_bytes());
    }
    number(headers.get(TIMEOUT_MS)?.as_bytes()).map(Duration::from_millis)
}

/// `TimeoutValue TimeoutUnit`: 1 to 8 digits and a letter,
/// <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests>.
fn parse_grpc_timeout(text: &[u8]) -> Option<Duration> {
    let (unit, value) = text.split_last().filter(|(_, value)| value.len() <= 8)?;
    let value = number(value)?;
    Some(match unit {
        b'H' => Duration::from_hours(value),
        b'M' => Duration::from_mins(value),
        b'S' => Duration::from_secs(value),
        b'm' => Duration::from_millis(value),
        b'u' => Duration::from_micros(value),
        b'n' => Duration::from_nanos(value),
        _ => return None,
    })
}

/// Parses digits only; `str::parse` accepts a sign as well.
fn number(digits: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(fields: &[(&'static str, &str)]) -> Option<Duration> {
        let field = |(name, value): &(&'static str, &str)| {
            (axum::http::HeaderName::from_static(name), value.parse().expect("a value"))
        };
        time_left(&fields.iter().map(field).collect())
    }

    #[test]
    fn each_transport_says_it_in_its_own_words() {
        const GRPC: (&str, &str) = ("content-type", "application/grpc+proto");
        let hour = Duration::from_hours(1);
        for (text, time) in [
            ("2H", 2 * hour),
            ("3M", Duration::from_mins(3)),
            ("4S", Duration::from_secs(4)),
            ("5m", Duration::from_millis(5)),
            ("6u", Duration::from_micros(6)),
            ("7n", Duration::from_nanos(7)),
            ("0n", Duration::ZERO),
            ("99999999H", 99_999_999 * hour),
        ] {
            assert_eq!(left(&[GRPC, ("grpc-timeout", text)]), Some(time), "{text}");
        }
        assert_eq!(left(&[("x-timeout-ms", "250")]), Some(Duration::from_millis(250)));
        assert_eq!(left(&[GRPC, ("x-timeout-ms", "250")]), None, "not the word of gRPC");
        assert_eq!(left(&[("grpc-timeout", "250m")]), None, "not the word of HTTP/JSON");
    }

    #[test]
    fn what_is_said_in_no_such_words_is_not_said() {
        for wrong in ["", "S", "1", "1s", "123456789S", "+1S", "-1S", "1 S", "1.5S", "1SS", "\u{0661}S"] {
            let said = [("content-type", "application/grpc"), ("grpc-timeout", wrong)];
            assert_eq!(left(&said), None, "`{wrong}`");
        }
        for wrong in ["", "+1", "-1", "1 ", "1.5", "1S", "18446744073709551616"] {
            assert_eq!(left(&[("x-timeout-ms", wrong)]), None, "`{wrong}`");
        }
    }
}
