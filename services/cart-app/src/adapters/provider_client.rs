//! The payment provider over HTTP.
//!
//! A call that has no reply in time may have been done all the same. The client then asks for the charge, and says that
//! nothing is known unless that shows how the call ended; the same call with the same key finds out later.

mod messages;

use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use backing::failpoint;
use bytes::Bytes;
use cart::{
    ChargeId, EventId, Money, OrderId, PaymentProvider, PaymentToken, Refusal,
    ports::{Answer, Charge, ChargeState},
};
use contract::{Unavailable, Why};
use http::{
    HeaderName, Method, Request, StatusCode, Uri,
    header::CONTENT_TYPE,
    uri::{Authority, Scheme},
};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use tokio::time::timeout;

use self::messages::{ChargeReply, EndpointReply, PageReply, Problem, Slug};
use crate::edge::ProviderBooks;

/// The header by which the provider recognises a call that is made again.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// How long a call may take. What asked for it may allow less.
const CALL_WITHIN: Duration = Duration::from_secs(1);
/// How long a new connection may take.
const CONNECT_WITHIN: Duration = Duration::from_millis(500);
/// Idle connections that are kept, and for how long.
const IDLE_CONNECTIONS: usize = 64;
const IDLE_FOR: Duration = Duration::from_secs(20);
/// The largest reply: [`BOOKS_PAGE`] charges of some 300 bytes each are well below it.
const MAX_REPLY_BYTES: usize = 256 * 1_024;
/// Charges of a page of the books.
const BOOKS_PAGE: usize = 500;
/// Pages of charges of one order: more than one page means a shop that charges again and again.
const PAGE: usize = 100;
const MOST_PAGES: usize = 10;

/// A client of the payment provider.
pub struct HttpProvider {
    client: Client<HttpConnector, Full<Bytes>>,
    server: Authority,
}

/// The request cannot be written: it was not sent.
const NOT_HTTP: Silence = Silence(Why::Broken);
/// The charge contradicts the reply: it is changing.
const CHANGING: Silence = Silence(Why::TimedOut);

/// A reply of the provider.
struct Reply {
    status: StatusCode,
    body: Bytes,
}

/// There is no reply, for this reason: whether the provider has acted is unknown.
#[derive(Clone, Copy)]
struct Silence(Why);

