//! Counts in a Redis server that all processes share.
//!
//! A call is one Lua script. Redis runs a script without interleaving other commands, so a call is atomic
//! over all of its keys, in one round trip. There is a script for each algorithm; `scripts` builds it from
//! the files beside it.

mod scripts;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use backing::{Redis, RefusedError, Waiting};
use contract::{Ticks, Unavailable, Why};
use limiter::{Algorithm, Charge, CountError, CountKey, Counts, Limit, MAX_CHARGES, Standing, Take, Taken};
use redis::{Script, ScriptInvocation};
pub(super) use scripts::add_script;
use scripts::micros;

/// The numbers that a script returns for a charge.
const NUMBERS: usize = 6;
/// The script's value for a time that never comes.
const NEVER: i64 = -1;

/// Counts in Redis, by the server's own clock. A key expires when it is fully restored.
pub struct RedisCounts {
    redis: Redis,
    algorithm: Algorithm,
    script: Script,
    /// The script's name in traces.
    name: String,
    /// Replaces the server's clock in tests.
    ticks: Option<Arc<dyn Ticks>>,
}

impl RedisCounts {
    /// Creates the counts for an algorithm.
    pub fn new(algorithm: Algorithm, redis: Redis) -> Self {
        let (script, name) = (scripts::take_script(algorithm), format!("take/{}", algorithm.name()));
        Self { redis, algorithm, script, name, ticks: None }
    }

    /// Uses these ticks instead of the server's clock: for tests.
    #[must_use]
    pub fn by(self, ticks: Arc<dyn Ticks>) -> Self {
        Self { ticks: Some(ticks), ..self }
    }

    /// Checks at start that the server would count at all, with two counts of a millisecond, like a request
    /// under two limits. An unavailable server passes; a cluster that is not complete is waited for.
    pub async fn check(&self, waiting: &Waiting) -> Result<(), RefusedError> {
        let limit = Limit::shortest();
        let charge = |name: &str| Charge { key: CountKey(name.to_owned()), limit, enforced: true, cost: 1 };
        let take = Take { charges: vec![charge("one"), charge("other")] };
        self.redis.accepts(&self.invocation(&take), waiting).await
    }

    fn invocation(&self, take: &Take) -> ScriptInvocation<'_> {
        let mut script = self.script.prepare_invoke();
        script.arg(self.ticks.as_ref().map_or(0, |ticks| ticks.ticks() / 1_000));
        for Charge { key, limit, enforced, cost } in &take.charges {
            script.key(redis_key(&self.redis, self.algorithm, key));
            with_limit(&mut script, limit).arg(u8::from(*enforced)).arg(*cost);
        }
        script
    }
}

#[async_trait]
impl Counts for RedisCounts {
    async fn take(&self, take: Take) -> Result<Taken, CountError> {
        if take.charges.len() > MAX_CHARGES {
            return Err(CountError::TooManyCharges);
        }
        let numbers: Vec<i64> = self.redis.run(&self.name, &self.invocation(&take)).await?;
        if numbers.len() != NUMBERS * take.charges.len() {
            return Err(Unavailable::new("redis", Why::Misunderstood).into());
        }
        Ok(Taken { standings: numbers.chunks(NUMBERS).map(standing).collect() })
    }
}

/// A count's key on the server: `{counts}:gcra:` and the count's name, after the server's prefix if it has
/// one.
///
/// The key contains the algorithm because no algorithm can read another's state. The braces are a hash tag: a
/// cluster chooses the slot by it alone, so all counts share a slot and one script may charge any of them
/// together.
pub(super) fn redis_key(redis: &Redis, algorithm: Algorithm, key: &CountKey) -> String {
    redis.key("{counts}", &format_args!("{}:{}", algorithm.name(), key.0))
}

/// Appends a limit to a script's arguments: requests, window in microseconds, burst.
pub(super) fn with_limit<'a, 'script>(
    script: &'a mut ScriptInvocation<'script>,
    limit: &Limit,
) -> &'a mut ScriptInvocation<'script> {
    script.arg(limit.requests()).arg(micros(limit.window())).arg(limit.burst())
}

fn standing(numbers: &[i64]) -> Standing {
    let duration = |place: usize| Duration::from_micros(numbers[place].unsigned_abs());
    Standing {
        admits: numbers[0] == 1,
        remaining: u32::try_from(numbers[1]).unwrap_or(0),
        reset_after: duration(2),
        retry_after: (numbers[3] != NEVER).then(|| duration(3)),
        wait: duration(4),
        more_after: duration(5),
    }
}
