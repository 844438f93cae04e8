//! The limiter's wiring: the architecture, top to bottom.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use backing::{Check, Database, Redis};
use contract::MonotonicTicks;
use limiter::{
    Capacity, Counts, DecisionService, Decisions, KeySource, Limit, LocalCounts, Mode, Policies, Policy,
    PolicyError, PolicyService, PolicyStore, Replacement,
};
use runtime::{Backings, Host};

use crate::{
    adapters::{
        CountedDecisions, HeldMetrics, InTime, PostgresPolicyStore, RedisCounts, SqlitePolicyStore,
        SyncedCounts, Within, follow,
    },
    axes::{Algorithm, Keying, OnFailure, State},
    edge::{self, Promise},
    remotes::{counts, decisions, policies},
};

/// Policies use a store. Decisions use the policies and the counts, which are in the same process, in a
/// process of their own, or in Redis. The edge requests a decision for every request.
pub(crate) async fn wire(host: &mut Host) -> Result<()> {
    let policies = host.place(policies::CONTRACT, policy_service).await?;
    let apart: Option<Arc<dyn Counts>> = match host.choice() {
        State::Service => Some(Arc::new(InTime::new(
            host.place(counts::CONTRACT, async |b| Ok(local_counts(b) as Arc<dyn Counts>)).await?,
            Within::counts(host.limits()),
        ))),
        State::Local | State::Redis | State::Synced => None,
    };
    let following = Arc::clone(&policies);
    let decisions =
        host.place(decisions::CONTRACT, async |b| decision_service(b, following, apart).await).await?;
    let decisions = Arc::new(InTime::new(decisions, Within::decision(host.limits())));
    let (on_failure, promise) = (host.choice::<OnFailure>().into(), promise(host));
    host.edge_priorities(edge::PRIORITIES);
    host.edge(|registry| edge::router(policies, decisions, on_failure, promise, registry));
    Ok(())
}

async fn policy_service(b: &mut Backings) -> Result<Arc<dyn Policies>> {
    let store: Arc<dyn PolicyStore> = match b.database("policies").await? {
        Database::Sqlite(database) => Arc::new(SqlitePolicyStore::open(database).await?),
        Database::Postgres(database) => Arc::new(PostgresPolicyStore::open(database).await?),
    };
    let service = PolicyService::new(store);
    // Succeeds only if no policies were ever stored.
    match service.replace(Replacement { expected: Some(vec![0]), policies: vec![first_policy()?] }).await {
        Ok(_) | Err(PolicyError::Changed { .. }) => Ok(Arc::new(service)),
        Err(error) => Err(error).context("cannot put the first policy in force"),
    }
}

/// The initial policy: 100 requests a second for each token.
fn first_policy() -> Result<Policy> {
    Ok(Policy {
        name: "per-token".to_owned(),
        key: KeySource::Token,
        limits: vec![Limit::new(100, Duration::from_secs(1), None)?],
        exempt: Vec::new(),
        mode: Mode::Enforce,
    })
}

async fn decision_service(
    b: &mut Backings,
    policies: Arc<dyn Policies>,
    apart: Option<Arc<dyn Counts>>,
) -> Result<Arc<dyn Decisions>> {
    let counts: Arc<dyn Counts> = match b.choice() {
        State::Local => local_counts(b),
        State::Service => apart.context("the component `counts` was not placed")?,
        State::Redis => Arc::new(counts_in_redis(b).await?.1),
        State::Synced => {
            // Checked with one script: whatever permits or forbids it applies to the other as well.
            let (redis, _) = counts_in_redis(b).await?;
            let algorithm = b.choice::<Algorithm>().into();
            Arc::new(SyncedCounts::start(algorithm, redis, random_secret(), &mut b.registry, &b.background))
        }
    };
    let (on_failure, keying) = (b.choice::<OnFailure>().into(), b.choice::<Keying>().into());
    let service = Arc::new(DecisionService::new(counts, on_failure, keying));
    let asked = Arc::clone(&service);
    // Without policies everything passes, so the process is not ready before it has them.
    b.needs(Check::new("the component `policies`".to_owned(), move || {
        let is_known = asked.version() > 0;
        async move { is_known }
    }));
    b.background.start(|stop| follow(Arc::clone(&service), policies, stop));
    Ok(Arc::new(CountedDecisions::new(service, &mut b.registry)))
}

/// A Redis server that accepts the scripts of the counts.
async fn counts_in_redis(b: &mut Backings) -> Result<(Redis, RedisCounts)> {
    let redis = b.redis("counts").await?;
    let counts = RedisCounts::new(b.choice::<Algorithm>().into(), redis.clone());
    counts.check(&b.waiting).await.context(
        "the Redis server of the backing `counts` cannot count\n\
         hint: of a cluster, name the node that holds the slot of `{counts}` (`CLUSTER KEYSLOT`), where all counts are; \
         it has to be a primary, and to let the user write and run scripts",
    )?;
    Ok((redis, counts))
}

fn local_counts(b: &mut Backings) -> Arc<LocalCounts> {
    let (algorithm, ticks) = (b.choice::<Algorithm>().into(), Arc::new(MonotonicTicks::new()));
    let counts = Arc::new(LocalCounts::new(algorithm, Capacity::default(), random_secret(), ticks));
    let held = Arc::clone(&counts);
    b.registry.register_collector(Box::new(HeldMetrics::new(move || held.held())));
    counts
}

fn random_secret() -> [u8; 16] {
    rand::random()
}

/// The guarantee of the wiring. Where replicas count separately, each may admit the whole limit: with
/// `synced` until they have merged, and while Redis is unavailable.
fn promise(host: &Host) -> Promise {
    let counters = match host.choice() {
        State::Local | State::Synced => host.replicas("decisions"),
        State::Service | State::Redis => 1,
    };
    let is_synced = host.choice::<State>() == State::Synced;
    Promise { algorithm: host.choice::<Algorithm>().into(), counters, is_synced }
}
