//! The client for a browser, and the description of the socket.

use axum::{
    Router,
    http::{HeaderName, header},
    response::{Html, IntoResponse},
    routing::get,
};

/// What a page may do: run its own script, and talk to where it came from.
const POLICY: &str = "default-src 'none'; img-src data:; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss: http://127.0.0.1:* http://localhost:*; base-uri 'none'; form-action 'none'";

/// The routes.
pub(super) fn routes() -> Router {
    Router::new()
        .route("/", get(async || guarded(Html(include_str!("page/index.html")))))
        .route(
            "/chat.js",
            get(async || typed("text/javascript; charset=utf-8", include_str!("page/chat.js"))),
        )
        .route("/chat.css", get(async || typed("text/css; charset=utf-8", include_str!("page/chat.css"))))
        .route("/asyncapi.json", get(async || typed("application/json", include_str!("page/asyncapi.json"))))
}

fn guarded(page: impl IntoResponse) -> impl IntoResponse {
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], page)
}

fn typed(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let sniff: (HeaderName, &str) = (header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    ([(header::CONTENT_TYPE, kind), sniff], text)
}
