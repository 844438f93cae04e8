//! The tier in Redis: a value as JSON, an absence as an empty text, each with its life.

use std::{fmt::Display, time::Duration};

use redis::cmd;
use serde::{
    Serialize,
    de::{DeserializeOwned, IgnoredAny},
};

use super::{ABSENT_FOR, Lasting, VALUE_FOR_AT_LEAST, jittered};
use crate::Redis;

/// The mark of an absence; no JSON is empty.
const ABSENT: &[u8] = b"";

/// Values in Redis, those of one cache.
pub(super) struct Remote {
    redis: Redis,
    name: &'static str,
    life: Duration,
}

/// What Redis says of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<V> {
    Value(V),
    /// It knows that there is nothing.
    Absence,
    /// It knows nothing, or does not say.
    Nothing,
}

impl Remote {
    pub(super) fn new(redis: Redis, name: &'static str, life: Duration) -> Self {
        Self { redis, name, life }
    }

    pub(super) async fn get<V: DeserializeOwned>(&self, key: &impl Display) -> Found<V> {
        match self.redis.ask::<Option<Vec<u8>>>(cmd("GET").arg(self.key(key))).await.flatten() {
            None => Found::Nothing,
            Some(mark) if mark == ABSENT => Found::Absence,
            Some(json) => serde_json::from_slice(&json).map_or_else(
                |error| {
                    tracing::warn!(%error, "a value in redis is not one of ours");
                    Found::Nothing
                },
                Found::Value,
            ),
        }
    }

    /// What a reader found in the store: left only where nothing is.
    pub(super) async fn fill<V: Serialize>(&self, key: &impl Display, found: Option<&Lasting<V>>) {
        if let Some((text, life)) = self.entry(found) {
            let mut fill = cmd("SET");
            fill.arg(self.key(key)).arg(text).arg("NX").arg("PX").arg(millis(life));
            self.redis.ask::<()>(&fill).await;
        }
    }

    /// What a writer wrote: whatever was there before.
    pub(super) async fn put<V: Serialize>(&self, key: &impl Display, written: &Lasting<V>) {
        self.overwrite(key, Some(written)).await;
    }

    /// What a writer removed: whatever was there before.
    pub(super) async fn forget(&self, key: &impl Display) {
        self.overwrite(key, None::<&Lasting<()>>).await;
    }

    /// Whoever holds that there is nothing asks the store again.
    pub(super) async fn doubt(&self, key: &impl Display) {
        if self.get::<IgnoredAny>(key).await == Found::Absence {
            self.redis.ask::<()>(cmd("DEL").arg(self.key(key))).await;
        }
    }

    async fn overwrite<V: Serialize>(&self, key: &impl Display, entry: Option<&Lasting<V>>) {
        if let Some((text, life)) = self.entry(entry) {
            let mut set = cmd("SET");
            set.arg(self.key(key)).arg(text).arg("PX").arg(millis(life));
            self.redis.ask::<()>(&set).await;
        }
    }

    fn entry<V: Serialize>(&self, found: Option<&Lasting<V>>) -> Option<(Vec<u8>, Duration)> {
        let Some(found) = found else { return Some((ABSENT.to_vec(), ABSENT_FOR)) };
        let life = jittered(self.life).min(found.at_most).max(VALUE_FOR_AT_LEAST);
        // What cannot be written as JSON cannot be cached, which is no reason to fail.
        Some((serde_json::to_vec(&found.value).ok()?, life))
    }

    fn key(&self, key: &impl Display) -> String {
        self.redis.key(self.name, key)
    }
}

fn millis(life: Duration) -> u64 {
    u64::try_from(life.as_millis()).unwrap_or(u64::MAX)
}
