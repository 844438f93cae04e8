//! Replies byte by byte.

use load::http::{Decoded, MAX_BODY, MAX_HEAD, Malformed, Method, RequestBuf, decode};

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
