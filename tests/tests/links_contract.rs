//! The contract of `links`, over every way to reach it and every store.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use backing::{Background, Cache, CachePolicy, Redis, Stampede, Tiers, Waiting};
use contract::{Clock, Timestamp};
use prometheus_client::{metrics::counter::Counter, registry::Registry};
use shortener::{
    Code, CodeSource, CounterCodes, HashCodes, Inserted, Link, LinkError, LinkService, LinkStore, Links,
    NewLink, RandomCodes, RequestKey, Shorten, Target,
};
use shortener_app::{CachedLinkStore, MemoryLinkStore, StoreNumbers, new_link_id, remotes::links};
use system_tests::{
    placed::{WAYS, placed},
    redis_server::{PATIENT, RedisServer},
    stores::{databases, fresh_postgres, link_stores},
};

/// A clock that a test moves.
#[derive(Default)]
struct Hands(AtomicU64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

fn request(target: &str, key: &str) -> Shorten {
    Shorten {
        target: Target::parse(target).unwrap(),
        alias: None,
        expires_at: None,
        key: RequestKey::parse(key).unwrap(),
    }
}

fn code(text: &str) -> Code {
    Code::parse(text).unwrap()
}

fn random() -> Arc<dyn CodeSource> {
    Arc::new(RandomCodes::new(remote::new_span_id))
}

/// Every form of cache, by name; those in Redis only with a server.
async fn caches(redis: Option<&RedisServer>) -> Vec<(&'static str, Tiers, Stampede)> {
    let mut caches =
        vec![("local", Tiers::Local, Stampede::SingleFlight), ("local each", Tiers::Local, Stampede::Off)];
    if let Some(server) = redis {
        // A fresh prefix each time, so that no earlier store's entries are seen.
        let address = format!("{}#{}", server.address(), remote::new_span_id());
        let redis = Redis::open(&address, "cache", PATIENT, &mut Registry::default(), &Background::default())
            .await
            .unwrap();
        caches.push(("redis", Tiers::Redis(redis.clone()), Stampede::SingleFlight));
        caches.push(("redis each", Tiers::Redis(redis.clone()), Stampede::Off));
        caches.push(("tiered", Tiers::Tiered(redis.clone()), Stampede::SingleFlight));
        caches.push(("tiered each", Tiers::Tiered(redis), Stampede::Off));
    }
    caches
}

#[tokio::test]
async fn links_keeps_its_promises_however_it_is_reached_and_whatever_it_stands_on() {
    // Keeps the tests' server alive over the whole loop.
    let _server = fresh_postgres().await;
    let redis = RedisServer::start().await;
    for (way_name, way) in WAYS {
        for (store_name, store, _kept) in link_stores().await {
            let clock = Arc::new(Hands(AtomicU64::new(1_000_000)));
            let mut stores = vec![("no cache", Arc::clone(&store))];
            for (name, tiers, stampede) in caches(redis.as_ref()).await {
                let policy = CachePolicy { capacity: 100, time_to_live: Duration::from_mins(1), stampede };
                let cache = Cache::new("links", tiers, policy, &mut Registry::default());
                let clock = Arc::clone(&clock) as Arc<dyn Clock>;
                stores.push((name, Arc::new(CachedLinkStore::new(Arc::clone(&store), cache, clock))));
            }
            for (cache_name, store) in stores {
                println!("{way_name}, {store_name}, {cache_name}");
                let service = Arc::new(LinkService::new(
                    store,
                    random(),
                    Arc::clone(&clock) as Arc<dyn Clock>,
                    new_link_id,
                ));
                let links = placed::<links::ThisContract>(way, service).await;
                behaves(&*links, &clock, cache_name).await;
            }
        }
    }
}

#[tokio::test]
async fn a_creation_that_was_cut_off_before_the_cache_was_told_is_found_once_it_is_repeated() {
    let redis = RedisServer::start().await;
    for (name, tiers, stampede) in caches(redis.as_ref()).await {
        let (policy, store) = (
            CachePolicy { capacity: 100, time_to_live: Duration::from_mins(1), stampede },
            Arc::new(MemoryLinkStore::default()),
        );
        let cache = Cache::new("links", tiers, policy, &mut Registry::default());
        let cached = CachedLinkStore::new(Arc::clone(&store) as _, cache, Arc::new(Hands::default()));
        let link = Link {
            id: new_link_id(),
            code: code(&format!("cut-{}", name.replace(' ', "-"))),
            target: Target::parse("https://example.com/cut").unwrap(),
            created_at: Hands::default().now(),
            expires_at: None,
        };
        assert_eq!(cached.find(&link.code).await, Ok(None), "{name}: and that is known now");
        let new = NewLink { link: link.clone(), key: RequestKey::parse("cut").unwrap(), aliased: false };
        assert_eq!(
            store.insert(new.clone()).await,
            Ok(Inserted::Stored),
            "{name}: by a process that died then"
        );
        assert_eq!(cached.insert(new.clone()).await, Ok(Inserted::Replayed(new)), "{name}");
        assert_eq!(cached.find(&link.code.clone()).await, Ok(Some(link)), "{name}: it was acknowledged");
    }
}

async fn behaves(links: &dyn Links, clock: &Hands, unique: &str) {
    let key = |name: &str| format!("{name}-{}", unique.replace(' ', "-"));
    an_acknowledged_link_resolves_to_its_target(links, &key("plain")).await;
    the_same_key_again_is_the_same_link(links, &key("again")).await;
    a_key_stands_for_everything_that_was_asked_with_it(links, clock, &key("all")).await;
    a_code_has_one_life_after_the_other(links, &key("life")).await;
    an_alias_is_given_once(links, &key("alias")).await;
    a_code_that_was_asked_for_in_vain_leads_somewhere_once_it_is_taken(links, &key("vain")).await;
    an_expired_link_never_resolves(links, clock, &key("expiry")).await;
    a_removed_link_is_gone_and_removing_is_idempotent(links, &key("removed")).await;
    what_may_not_be_is_refused(links, clock, &key("refused")).await;
}

async fn an_acknowledged_link_resolves_to_its_target(links: &dyn Links, key: &str) {
    let link = links.shorten(request("https://example.com/a?b=c", key)).await.unwrap();
    assert_eq!(link.target.as_str(), "https://example.com/a?b=c");
    assert_eq!(links.resolve(link.code.clone()).await.unwrap(), link);
    assert_eq!(links.resolve(link.code.clone()).await.unwrap(), link, "a second time, from a cache");
}

async fn the_same_key_again_is_the_same_link(links: &dyn Links, key: &str) {
    let first = links.shorten(request("https://example.com/again", key)).await.unwrap();
    let second = links.shorten(request("https://example.com/again", key)).await.unwrap();
    assert_eq!(first, second);
    let other = links.shorten(request("https://example.com/other", key)).await;
    assert_eq!(other, Err(LinkError::KeyReused));
}

async fn a_key_stands_for_everything_that_was_asked_with_it(links: &dyn Links, clock: &Hands, key: &str) {
    let end = |seconds| Some(clock.now().plus(Duration::from_secs(seconds)));
    let alias = |text: &str| Some(code(&format!("{key}{text}")));
    for (name, alias, expires_at) in [
        ("plain", None, None),
        ("alias", alias("a"), None),
        ("end", None, end(60)),
        ("both", alias("b"), end(60)),
    ] {
        let key = format!("{key}-{name}");
        let first = Shorten { alias, expires_at, ..request("https://example.com/all", &key) };
        let made = links.shorten(first.clone()).await.unwrap();
        let others = [
            Shorten { target: Target::parse("https://example.com/al").unwrap(), ..first.clone() },
            Shorten { alias: first.alias.clone().xor(Some(made.code.clone())), ..first.clone() },
            Shorten { alias: Some(code("another")), ..first.clone() },
            Shorten { expires_at: first.expires_at.xor(end(60)), ..first.clone() },
            Shorten { expires_at: end(61), ..first.clone() },
        ];
        for other in others {
            assert_eq!(links.shorten(other.clone()).await, Err(LinkError::KeyReused), "{name}: {other:?}");
        }
        assert_eq!(links.shorten(first).await, Ok(made), "{name}");
    }
}

async fn a_code_has_one_life_after_the_other(links: &dyn Links, key: &str) {
    let wish = |key: &str| Shorten { alias: Some(code("lives")), ..request("https://example.com/", key) };
    let mut ids = std::collections::HashSet::new();
    for life in 0..3 {
        let key = format!("{key}-{life}");
        let made = links.shorten(wish(&key)).await.unwrap();
        assert!(ids.insert(made.id), "another link");
        assert_eq!(links.shorten(wish(&key)).await, Ok(made.clone()), "the same link");
        assert_eq!(links.resolve(made.code.clone()).await, Ok(made.clone()));
        links.remove(made.code).await.unwrap();
    }
    // Removing a link removes its key as well.
    let again = links.shorten(wish(&format!("{key}-0"))).await.unwrap();
    assert!(ids.insert(again.id), "another link");
    links.remove(again.code).await.unwrap();
}

async fn an_alias_is_given_once(links: &dyn Links, key: &str) {
    let wish = |key: &str| Shorten {
        alias: Some(code(key.trim_end_matches("-2"))),
        ..request("https://example.com/", key)
    };
    let link: Link = links.shorten(wish(key)).await.unwrap();
    assert_eq!(link.code, code(key));
    let second = links.shorten(wish(&format!("{key}-2"))).await;
    assert_eq!(second, Err(LinkError::AliasTaken { alias: code(key) }));
}

async fn a_code_that_was_asked_for_in_vain_leads_somewhere_once_it_is_taken(links: &dyn Links, key: &str) {
    for _ in 0..2 {
        assert_eq!(links.resolve(code(key)).await, Err(LinkError::NotFound { code: code(key) }));
    }
    let wish = Shorten { alias: Some(code(key)), ..request("https://example.com/vain", key) };
    let made = links.shorten(wish.clone()).await.unwrap();
    assert_eq!(links.resolve(code(key)).await, Ok(made));
    links.remove(code(key)).await.unwrap();
    assert_eq!(links.resolve(code(key)).await, Err(LinkError::NotFound { code: code(key) }));
    let again = Shorten { key: RequestKey::parse(format!("{key}-again")).unwrap(), ..wish };
    let made = links.shorten(again).await.unwrap();
    assert_eq!(links.resolve(code(key)).await, Ok(made), "as often as it is taken and given back");
}

async fn an_expired_link_never_resolves(links: &dyn Links, clock: &Hands, key: &str) {
    let end = clock.now().plus(Duration::from_secs(10));
    let expiring = Shorten { expires_at: Some(end), ..request("https://example.com/soon", key) };
    let link = links.shorten(expiring.clone()).await.unwrap();
    assert_eq!(links.resolve(link.code.clone()).await.unwrap().expires_at, Some(end));
    clock.0.store(end.millis() - 1, Ordering::SeqCst);
    assert!(links.resolve(link.code.clone()).await.is_ok());
    clock.0.store(end.millis(), Ordering::SeqCst);
    let gone = links.resolve(link.code.clone()).await;
    assert_eq!(gone, Err(LinkError::Expired { code: link.code.clone() }), "however it is cached");
    assert_eq!(
        links.shorten(expiring).await,
        Ok(link),
        "the same key again is the same link, also afterwards"
    );
}

async fn a_removed_link_is_gone_and_removing_is_idempotent(links: &dyn Links, key: &str) {
    let link = links.shorten(request("https://example.com/", key)).await.unwrap();
    assert!(links.resolve(link.code.clone()).await.is_ok());
    links.remove(link.code.clone()).await.unwrap();
    let gone = links.resolve(link.code.clone()).await;
    assert_eq!(gone, Err(LinkError::NotFound { code: link.code.clone() }));
    links.remove(link.code).await.unwrap();
}

async fn what_may_not_be_is_refused(links: &dyn Links, clock: &Hands, key: &str) {
    let reserved = Shorten { alias: Some(code("links")), ..request("https://example.com/", key) };
    assert_eq!(links.shorten(reserved).await, Err(LinkError::AliasReserved { alias: code("links") }));
    let past = Shorten { expires_at: Some(clock.now()), ..request("https://example.com/", key) };
    assert_eq!(links.shorten(past).await, Err(LinkError::ExpiryInThePast));
    let missing = code("nothing-here");
    assert_eq!(links.resolve(missing.clone()).await, Err(LinkError::NotFound { code: missing }));
}

#[tokio::test]
async fn no_code_is_handed_out_twice_whatever_makes_them() {
    for (store_name, store, _kept) in link_stores().await {
        for (codes_name, codes) in [("random", random()), ("hash", Arc::new(HashCodes))] {
            println!("{store_name}, {codes_name}");
            many_at_once(Arc::clone(&store), codes, codes_name).await;
        }
    }
    for (name, database, _kept) in databases().await {
        println!("{name}, counter");
        let store: Arc<dyn LinkStore> = match &database {
            backing::Database::Sqlite(db) => {
                Arc::new(shortener_app::SqliteLinkStore::open(db.clone()).await.unwrap())
            }
            backing::Database::Postgres(db) => {
                Arc::new(shortener_app::PostgresLinkStore::open(db.clone()).await.unwrap())
            }
        };
        let codes = Arc::new(CounterCodes::new(StoreNumbers::new(database)));
        many_at_once(store, codes, "counter").await;
    }
}

async fn many_at_once(store: Arc<dyn LinkStore>, codes: Arc<dyn CodeSource>, unique: &str) {
    let service = Arc::new(LinkService::new(store, codes, Arc::new(Hands::default()), new_link_id));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..300 {
        let (service, key) = (Arc::clone(&service), format!("{unique}-{number}"));
        tasks.spawn(async move { service.shorten(request("https://example.com/same", &key)).await });
    }
    let made: Vec<Link> = tasks.join_all().await.into_iter().map(Result::unwrap).collect();
    let codes: std::collections::HashSet<_> = made.iter().map(|link| &link.code).collect();
    assert_eq!(codes.len(), 300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_that_start_at_once_share_one_new_file() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("sqlite:{}", folder.path().join("links.db").display());
        let mut replicas = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let address = address.clone();
            replicas.spawn(async move {
                let database =
                    backing::Database::open(&address, "database", Counter::default(), &Waiting::default())
                        .await;
                let backing::Database::Sqlite(database) = database.unwrap() else { unreachable!() };
                shortener_app::SqliteLinkStore::open(database)
                    .await
                    .map(drop)
                    .map_err(|error| error.to_string())
            });
        }
        assert_eq!(replicas.join_all().await, vec![Ok(()); 6]);
    }
}
