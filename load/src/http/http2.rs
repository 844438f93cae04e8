//! gRPC calls over HTTP/2 on bytes (RFC 9113; <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).
//!
//! A connection carries the calls of one request at a time: all of them at once, each a stream of its own, and the reply is
//! whole when each has ended. That is what a page needs that asks for several things.
//! A journey sees a reply as one of HTTP/1.1: its status is the nearest to the first gRPC status that is not OK, and its body has
//! the messages in the order of the calls, each behind the five bytes with its length.
//!
//! Windows are as large as they may be, so that no call waits for one: calls and replies are small.

use httparse::Header;

use super::{Decoded, MAX_BODY, MAX_HEAD, Malformed, Reply, hpack};

/// What a client sends first (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The header of a frame, in bytes.
pub(super) const FRAME: usize = 9;
/// The largest frame that either side may send without asking.
pub(super) const MAX_FRAME: usize = 16_384;
/// The largest window, and the one that a connection begins with.
const MAX_WINDOW: u32 = (1 << 31) - 1;
const FIRST_WINDOW: u32 = 65_535;

// Types and flags of frames.
pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
const ACK: u8 = 1;
const PADDED: u8 = 8;
const PRIORITY: u8 = 0x20;

/// The header with the details of a gRPC status: base64 of a `google.rpc.Status`.
pub const DETAILS: &str = "grpc-status-details-bin";

/// gRPC's codes that matter here.
const OK: u32 = 0;
const UNKNOWN: u32 = 2;

/// One connection as this side knows it.
#[derive(Debug, Default)]
pub(crate) struct Session {
    has_begun: bool,
    /// The streams that were opened, two for each because a client has the odd ones.
    opened: u32,
    /// The calls in flight, in their order.
    calls: Vec<Call>,
    /// The fields of the block that is not complete.
    block: Vec<u8>,
    /// Bytes of replies that the peer was not given room for again.
    taken: u32,
    /// Whether anything of the current reply has arrived.
    has_reply: bool,
    /// Whether the peer takes no further calls.
    is_closing: bool,
    /// What the protocol has this side reply, to be sent.
    pub(crate) unsent: Vec<u8>,
}

/// A call and what came of it.
#[derive(Debug, Default)]
struct Call {
    stream: u32,
    status: u16,
    code: Option<u32>,
    details: Vec<u8>,
    message: Vec<u8>,
    has_ended: bool,
}

impl Session {
    /// The bytes to send for a request: its frames on the next streams of this connection, behind the preface if it is the
    /// first one.
    pub(crate) fn begin(&mut self, request: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(request.len() + 64);
        if !self.has_begun {
            self.has_begun = true;
            begin_connection(&mut bytes);
        }
        let (start, before) = (bytes.len(), self.opened);
        bytes.extend_from_slice(request);
        let mut at = start;
        self.calls.clear();
        self.has_reply = false;
        while let Some(frame) = Frame::at(&bytes[at..]) {
            let stream = frame.stream + before;
            if frame.kind == HEADERS {
                self.calls.push(Call { stream, ..Call::default() });
            }
            self.opened = self.opened.max(stream + 1);
            let next = at + FRAME + frame.payload.len();
            bytes[at + 5..at + FRAME].copy_from_slice(&stream.to_be_bytes());
            at = next;
        }
        bytes
    }

    /// Whether anything of the current reply has arrived.
    pub(crate) fn has_reply(&self) -> bool {
        self.has_reply
    }

