//! Webhooks: what is due is sent to the shop, signed, until it is acknowledged by a 2xx or given up.
//!
//! A webhook is entered into the books together with what it tells of, so none is lost by a crash.
//! An attempt is noted before it is made: after a crash in the middle it is made again, as a real provider does, and so the
//! shop may see it twice.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Request, Uri,
    header::{CONTENT_TYPE, HeaderValue},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::{
    sync::{Notify, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    books::{Books, Delivery},
    clock::now_ms,
    config::WebhookLimits,
    signature::{SIGNATURE, signature},
};

/// The longest pause between two looks at what is due: also after an error of the books.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long an idle connection to the shop is kept, and how many.
const IDLE_FOR: Duration = Duration::from_secs(20);
const IDLE_CONNECTIONS: usize = 32;
/// What is read of a reply to a webhook, so that its connection can be used again.
const MAX_REPLY_BYTES: usize = 64 * 1_024;

/// What delivers webhooks. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Webhooks(Arc<Shared>);

struct Shared {
    books: Books,
    limits: WebhookLimits,
    secret: String,
    client: Client<HttpConnector, Full<Bytes>>,
    /// Where they go, if that was said.
    endpoint: Mutex<Option<Uri>>,
    /// Notified when one was entered.
    entered: Notify,
}

impl Webhooks {
    /// They go where the books say.
    pub(crate) async fn open(
        books: Books,
        limits: WebhookLimits,
        secret: String,
    ) -> Result<Self, sqlx::Error> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(limits.attempt()));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_FOR)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .build(connector);
        let endpoint = books.endpoint().await?.and_then(|url| url.parse().ok());
        let entered = Notify::new();
        Ok(Self(Arc::new(Shared { books, limits, secret, client, endpoint: Mutex::new(endpoint), entered })))
    }

    /// The secret of their signatures.
    pub(crate) fn secret(&self) -> &str {
        &self.0.secret
    }

    /// Where they go, if that was said.
    pub(crate) fn endpoint(&self) -> Option<Uri> {
        self.0.endpoint.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says where they go from now on, those that are due already included.
    pub(crate) async fn set_endpoint(&self, url: Uri) -> Result<(), sqlx::Error> {
        self.0.books.set_endpoint(&url.to_string()).await?;
        *self.0.endpoint.lock().unwrap_or_else(PoisonError::into_inner) = Some(url);
        Ok(())
    }

    /// When the attempt after the first one is due that is made now, unless its outcome says otherwise.
    pub(crate) fn again_at(&self, now: u64) -> u64 {
        now.saturating_add(self.0.limits.attempt_ms).saturating_add(self.0.limits.pause_ms(1))
    }

    /// How long after it is due a webhook is tried.
    pub(crate) fn tried_for_ms(&self) -> u64 {
        self.0.limits.tried_for_ms
    }

    /// Some were entered: they are looked for.
    pub(crate) fn entered(&self) {
        self.0.entered.notify_one();
    }

    /// Sends what is due, until the token is cancelled. What is in flight then is tracked by `tasks`.
    pub(crate) async fn deliver(self, tasks: TaskTracker, stop: CancellationToken) {
        let permits = Arc::new(Semaphore::new(self.0.limits.at_once));
        loop {
            let pause = match self.deliver_due(&permits, &tasks).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(%error, "the books do not say which webhooks are due");
                    LOOK_EVERY
                }
            };
            let all_in_flight = permits.available_permits() == 0;
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.0.entered.notified(), if !all_in_flight => {}
                Ok(_) = permits.acquire(), if all_in_flight => {}
                () = sleep(pause), if !all_in_flight => {}
            }
        }
    }

    /// Starts an attempt of each that is due, as far as permits last; returns when to look again.
    async fn deliver_due(
        &self,
        permits: &Arc<Semaphore>,
        tasks: &TaskTracker,
    ) -> Result<Duration, sqlx::Error> {
        let (books, now) = (&self.0.books, now_ms());
        let is_due = books.next_due().await?.is_some_and(|due| due <= now);
        let free = if is_due { permits.available_permits() } else { 0 };
        for delivery in books.take_due(now, self.again_at(now), free).await? {
            // Nobody else takes permits, so there is one for each.
            let Ok(permit) = Arc::clone(permits).try_acquire_owned() else { break };
            let webhooks = self.clone();
            tasks.spawn(async move {
                webhooks.attempt(delivery).await;
                drop(permit);
            });
        }
        let next = books.next_due().await?.map(|due| due.saturating_sub(now_ms()));
        Ok(next.map_or(LOOK_EVERY, Duration::from_millis).min(LOOK_EVERY))
    }

    /// Makes an attempt that is noted, and enters what became of it.
    pub(crate) async fn attempt(&self, delivery: Delivery) {
        let is_acknowledged = self.is_acknowledged(&delivery).await;
        let now = now_ms();
        let again_at = now.saturating_add(self.0.limits.pause_ms(delivery.attempts));
        let entered = if is_acknowledged {
            self.0.books.delivered(&delivery, now).await
        } else if again_at > delivery.until {
            tracing::warn!(delivery.event, delivery.attempts, "a webhook is given up");
            self.0.books.give_up(delivery.number).await
        } else {
            self.0.books.postpone(delivery.number, again_at).await
        };
        if let Err(error) = entered {
            tracing::warn!(%error, "what became of a webhook is not in the books: it will be sent again");
        }
        self.entered();
    }

    /// Sends it once; whether the shop acknowledges it in time, by a 2xx.
    async fn is_acknowledged(&self, delivery: &Delivery) -> bool {
        let Some(request) = self.endpoint().and_then(|url| self.request(url, &delivery.body)) else {
            return false;
        };
        let sent = async {
            let response = self.0.client.request(request).await.ok()?;
            let is_success = response.status().is_success();
            let _ = Limited::new(response.into_body(), MAX_REPLY_BYTES).collect().await;
            Some(is_success)
        };
        timeout(self.0.limits.attempt(), sent).await.ok().flatten() == Some(true)
    }

    fn request(&self, url: Uri, body: &str) -> Option<Request<Full<Bytes>>> {
        let signature = signature(&self.0.secret, now_ms() / 1_000, body.as_bytes());
        Request::post(url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(SIGNATURE, signature)
            .body(Full::new(Bytes::from(body.to_owned())))
            .ok()
    }
}
