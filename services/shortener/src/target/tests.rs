use proptest::{prelude::*, string::string_regex};

use super::*;

fn refused(text: &str) -> TargetError {
    match Target::parse(text) {
        Ok(target) => panic!("`{text}` became `{}`", target.as_str()),
        Err(error) => error,
    }
}

#[test]
fn only_the_web_is_a_target() {
    for text in
        ["javascript:alert(1)", "ftp://example.com", "file:///etc/hosts", "localhost:3000/", "mailto:a@b"]
    {
        assert_eq!(refused(text), TargetError::OtherScheme, "{text}");
    }
}

#[test]
fn a_target_is_absolute_and_has_a_host() {
    for text in [
        "",
        "example.com",
        "/relative",
        "//example.com/",
        "?q",
        "http:loop",
        "https:loop",
        "http:/x",
        "http:\\\\x",
    ] {
        assert_eq!(refused(text), TargetError::NotAUrl, "{text}");
    }
    for text in [
        "http://",
        "https://",
        "http:///x",
        "http:////x",
        "http://\\x",
        "http://?q",
        "http://#f",
        "http://:80/",
    ] {
        assert_eq!(refused(text), TargetError::OtherHost, "{text}");
    }
}

#[test]
fn a_host_is_written_in_the_one_way_in_which_everybody_reads_it() {
    for host in [
        "2130706433",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "256.0.0.1",
        "1.2.3.4.5",
        "a.0x",
        "a.1",
        "%31",
        "a%2eb",
        "a b",
        "a\\b",
        "[::1",
        "[1::2::3]",
        "[1::3:4:5:6:7:8]",
        "[::ffff:127.0.0.1]",
        "[fe80::1%25eth0]",
        "xn--a",
        "a..b",
        ".",
        "a:65536",
        "a:",
        "a:x",
        "a:-1",
        "a:80:80",
    ] {
        Target::parse(format!("http://{host}/")).expect_err(host);
    }
}

#[test]
fn credentials_are_refused_however_they_are_written() {
    for text in [
        "http://user@example.com/",
        "http://user:word@example.com/",
        "http://@example.com/",
        "http://:@example.com",
    ] {
        assert_eq!(refused(text), TargetError::WithCredentials, "{text}");
    }
    assert!(Target::parse("http://example.com/@user").is_ok());
}

#[test]
fn what_could_end_a_header_or_is_skipped_by_browsers_is_refused() {
    for text in [
        "https://example.com/\r\nSet-Cookie:x",
        "ht\ttp://example.com/",
        "http://exam\nple.com/",
        " http://example.com/",
        "http://example.com/ ",
        "http://example.com/\u{0}",
        "http://ex\u{e4}mple.com/",
        "http://example\u{3002}com/",
    ] {
        assert_eq!(refused(text), TargetError::NotAscii, "{text:?}");
    }
}

#[test]
fn a_target_is_kept_in_normal_form() {
    for (given, kept) in [
        ("https://example.com/a?b=c#d", "https://example.com/a?b=c#d"),
        ("HTTP://EXAMPLE.COM/a", "http://example.com/a"),
        ("https://example.com", "https://example.com/"),
        ("https://example.com:443/", "https://example.com/"),
        ("http://example.com:0080?q", "http://example.com/?q"),
        ("https://example.com:8443/a//b/../%2E/c%2fd?q=+#part", "https://example.com:8443/a//c%2fd?q=+#part"),
        ("https://example.com?q", "https://example.com/?q"),
        ("https://example.com#f", "https://example.com/#f"),
        (
            "https://example.com/'()*~|[]%zz?{}`^|[]\\#'#{}^\\|",
            "https://example.com/'()*~|[]%zz?{}`^|[]\\#'#{}^\\|",
        ),
        ("https://XN--MNCHEN-3YA.example./", "https://xn--mnchen-3ya.example./"),
        ("http://[2001:DB8:0:0::0001]:80/", "http://[2001:db8::1]/"),
        ("http://0.0.0.0:8080/", "http://0.0.0.0:8080/"),
    ] {
        let target = Target::parse(given).expect(given);
        assert_eq!(target.as_str(), kept);
        assert_eq!(Target::parse(kept), Ok(target.clone()), "the normal form is its own");
        assert_eq!(Target::try_from(kept.to_owned()), Ok(target), "a peer takes what it is sent");
    }
}

