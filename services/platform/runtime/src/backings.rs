//! What a component that is hosted here may be built on: the stores, caches and axes of its wiring.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Display,
    hash::Hash,
    sync::Arc,
};

use anyhow::{Context as _, Result, anyhow};
use backing::{
    Background, Cache, CachePolicy, Check, Database, DeadLetters, EventMetrics, Redis, Stampede, Tiers,
    Waiting,
};
use design::{Choice, Limits, Wiring, axes};
use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use resilience::{Callees, Preset, Settings, StoreGuard};
use serde::{Serialize, de::DeserializeOwned};

/// What a component that is hosted here may be built on.
pub struct Backings {
    addresses: BTreeMap<String, String>,
    databases: HashMap<String, Database>,
    /// Statements, by the role of their database.
    statements: Family<Vec<(&'static str, String)>, Counter>,
    redis: HashMap<String, Redis>,
    /// What this process knows of its stores, and of the components in other processes.
    pub(crate) callees: Callees,
    /// The preset towards each.
    preset: Preset,
    /// Where metrics are registered.
    pub registry: Registry,
    /// Where background tasks are started.
    pub background: Background,
    pub(crate) watched: Vec<Check>,
    pub(crate) needed: Vec<Check>,
    /// The stores of dead letters that this process lists and replays.
    pub(crate) dead_letters: Vec<Arc<dyn DeadLetters>>,
    /// Registered if the system declares topics.
    pub(crate) event_metrics: EventMetrics,
    /// What the process waits for while it starts, as `/health/ready` says it.
    pub waiting: Waiting,
    /// What tells this process from all others, and stays the same when it is started again.
    pub(crate) identity: String,
    wiring: Wiring,
    limits: Limits,
}

impl Backings {
    pub(crate) fn new(
        addresses: BTreeMap<String, String>,
        wiring: Wiring,
        preset: Preset,
        limits: Limits,
        waiting: Waiting,
    ) -> Self {
        let (mut registry, statements) = (Registry::default(), Family::default());
        registry.register("sql_statements", "Statements sent to a database", statements.clone());
        let callees = Callees::register(&mut registry);
        Self {
            addresses,
            databases: HashMap::new(),
            statements,
            redis: HashMap::new(),
            callees,
            preset,
            registry,
            background: Background::default(),
            watched: Vec::new(),
            needed: Vec::new(),
            dead_letters: Vec::new(),
            event_metrics: EventMetrics::default(),
            waiting,
            identity: String::new(),
            wiring,
            limits,
        }
    }

    /// The value of an axis.
    pub fn choice<C: Choice>(&self) -> C {
        self.wiring.choice()
    }

    /// The database of a component: its own, or the one that all share. Opened once, and waited for until it is there.
    pub async fn database(&mut self, component: &str) -> Result<Database> {
        let own = format!("database/{component}");
        let role = if self.addresses.contains_key(&own) { own } else { "database".to_owned() };
        let address = self.address(&role)?;
        if let Some(open) = self.databases.get(&address) {
            return Ok(open.clone());
        }
        let statements = self.statements.get_or_create_owned(&vec![("role", role.clone())]);
        let database = Database::open(&address, &role, statements, &self.waiting).await?;
        let database = database.guarded(|server| self.guard("postgres", server));
        self.watches(database.check(&role));
        self.databases.insert(address, database.clone());
        Ok(database)
    }

    /// The cache that the axes `cache`, `time-to-live` and `stampede` ask for; none if they ask for none.
    ///
    /// `name` tells its keys and counts from those of other caches; `capacity` bounds what the process keeps of it.
    pub async fn cache<K, V>(&mut self, name: &'static str, capacity: usize) -> Result<Option<Cache<K, V>>>
    where
        K: Hash + Eq + Clone + Display + Send + Sync + 'static,
        V: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        let tiers = match self.choice() {
            axes::Cache::None => return Ok(None),
            axes::Cache::Local => Tiers::Local,
            axes::Cache::Redis => Tiers::Redis(self.redis("cache").await?),
            axes::Cache::Tiered => Tiers::Tiered(self.redis("cache").await?),
        };
        let stampede = match self.choice() {
            axes::Stampede::SingleFlight => Stampede::SingleFlight,
            axes::Stampede::Off => Stampede::Off,
        };
        let time_to_live = self.choice::<axes::TimeToLive>().duration();
        let policy = CachePolicy { capacity, time_to_live, stampede };
        Ok(Some(Cache::new(name, tiers, policy, &mut self.registry)))
    }

    /// The Redis server of a role: of all caches it is `cache`. Opened once.
    pub async fn redis(&mut self, role: &str) -> Result<Redis> {
        if let Some(open) = self.redis.get(role) {
            return Ok(open.clone());
        }
        let address = self.address(role)?;
        let redis = Redis::open(&address, role, self.limits.redis(), &mut self.registry, &self.background)
            .await
            .with_context(|| {
                format!("the process configuration gives a wrong address for the backing `{role}`")
            })?;
        let redis = redis.guarded(|server| self.guard("redis", server));
        self.watches(redis.check(role));
        self.redis.insert(role.to_owned(), redis.clone());
        Ok(redis)
    }

    /// The breaker before a server, if the preset has one: the same for all clients of the server in this process.
    fn guard(&self, name: &'static str, server: &str) -> StoreGuard {
        let settings = Settings { seed: rand::random(), ..Settings::default() };
        self.callees.store(name, server, self.preset, &settings)
    }

    /// The process is not ready before this has passed once: something of its own that takes its time.
    pub fn needs(&mut self, check: Check) {
        self.needed.push(check);
    }

    /// A store or broker that this process shares with others: whether it answers is told, and does not make this
    /// process unready, for all that share it would leave at once.
    pub fn watches(&mut self, check: Check) {
        self.watched.push(check);
    }

    /// The address of a role, for what no method here opens: a service of another company.
    pub fn address(&self, role: &str) -> Result<String> {
        self.addresses
            .get(role)
            .cloned()
            .ok_or_else(|| anyhow!("the process configuration gives no address for the backing `{role}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bulkhead_has_as_much_room_by_default_as_the_layers_have_it() {
        assert_eq!(Limits::default().bulkhead, resilience::settings::BULKHEAD);
        assert_eq!(Limits::default().bulkhead * 4, Limits::default().in_flight);
    }

    #[test]
    fn a_redis_has_as_long_by_default_as_its_adapter_gives_it() {
        assert_eq!(Limits::default().redis(), backing::ANSWER_WITHIN);
    }
}
