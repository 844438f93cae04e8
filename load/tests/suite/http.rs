//! Replies byte by byte.

use load::http::{Decoded, MAX_BODY, MAX_HEAD, MAX_HEADERS, Malformed, Method, RequestBuf, decode};

type Read = (u16, Vec<u8>);

fn read(bytes: &[u8], to_head: bool, ended: bool) -> Result<Decoded<Read>, Malformed> {
    decode(bytes, to_head, ended, &mut Vec::new(), |reply| (reply.status, reply.body.to_vec()))
}

fn whole(bytes: &[u8]) -> (usize, bool, Read) {
    match read(bytes, false, false) {
        Ok(Decoded::Whole { consumed, keep_alive, value }) => (consumed, keep_alive, value),
        other => panic!("not a whole reply: {other:?}"),
    }
}

#[test]
fn every_prefix_of_a_reply_is_partial() {
    let plain: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let chunked: &[u8] =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: 1\r\n\r\n";
    for reply in [plain, chunked] {
        for length in 0..reply.len() {
            assert_eq!(read(&reply[..length], false, false), Ok(Decoded::Partial), "{length} bytes");
        }
        assert_eq!(whole(reply), (reply.len(), true, (200, b"hello".to_vec())));
    }
}

#[test]
fn replies_without_a_body_end_with_their_head() {
    for status in [204, 304] {
        let reply = format!("HTTP/1.1 {status} x\r\nContent-Length: 7\r\n\r\n");
        assert_eq!(whole(reply.as_bytes()), (reply.len(), true, (status, Vec::new())));
    }
    let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n";
    assert!(matches!(read(reply, true, false), Ok(Decoded::Whole { keep_alive: true, .. })));
    assert_eq!(read(reply, false, false), Ok(Decoded::Partial));
}

#[test]
fn an_interim_reply_is_skipped() {
    let reply = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(whole(reply), (reply.len(), true, (201, Vec::new())));
    let many = [b"HTTP/1.1 100 Continue\r\n\r\n".repeat(9), reply.to_vec()].concat();
    assert_eq!(read(&many, false, false), Err(Malformed::Syntax));
}

#[test]
fn a_reply_without_a_length_ends_with_its_connection() {
    let reply = b"HTTP/1.1 200 OK\r\n\r\nhello";
    assert_eq!(read(reply, false, false), Ok(Decoded::Partial));
    let ended = read(reply, false, true);
    assert!(
        matches!(ended, Ok(Decoded::Whole { keep_alive: false, value: (200, body), .. }) if body == b"hello")
    );
}

