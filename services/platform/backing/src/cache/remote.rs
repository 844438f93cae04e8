//! The tier in Redis: a value as JSON, an absence as an empty text (a tombstone), each with a time to live.
//!
//! A written value is on probation for a second; its text begins with the time to live that it gets if it is
//! read in that second. So a write protects its key against late readers, and still only reads fill the
//! cache.

use std::{fmt::Display, time::Duration};

use redis::cmd;
use serde::{Serialize, de::DeserializeOwned};

use super::{ABSENT_FOR, Expiring, VALUE_FOR_AT_LEAST, jittered};
use crate::Redis;

/// The tombstone; JSON is never empty.
const ABSENT: &[u8] = b"";
/// The first byte of a value on probation, which JSON cannot begin with. Its time to live in milliseconds and
/// a blank follow.
const WRITTEN: &[u8] = b"w";

/// Sets a value (2) with a time to live (3) if the key still has the text that was read (1): a
/// compare-and-set, because a writer may have overwritten it in between.
const KEEP: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then \
                    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end";

/// The values of one cache in Redis.
pub(super) struct Remote {
    redis: Redis,
    name: &'static str,
    life: Duration,
}

/// The result of a read from Redis.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<V> {
    Value(V),
    /// A tombstone.
    Absence,
    /// A miss, or no response.
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

    /// Ends the probation of a value that was read.
    async fn keep(&self, key: &impl Display, text: &[u8], json: &[u8], life: u64) {
        let mut keep = cmd("EVAL");
        keep.arg(KEEP).arg(1).arg(self.key(key)).arg(text).arg(json).arg(life);
        self.redis.ask::<()>(self.name, &keep).await;
    }

    /// Stores what a reader loaded, only if the key is empty.
    pub(super) async fn fill<V: Serialize>(&self, key: &impl Display, found: Option<&Expiring<V>>) {
        if let Some((text, life)) = self.entry(found) {
            let mut fill = cmd("SET");
            fill.arg(self.key(key)).arg(text).arg("NX").arg("PX").arg(millis(life));
            self.redis.ask::<()>(self.name, &fill).await;
        }
    }

    /// Stores a written value on probation; overwrites unconditionally.
    pub(super) async fn put<V: Serialize>(&self, key: &impl Display, written: &Expiring<V>) {
        if let Some((json, life)) = self.entry(Some(written)) {
            // The second of probation counts towards the time to live; the rest must still outlast a late
            // reader.
            let life = life.saturating_sub(VALUE_FOR_AT_LEAST).max(VALUE_FOR_AT_LEAST);
            let text = [WRITTEN, millis(life).to_string().as_bytes(), b" ", &json].concat();
            self.overwrite(key, &text, VALUE_FOR_AT_LEAST).await;
        }
    }

    /// Stores a tombstone; overwrites unconditionally.
    pub(super) async fn remove(&self, key: &impl Display) {
        self.overwrite(key, ABSENT, ABSENT_FOR).await;
    }

    /// Removes a tombstone, so that the next reader loads from the store.
    pub(super) async fn invalidate_absence(&self, key: &impl Display) {
        if self.text(key).await.as_deref() == Some(ABSENT) {
            self.redis.ask::<()>(self.name, cmd("DEL").arg(self.key(key))).await;
        }
    }

    async fn overwrite(&self, key: &impl Display, text: &[u8], life: Duration) {
        let mut set = cmd("SET");
        set.arg(self.key(key)).arg(text).arg("PX").arg(millis(life));
        self.redis.ask::<()>(self.name, &set).await;
    }

    fn entry<V: Serialize>(&self, found: Option<&Expiring<V>>) -> Option<(Vec<u8>, Duration)> {
        let Some(found) = found else { return Some((ABSENT.to_vec(), ABSENT_FOR)) };
        let life = jittered(self.life).min(found.at_most).max(VALUE_FOR_AT_LEAST);
        // A value that does not serialise is not cached, which is no reason to fail the request.
        Some((serde_json::to_vec(&found.value).ok()?, life))
    }

    fn key(&self, key: &impl Display) -> String {
        self.redis.key(self.name, key)
    }
}

/// Splits a value on probation into its time to live in milliseconds and its JSON.
fn on_probation(text: &[u8]) -> Option<(u64, &[u8])> {
    let rest = text.strip_prefix(WRITTEN)?;
    let blank = rest.iter().position(|byte| *byte == b' ')?;
    let life = std::str::from_utf8(&rest[..blank]).ok()?.parse().ok()?;
    Some((life, &rest[blank + 1..]))
}

fn millis(life: Duration) -> u64 {
    u64::try_from(life.as_millis()).unwrap_or(u64::MAX)
}
