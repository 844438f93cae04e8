//! A client of a system's public API, which checks the promises that every reply must keep.
//!
//! No reply is a 500, every reply has a request id, every error is a problem document, and each comes in
//! time.
//! The client records the routes and statuses that it saw, for a comparison with the API's description.

use std::{cell::RefCell, collections::BTreeSet, net::SocketAddr, time::Duration};

use axum::body::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use load::sender::Target;
use serde_json::Value;
use tokio::runtime::Runtime;

/// The time limit of a reply; a request's own deadline is two seconds.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);

/// A reply that kept those promises.
#[derive(Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// A request and its reply: the method, the route, the status.
pub type Seen = (String, &'static str, u16);

/// A client of one edge, or of several processes that serve it in parts. Each request has its own connection, so that no reply depends on an earlier one.
pub struct EdgeClient {
    target: Target,
    runtime: Runtime,
    http: Client<HttpConnector, Full<Bytes>>,
    route: fn(&str) -> &'static str,
    seen: RefCell<BTreeSet<Seen>>,
}

impl EdgeClient {
    /// A client of the shortener's public API at this address.
    pub fn new(address: SocketAddr) -> Self {
        Self::of(address, route)
    }

    /// A client of a public API at this address; `route` maps a path to its route in the API's description,
    /// or to `none`.
    pub fn of(address: SocketAddr, route: fn(&str) -> &'static str) -> Self {
        Self::of_target(Target::at("edge", address), route)
    }

    /// The same of a public API that several processes may serve, each the paths that lead to it.
    pub fn of_target(target: Target, route: fn(&str) -> &'static str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let http = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        Self { target, runtime, http, route, seen: RefCell::default() }
    }

    /// The address of the edge; of several the first.
    pub fn address(&self) -> SocketAddr {
        self.target.address
    }

    /// The API's description: of several processes that of each, as one.
    pub fn description(&self) -> Value {
        let further = self.target.routes.servers().iter().map(|server| server.address);
        let mut whole = self.described_at(self.address());
        for address in further {
            let part = self.described_at(address);
            for place in ["/paths", "/components/schemas"] {
                let more = part.pointer(place).and_then(Value::as_object).cloned().unwrap_or_default();
                whole.pointer_mut(place).and_then(Value::as_object_mut).expect("an API").extend(more);
            }
        }
        whole
    }

    fn described_at(&self, address: SocketAddr) -> Value {
        let reply = self.ask_at(address, &Method::GET, "/openapi.json", &[], Bytes::new());
        assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"));
        reply.json()
    }

    /// The requests and replies so far.
    pub fn seen(&self) -> BTreeSet<Seen> {
        self.seen.borrow().clone()
    }

    /// `POST /links` with a JSON body.
    pub fn shorten(&self, body: &Value) -> Reply {
        self.post(&[("content-type", "application/json")], body.to_string())
    }

    /// The same under an idempotency key.
    pub fn shorten_with_key(&self, key: &str, body: &Value) -> Reply {
        self.post(&[("content-type", "application/json"), ("idempotency-key", key)], body.to_string())
    }

    /// `POST /links` with any headers and body.
    pub fn post(&self, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Reply {
        self.ask(&Method::POST, "/links", headers, body)
    }

    /// `GET /{code}`
    pub fn follow(&self, code: &str) -> Reply {
        self.get(&format!("/{code}"))
    }

    /// `GET /links/{code}`
    pub fn show(&self, code: &str) -> Reply {
        self.get(&format!("/links/{code}"))
    }

    /// `DELETE /links/{code}`
    pub fn remove(&self, code: &str) -> Reply {
        self.ask(&Method::DELETE, &format!("/links/{code}"), &[], "")
    }

    /// `GET` of a path.
    pub fn get(&self, path: &str) -> Reply {
        self.ask(&Method::GET, path, &[], "")
    }

    /// Sends a request, and checks the promises of every reply.
    pub fn ask(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Reply {
        self.ask_at(self.target.of_path(path).0, method, path, headers, body.into())
    }

    /// The same of the process at an address.
    pub fn ask_at(
        &self,
        address: SocketAddr,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(format!("http://{address}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body)).expect("a request");
        let reply = self.runtime.block_on(async {
            let exchange = async {
                let (head, body) = self.http.request(request).await.expect("an answer").into_parts();
                let body = body.collect().await.expect("a whole body").to_bytes();
                Reply { status: head.status.as_u16(), headers: head.headers, body }
            };
            let answer = tokio::time::timeout(ANSWER_WITHIN, exchange).await;
            answer.unwrap_or_else(|_| panic!("{method} {path} was not answered in time"))
        });
        reply.keeps_what_every_reply_promises(method, path);
        self.seen.borrow_mut().insert((method.to_string(), (self.route)(path), reply.status));
        reply
    }
}

/// The shortener's route for a path.
fn route(path: &str) -> &'static str {
    match path.split('/').collect::<Vec<_>>()[..] {
        ["", ""] => "none",
        ["", "links"] => "/links",
        ["", "openapi.json"] => "/openapi.json",
        ["", "clicks", "pending"] => "/clicks/pending",
        ["", "links", _] => "/links/{code}",
        ["", _] => "/{code}",
        _ => "none",
    }
}

impl Reply {
    /// Fails unless the reply keeps the promises of every reply.
    #[track_caller]
    pub fn keeps_what_every_reply_promises(&self, method: &Method, path: &str) {
        assert_ne!(self.status, 500, "{method} {path}: {self:?}");
        let id = self.header("x-request-id");
        let is_hex = id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        assert!(id.len() == 32 && is_hex, "{method} {path}: the request id is `{id}`");
        if self.status < 400 || method == Method::HEAD {
            return;
        }
        assert_eq!(self.header("content-type"), "application/problem+json", "{method} {path}: {self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{method} {path}: {problem}");
        for member in ["type", "title", "detail"] {
            let text = problem[member].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{method} {path}: `{member}` is missing in {problem}");
        }
        assert!(problem["type"].as_str().is_some_and(|kind| kind.starts_with("/problems/")), "{problem}");
    }

    /// A header's value; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("visible ASCII"))
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A string member of the body.
    pub fn text(&self, member: &str) -> String {
        let json = self.json();
        json[member].as_str().unwrap_or_else(|| panic!("no `{member}` in {json}")).to_owned()
    }

    /// The code of the created link.
    pub fn made(&self) -> String {
        assert_eq!(self.status, 201, "{self:?}");
        self.text("code")
    }

    /// Fails unless the reply is this problem with this status.
    #[track_caller]
    pub fn is_problem(&self, status: u16, slug: &str) {
        let kind = if self.status >= 400 { self.text("type") } else { "none".to_owned() };
        assert_eq!((self.status, kind), (status, format!("/problems/{slug}")), "{self:?}");
    }
}
