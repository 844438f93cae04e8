//! Redis pub/sub: the server passes a message to every connection that is subscribed to the channel at the moment.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use contract::Unavailable;
use futures::StreamExt as _;
use redis::{Value, aio::PubSub};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    Broadcast,
    envelope::{open, seal},
    feed::{BroadcastMetrics, Feed},
};
use crate::{Background, Check, Redis, events::event::Event, waiting::ThrottledLog};

/// The pause before a lost connection is replaced.
const RECONNECT_AFTER: Duration = Duration::from_millis(250);
/// The interval between pings, and the time limit for a pong. A silent connection may be idle or dead; a ping tells.
const PING_EVERY: Duration = Duration::from_secs(2);
const PONG_WITHIN: Duration = Duration::from_secs(1);

/// Broadcasts through a channel of a Redis server.
pub struct RedisBroadcast {
    redis: Redis,
    channel: Arc<str>,
    feed: Feed,
    subscribed: Arc<AtomicBool>,
}

impl RedisBroadcast {
    /// Subscribes in the background, on a connection of its own. The server need not be available yet.
    pub fn start(
        redis: Redis,
        topic: &'static str,
        metrics: &BroadcastMetrics,
        background: &Background,
    ) -> Self {
        let (channel, feed) = (Arc::from(redis.key("broadcast", &topic)), Feed::new(topic, metrics));
        let subscribed = Arc::<AtomicBool>::default();
        let subscription = Subscription {
            redis: redis.clone(),
            channel: Arc::clone(&channel),
            feed: feed.clone(),
            subscribed: Arc::clone(&subscribed),
        };
        background.start(|stop| subscription.keep(stop));
        Self { redis, channel, feed, subscribed }
    }
}

#[async_trait]
impl Broadcast for RedisBroadcast {
    async fn send(&self, event: Event) -> Result<(), Unavailable> {
        self.redis.publish(&self.channel, &seal(&event)).await?;
        self.feed.sent();
        Ok(())
    }

    fn feed(&self) -> &Feed {
        &self.feed
    }

    fn check(&self) -> Check {
        let subscribed = Arc::clone(&self.subscribed);
        Check::new(format!("broadcast/{}", self.channel), move || {
            std::future::ready(subscribed.load(Ordering::Relaxed))
        })
    }
}

/// The subscription of a process.
struct Subscription {
    redis: Redis,
    channel: Arc<str>,
    feed: Feed,
    subscribed: Arc<AtomicBool>,
}

impl Subscription {
    /// Keeps the process subscribed.
    ///
    /// A restarted server has forgotten its subscriptions, and messages that were sent without a subscription are lost.
    /// Processes that did not subscribe again would no longer receive each other's events, and look healthy. So this task
    /// subscribes again whenever the connection is lost, and notifies the listeners of a gap each time.
    async fn keep(self, stop: CancellationToken) {
        let keeping = async {
            let mut log = ThrottledLog::default();
            loop {
                match self.redis.subscribe(&self.channel).await {
                    Ok(connection) => {
                        self.subscribed.store(true, Ordering::Relaxed);
                        self.feed.gap();
                        self.receive(connection).await;
                        self.subscribed.store(false, Ordering::Relaxed);
                        tracing::warn!(channel = &*self.channel, "the subscription is lost");
                    }
                    Err(error) => log.waiting_for(&format!("the channel `{}`", self.channel), &error),
                }
                sleep(RECONNECT_AFTER).await;
            }
        };
        stop.run_until_cancelled(keeping).await;
    }

    /// Receives messages until the connection is lost.
    async fn receive(&self, connection: PubSub) {
        let (mut pings, mut messages) = connection.split();
        let receiving = async {
            while let Some(message) = messages.next().await {
                match open(message.get_payload_bytes()) {
                    Ok(event) => self.feed.receive(event),
                    Err(reason) => self.feed.unreadable(&reason),
                }
            }
        };
        let pinging = async {
            loop {
                sleep(PING_EVERY).await;
                if !matches!(timeout(PONG_WITHIN, pings.ping::<Value>()).await, Ok(Ok(_))) {
                    return;
                }
            }
        };
        tokio::select! {
            () = receiving => {}
            () = pinging => {}
        }
    }
}
