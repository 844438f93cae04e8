//! The values of a load's flags.

use std::time::Duration;

use anyhow::Result;
use scenario::{ArrivalKind, diagnostic::Diagnostic};

/// The highest rate, in operations a second; more needs another kind of generator.
const MAX_RATE: f64 = 1_000_000.0;

/// Operations a second.
pub(super) fn rate(text: &str) -> Result<f64, Diagnostic> {
    text.parse().ok().filter(|rate| *rate > 0.0 && *rate <= MAX_RATE).ok_or_else(|| {
        Diagnostic::new(format!("expected operations a second, more than 0 and at most {MAX_RATE}"))
    })
}

/// The names of a scenario file.
pub(super) fn arrivals(text: &str) -> Result<ArrivalKind, Diagnostic> {
    match text {
        "poisson" => Ok(ArrivalKind::Poisson),
        "constant" => Ok(ArrivalKind::Constant),
        _ => Err(Diagnostic::new("expected `poisson` (independent users) or `constant` (a metronome)")),
    }
}

/// `deletes=20`.
pub(in crate::commands) fn option(text: &str) -> Result<(String, String), Diagnostic> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    parts
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| Diagnostic::new("expected `name=value`, such as `deletes=20`"))
}

/// `/orders=http://127.0.0.1:8081`.
pub(super) fn also(text: &str) -> Result<(String, String), Diagnostic> {
    let parts = text.split_once('=').filter(|(prefix, _)| prefix.starts_with('/'));
    parts.map(|(prefix, url)| (prefix.to_owned(), url.to_owned())).ok_or_else(|| {
        Diagnostic::new("expected the beginning of a path and a URL, such as `/orders=http://127.0.0.1:8081`")
    })
}

/// The longest path; servers refuse much longer request lines.
const MAX_PATH: usize = 8_000;

/// A path for a request line (RFC 9112, 3.2.1): a blank or a line break would end it.
pub(super) fn path(text: &str) -> Result<String, Diagnostic> {
    let wrong = |what: &str, hint: &str| Err(Diagnostic::new(what).hint(hint));
    if !text.starts_with('/') {
        return wrong("a path begins with `/`", "such as `/` or `/a?b=c`; the host stands in `--url`");
    }
    if text.contains('#') {
        return wrong("a fragment, from `#` on, is never sent", "leave it out, or write `#` as `%23`");
    }
    if let Some(found) = text.chars().find(|c| !c.is_ascii_graphic()) {
        let what = format!("{found:?} cannot stand in a path");
        return wrong(&what, "write its bytes in hexadecimal: a blank is `%20`, `é` is `%C3%A9`");
    }
    if text.len() > MAX_PATH {
        return wrong(&format!("a path of more than {MAX_PATH} bytes"), "servers refuse such a request line");
    }
    Ok(text.to_owned())
}

/// `500ms`, `20s`, `2m`, `1h`.
pub(in crate::commands) fn duration(text: &str) -> Result<Duration, Diagnostic> {
    let expected =
        || Diagnostic::new("expected a time such as `500ms`, `20s` or `2m`, more than 0 and at most `24h`");
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(expected)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| expected())?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(expected()),
    };
    number
        .checked_mul(milliseconds)
        .filter(|&all| all > 0 && all <= 24 * 3_600_000)
        .map(Duration::from_millis)
        .ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_numbers_with_a_unit() {
        assert_eq!(duration("500ms").unwrap(), Duration::from_millis(500));
        assert_eq!(duration("2m").unwrap(), Duration::from_mins(2));
        for wrong in ["", "20", "s", "0s", "25h", "-1s", "1.5s", "99999999999999999999s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_further_address_is_the_beginning_of_a_path_and_a_url() {
        let right = ("/a/{b}".to_owned(), "http://127.0.0.1:1".to_owned());
        assert_eq!(also("/a/{b}=http://127.0.0.1:1").unwrap(), right);
        for wrong in ["", "/a", "http://127.0.0.1:1", "=http://127.0.0.1:1", "a=http://127.0.0.1:1"] {
            assert!(also(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_path_is_what_a_request_line_takes() {
        for right in ["/", "/a/b?c=d&e=%20", "/%C3%A9", "/[x]|\"{}\\^`"] {
            assert_eq!(path(right).unwrap(), right);
        }
        let long = format!("/{}", "a".repeat(MAX_PATH));
        for wrong in [
            "",
            "a",
            "http://h/",
            "/a b",
            "/a\tb",
            "/a\r\nX: y",
            "/\n",
            "/a\0",
            "/é",
            "/a#b",
            "/\u{7f}",
            &long,
        ] {
            let told = path(wrong).unwrap_err().to_string();
            assert!(told.contains("\nhint: "), "{wrong}: {told}");
        }
    }

    #[test]
    fn a_rate_is_positive_and_bounded() {
        assert!(rate("0.5").is_ok());
        for wrong in ["0", "-3", "NaN", "inf", "1e9", "many"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
