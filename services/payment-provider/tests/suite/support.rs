//! A provider on a port of its own, its client, and a shop that receives its webhooks.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, Request, StatusCode, header::CONTENT_TYPE},
    response::Response,
    routing::post,
};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use payment_provider::{Config, Script, WebhookLimits, WebhookShares, run};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle, time::sleep};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A provider in this process.
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    client: Client<HttpConnector, Body>,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

/// A reply, with its body as JSON.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) headers: HeaderMap,
}

impl Provider {
    /// A provider that does nothing wrong, with books that are gone with the folder.
    pub(crate) async fn correct(folder: &TempDir) -> Self {
        Self::scripted(folder, Script::default()).await
    }

    pub(crate) async fn scripted(folder: &TempDir, script: Script) -> Self {
        Self::start(Config { script, ..config(folder.path()) }).await
    }

    pub(crate) async fn start(config: Config) -> Self {
        let listener = TcpListener::bind(config.listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = run(config, listener, stop.clone());
        let serving = tokio::spawn(async move { serving.await.unwrap() });
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { address, client, stop, serving }
    }

    /// Stops it in order; its books are closed when this returns.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.serving.await.unwrap();
    }

    /// Sends a request, and reads the reply; `None` if the connection is closed without one.
    pub(crate) async fn send(&self, request: Request<Body>) -> Option<Reply> {
        let response = self.client.request(request).await.ok()?;
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Some(Reply { status: head.status.as_u16(), body, headers: head.headers })
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// `None` if no reply comes.
    pub(crate) async fn try_post(&self, path: &str, key: &str, body: &Value) -> Option<Reply> {
        let request = Request::post(self.url(path))
            .header("idempotency-key", key)
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()));
        self.send(request.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, key: &str, body: &Value) -> Reply {
        self.try_post(path, key, body).await.expect("a reply")
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        let request = Request::get(self.url(path)).body(Body::empty()).unwrap();
        self.send(request).await.expect("a reply")
    }

