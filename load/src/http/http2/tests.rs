//! Replies as servers send them, frame by frame.

use super::*;
use crate::http::RequestBuf;

/// A session with a request of so many calls in flight, and the bytes of that.
fn called(calls: usize) -> (Session, Vec<u8>) {
    let mut request = RequestBuf::new("127.0.0.1:1");
    request.write_calls(true, (0..calls).map(|_| ("/s/M", b"hello".to_vec())));
    let mut session = Session::default();
    let sent = session.begin(request.bytes());
    (session, sent)
}

/// The frames in what was sent behind the preface: kind and stream.
fn frames(bytes: &[u8]) -> Vec<(u8, u32)> {
    let mut rest = bytes.strip_prefix(PREFACE).unwrap_or(bytes);
    let mut frames = Vec::new();
    while let Some(frame) = Frame::at(rest) {
        frames.push((frame.kind, frame.stream));
        rest = &rest[FRAME + frame.payload.len()..];
    }
    assert!(rest.is_empty());
    frames
}

fn headers(stream: u32, flags: u8, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        hpack::write_named(&mut block, name.as_bytes(), value.as_bytes());
    }
    let mut bytes = Vec::new();
    write_frame(&mut bytes, HEADERS, flags, stream, &block);
    bytes
}

/// A reply to one call: head, message, trailers.
fn answer(stream: u32, message: &[u8], code: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_frame(&mut bytes, HEADERS, END_HEADERS, stream, &[0x88]);
    write_frame(&mut bytes, DATA, 0, stream, message);
    bytes.extend(headers(stream, END_HEADERS | END_STREAM, &[("grpc-status", code)]));
    bytes
}

/// What a reply tells: status, body, details.
fn read(session: &mut Session) -> Option<(u16, Vec<u8>, Option<String>)> {
    let told =
        session.reply(|reply| (reply.status, reply.body.to_vec(), reply.header(DETAILS).map(str::to_owned)));
    match told {
        Decoded::Partial => None,
        Decoded::Whole { value, .. } => Some(value),
    }
}

#[test]
fn a_connection_begins_once_and_each_call_has_a_stream_of_its_own() {
    let (mut session, first) = called(2);
    let expected = [(SETTINGS, 0), (WINDOW_UPDATE, 0), (HEADERS, 1), (DATA, 1), (HEADERS, 3), (DATA, 3)];
    assert!(first.starts_with(PREFACE));
    assert_eq!(frames(&first), expected);
    session.absorb(&[answer(1, b"a", "0"), answer(3, b"b", "0")].concat()).expect("frames");
    assert!(read(&mut session).is_some());
    let mut request = RequestBuf::new("127.0.0.1:1");
    request.write_calls(true, [("/s/M", Vec::new())]);
    assert_eq!(frames(&session.begin(request.bytes())), [(HEADERS, 5), (DATA, 5)]);
}

#[test]
fn a_reply_is_whole_when_each_call_has_ended_in_whatever_order_and_pieces() {
    let (mut session, _) = called(2);
    let bytes = [answer(3, b"second", "0"), answer(1, b"first", "0")].concat();
    let mut held: Vec<u8> = Vec::new();
    for (at, byte) in bytes.iter().enumerate() {
        held.push(*byte);
        let taken = session.absorb(&held).expect("frames");
        held.drain(..taken);
        let told = read(&mut session);
        let whole = (200, b"firstsecond".to_vec(), None);
        assert_eq!(told, (at + 1 == bytes.len()).then_some(whole), "after {at} bytes");
    }
}

#[test]
fn a_status_is_the_nearest_of_http_and_the_worst_of_the_calls() {
    for (code, status) in [
        ("0", 200),
        ("5", 404),
        ("9", 409),
        ("10", 409),
        ("3", 422),
        ("8", 429),
        ("14", 503),
        ("4", 504),
        ("13", 500),
    ] {
        let (mut session, _) = called(2);
        let refused = headers(3, END_HEADERS | END_STREAM, &[("grpc-status", code), (DETAILS, "ZGV0YWls")]);
        session.absorb(&[answer(1, b"x", "0"), refused].concat()).expect("frames");
        let details = (code != "0").then(|| "ZGV0YWls".to_owned());
        assert_eq!(read(&mut session), Some((status, b"x".to_vec(), details)));
    }
}

#[test]
fn settings_and_pings_are_acknowledged() {
    let (mut session, _) = called(1);
    let mut bytes = Vec::new();
    write_frame(&mut bytes, SETTINGS, 0, 0, &[]);
    write_frame(&mut bytes, SETTINGS, ACK, 0, &[]);
    write_frame(&mut bytes, PING, 0, 0, b"12345678");
    assert_eq!(session.absorb(&bytes), Ok(bytes.len()));
    assert_eq!(frames(&session.unsent), [(SETTINGS, 0), (PING, 0)]);
    assert!(session.unsent.ends_with(b"12345678") && !session.has_reply());
}

#[test]
fn a_peer_that_goes_away_ends_what_it_will_not_look_at() {
    let (mut session, _) = called(2);
    let mut bytes = answer(1, b"x", "0");
    write_frame(&mut bytes, GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]);
    session.absorb(&bytes).expect("frames");
    assert_eq!(read(&mut session), Some((503, b"x".to_vec(), None)));
    assert!(!session.is_open());
}

#[test]
fn a_reset_stream_is_a_failed_call() {
    let (mut session, _) = called(1);
    let mut bytes = Vec::new();
    write_frame(&mut bytes, RST_STREAM, 0, 1, &2_u32.to_be_bytes());
    session.absorb(&bytes).expect("frames");
    assert_eq!(read(&mut session).map(|(status, ..)| status), Some(500));
}

#[test]
fn padding_is_left_out_and_a_block_may_be_cut_in_two() {
    let (mut session, _) = called(1);
    let mut bytes = Vec::new();
    write_frame(&mut bytes, HEADERS, END_HEADERS, 1, &[0x88]);
    write_frame(&mut bytes, DATA, PADDED, 1, &[2, b'x', 0, 0]);
    let trailers = headers(1, END_STREAM, &[("grpc-status", "0")]);
    let (first, second) = trailers[FRAME..].split_at(4);
    write_frame(&mut bytes, HEADERS, END_STREAM, 1, first);
    write_frame(&mut bytes, CONTINUATION, END_HEADERS, 1, second);
    session.absorb(&bytes).expect("frames");
    assert_eq!(read(&mut session), Some((200, b"x".to_vec(), None)));
}

#[test]
fn frames_that_cannot_be_are_malformed() {
    for (kind, flags, stream, payload) in [
        (DATA, 0, 9, &b"x"[..]),
        (DATA, PADDED, 1, &[9, 0]),
        (HEADERS, END_HEADERS, 1, &[0x80]),
        (PUSH_PROMISE, 0, 1, &[]),
        (GOAWAY, 0, 0, &[0]),
    ] {
        let (mut session, _) = called(1);
        let mut bytes = Vec::new();
        write_frame(&mut bytes, kind, flags, stream, payload);
        assert_eq!(session.absorb(&bytes), Err(Malformed::Syntax), "{kind}");
    }
}