#[test]
fn what_says_close_or_is_older_is_not_kept() {
    assert!(!whole(b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n").1);
    assert!(!whole(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").1);
}

/// A 200 with these header lines and no body.
fn head(lines: &[&str]) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{}\r\n\r\n", lines.join("\r\n")).into_bytes()
}

#[test]
fn close_may_stand_anywhere_in_a_list_of_connection_options() {
    for lines in [
        &["Connection: Keep-Alive, Close"][..],
        &["Connection: close,keep-alive"],
        &["Connection: keep-alive", "connection:\tCLOSE "],
        &["Connection: , close ,"],
    ] {
        assert!(!whole(&head(&[lines, &["Content-Length: 0"]].concat())).1, "{lines:?}");
    }
    for lines in [&["Connection: Keep-Alive"][..], &["Connection: closed"], &["Connection: x-close, upgrade"]]
    {
        assert!(whole(&head(&[lines, &["Content-Length: 0"]].concat())).1, "{lines:?}");
    }
}

#[test]
fn a_length_may_be_repeated_and_may_not_differ() {
    for lines in
        [&["Content-Length: 5, 5"][..], &["Content-Length: 5", "content-length: 5"], &["Content-Length: 005"]]
    {
        let reply = [head(lines), b"hello".to_vec()].concat();
        assert_eq!(whole(&reply).2, (200, b"hello".to_vec()), "{lines:?}");
    }
    for lines in [
        &["Content-Length: 5, 6"][..],
        &["Content-Length: 5", "Content-Length: 6"],
        &["Content-Length: +5"],
        &["Content-Length: 5x"],
        &["Content-Length: 0x5"],
        &["Content-Length: 5 5"],
        &["Content-Length: 5,"],
        &["Content-Length:"],
        &["Content-Length: \u{665}"],
    ] {
        let reply = [head(lines), b"hello".to_vec()].concat();
        assert_eq!(read(&reply, false, true), Err(Malformed::Syntax), "{lines:?}");
    }
    let huge = head(&["Content-Length: 99999999999999999999999999"]);
    assert_eq!(read(&huge, false, false), Err(Malformed::TooLarge));
}

#[test]
fn chunked_is_the_only_coding_and_stands_once() {
    let chunks: &[u8] = b"2\r\nhi\r\n0\r\n\r\n";
    for line in ["Transfer-Encoding: Chunked", "Transfer-Encoding: , chunked", "transfer-encoding:chunked "] {
        assert_eq!(whole(&[&head(&[line]), chunks].concat()).2, (200, b"hi".to_vec()), "{line}");
    }
    for lines in [
        &["Transfer-Encoding: gzip, chunked"][..],
        &["Transfer-Encoding: chunked, chunked"],
        &["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        &["Transfer-Encoding: gzip", "Transfer-Encoding: chunked"],
        &["Transfer-Encoding: xchunked"],
    ] {
        assert_eq!(read(&[&head(lines), chunks].concat(), false, false), Err(Malformed::Syntax), "{lines:?}");
    }
}

#[test]
fn after_a_reply_with_two_framings_its_connection_is_not_used_again() {
    let reply =
        [&head(&["Content-Length: 5", "Transfer-Encoding: chunked"])[..], b"2\r\nhi\r\n0\r\n\r\n"].concat();
    assert_eq!(whole(&reply), (reply.len(), false, (200, b"hi".to_vec())));
}

#[test]
fn many_headers_are_read_and_too_many_are_too_large() {
    let with = |count: usize| {
        let lines: Vec<String> = (0..count).map(|nth| format!("X-{nth}: 1")).collect();
        head(&lines.iter().map(String::as_str).chain(["Content-Length: 0"]).collect::<Vec<_>>())
    };
    for count in [64, 65, 200, MAX_HEADERS - 1] {
        assert_eq!(whole(&with(count)).2.0, 200, "{count}");
    }
    assert_eq!(read(&with(MAX_HEADERS), false, false), Err(Malformed::TooLarge));
}

#[test]
fn a_field_of_one_value_has_none_where_two_lines_differ() {
    let said = |lines: &[&str]| {
        let reply = head(&[lines, &["Content-Length: 0"]].concat());
        let read = decode(&reply, false, false, &mut Vec::new(), |reply| reply.location().map(str::to_owned));
        let Ok(Decoded::Whole { value, .. }) = read else { panic!("{read:?}") };
        value
    };
    assert_eq!(said(&["Location: /a"]).as_deref(), Some("/a"));
    assert_eq!(said(&["Location: /a", "location: /a"]).as_deref(), Some("/a"));
    assert_eq!(said(&["Location: /a", "Location: /b"]), None);
}

#[test]
fn bytes_after_a_reply_are_left() {
    assert_eq!(whole(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP").0, 39);
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let body = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", MAX_BODY + 1);
    assert_eq!(read(body.as_bytes(), false, false), Err(Malformed::TooLarge));
    let chunk = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n", MAX_BODY + 1);
    assert_eq!(read(chunk.as_bytes(), false, false), Err(Malformed::TooLarge));
    let head = format!("HTTP/1.1 200 OK\r\nA: {}", "b".repeat(MAX_HEAD));
    assert_eq!(read(head.as_bytes(), false, false), Err(Malformed::TooLarge));
}

#[test]
fn what_is_not_http_is_malformed() {
    let replies: [&[u8]; 4] = [
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
    ];
    for reply in replies {
        assert_eq!(read(reply, false, false), Err(Malformed::Syntax), "{}", String::from_utf8_lossy(reply));
    }
}

#[test]
fn requests_are_encoded_over_the_last_one() {
    let mut request = RequestBuf::new("localhost:80");
    request.write_json(Method::Post, "/links", Some(("Idempotency-Key", "k")), "{}");
    assert_eq!(
        request.bytes(),
        b"POST /links HTTP/1.1\r\nHost: localhost:80\r\nIdempotency-Key: k\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    );
    request.write(Method::Get, "/a");
    assert_eq!(request.bytes(), b"GET /a HTTP/1.1\r\nHost: localhost:80\r\n\r\n");
}