    /// A request without headers but these.
    pub(crate) async fn post_raw(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Reply {
        let mut request = Request::post(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await.expect("a reply")
    }

    /// Authorises 500 cents for an order.
    pub(crate) async fn authorise(&self, order: &str, key: &str) -> Reply {
        self.post("/charges", key, &charge(order)).await
    }

    /// Authorises 500 cents, and returns the charge's id.
    pub(crate) async fn authorised(&self, order: &str, key: &str) -> String {
        let reply = self.authorise(order, key).await;
        assert_eq!((reply.status, reply.text("status")), (201, "authorised"), "{reply:?}");
        reply.text("id").to_owned()
    }

    pub(crate) async fn capture(&self, charge: &str, key: &str, amount: i64) -> Reply {
        self.post(&format!("/charges/{charge}/capture"), key, &json!({ "amount_minor": amount })).await
    }

    pub(crate) async fn void(&self, charge: &str, key: &str) -> Reply {
        self.post(&format!("/charges/{charge}/void"), key, &json!({})).await
    }

    pub(crate) async fn refund(&self, charge: &str, key: &str, amount: i64) -> Reply {
        self.post(&format!("/charges/{charge}/refunds"), key, &json!({ "amount_minor": amount })).await
    }

    /// All charges, as one page.
    pub(crate) async fn charges(&self) -> Vec<Value> {
        let page = self.get("/books").await.body;
        assert_eq!(page["next"], Value::Null, "{page}");
        page["charges"].as_array().unwrap().clone()
    }

    /// Says where webhooks go, and returns the secret of their signatures.
    pub(crate) async fn tells(&self, shop: &Shop) -> String {
        let body = json!({ "url": format!("http://{}/webhooks", shop.address) }).to_string();
        let request = Request::put(self.url("/webhook-endpoint")).header(CONTENT_TYPE, "application/json");
        let reply = self.send(request.body(Body::from(body)).unwrap()).await.unwrap();
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.text("secret").to_owned()
    }

    /// Webhooks that are still to be delivered.
    pub(crate) async fn pending(&self) -> i64 {
        self.get("/webhook-endpoint").await.body["pending"].as_i64().unwrap()
    }
}

impl Reply {
    pub(crate) fn text(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap_or_else(|| panic!("no `{field}`: {self:?}"))
    }

    pub(crate) fn number(&self, field: &str) -> i64 {
        self.body[field].as_i64().unwrap_or_else(|| panic!("no `{field}`: {self:?}"))
    }

    /// Its status, and the last part of its problem's type.
    pub(crate) fn problem(&self) -> (u16, &str) {
        assert_eq!(self.headers[CONTENT_TYPE], "application/problem+json", "{self:?}");
        assert_eq!(self.body["status"], self.status, "{self:?}");
        (self.status, self.text("type").strip_prefix("/problems/").unwrap())
    }
}

/// The body of a charge of 500 cents.
pub(crate) fn charge(order: &str) -> Value {
    json!({ "order": order, "amount_minor": 500, "currency": "EUR", "token": "visa" })
}

/// A provider with books in a folder, on any port, that retries its webhooks soon.
pub(crate) fn config(folder: &Path) -> Config {
    let webhooks = WebhookLimits { first_pause_ms: 10, longest_pause_ms: 40, ..WebhookLimits::default() };
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    Config { webhooks, ..Config::new(anywhere, folder.join("books.db")) }
}

/// Webhooks of one kind alone.
pub(crate) fn only(set: impl FnOnce(&mut WebhookShares)) -> Script {
    let mut webhooks = WebhookShares { once: 0.0, ..WebhookShares::default() };
    set(&mut webhooks);
    Script { webhooks, ..Script::default() }
}

/// What a shop received.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) signature: String,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }

    pub(crate) fn id(&self) -> String {
        self.json()["id"].as_str().unwrap().to_owned()
    }
}

/// A shop's endpoint for webhooks.
pub(crate) struct Shop {
    pub(crate) address: SocketAddr,
    received: Arc<Inbox>,
    _ends: DropGuard,
}

struct Inbox {
    received: Mutex<Vec<Received>>,
    /// Replies to the webhook of this number, counted from 0; `None` never comes.
    replies: Box<dyn Fn(usize) -> Option<StatusCode> + Send + Sync>,
}

impl Shop {
    /// Acknowledges everything.
    pub(crate) async fn open() -> Self {
        Self::replying(|_| Some(StatusCode::NO_CONTENT)).await
    }

    pub(crate) async fn replying(
        replies: impl Fn(usize) -> Option<StatusCode> + Send + Sync + 'static,
    ) -> Self {
        let received = Arc::new(Inbox { received: Mutex::default(), replies: Box::new(replies) });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/webhooks", post(receive)).with_state(Arc::clone(&received));
        let stop = CancellationToken::new();
        let serving =
            stop.clone().run_until_cancelled_owned(async move { axum::serve(listener, router).await });
        tokio::spawn(serving);
        Self { address, received, _ends: stop.drop_guard() }
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.received.lock().unwrap().clone()
    }

    pub(crate) fn kinds(&self) -> Vec<String> {
        self.received().iter().map(Received::kind).collect()
    }

    /// Waits until it received so many.
    pub(crate) async fn receives(&self, count: usize) -> Vec<Received> {
        until(&format!("{count} webhooks"), async || self.received().len() >= count).await;
        self.received()
    }
}

async fn receive(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: Bytes) -> Response {
    let signature = headers[payment_provider::SIGNATURE].to_str().unwrap().to_owned();
    let number = {
        let mut received = inbox.received.lock().unwrap();
        received.push(Received { signature, body });
        received.len() - 1
    };
    let Some(status) = (inbox.replies)(number) else { return std::future::pending().await };
    Response::builder().status(status).body(Body::empty()).unwrap()
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// A folder for books.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}
