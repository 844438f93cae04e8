//! Encodes requests.

use std::{fmt::Display, io::Write};

use super::{
    Routes, hpack,
    http2::{DATA, END_HEADERS, END_STREAM, HEADERS, write_frame},
};

/// The methods that journeys use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// Read.
    #[default]
    Get,
    /// Read without a body in the reply.
    Head,
    /// Create.
    Post,
    /// Replace.
    Put,
    /// Remove.
    Delete,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// One request as bytes, in an allocation that every request reuses.
///
/// A journey writes exactly one request at a time.
#[derive(Debug)]
pub struct RequestBuf {
    text: Vec<u8>,
    host: String,
    routes: Routes,
    /// The number of the server that it goes to.
    server: usize,
    method: Method,
    /// Whether it has an `Idempotency-Key`, or is of calls that may be repeated.
    keyed: bool,
    /// How many calls of gRPC it is; none of them: a request of HTTP/1.1.
    calls: u32,
    /// The `traceparent` value of the operation in flight.
    trace: Option<String>,
}

impl RequestBuf {
    /// An empty buffer for requests to `host`, the value of the `Host` header.
    pub fn new(host: &str) -> Self {
        Self {
            text: Vec::with_capacity(1024),
            host: host.to_owned(),
            routes: Routes::default(),
            server: 0,
            method: Method::Get,
            keyed: false,
            calls: 0,
            trace: None,
        }
    }

    /// The same, with requests that go to further servers by their paths; those of gRPC go to `host`.
    #[must_use]
    pub fn routed(self, routes: Routes) -> Self {
        Self { routes, ..self }
    }

    /// Writes a request without a body.
    pub fn write(&mut self, method: Method, path: impl Display) {
        self.head(method, path);
        self.add(format_args!("\r\n"));
    }

    /// Writes a request without a body and with one additional header.
    pub fn write_with(&mut self, method: Method, path: impl Display, header: (&str, &dyn Display)) {
        self.head(method, path);
        self.keyed = is_key(header.0);
        self.add(format_args!("{}: {}\r\n\r\n", header.0, header.1));
    }

    /// Writes a request with a JSON body and an optional additional header.
    pub fn write_json(
        &mut self,
        method: Method,
        path: impl Display,
        header: Option<(&str, &str)>,
        body: &str,
    ) {
        self.head(method, path);
        if let Some((name, value)) = header {
            self.keyed = is_key(name);
            self.add(format_args!("{name}: {value}\r\n"));
        }
        self.add(format_args!(
            "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
    }

    /// Writes calls of gRPC that are sent at once over one connection: of each its path and its message. They are repeated on
    /// a fresh connection if theirs is lost, if they are idempotent.
    ///
    /// A message has to fit into a frame of HTTP/2, 16 KiB.
    pub fn write_calls<'c>(
        &mut self,
        is_idempotent: bool,
        calls: impl IntoIterator<Item = (&'c str, Vec<u8>)>,
    ) {
        self.text.clear();
        (self.method, self.keyed, self.calls, self.server) = (Method::Post, is_idempotent, 0, 0);
        for (path, message) in calls {
            // A connection numbers its streams itself; here they are numbered from 1 on.
            let stream = 2 * self.calls + 1;
            let fields = self.fields(path);
            write_frame(&mut self.text, HEADERS, END_HEADERS, stream, &fields);
            let length = (message.len() as u32).to_be_bytes();
            let framed = [&[0], &length[..], &message].concat();
            write_frame(&mut self.text, DATA, END_STREAM, stream, &framed);
            self.calls += 1;
        }
    }

    /// The encoded request.
    pub fn bytes(&self) -> &[u8] {
        &self.text
    }

    /// The number of the server that it goes to: 0 for the target itself.
    pub(crate) fn server(&self) -> usize {
        self.server
    }

    /// Whether it is of gRPC, and goes over HTTP/2.
    pub fn is_grpc(&self) -> bool {
        self.calls > 0
    }

    /// How many requests it is.
    pub(crate) fn requests(&self) -> u32 {
        self.calls.max(1)
    }

    /// Whether the reply has no body because the request is `HEAD`.
    pub fn is_head(&self) -> bool {
        self.method == Method::Head
    }

    /// Whether the request is idempotent (RFC 9110, 9.2.2): by its method, or by its `Idempotency-Key`.
    pub fn is_idempotent(&self) -> bool {
        self.method != Method::Post || self.keyed
    }

    /// Sets or removes the `traceparent` of the following requests (W3C Trace Context, level 1).
    pub(crate) fn set_trace(&mut self, trace: Option<String>) {
        self.trace = trace;
    }

    fn head(&mut self, method: Method, path: impl Display) {
        self.text.clear();
        (self.method, self.keyed, self.calls) = (method, false, 0);
        self.text.extend_from_slice(method.name().as_bytes());
        let begins = self.text.len() + 1;
        self.add(format_args!(" {path}"));
        self.server = if self.routes.is_empty() { 0 } else { self.routes.choose(&self.text[begins..]) };
        self.text.extend_from_slice(b" HTTP/1.1\r\nHost: ");
        let host = self.routes.server(self.server).map_or(&self.host, |server| &server.host);
        self.text.extend_from_slice(host.as_bytes());
        self.text.extend_from_slice(b"\r\n");
        if let Some(trace) = &self.trace {
            self.text.extend_from_slice(b"traceparent: ");
            self.text.extend_from_slice(trace.as_bytes());
            self.text.extend_from_slice(b"\r\n");
        }
    }

    /// The header fields of a call: `:method POST`, `:scheme http`, `:path`, `:authority`, `content-type`, `te`.
    fn fields(&self, path: &str) -> Vec<u8> {
        let mut block = vec![0x83, 0x86];
        hpack::write(&mut block, 4, path.as_bytes());
        hpack::write(&mut block, 1, self.host.as_bytes());
        hpack::write(&mut block, 31, b"application/grpc");
        hpack::write_named(&mut block, b"te", b"trailers");
        if let Some(trace) = &self.trace {
            hpack::write_named(&mut block, b"traceparent", trace.as_bytes());
        }
        block
    }

    fn add(&mut self, what: std::fmt::Arguments<'_>) {
        // Writing to a `Vec` cannot fail.
        let _ = self.text.write_fmt(what);
    }
}

fn is_key(header: &str) -> bool {
    header.eq_ignore_ascii_case("idempotency-key")
}
