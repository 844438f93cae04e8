//! The contract of `counts`, over every way to reach it, for every algorithm, and for every location of the
//! counts.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use backing::{Background, Redis};
use contract::MonotonicTicks;
use limiter::{
    Algorithm, Capacity, Charge, CountError, CountKey, Counts, Limit, LocalCounts, MAX_CHARGES, Standing,
    Take,
};
use limiter_app::{RedisCounts, SyncedCounts, remotes::counts};
use prometheus_client::{encoding::text::encode, registry::Registry};
use system_tests::{
    placed::{WAYS, placed},
    redis_server::{PATIENT, RedisServer},
};
use tokio::time::sleep;

/// Longer than any test, so that nothing is restored during it, and a calendar window seldom ends.
const DAY: Duration = Duration::from_hours(24);

/// Counts for an algorithm, by location; those in Redis only with a server.
async fn all_counts(
    algorithm: Algorithm,
    server: Option<&RedisServer>,
) -> Vec<(&'static str, Arc<dyn Counts>)> {
    let mut all: Vec<(&'static str, Arc<dyn Counts>)> = vec![("local", Arc::new(local(algorithm)))];
    if let Some(server) = server {
        all.push(("redis", Arc::new(RedisCounts::new(algorithm, fresh(server).await))));
        if algorithm != Algorithm::SlidingLog {
            all.push(("synced", Arc::new(Replica::start(algorithm, fresh(server).await).counts)));
        }
    }
    all
}

fn local(algorithm: Algorithm) -> LocalCounts {
    LocalCounts::new(algorithm, Capacity::default(), [7; 16], Arc::new(MonotonicTicks::new()))
}

/// One of several replicas that merge their counts.
struct Replica {
    counts: SyncedCounts,
    metrics: Registry,
}

impl Replica {
    fn start(algorithm: Algorithm, redis: Redis) -> Self {
        let mut metrics = Registry::default();
        let counts = SyncedCounts::start(algorithm, redis, [7; 16], &mut metrics, &Background::default());
        Self { counts, metrics }
    }

    /// The keys that this replica has sent to Redis and whose sums it has taken over.
    fn told(&self) -> u64 {
        let mut text = String::new();
        encode(&mut text, &self.metrics).unwrap();
        let told = text.lines().find_map(|line| line.strip_prefix("synced_keys_total "));
        told.unwrap().parse().unwrap()
    }

    /// Waits until this many keys have been merged.
    async fn has_told(&self, keys: u64) {
        let deadline = Instant::now() + TOLD_WITHIN;
        while self.told() < keys {
            assert!(Instant::now() < deadline, "{} told within {TOLD_WITHIN:?}, not {keys}", self.told());
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Two replicas that merge their counts.
async fn two_replicas(algorithm: Algorithm, server: &RedisServer) -> [Replica; 2] {
    let address = format!("{}#{}", server.address(), remote::new_span_id());
    [Replica::start(algorithm, at(&address).await), Replica::start(algorithm, at(&address).await)]
}

/// A server without earlier counts: a fresh prefix.
async fn fresh(server: &RedisServer) -> Redis {
    at(&format!("{}#{}", server.address(), remote::new_span_id())).await
}

/// The time limit of a merge, which takes 100 ms; with a margin for a busy machine.
const TOLD_WITHIN: Duration = Duration::from_secs(20);

async fn at(address: &str) -> Redis {
    Redis::open(address, "counts", PATIENT, &mut Registry::default(), &Background::default()).await.unwrap()
}

fn charge(key: &str, requests: u64, enforced: bool) -> Charge {
    Charge {
        key: CountKey(key.to_owned()),
        limit: Limit::new(requests, DAY, None).unwrap(),
        enforced,
        cost: 1,
    }
}

async fn take(counts: &dyn Counts, mut charges: Vec<Charge>, cost: u32) -> Vec<Standing> {
    for charge in &mut charges {
        charge.cost = cost;
    }
    counts.take(Take { charges }).await.unwrap().standings
}

/// The number of admitted requests, out of `asked` in sequence.
async fn admitted(counts: &dyn Counts, charge: &Charge, asked: u32) -> u32 {
    let mut admitted = 0;
    for _ in 0..asked {
        admitted += u32::from(take(counts, vec![charge.clone()], 1).await[0].admits);
    }
    admitted
}

#[tokio::test]
async fn counts_keep_their_promises_however_they_are_reached_and_wherever_they_are() {
    let server = RedisServer::start().await;
    for (way_name, way) in WAYS {
        for algorithm in Algorithm::ALL {
            for (name, counts) in all_counts(algorithm, server.as_ref()).await {
                println!("{way_name}, {}, {name}", algorithm.name());
                let counts = placed::<counts::ThisContract>(way, counts).await;
                // A queue of one second holds one request of a day's limit, so there is nothing more to test.
                if algorithm == Algorithm::LeakyBucket {
                    a_queue_lets_the_first_out_at_once_and_no_second_in(&*counts).await;
                } else {
                    a_limit_is_admitted_and_no_more(&*counts).await;
                    all_are_charged_or_none(&*counts).await;
                    a_dry_run_refuses_nothing(&*counts).await;
                    a_cost_counts_as_often(&*counts).await;
                    charges_of_one_key_come_on_top_of_each_other(&*counts).await;
                    charges_of_one_key_are_refused_together(&*counts).await;
                    each_charge_has_its_own_cost(&*counts).await;
                }
                more_charges_than_a_call_carries_are_refused(&*counts).await;
            }
        }
    }
}

async fn a_queue_lets_the_first_out_at_once_and_no_second_in(counts: &dyn Counts) {
    let first = take(counts, vec![charge("queue", 10, true)], 1).await[0];
    assert!(first.admits && first.wait.is_zero(), "{first:?}");
    let second = take(counts, vec![charge("queue", 10, true)], 1).await[0];
    assert!(!second.admits && second.retry_after > Some(Duration::from_mins(5)), "{second:?}");
    assert_eq!(second.retry_after, Some(second.more_after));
}

async fn a_limit_is_admitted_and_no_more(counts: &dyn Counts) {
    let plain = charge("plain", 10, true);
    for remaining in (0..10).rev() {
        let standing = take(counts, vec![plain.clone()], 1).await[0];
        assert_eq!((standing.admits, standing.remaining), (true, remaining));
        assert!(standing.retry_after == Some(Duration::ZERO) && standing.wait.is_zero(), "{standing:?}");
        assert!(
            !standing.more_after.is_zero() && standing.more_after <= standing.reset_after,
            "{standing:?}"
        );
    }
    let refused = take(counts, vec![plain], 1).await[0];
    assert_eq!((refused.admits, refused.remaining), (false, 0));
    assert!(!refused.more_after.is_zero() && refused.more_after <= 2 * DAY, "{refused:?}");
    assert_eq!(refused.retry_after, Some(refused.more_after));
    assert_eq!(admitted(counts, &charge("another", 10, true), 3).await, 3, "each key has a count of its own");
}

async fn all_are_charged_or_none(counts: &dyn Counts) {
    let (wide, narrow) = (charge("wide", 10, true), charge("narrow", 2, true));
    for _ in 0..5 {
        take(counts, vec![wide.clone(), narrow.clone()], 1).await;
    }
    let standings = take(counts, vec![wide.clone(), narrow], 1).await;
    assert_eq!(standings.iter().map(|it| it.admits).collect::<Vec<_>>(), [true, false]);
    assert_eq!(admitted(counts, &wide, 20).await, 8, "what was refused was charged to nobody");
}

async fn a_dry_run_refuses_nothing(counts: &dyn Counts) {
    let (real, dry) = (charge("real", 10, true), charge("dry", 2, false));
    for asked in 0..5 {
        let standings = take(counts, vec![real.clone(), dry.clone()], 1).await;
        assert_eq!((standings[0].admits, standings[1].admits), (true, asked < 2));
    }
    assert_eq!(admitted(counts, &real, 20).await, 5);
}

async fn a_cost_counts_as_often(counts: &dyn Counts) {
    let costly = charge("costly", 10, true);
    assert!(take(counts, vec![costly.clone()], 7).await[0].admits);
    assert!(!take(counts, vec![costly.clone()], 4).await[0].admits);
    assert_eq!(admitted(counts, &costly, 20).await, 3);
    let impossible = take(counts, vec![charge("impossible", 10, true)], 11).await[0];
    assert!(!impossible.admits && impossible.retry_after.is_none(), "{impossible:?}");
}

async fn charges_of_one_key_come_on_top_of_each_other(counts: &dyn Counts) {
    let twice = vec![charge("twice", 5, true), charge("other", 50, true), charge("twice", 5, true)];
    for left in [3, 1] {
        let standings = take(counts, twice.clone(), 1).await;
        assert!(standings.iter().all(|it| it.admits), "{standings:?}");
        assert_eq!(standings[2].remaining, left, "{standings:?}");
    }
    let standings = take(counts, twice, 1).await;
    assert_eq!(standings.iter().map(|it| it.admits).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(admitted(counts, &charge("twice", 5, true), 5).await, 1, "neither was charged");
    assert_eq!(admitted(counts, &charge("other", 50, true), 60).await, 48, "nor was another key");
}

async fn charges_of_one_key_are_refused_together(counts: &dyn Counts) {
    let of = |cost| Charge { cost, ..charge("together", 10, true) };
    assert!(take(counts, vec![of(1)], 8).await[0].admits);
    // Two are left. The second charge would fit alone, and the request needs room for both.
    let both = Take { charges: vec![of(3), of(1)] };
    let standings = counts.take(both).await.unwrap().standings;
    assert_eq!(standings.iter().map(|it| it.admits).collect::<Vec<_>>(), [false, false]);
    assert!(standings[1].retry_after >= standings[0].retry_after, "{standings:?}");
    let never = counts.take(Take { charges: vec![of(9), of(9)] }).await.unwrap().standings;
    assert_eq!(never[1].retry_after, None, "no key has room for 18");
    assert_eq!(admitted(counts, &charge("together", 10, true), 5).await, 2, "nothing was charged");
}

async fn each_charge_has_its_own_cost(counts: &dyn Counts) {
    let of = |key: &str, cost| Charge { cost, ..charge(key, 10, true) };
    let charges = vec![of("four", 4), of("none", 0), of("one", 1)];
    for left in [[6, 10, 9], [2, 10, 8]] {
        let standings = counts.take(Take { charges: charges.clone() }).await.unwrap().standings;
        assert_eq!(standings.iter().map(|it| it.remaining).collect::<Vec<_>>(), left);
        assert!(standings.iter().all(|it| it.admits), "{standings:?}");
    }
    assert_eq!(admitted(counts, &charge("none", 10, true), 12).await, 10, "it was charged nothing");
    let refused = take(counts, vec![charge("none", 10, true)], 0).await[0];
    assert!(!refused.admits && !refused.more_after.is_zero(), "there is no room for one: {refused:?}");
}

async fn more_charges_than_a_call_carries_are_refused(counts: &dyn Counts) {
    let charges = |number: usize| (0..number).map(|each| charge(&format!("many-{each}"), 5, true)).collect();
    let many = |number| counts.take(Take { charges: charges(number) });
    assert_eq!(many(MAX_CHARGES).await.unwrap().standings.len(), MAX_CHARGES);
    assert_eq!(many(MAX_CHARGES + 1).await, Err(CountError::TooManyCharges));
}

#[tokio::test]
async fn many_at_once_are_admitted_a_limit_in_all_where_all_share_one_count() {
    let server = RedisServer::start().await;
    for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| *algorithm != Algorithm::LeakyBucket) {
        for (name, counts) in all_counts(algorithm, server.as_ref()).await {
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..200 {
                let counts = Arc::clone(&counts);
                tasks.spawn(async move { admitted(&*counts, &charge("crowd", 50, true), 1).await });
            }
            let admitted: u32 = tasks.join_all().await.into_iter().sum();
            assert_eq!(admitted, 50, "{algorithm:?}, {name}");
        }
    }
}

#[tokio::test]
async fn synced_counts_hear_of_each_other_when_they_are_brought_together() {
    let Some(server) = RedisServer::start().await else { return };
    let all = [Algorithm::Gcra, Algorithm::TokenBucket, Algorithm::SlidingCounter, Algorithm::FixedWindow];
    for algorithm in all {
        let [one, other] = two_replicas(algorithm, &server).await;
        let shared = charge("shared", 100, true);
        assert_eq!(admitted(&one.counts, &shared, 60).await, 60);
        one.has_told(1).await;
        assert_eq!(admitted(&other.counts, &shared, 1).await, 1, "{algorithm:?}: nothing is known here yet");
        other.has_told(1).await;
        assert_eq!(admitted(&other.counts, &shared, 100).await, 39, "{algorithm:?}: 61 are known of");
        // The first replica has not merged since its last request: that is the surplus, at most one limit
        // each.
        assert_eq!(admitted(&one.counts, &shared, 100).await, 40, "{algorithm:?}");
        one.has_told(2).await;
        other.has_told(2).await;
        assert_eq!(admitted(&one.counts, &shared, 10).await, 0, "{algorithm:?}");
        assert_eq!(admitted(&other.counts, &shared, 10).await, 0, "{algorithm:?}");
    }
}

#[tokio::test]
async fn synced_copies_admit_the_limit_in_the_long_run_because_what_was_too_much_is_owed() {
    let Some(server) = RedisServer::start().await else { return };
    for algorithm in [Algorithm::Gcra, Algorithm::SlidingCounter] {
        let [one, other] = two_replicas(algorithm, &server).await;
        // 100 a second, requested as often as possible.
        let limit = Limit::new(50, Duration::from_millis(500), Some(20)).unwrap();
        let shared = Charge { key: CountKey("long".to_owned()), limit, enforced: true, cost: 1 };
        let (began, mut all) = (Instant::now(), 0);
        loop {
            all += admitted(&one.counts, &shared, 5).await + admitted(&other.counts, &shared, 5).await;
            sleep(Duration::from_millis(1)).await;
            let elapsed = began.elapsed();
            let due = elapsed.as_secs_f64() * 100.0;
            // One limit each is admitted before there is any debt. Without debts two replicas would exceed
            // this further and further; a late admission on a machine that paused comes back to it.
            let is_met = (due * 0.75..=due + 100.0).contains(&f64::from(all));
            if is_met && elapsed > Duration::from_secs(3) {
                break;
            }
            assert!(
                elapsed < Duration::from_secs(20),
                "{algorithm:?}: {all} in {elapsed:?}, not about {due:.0}"
            );
        }
    }
}

#[tokio::test]
async fn synced_counts_go_on_alone_while_redis_is_away() {
    let Some(server) = RedisServer::start().await else { return };
    let replica = Replica::start(Algorithm::Gcra, at(&server.address()).await);
    server.kill().await;
    assert_eq!(admitted(&replica.counts, &charge("alone", 20, true), 40).await, 20);
    server.start_again().await;
    let deadline = Instant::now() + TOLD_WITHIN;
    // Admissions sent to an unavailable server are dropped, so each time uses a new key.
    let mut names = 0_u32..;
    while server.ask("DBSIZE") == ":0" {
        let known = admitted(&replica.counts, &charge("alone", 20, true), 40).await;
        assert_eq!(known, 0, "what is known here is not forgotten");
        let together = charge(&format!("together-{:?}", names.next()), 20, true);
        assert_eq!(admitted(&replica.counts, &together, 10).await, 10);
        assert!(Instant::now() < deadline, "nothing was told again within {TOLD_WITHIN:?}");
        sleep(Duration::from_millis(20)).await;
    }
    let known = admitted(&replica.counts, &charge("alone", 20, true), 40).await;
    assert_eq!(known, 0, "nor when Redis knows less");
}
