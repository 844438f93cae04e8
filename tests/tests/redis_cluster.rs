//! Counts in a Redis Cluster: all limits of a request are charged together on the node that holds them, and a
//! node that cannot do so is refused at the start.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::time::Duration;

use backing::{Background, Redis, Waiting};
use limiter::{
    Algorithm, Ask, Counts, DecisionService, Decisions, Fact, KeySource, Keying, Limit, Mode, OnFailure,
    Policy, PolicySet, Verdict,
};
use limiter_app::{RedisCounts, SyncedCounts};
use prometheus_client::{encoding::text::encode, registry::Registry};
use system_tests::redis_server::{PATIENT, RedisServer};

/// The slot of `{counts}` by `CLUSTER KEYSLOT`.
fn slot_of_counts(server: &RedisServer) -> u16 {
    server.ask("CLUSTER KEYSLOT {counts}").trim_start_matches(':').parse().unwrap()
}

async fn redis(server: &RedisServer, prefix: &str, metrics: &mut Registry) -> Redis {
    let address = format!("{}#{prefix}", server.address());
    Redis::open(&address, "counts", PATIENT, metrics, &Background::default()).await.unwrap()
}

/// Two policies with different keys, one of them with two limits.
fn policies() -> PolicySet {
    let policy = |name: &str, key, limits: &[u64]| Policy {
        name: name.to_owned(),
        key,
        limits: limits.iter().map(|it| Limit::new(*it, Duration::from_hours(1), None).unwrap()).collect(),
        exempt: Vec::new(),
        mode: Mode::Enforce,
    };
    let policies = vec![
        policy("by-token", KeySource::Token, &[3, 100]),
        policy("by-tenant", KeySource::Header("x-tenant".to_owned()), &[5]),
    ];
    PolicySet { version: 1, policies }
}

/// The number of ten requests that pass; each of them must be counted.
async fn admitted(decisions: &DecisionService, token: &str) -> usize {
    let fact = |name: &str, value: &str| Fact { name: name.to_owned().into(), value: value.to_owned() };
    let mut admitted = 0;
    for _ in 0..10 {
        let facts = vec![fact("token", token), fact("header:x-tenant", "all")];
        let decision = decisions.decide(Ask { facts, cost: 1 }).await.unwrap();
        assert!(decision.counted, "{decision:?}");
        admitted += usize::from(matches!(decision.verdict, Verdict::Admitted(_)));
    }
    admitted
}

#[tokio::test]
async fn counts_are_kept_by_a_node_of_a_cluster() {
    let Some(server) = RedisServer::start_cluster().await else { return };
    let algorithms = [Algorithm::Gcra, Algorithm::FixedWindow, Algorithm::SlidingLog, Algorithm::TokenBucket];
    for prefix in ["", "lab-1"] {
        for algorithm in algorithms {
            let mut metrics = Registry::default();
            let counts = RedisCounts::new(algorithm, redis(&server, prefix, &mut metrics).await);
            counts.check(&Waiting::default()).await.unwrap();
            let decisions =
                DecisionService::new(std::sync::Arc::new(counts), OnFailure::Open, Keying::PerClient);
            decisions.set_policies(policies());
            let told = (admitted(&decisions, "a").await, admitted(&decisions, "b").await);
            assert_eq!(told, (3, 2), "{algorithm:?} {prefix}: a token has three, and all have five");
        }
    }
}

