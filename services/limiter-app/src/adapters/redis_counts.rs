//! Counts in a Redis server that all processes share.
//!
//! A call is one script, which runs alone: so it is atomic over all of its keys, and one round trip. There is a script
//! for each algorithm; `scripts` puts it together from the files beside it.

mod scripts;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use backing::{Redis, RefusedError, Waiting};
use contract::{Ticks, Unavailable, Why};
use limiter::{Algorithm, Charge, CountError, CountKey, Counts, Limit, MAX_CHARGES, Standing, Take, Taken};
use redis::{Script, ScriptInvocation};

pub(super) use scripts::add_script;
use scripts::micros;

/// Numbers that a script returns for a charge.
const NUMBERS: usize = 6;
/// What a script returns for a time that never comes.
const NEVER: i64 = -1;

/// Counts in Redis, by the server's own clock. A key is there until it is as good as new.
pub struct RedisCounts {
    redis: Redis,
    algorithm: Algorithm,
    script: Script,
    /// What a trace calls the script.
    name: String,
    /// Instead of the server's clock.
    ticks: Option<Arc<dyn Ticks>>,
}

impl RedisCounts {
    /// By this algorithm.
    pub fn new(algorithm: Algorithm, redis: Redis) -> Self {
        let (script, name) = (scripts::take_script(algorithm), format!("take/{}", algorithm.name()));
        Self { redis, algorithm, script, name, ticks: None }
    }

    /// By these ticks instead of the server's clock: for tests.
    #[must_use]
    pub fn by(self, ticks: Arc<dyn Ticks>) -> Self {
        Self { ticks: Some(ticks), ..self }
    }

    /// Finds out whether the server would count at all: it is asked for two counts of a millisecond, as a request of two
    /// limits is. A server that is away is taken to be right; a cluster that is not whole is waited for.
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

/// A count as the server knows it: `{counts}:gcra:` and its name, after the server's prefix if it has one.
///
/// The algorithm is a part of it, because none can read another's state. What stands in braces is all that a cluster
/// places a key by (hash tags), so that all counts share a slot, and a script may charge any of them together.
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
