//! The requirements on a request's head, in every version of HTTP; checked before anything else.

use std::net::Ipv6Addr;

use axum::{
    http::{HeaderMap, Request, StatusCode, Version, header, uri::Authority},
    response::{IntoResponse, Response},
};

/// The longest target of a request, bytes (RFC 9110, 4.1, asks for at least 8,000).
pub(crate) const TARGET_BYTES: usize = 16 * 1_024;
/// The most header fields of a request; hyper has the same limit over HTTP/1.
pub(crate) const FIELDS: usize = 100;
/// The largest total length of a request's header names and values, in bytes.
pub const FIELDS_BYTES: usize = 32 * 1_024;

/// A violation, as a problem document reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) status: StatusCode,
    pub(crate) slug: &'static str,
    pub(crate) title: &'static str,
    pub(crate) detail: &'static str,
}

/// A violation of HTTP's syntax.
pub(crate) const fn malformed(detail: &'static str) -> Fault {
    Fault { status: StatusCode::BAD_REQUEST, slug: "malformed", title: "Malformed request", detail }
}

pub(crate) const TARGET_TOO_LONG: Fault = Fault {
    status: StatusCode::URI_TOO_LONG,
    slug: "target-too-long",
    title: "Target too long",
    detail: "the target of a request has at most 16 KiB",
};

pub(crate) const FIELDS_TOO_LARGE: Fault = Fault {
    status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    slug: "header-fields-too-large",
    title: "Header fields too large",
    detail: "a request has at most 100 header fields of 32 KiB in all",
};

/// The problem for a request that hyper could not parse, by hyper's status.
pub(crate) fn unparsed(status: StatusCode) -> Fault {
    match status {
        StatusCode::URI_TOO_LONG => TARGET_TOO_LONG,
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => FIELDS_TOO_LARGE,
        _ => malformed("what came is no request of HTTP: its first line or a header field is malformed"),
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        remote::problem(self.status, self.slug, self.title, self.detail)
    }
}

impl Fault {
    /// The complete HTTP/1.1 reply, which ends the connection; `date` is the line with the date.
    pub(crate) fn into_text(self, request_id: Option<String>, date: &str) -> String {
        let document = remote::problem_document(self.status, self.slug, self.title, self.detail);
        let id = request_id.map_or_else(String::new, |id| format!("x-request-id: {id}\r\n"));
        let (status, bytes) = (self.status, document.len());
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\n{id}connection: close\r\n\
             content-length: {bytes}\r\n{date}\r\n\r\n{document}"
        )
    }
}

/// Checks the head of a request.
pub(crate) fn check<B>(request: &Request<B>) -> Result<(), Fault> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > TARGET_BYTES {
        return Err(TARGET_TOO_LONG);
    }
    let fields = request.headers();
    let bytes: usize = fields.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if fields.len() > FIELDS || bytes > FIELDS_BYTES {
        return Err(FIELDS_TOO_LARGE);
    }
    host(request.version(), request.uri().authority(), fields).map_err(malformed)
}

/// Checks that exactly one valid host identifies the target (RFC 9112, 3.2; RFC 9113, 8.3.1).
fn host(version: Version, authority: Option<&Authority>, fields: &HeaderMap) -> Result<(), &'static str> {
    let mut named = fields.get_all(header::HOST).iter();
    let host = named.next();
    if named.next().is_some() {
        return Err("the header field `Host` is there more than once: send it once");
    }
    let parsed = host.map(|host| Authority::try_from(host.as_bytes()).ok().filter(is_sound));
    if parsed == Some(None) || !authority.is_none_or(is_sound) {
        return Err("`Host` is malformed: it is a name or an address, and if need be `:` and a port");
    }
    match (parsed.flatten(), authority) {
        (Some(host), Some(authority)) if version == Version::HTTP_2 && host != *authority => {
            Err("`Host` and `:authority` name different hosts")
        }
        (None, None) if version > Version::HTTP_10 => Err("the host is missing: send `Host`"),
        (None, Some(_)) if version == Version::HTTP_11 => Err("`Host` is missing"),
        _ => Ok(()),
    }
}