#[tokio::test]
async fn synced_counts_meet_in_a_cluster() {
    let Some(server) = RedisServer::start_cluster().await else { return };
    let mut metrics = Registry::default();
    let redis = redis(&server, "", &mut metrics).await;
    let background = Background::default();
    let counts = SyncedCounts::start(Algorithm::Gcra, redis, [7; 16], &mut metrics, &background);
    let limit = Limit::new(3, Duration::from_hours(1), None).unwrap();
    let charges = (0..40)
        .map(|n| limiter::Charge { key: limiter::CountKey(n.to_string()), limit, enforced: true, cost: 1 })
        .collect();
    counts.take(limiter::Take { charges }).await.unwrap();
    let deadline = std::time::Instant::now() + PATIENT;
    loop {
        let mut text = String::new();
        encode(&mut text, &metrics).unwrap();
        assert!(text.contains("synced_failed_total 0"), "{text}");
        if server.ask("DBSIZE") == ":40" {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "{text}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_cluster_in_which_nobody_holds_the_counts_is_waited_for() {
    let Some(server) = RedisServer::start_cluster().await else { return };
    assert_eq!(server.ask("CONFIG SET cluster-require-full-coverage no"), "+OK");
    assert_eq!(server.ask("CLUSTER DELSLOTSRANGE 0 16383"), "+OK");
    let mut metrics = Registry::default();
    let counts = RedisCounts::new(Algorithm::Gcra, redis(&server, "", &mut metrics).await);
    let waiting = Waiting::default();
    let asked = counts.check(&waiting);
    tokio::pin!(asked);
    let early = tokio::time::timeout(Duration::from_secs(1), &mut asked).await;
    assert!(early.is_err(), "it would limit nothing: {early:?}");
    let reason = waiting.reason().expect("it says what it waits for");
    let cluster = format!("the Redis cluster at `{}`: ", server.address().trim_start_matches("redis://"));
    assert!(reason.starts_with(&cluster) && reason.contains("Hash slot not served"), "{reason}");
    assert_eq!(server.ask("CLUSTER ADDSLOTSRANGE 0 16383"), "+OK");
    tokio::time::timeout(PATIENT, asked).await.expect("it is whole again").unwrap();
    assert_eq!(waiting.reason(), None, "nothing is waited for any more");
}

#[tokio::test]
async fn a_node_that_does_not_hold_the_counts_is_refused_and_told_from_an_outage() {
    let Some(alone) = RedisServer::start_cluster().await else { return };
    let Some([holds, other]) = RedisServer::start_cluster_of_two(slot_of_counts(&alone)).await else {
        return;
    };
    let mut metrics = Registry::default();
    RedisCounts::new(Algorithm::Gcra, redis(&holds, "", &mut metrics).await)
        .check(&Waiting::default())
        .await
        .unwrap();
    let mut metrics = Registry::default();
    let counts = RedisCounts::new(Algorithm::Gcra, redis(&other, "", &mut metrics).await);
    let refused = counts.check(&Waiting::default()).await.unwrap_err().to_string();
    assert!(refused.to_lowercase().contains("moved"), "{refused}");
    let limit = Limit::shortest();
    let charge = limiter::Charge { key: limiter::CountKey("any".to_owned()), limit, enforced: true, cost: 1 };
    counts.take(limiter::Take { charges: vec![charge] }).await.unwrap_err();
    let mut text = String::new();
    encode(&mut text, &metrics).unwrap();
    let count = |why: &str| {
        let line = text.lines().find(|it| it.starts_with("redis_errors_total") && it.contains(why)).unwrap();
        line.rsplit(' ').next().unwrap().to_owned()
    };
    assert_eq!(
        (count("refused"), count("failed"), count("away")),
        ("1".into(), "0".into(), "0".into()),
        "{text}"
    );
}

#[tokio::test]
async fn a_replica_and_a_user_who_may_not_are_refused_and_a_server_that_is_away_is_not() {
    let (Some(primary), Some(replica)) = (RedisServer::start().await, RedisServer::start().await) else {
        return;
    };
    replica.ask(&format!("REPLICAOF {}", primary.address_for_servers().await));
    let check = async |server: &RedisServer| {
        let redis = redis(server, "", &mut Registry::default()).await;
        RedisCounts::new(Algorithm::Gcra, redis).check(&Waiting::default()).await
    };
    let refused = check(&replica).await.unwrap_err().to_string();
    assert!(refused.to_lowercase().contains("read only") || refused.contains("READONLY"), "{refused}");
    for forbidden in ["-set", "-evalsha"] {
        assert_eq!(primary.ask(&format!("ACL SETUSER default +@all {forbidden}")), "+OK");
        check(&primary).await.unwrap_err();
    }
    replica.kill().await;
    check(&replica).await.unwrap();
}