    /// Whether another request may be sent.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_closing && self.opened < MAX_WINDOW / 2
    }

    /// Reads the frames that are complete, and returns how many bytes they are.
    pub(crate) fn absorb(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let mut at = 0;
        while let Some(frame) = Frame::at(&bytes[at..]) {
            self.take(&frame).ok_or(Malformed::Syntax)?;
            at += FRAME + frame.payload.len();
        }
        let replied = self.calls.iter().map(|call| call.message.len()).sum::<usize>();
        let is_too_large = replied > MAX_BODY || self.block.len() > MAX_HEAD;
        if is_too_large { Err(Malformed::TooLarge) } else { Ok(at) }
    }

    /// Passes the reply on if every call has ended.
    pub(crate) fn reply<T>(&mut self, read: impl FnOnce(&Reply<'_>) -> T) -> Decoded<T> {
        let is_whole = self.block.is_empty() && self.calls.iter().all(|call| call.has_ended);
        if self.calls.is_empty() || !is_whole {
            return Decoded::Partial;
        }
        let calls = std::mem::take(&mut self.calls);
        let body: Vec<u8> = calls.iter().flat_map(|call| &call.message).copied().collect();
        let worst = calls.iter().find(|call| call.code != Some(OK));
        let details = worst.filter(|call| !call.details.is_empty());
        let details = details.map(|call| [Header { name: DETAILS, value: &call.details }]);
        let headers = details.as_ref().map_or(&[][..], |details| &details[..]);
        let value = read(&Reply { status: worst.map_or(200, Call::status), headers, body: &body });
        Decoded::Whole { consumed: 0, keep_alive: self.is_open(), value }
    }

    /// Takes a frame; `None` if it is malformed.
    fn take(&mut self, frame: &Frame<'_>) -> Option<()> {
        let is_ack = frame.flags & ACK != 0;
        match frame.kind {
            DATA => self.data(frame)?,
            HEADERS => {
                self.has_reply = true;
                let dependency = if frame.flags & PRIORITY == 0 { 0 } else { 5 };
                self.block = frame.unpadded()?.get(dependency..)?.to_vec();
                self.fields(frame, frame.flags & END_STREAM != 0)?;
            }
            CONTINUATION => {
                self.block.extend_from_slice(frame.payload);
                // The flag of the end stands at the frame that began the block, which was noted at the call.
                self.fields(frame, false)?;
            }
            RST_STREAM => {
                let code = u32::from_be_bytes(frame.payload.try_into().ok()?);
                if let Some(call) = self.call(frame.stream) {
                    (call.code, call.has_ended) = (Some(code_of_reset(code)), true);
                }
            }
            SETTINGS if !is_ack => write_frame(&mut self.unsent, SETTINGS, ACK, 0, &[]),
            PING if !is_ack => write_frame(&mut self.unsent, PING, ACK, 0, frame.payload),
            GOAWAY => {
                self.is_closing = true;
                let last = u32::from_be_bytes(*frame.payload.first_chunk()?) & MAX_WINDOW;
                // Calls that the peer will not look at (RFC 9113, 6.8).
                for call in self.calls.iter_mut().filter(|call| call.stream > last) {
                    (call.code, call.has_ended) = (Some(code_of_reset(REFUSED_STREAM)), true);
                }
            }
            // No window is ever short, no push was allowed, and what is unknown is ignored (RFC 9113, 4.1).
            PUSH_PROMISE => return None,
            _ => {}
        }
        Some(())
    }

    fn data(&mut self, frame: &Frame<'_>) -> Option<()> {
        self.has_reply = true;
        let (payload, is_end) = (frame.unpadded()?, frame.flags & END_STREAM != 0);
        self.taken += frame.payload.len() as u32;
        if self.taken > MAX_WINDOW / 2 {
            write_frame(&mut self.unsent, WINDOW_UPDATE, 0, 0, &self.taken.to_be_bytes());
            self.taken = 0;
        }
        let call = self.call(frame.stream)?;
        call.message.extend_from_slice(payload);
        call.has_ended |= is_end;
        Some(())
    }

    /// Reads the block of fields if it is complete.
    fn fields(&mut self, frame: &Frame<'_>, is_end: bool) -> Option<()> {
        let is_whole = frame.flags & END_HEADERS != 0;
        let block = if is_whole { std::mem::take(&mut self.block) } else { Vec::new() };
        let call = self.call(frame.stream)?;
        call.has_ended |= is_end;
        hpack::decode(&block, |field| call.note(field))
    }

    fn call(&mut self, stream: u32) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.stream == stream)
    }
}

impl Call {
    fn note(&mut self, field: hpack::Field) {
        match field {
            hpack::Field::Status(status) => self.status = status,
            hpack::Field::Named(name, value) if name == b"grpc-status" => {
                let text = std::str::from_utf8(&value).ok();
                self.code = Some(text.and_then(|text| text.parse().ok()).unwrap_or(UNKNOWN));
            }
            hpack::Field::Named(name, value) if name == DETAILS.as_bytes() => self.details = value,
            hpack::Field::Named(..) => {}
        }
    }

    /// The status of HTTP that is nearest, as `google.rpc.Code` has them, but that a precondition that does not hold is a
    /// conflict here.
    fn status(&self) -> u16 {
        match self.code {
            Some(OK) => 200,
            // Cancelled, deadline exceeded.
            Some(1 | 4) => 504,
            // Invalid argument, out of range.
            Some(3 | 11) => 422,
            Some(5) => 404,
            // Already exists, failed precondition, aborted.
            Some(6 | 9 | 10) => 409,
            Some(8) => 429,
            Some(12) => 501,
            Some(14) => 503,
            // No `grpc-status`: the reply is from a server or proxy that does not speak gRPC.
            None if self.status != 200 && self.status != 0 => self.status,
            _ => 500,
        }
    }
}

/// The code of a stream that was refused (RFC 9113, 7).
const REFUSED_STREAM: u32 = 7;

/// gRPC's code for a stream that was reset.
fn code_of_reset(code: u32) -> u32 {
    match code {
        REFUSED_STREAM => 14,
        // CANCEL, ENHANCE_YOUR_CALM.
        8 => 1,
        11 => 8,
        _ => 13,
    }
}

/// The preface, with settings: no dynamic table, no push, and the largest windows.
fn begin_connection(bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(PREFACE);
    let settings = [(1_u16, 0_u32), (2, 0), (4, MAX_WINDOW)];
    let settings: Vec<u8> = settings
        .iter()
        .flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat())
        .collect();
    write_frame(bytes, SETTINGS, 0, 0, &settings);
    write_frame(bytes, WINDOW_UPDATE, 0, 0, &(MAX_WINDOW - FIRST_WINDOW).to_be_bytes());
}

/// Writes a frame.
pub(super) fn write_frame(bytes: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    debug_assert!(payload.len() <= MAX_FRAME, "a frame of {} bytes", payload.len());
    bytes.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
    bytes.extend_from_slice(&[kind, flags]);
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
}

/// One frame.
struct Frame<'a> {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The frame at the start of `bytes`; `None` if it is incomplete.
    fn at(bytes: &'a [u8]) -> Option<Self> {
        let (&[high, middle, low, kind, flags, ref stream @ ..], rest) =
            bytes.split_first_chunk::<FRAME>()?;
        let length = u32::from_be_bytes([0, high, middle, low]) as usize;
        let stream = u32::from_be_bytes(*stream) & MAX_WINDOW;
        Some(Self { kind, flags, stream, payload: rest.get(..length)? })
    }

    fn unpadded(&self) -> Option<&'a [u8]> {
        if self.flags & PADDED == 0 {
            return Some(self.payload);
        }
        let (&padding, rest) = self.payload.split_first()?;
        rest.get(..rest.len().checked_sub(usize::from(padding))?)
    }
}

#[cfg(test)]
mod tests;
