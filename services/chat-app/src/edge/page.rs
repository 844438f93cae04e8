//! The client for a browser, and the description of the socket.

use axum::{
    Router,
    http::{HeaderMap, HeaderName, Uri, header, uri::Authority},
    response::{Html, IntoResponse},
    routing::get,
};
use url::form_urlencoded;

/// The most further gateways that a page may be told of.
const MOST_GATEWAYS: usize = 7;

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The routes.
pub(super) fn routes() -> Router {
    let page = async |uri: Uri, headers: HeaderMap| {
        let policy = (header::CONTENT_SECURITY_POLICY, policy(&uri, &headers));
        ([policy], Html(include_str!("page/index.html")))
    };
    Router::new()
        .route("/", get(page))
        .route("/chat.js", get(async || typed(SCRIPT, include_str!("page/chat.js"))))
        .route("/shown.js", get(async || typed(SCRIPT, include_str!("page/shown.js"))))
        .route("/chat.css", get(async || typed("text/css; charset=utf-8", include_str!("page/chat.css"))))
        .route("/asyncapi.json", get(async || typed("application/json", include_str!("page/asyncapi.json"))))
}

/// What the page may do: run its own script, ask where it came from, and connect to that and to the gateways that it is told of.
fn policy(uri: &Uri, headers: &HeaderMap) -> String {
    let siblings = siblings(uri, headers);
    let sockets = siblings.iter().flat_map(|place| [format!("ws://{place}"), format!("wss://{place}")]);
    let connect: Vec<_> = ["'self'".to_owned()].into_iter().chain(sockets).collect();
    format!(
        "default-src 'none'; img-src data:; script-src 'self'; style-src 'self'; connect-src {}; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        connect.join(" "),
    )
}

/// The further gateways that `?also=host:port,...` names: other ports of the host that the page was asked of. A link may name
/// others, but a token is not for them.
fn siblings(uri: &Uri, headers: &HeaderMap) -> Vec<Authority> {
    let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok()?.parse().ok());
    let Some(asked) = asked.or_else(|| uri.authority().cloned()) else { return Vec::new() };
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let named = query.filter(|(name, _)| name == "also").flat_map(|(_, places)| {
        places.split(',').filter_map(|place| place.parse().ok()).collect::<Vec<Authority>>()
    });
    named.filter(|place| is_sibling(place, &asked)).take(MOST_GATEWAYS).collect()
}

/// Whether a place is another port of the same host. Nothing else may stand in it, because it becomes a part of a policy.
fn is_sibling(place: &Authority, asked: &Authority) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let bare = place.port_u16().map(|port| format!("{}:{port}", place.host()));
    place.host() == asked.host()
        && place.host().bytes().all(is_plain)
        && bare.as_deref() == Some(place.as_str())
}

fn typed(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let sniff: (HeaderName, &str) = (header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    ([(header::CONTENT_TYPE, kind), sniff], text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a page may connect to beside the place that it came from.
    fn sockets(host: &str, target: &str) -> String {
        let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
        let policy = policy(&target.parse().unwrap(), &headers);
        let directive = policy.split("; ").find_map(|part| part.strip_prefix("connect-src ")).unwrap();
        directive.strip_prefix("'self'").unwrap().to_owned()
    }

    #[test]
    fn a_page_connects_to_its_own_gateway_and_to_those_that_it_is_told_of() {
        assert_eq!(sockets("127.0.0.1:80", "/?user=ann"), "");
        let also = "/?also=127.0.0.1:81,127.0.0.1:82&user=ann";
        assert_eq!(
            sockets("127.0.0.1:80", also),
            " ws://127.0.0.1:81 wss://127.0.0.1:81 ws://127.0.0.1:82 wss://127.0.0.1:82"
        );
        let many: Vec<_> = (1..100).map(|port| format!("a:{port}")).collect();
        assert_eq!(
            sockets("a:80", &format!("/?also={}", many.join(","))).matches(" ws://").count(),
            MOST_GATEWAYS
        );
    }

    #[test]
    fn it_connects_to_no_other_host_and_a_link_adds_nothing_to_its_policy() {
        for other in [
            "b:81",
            "a",
            "a:",
            "a:99999",
            "ann@a:81",
            "*:81",
            "a:*",
            "a:81;",
            "a:81%3B%20script-src%20*",
            "%2A",
        ] {
            assert_eq!(sockets("a:80", &format!("/?also={other}")), "", "{other}");
        }
        assert_eq!(sockets("*", "/?also=*:81"), "");
        assert_eq!(sockets("a;b:80", "/?also=a%3Bb:81"), "");
    }
}
