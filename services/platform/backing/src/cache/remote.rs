//! The tier in Redis: a value as JSON, an absence as an empty text, each with its life.
//!
//! What was just written stands there on probation: for a second, with the life before it that it has once somebody
//! asked for it. So a write holds its place against a late reader, and still it is reads that fill the cache.

use std::{fmt::Display, time::Duration};

use redis::cmd;
use serde::{Serialize, de::DeserializeOwned};

use super::{ABSENT_FOR, Lasting, VALUE_FOR_AT_LEAST, jittered};
use crate::Redis;

/// The mark of an absence; no JSON is empty.
const ABSENT: &[u8] = b"";
/// What the text of a value on probation begins with; no JSON does. Its life in milliseconds and a blank follow.
const WRITTEN: &[u8] = b"w";

/// Keeps a value (2) for its life (3) where it still stands as it was read (1): whoever overwrote it meanwhile wins.
const KEEP: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then \
                    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end";

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
        let Some(text) = self.text(key).await else { return Found::Nothing };
        if text == ABSENT {
            return Found::Absence;
        }
        let probation = on_probation(&text);
        let json = probation.map_or(text.as_slice(), |(_, json)| json);
        match serde_json::from_slice(json) {
            Ok(value) => {
                if let Some((life, json)) = probation {
                    self.keep(key, &text, json, life).await;
                }
                Found::Value(value)
            }
            Err(error) => {
                tracing::warn!(%error, "a value in redis is not one of ours");
                Found::Nothing
            }
        }
    }

    async fn text(&self, key: &impl Display) -> Option<Vec<u8>> {
        self.redis.ask::<Option<Vec<u8>>>(self.name, cmd("GET").arg(self.key(key))).await.flatten()
    }

    /// Ends the probation of a value that somebody asked for.
    async fn keep(&self, key: &impl Display, text: &[u8], json: &[u8], life: u64) {
        let mut keep = cmd("EVAL");
        keep.arg(KEEP).arg(1).arg(self.key(key)).arg(text).arg(json).arg(life);
        self.redis.ask::<()>(self.name, &keep).await;
    }

    /// What a reader found in the store: left only where nothing is.
    pub(super) async fn fill<V: Serialize>(&self, key: &impl Display, found: Option<&Lasting<V>>) {
        if let Some((text, life)) = self.entry(found) {
            let mut fill = cmd("SET");
            fill.arg(self.key(key)).arg(text).arg("NX").arg("PX").arg(millis(life));
            self.redis.ask::<()>(self.name, &fill).await;
        }
    }

    /// What a writer wrote, on probation: whatever was there before.
    pub(super) async fn put<V: Serialize>(&self, key: &impl Display, written: &Lasting<V>) {
        if let Some((json, life)) = self.entry(Some(written)) {
            // With the second before it no longer than any life, and again long enough to hold the place.
            let life = life.saturating_sub(VALUE_FOR_AT_LEAST).max(VALUE_FOR_AT_LEAST);
            let text = [WRITTEN, millis(life).to_string().as_bytes(), b" ", &json].concat();
            self.overwrite(key, &text, VALUE_FOR_AT_LEAST).await;
        }
    }

    /// What a writer removed: whatever was there before.
    pub(super) async fn forget(&self, key: &impl Display) {
        self.overwrite(key, ABSENT, ABSENT_FOR).await;
    }

    /// Whoever holds that there is nothing asks the store again.
    pub(super) async fn doubt(&self, key: &impl Display) {
        if self.text(key).await.as_deref() == Some(ABSENT) {
            self.redis.ask::<()>(self.name, cmd("DEL").arg(self.key(key))).await;
        }
    }

    async fn overwrite(&self, key: &impl Display, text: &[u8], life: Duration) {
        let mut set = cmd("SET");
        set.arg(self.key(key)).arg(text).arg("PX").arg(millis(life));
        self.redis.ask::<()>(self.name, &set).await;
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

/// The life and the JSON of a value on probation.
fn on_probation(text: &[u8]) -> Option<(u64, &[u8])> {
    let rest = text.strip_prefix(WRITTEN)?;
    let blank = rest.iter().position(|byte| *byte == b' ')?;
    let life = std::str::from_utf8(&rest[..blank]).ok()?.parse().ok()?;
    Some((life, &rest[blank + 1..]))
}

fn millis(life: Duration) -> u64 {
    u64::try_from(life.as_millis()).unwrap_or(u64::MAX)
}