impl HttpProvider {
    /// A client of the provider at `http://HOST:PORT`.
    pub fn new(address: &str) -> anyhow::Result<Self> {
        let uri: Uri = address.parse().with_context(|| format!("`{address}` is no address of a provider"))?;
        let server = uri.authority().cloned();
        let server =
            server.with_context(|| format!("`{address}` names no host: expected `http://HOST:PORT`"))?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_WITHIN));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_FOR)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .build(connector);
        Ok(Self { client, server })
    }

    /// Tells the provider where its webhooks go; returns the secret of their signatures. Idempotent.
    pub async fn announce(&self, url: &str) -> Result<String, Unavailable> {
        let body = json!({ "url": url });
        let reply = self.send(Method::PUT, "/webhook-endpoint", None, Some(&body)).await;
        let reply = reply.map_err(|Silence(why)| Unavailable::new("provider", why))?;
        let endpoint: EndpointReply = reply.parsed().ok_or_else(|| {
            reply.log("/webhook-endpoint");
            Unavailable::new("provider", Why::Broken)
        })?;
        Ok(endpoint.secret)
    }

    /// A page of the provider's books, as it is.
    async fn books(&self, after: u64) -> Result<Bytes, Unavailable> {
        let path = format!("/books?after={after}&limit={BOOKS_PAGE}");
        let reply = self.send(Method::GET, &path, None, None::<&()>).await;
        let reply = reply.map_err(|Silence(why)| Unavailable::new("provider", why))?;
        if reply.status == StatusCode::OK {
            return Ok(reply.body);
        }
        reply.log(&path);
        Err(Unavailable::new("provider", Why::Broken))
    }

    /// Sends a request and reads its reply to the end, within the time that is left.
    async fn send(
        &self,
        method: Method,
        path: &str,
        key: Option<EventId>,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<Reply, Silence> {
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(self.server.clone()).path_and_query(path);
        let mut request = Request::builder().method(method).uri(uri.build().map_err(|_| NOT_HTTP)?);
        if let Some(key) = key {
            request = request.header(IDEMPOTENCY_KEY, String::from(key));
        }
        let bytes = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                serde_json::to_vec(body).map_err(|_| NOT_HTTP)?.into()
            }
            None => Bytes::new(),
        };
        let request = request.body(Full::new(bytes)).map_err(|_| NOT_HTTP)?;
        let read = async {
            let response = self.client.request(request).await;
            // It cannot be reached, or the connection broke.
            let response = response.map_err(|error| silence(path, Why::Unreachable, &error))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, MAX_REPLY_BYTES).collect().await;
            let body = body.map_err(|error| {
                let why = if error.is::<LengthLimitError>() { Why::Broken } else { Why::Unreachable };
                silence(path, why, &*error)
            });
            let body = body?.to_bytes();
            Ok(Reply { status: head.status, body })
        };
        let late = |_| silence(path, Why::TimedOut, &"no reply in time");
        timeout(time_left(), read).await.map_err(late)?
    }

    async fn post(&self, path: &str, key: EventId, body: serde_json::Value) -> Result<Reply, Silence> {
        failpoint::reached("provider", "uncalled");
        let reply = self.send(Method::POST, path, Some(key), Some(&body)).await;
        failpoint::reached("provider", "answered");
        reply
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Silence> {
        let reply = self.send(Method::GET, path, None, None::<&()>).await?;
        reply.parsed().ok_or_else(|| reply.unclear(path))
    }

    /// How a charge is now.
    async fn charge(&self, id: &ChargeId) -> Result<ChargeState, Silence> {
        let charge: ChargeReply = self.get(&format!("/charges/{id}")).await?;
        Ok(charge.state())
    }

    /// Changes a charge.
    async fn change(
        &self,
        key: EventId,
        (id, change): (&ChargeId, &str),
        body: serde_json::Value,
    ) -> Changed {
        let path = format!("/charges/{id}/{change}");
        match self.post(&path, key, body).await {
            Ok(reply) if reply.status.is_success() => Changed::Done,
            Ok(reply) => match reply.slug() {
                Slug::Unknown => Changed::Silent(reply.unclear(&path), None),
                slug => Changed::Refused(slug),
            },
            Err(silence) => Changed::Silent(silence, self.charge(id).await.ok()),
        }
    }
}

/// What became of a change of a charge.
enum Changed {
    /// It was done.
    Done,
    /// It was refused with this problem.
    Refused(Slug),
    /// No reply says so; afterwards the charge was so, if it could be asked for.
    Silent(Silence, Option<ChargeState>),
}

impl<T> From<Silence> for Answer<T> {
    fn from(Silence(why): Silence) -> Self {
        Self::Unknown(why)
    }
}

#[async_trait]
impl ProviderBooks for HttpProvider {
    async fn page(&self, after: u64) -> Result<Bytes, Unavailable> {
        self.books(after).await
    }
}

#[async_trait]
impl PaymentProvider for HttpProvider {
    async fn authorise(
        &self,
        key: EventId,
        order: OrderId,
        amount: Money,
        token: &PaymentToken,
    ) -> Answer<ChargeId> {
        let body = json!({
            "order": order,
            "amount_minor": amount.minor,
            "currency": amount.currency,
            "token": token,
            "capture": false,
        });
        match self.post("/charges", key, body).await {
            Ok(reply) if reply.status == StatusCode::CREATED => match reply.parsed::<ChargeReply>() {
                Some(charge) => held(charge.charge()),
                None => reply.unclear("/charges").into(),
            },
            // An amount, a currency or a token that it does not take, now or ever.
            Ok(reply) if reply.slug() == Slug::Invalid => {
                reply.log("/charges");
                Answer::Refused(Refusal::PaymentDeclined)
            }
            Ok(reply) => reply.unclear("/charges").into(),
            Err(silence) => match self.find(order).await {
                Answer::Done(Some(charge)) => held(charge),
                // It may still be on its way.
                Answer::Done(None) | Answer::Refused(_) | Answer::Unknown(_) => silence.into(),
            },
        }
    }