#[test]
fn what_was_stored_as_it_was_given_leads_where_it_led_or_nowhere() {
    let stored = |text: &str| Target::try_from(text.to_owned());
    assert_eq!(stored("HTTP://EXAMPLE.COM/a"), Target::parse("http://example.com/a"));
    assert_eq!(stored("http:loop"), Err(TargetError::NotAUrl));
}

#[test]
fn what_browsers_would_encode_or_exchange_is_refused() {
    for text in [
        "/\"", "/<", "/>", "/\\", "\\a", "/^", "/`", "/{", "/}", "?\"", "?<", "?>", "?'", "#\"", "#<", "#>",
        "#`",
    ] {
        assert_eq!(refused(&format!("https://example.com{text}")), TargetError::NotEncoded, "{text}");
    }
}

#[test]
fn a_target_is_at_most_so_long() {
    let of = |rest: String| Target::parse(format!("https://example.com{rest}"));
    let room = Target::MAX_BYTES - "https://example.com".len();
    let longest = of(format!("?{}", "x".repeat(room - 1))).unwrap();
    assert_eq!(longest.as_str().len(), Target::MAX_BYTES + 1, "with the path that was left out");
    assert_eq!(Target::try_from(String::from(longest.clone())), Ok(longest), "a peer takes it");
    assert_eq!(of("/".repeat(room + 1)), Err(TargetError::TooLong));
    assert_eq!(of("/a/..".repeat(room)), Err(TargetError::TooLong), "although little of it would be left");
}

/// Texts that resemble URLs: pieces that parsers disagree on, in any order.
fn nearly_a_url() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "http",
        "HTTPS",
        ":",
        "/",
        "//",
        "\\",
        "@",
        "?",
        "#",
        ".",
        "..",
        "%2e",
        "%",
        "[",
        "]",
        "::1",
        "1",
        "0x7f",
        "127.0.0.1",
        "a",
        "Example",
        "xn--",
        "-",
        "_",
        "80",
        "65536",
        "'",
        "\"",
        "<",
        "|",
        "^",
        "~",
        "*",
        " ",
    ]);
    let any = prop::collection::vec(piece.clone(), 0..12).prop_map(|pieces| pieces.concat());
    let after = prop::collection::vec(piece, 0..10).prop_map(|pieces| format!("http://{}", pieces.concat()));
    prop_oneof![any, after]
}

proptest! {
    #[test]
    fn what_matches_the_pattern_is_a_target(text in string_regex(Target::PATTERN.trim_matches(['^', '$'])).unwrap()) {
        prop_assume!(!text.to_lowercase().contains("xn--") && text.len() <= Target::MAX_BYTES);
        let parsed = Target::parse(&text);
        prop_assert!(parsed.as_ref().is_ok_and(|target| target.as_str().len() <= text.len() + 1), "{text}: {parsed:?}");
    }

    #[test]
    fn whatever_is_a_target_is_the_same_in_normal_form_to_everybody(text in nearly_a_url()) {
        let Ok(target) = Target::parse(&text) else { return Ok(()) };
        let url = Url::parse(target.as_str()).unwrap();
        prop_assert_eq!(url.as_str(), target.as_str());
        prop_assert!(url.has_host() && url.username().is_empty() && url.password().is_none());
        prop_assert_eq!(Target::parse(target.as_str()), Ok(target.clone()));
        prop_assert_eq!(Target::try_from(String::from(target.clone())), Ok(target));
    }

    #[test]
    fn a_browser_that_comes_from_anywhere_reads_the_same(text in nearly_a_url()) {
        let Ok(target) = Target::parse(&text) else { return Ok(()) };
        for base in ["http://short.example/code", "https://short.example/code"] {
            let read = Url::parse(base).unwrap().join(&text).unwrap();
            prop_assert_eq!(read.as_str(), target.as_str(), "given `{}`", text);
        }
    }
}
