//! The opening handshake of a WebSocket (RFC 6455, 4.2), as an axum extractor.

use axum::{
    body::Body,
    extract::FromRequestParts,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version,
        header::{
            CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
            SEC_WEBSOCKET_VERSION, UPGRADE,
        },
        request::Parts,
    },
    response::{IntoResponse as _, Response},
};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::edge::{Problem, single};

/// The length of a key: 16 bytes in base64.
const KEY_LENGTH: usize = 24;

/// A request to upgrade to a WebSocket; any other request is rejected with 426.
///
/// No extension is negotiated: compression would cost a window of memory for each connection.
pub struct Upgrade {
    connection: OnUpgrade,
    accept: HeaderValue,
    /// The client's `Sec-WebSocket-Protocol` fields.
    offered: HeaderMap,
    protocol: Option<&'static str>,
}

impl Upgrade {
    /// Selects the first of these subprotocols that the client offers.
    pub fn choose(&mut self, known: &[&'static str]) -> Option<&'static str> {
        let is_offered =
            |protocol: &&&str| contains(&self.offered, &SEC_WEBSOCKET_PROTOCOL, protocol, str::eq);
        self.protocol = known.iter().find(is_offered).copied();
        self.protocol
    }

    /// The 101 response, and the future of the upgraded connection.
    pub(super) fn accept(self) -> (Response, OnUpgrade) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, self.accept);
        if let Some(protocol) = self.protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        }
        (response, self.connection)
    }
}

impl<S: Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let headers = &parts.headers;
        let asks = parts.method == Method::GET
            && parts.version == Version::HTTP_11
            && contains(headers, &CONNECTION, "upgrade", str::eq_ignore_ascii_case)
            && contains(headers, &UPGRADE, "websocket", str::eq_ignore_ascii_case);
        if !asks || headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err(upgrade_required());
        }
        let key = single(headers, &SEC_WEBSOCKET_KEY).map_err(Problem::into_response)?;
        let Some(key) = key.filter(|key| is_key(key.as_bytes())) else {
            let detail = "`Sec-WebSocket-Key` is not 16 bytes in base64".to_owned();
            return Err(Problem::malformed(detail).into_response());
        };
        let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes()));
        let accept = accept.map_err(|error| Problem::internal(error.to_string()).into_response())?;
        let mut offered = HeaderMap::new();
        for protocols in headers.get_all(SEC_WEBSOCKET_PROTOCOL) {
            offered.append(SEC_WEBSOCKET_PROTOCOL, protocols.clone());
        }
        let connection = parts.extensions.remove::<OnUpgrade>().ok_or_else(upgrade_required)?;
        Ok(Self { connection, accept, offered, protocol: None })
    }
}

/// Whether a list-valued field contains this element.
fn contains(headers: &HeaderMap, name: &HeaderName, element: &str, is: fn(&str, &str) -> bool) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|found| is(found.trim(), element))
}

fn is_key(key: &[u8]) -> bool {
    let (digits, padding) = key.split_at(key.len().saturating_sub(2));
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.len() == KEY_LENGTH && padding == b"==" && digits.iter().all(is_digit)
}

/// The rejection of a request that is no handshake of version 13.
fn upgrade_required() -> Response {
    let detail = "this is a WebSocket endpoint: send a `GET` over HTTP/1.1 with `Connection: Upgrade`, \
                  `Upgrade: websocket` and `Sec-WebSocket-Version: 13`";
    let mut response =
        remote::problem(StatusCode::UPGRADE_REQUIRED, "upgrade-required", "Upgrade required", detail);
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response
}
