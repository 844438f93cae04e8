//! Encodes requests.

use std::fmt::{Display, Write};

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
    text: String,
    host: String,
    method: Method,
    /// Whether it has an `Idempotency-Key`.
    keyed: bool,
    /// The `traceparent` value of the operation in flight.
    trace: Option<String>,
}

impl RequestBuf {
    /// An empty buffer for requests to `host`, the value of the `Host` header.
    pub fn new(host: &str) -> Self {
        Self {
            text: String::with_capacity(1024),
            host: host.to_owned(),
            method: Method::Get,
            keyed: false,
            trace: None,
        }
    }

    /// Writes a request without a body.
    pub fn write(&mut self, method: Method, path: impl Display) {
        self.head(method, path);
        self.text.push_str("\r\n");
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

    /// The encoded request.
    pub fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
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
        (self.method, self.keyed) = (method, false);
        self.text.push_str(method.name());
        self.add(format_args!(" {path} HTTP/1.1\r\nHost: "));
        self.text.push_str(&self.host);
        self.text.push_str("\r\n");
        if let Some(trace) = &self.trace {
            self.text.push_str("traceparent: ");
            self.text.push_str(trace);
            self.text.push_str("\r\n");
        }
    }

    fn add(&mut self, what: std::fmt::Arguments<'_>) {
        // Writing to a `String` cannot fail.
        let _ = self.text.write_fmt(what);
    }
}

fn is_key(header: &str) -> bool {
    header.eq_ignore_ascii_case("idempotency-key")
}
