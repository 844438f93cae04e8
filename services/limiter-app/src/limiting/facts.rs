//! The facts of a request.

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
};

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, HeaderName, HeaderValue, Request, header},
};
use limiter::Fact;
use runtime::edge::{Problem, single};

/// The facts of a request: `address`, `token`, and `header:<name>` for each header that begins with `x-`.
///
/// The address is the connection's peer address: any client could send a header with another one.
/// Several fields of one name become one value, joined with commas, as HTTP defines it. `Authorization` is
/// not a list, so two of them are an error (400).
/// Number and length are not limited here: only facts that a policy names are read.
pub fn facts(request: &Request<Body>) -> Result<Vec<Fact>, Problem> {
    let headers = request.headers();
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let address = peer.map(|ConnectInfo(peer)| fact("address", address_text(peer.ip())));
    let token = single(headers, &header::AUTHORIZATION)?.and_then(bearer).map(|token| fact("token", token));
    let custom = headers.keys().filter(|name| name.as_str().starts_with("x-"));
    let custom = custom.map(|name| fact(format!("header:{name}"), joined(headers, name)));
    Ok(address.into_iter().chain(token).chain(custom).collect())
}

fn fact(name: impl Into<Cow<'static, str>>, value: String) -> Fact {
    Fact { name: name.into(), value }
}

/// An address as text; its `Display` takes several times as long, and every request needs this.
fn address_text(address: IpAddr) -> String {
    let IpAddr::V4(address) = address else { return address.to_string() };
    let mut text = String::with_capacity("255.255.255.255".len());
    for octet in address.octets() {
        text.push_str(if text.is_empty() { "" } else { "." });
        text.push_str(itoa::Buffer::new().format(octet));
    }
    text
}

/// The token of `Authorization: Bearer ...` (RFC 6750).
fn bearer(value: &HeaderValue) -> Option<String> {
    let text = text(value.as_bytes());
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

fn joined(headers: &HeaderMap, name: &HeaderName) -> String {
    headers.get_all(name).iter().map(|value| text(value.as_bytes())).collect::<Vec<_>>().join(", ")
}

/// A field value as text: UTF-8, or else Latin-1, which is HTTP's historical encoding (RFC 9110, 5.5).
pub(crate) fn text(value: &[u8]) -> String {
    match str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().map(|byte| char::from(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(request: http::request::Builder) -> Vec<(Cow<'static, str>, String)> {
        let mut request = request.body(Body::empty()).expect("a request");
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 7], 4711))));
        facts(&request).expect("facts").into_iter().map(|fact| (fact.name, fact.value)).collect()
    }

    fn pair(name: &str, value: &str) -> (Cow<'static, str>, String) {
        (name.to_owned().into(), value.to_owned())
    }

    #[test]
    fn a_request_is_known_by_its_address_its_token_and_its_own_headers() {
        let request = Request::get("/").header("authorization", "bearer a b").header("accept", "*/*");
        let request = request.header("x-tenant", "one").header("x-tenant", "two");
        let expected =
            [pair("address", "192.0.2.7"), pair("token", "a b"), pair("header:x-tenant", "one, two")];
        assert_eq!(known(request), expected);
        let other = Request::get("/").header("authorization", "Basic YTpi");
        assert_eq!(known(other), [pair("address", "192.0.2.7")]);
    }

    #[test]
    fn an_address_is_written_as_everywhere() {
        for address in ["0.0.0.0", "10.0.255.1", "192.0.2.70", "::1", "2001:db8::7"] {
            let parsed: IpAddr = address.parse().expect("an address");
            assert_eq!(address_text(parsed), address);
        }
    }

    #[test]
    fn a_token_that_is_there_twice_is_none_to_choose_from() {
        let request =
            Request::get("/").header("authorization", "Bearer a").header("authorization", "Bearer b");
        assert!(facts(&request.body(Body::empty()).expect("a request")).is_err());
    }

    #[test]
    fn a_value_is_read_as_the_text_that_a_policy_says() {
        let utf8 = HeaderValue::from_bytes("café".as_bytes()).expect("a header may hold that");
        let latin1 = HeaderValue::from_bytes(b"caf\xe9").expect("a header may hold that");
        for value in [utf8, latin1] {
            let request = Request::get("/").header("x-key", value);
            assert_eq!(known(request)[1], pair("header:x-key", "café"));
        }
    }

    #[test]
    fn values_that_are_no_text_stay_apart() {
        let value = |bytes: &[u8]| HeaderValue::from_bytes(bytes).expect("a header may hold that");
        let one = known(Request::get("/").header("x-key", value(b"\xff")));
        let other = known(Request::get("/").header("x-key", value(b"\xfe")));
        assert_ne!(one, other);
    }
}