/// Whether it is a nonempty host with an optional port, and nothing else.
fn is_sound(authority: &Authority) -> bool {
    let (text, host) = (authority.as_str(), authority.host());
    let port = text.strip_prefix(host).unwrap_or("@");
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && (port.is_empty() || port.parse::<u16>().is_ok())
    };
    let address = host.strip_prefix('[').map(|rest| rest.strip_suffix(']').unwrap_or_default());
    let is_host = address.map_or(!host.is_empty(), |address| address.parse::<Ipv6Addr>().is_ok());
    is_host && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::HEADER_LIST_BYTES;

    fn checked(version: Version, target: &str, fields: &[(&str, &str)]) -> Result<(), Fault> {
        let mut request = Request::get(target).version(version);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        check(&request.body(()).expect("a request"))
    }

    #[test]
    fn a_request_names_one_sound_host() {
        for host in ["here", "here:8080", "here:", "127.0.0.1:80", "[::1]", "[::1]:65535", "a-b.example."] {
            assert_eq!(checked(Version::HTTP_11, "/", &[("host", host)]), Ok(()), "{host}");
            assert_eq!(checked(Version::HTTP_2, "/", &[("host", host)]), Ok(()), "{host}");
            assert_eq!(checked(Version::HTTP_2, &format!("http://{host}/"), &[]), Ok(()), "{host}");
        }
        for host in [
            "",
            " ",
            ":80",
            "a b",
            "a/b",
            "a?b",
            "a#b",
            "user@here",
            "here:http",
            "here:+80",
            "here:65536",
            "[::1",
            "::1",
            "[here]",
            "[]",
            "a,b c",
            "a<b",
            "here:80:80",
        ] {
            for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
                let fault = checked(version, "/", &[("host", host)]).expect_err(host);
                assert_eq!(fault.status, StatusCode::BAD_REQUEST, "{host}");
            }
        }
        for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
            assert!(checked(version, "/", &[("host", "here"), ("host", "here")]).is_err(), "{version:?}");
        }
        assert_eq!(checked(Version::HTTP_10, "/", &[]), Ok(()), "HTTP/1.0 knows no `Host`");
        assert!(checked(Version::HTTP_11, "/", &[]).is_err());
        assert!(checked(Version::HTTP_11, "http://here/", &[]).is_err());
        assert_eq!(
            checked(Version::HTTP_11, "http://there/", &[("host", "here")]),
            Ok(()),
            "the target counts"
        );
        assert!(checked(Version::HTTP_2, "/", &[]).is_err());
        assert_eq!(checked(Version::HTTP_2, "http://here/", &[("host", "HERE")]), Ok(()));
        assert!(checked(Version::HTTP_2, "http://there/", &[("host", "here")]).is_err());
    }

    #[test]
    fn a_fault_names_the_limits_that_are_checked() {
        let kib = |bytes: usize| format!("{} KiB", bytes / 1_024);
        assert!(TARGET_TOO_LONG.detail.ends_with(&format!("at most {}", kib(TARGET_BYTES))));
        let fields = format!("at most {FIELDS} header fields of {} in all", kib(FIELDS_BYTES));
        assert!(FIELDS_TOO_LARGE.detail.ends_with(&fields));
        for document in ["shortener", "limiter"] {
            let path = format!("{}/../../../docs/systems/{document}.md", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(path).expect("a system has a document");
            for limit in [
                format!("more than {FIELDS} header fields, or over {} of them", kib(FIELDS_BYTES)),
                format!("the target has over {}", kib(TARGET_BYTES)),
                format!("header fields of HTTP/2 over {}", kib(HEADER_LIST_BYTES)),
                format!("more than the head may have ({})", kib(HEADER_LIST_BYTES)),
            ] {
                assert!(text.contains(&limit), "{document}: {limit}");
            }
        }
    }

    #[test]
    fn a_head_has_limits() {
        let host = ("host", "here");
        let target = |bytes: usize| format!("/{}", "x".repeat(bytes - 1));
        assert_eq!(checked(Version::HTTP_2, &target(TARGET_BYTES), &[host]), Ok(()));
        assert_eq!(checked(Version::HTTP_2, &target(TARGET_BYTES + 1), &[host]), Err(TARGET_TOO_LONG));
        let long = "x".repeat(FIELDS_BYTES - "host".len() - "here".len() - "a".len());
        assert_eq!(checked(Version::HTTP_2, "/", &[host, ("a", &long)]), Ok(()));
        assert_eq!(checked(Version::HTTP_2, "/", &[host, ("aa", &long)]), Err(FIELDS_TOO_LARGE));
        let many = vec![("a", ""); FIELDS];
        assert_eq!(checked(Version::HTTP_2, "/", &[&[host], &many[1..]].concat()), Ok(()));
        assert_eq!(checked(Version::HTTP_2, "/", &[&[host], &many[..]].concat()), Err(FIELDS_TOO_LARGE));
    }
}