    async fn capture(&self, key: EventId, charge: &ChargeId, amount: Money) -> Answer<()> {
        match self.change(key, (charge, "capture"), json!({ "amount_minor": amount.minor })).await {
            Changed::Done
            | Changed::Refused(Slug::Captured)
            | Changed::Silent(_, Some(ChargeState::Captured)) => Answer::Done(()),
            Changed::Refused(Slug::ExceedsHeld) => Answer::Refused(Refusal::ExceedsPayment),
            Changed::Refused(Slug::Ended) => match self.charge(charge).await {
                Ok(ChargeState::Refused(reason)) => Answer::Refused(reason),
                Ok(ChargeState::Voided) => Answer::Refused(Refusal::NothingPaid),
                Ok(ChargeState::Authorised | ChargeState::Captured) => CHANGING.into(),
                Err(silence) => silence.into(),
            },
            Changed::Refused(_) => CHANGING.into(),
            Changed::Silent(silence, _) => silence.into(),
        }
    }

    async fn void(&self, key: EventId, charge: &ChargeId) -> Answer<()> {
        match self.change(key, (charge, "void"), json!({})).await {
            Changed::Done | Changed::Silent(_, Some(ChargeState::Voided)) => Answer::Done(()),
            Changed::Refused(Slug::Captured | Slug::Ended) => Answer::Refused(Refusal::NothingPaid),
            Changed::Refused(_) => CHANGING.into(),
            Changed::Silent(silence, _) => silence.into(),
        }
    }

    /// A charge does not show which of its refunds were done: after a call without a reply only the same call finds out.
    async fn refund(&self, key: EventId, charge: &ChargeId, amount: Money) -> Answer<()> {
        match self.change(key, (charge, "refunds"), json!({ "amount_minor": amount.minor })).await {
            Changed::Done => Answer::Done(()),
            Changed::Refused(Slug::ExceedsCaptured) => Answer::Refused(Refusal::ExceedsPayment),
            Changed::Refused(Slug::NotCaptured | Slug::Ended) => Answer::Refused(Refusal::NothingPaid),
            Changed::Refused(_) => CHANGING.into(),
            Changed::Silent(silence, _) => silence.into(),
        }
    }

    async fn find(&self, order: OrderId) -> Answer<Option<Charge>> {
        let (mut latest, mut after) = (None, 0);
        for _ in 0..MOST_PAGES {
            let path = format!("/charges?order={order}&after={after}&limit={PAGE}");
            let page = match self.get::<PageReply>(&path).await {
                Ok(page) => page,
                Err(silence) => return silence.into(),
            };
            latest = page.charges.into_iter().next_back().map(ChargeReply::charge).or(latest);
            match page.next {
                Some(next) => after = next,
                None => return Answer::Done(latest),
            }
        }
        Answer::Unknown(Why::Broken)
    }
}

impl Reply {
    fn parsed<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// What kind of problem it tells of.
    fn slug(&self) -> Slug {
        self.parsed::<Problem>().map_or(Slug::Unknown, |problem| problem.slug())
    }

    /// It does not say what became of the charge. Refused for its load, or because the same key is in flight, the provider
    /// is asked again for as long as it takes.
    fn unclear(&self, path: &str) -> Silence {
        self.log(path);
        Silence(match self.status {
            StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                Why::Overloaded
            }
            _ => Why::Broken,
        })
    }

    fn log(&self, path: &str) {
        let body = String::from_utf8_lossy(&self.body);
        tracing::warn!(path, status = self.status.as_u16(), %body, "the payment provider replied with an error");
    }
}

/// What a charge says of the attempt to hold its amount.
fn held(charge: Charge) -> Answer<ChargeId> {
    match charge.state {
        ChargeState::Refused(reason) => Answer::Refused(reason),
        // What became of the hold since, the next call shows.
        ChargeState::Authorised | ChargeState::Captured | ChargeState::Voided => Answer::Done(charge.id),
    }
}

/// The time that a call has.
fn time_left() -> Duration {
    remote::current().map_or(CALL_WITHIN, |context| context.remaining().min(CALL_WITHIN))
}

fn silence(path: &str, why: Why, error: &(impl std::fmt::Debug + ?Sized)) -> Silence {
    tracing::warn!(path, ?error, %why, "the payment provider does not reply");
    Silence(why)
}
