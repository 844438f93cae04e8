//! The contract of `clicks`, over every way to reach it and every store.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::sync::Arc;

use backing::{Batching, Database, Event, Subscriber, migrate};
use shortener::{
    ClickError, ClickService, ClickStore, Clicked, Clicks, Code, LinkId, LinkStore, MAX_COUNTS, RequestKey,
    Tallies, Tally, TallyId,
};
use shortener_app::{
    PostgresClickStore, PostgresLinkStore, SqliteClickStore, SqliteLinkStore, Tallying, remotes::clicks,
};
use system_tests::{
    placed::{WAYS, placed},
    stores::{click_stores, databases, fresh_postgres},
};

/// The id of a named link.
fn link(name: &str) -> LinkId {
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    LinkId(u128::from_be_bytes(bytes))
}

fn tally(id: u128, name: &str, clicks: u32) -> Tally {
    Tally { id: TallyId(id), counts: [(link(name), clicks)].into() }
}

async fn count(clicks: &dyn Clicks, name: &str) -> u64 {
    clicks.count(link(name)).await.unwrap().clicks
}

#[tokio::test]
async fn clicks_keeps_its_promises_however_it_is_reached_and_whatever_it_stands_on() {
    // Keeps the tests' server alive over the whole loop.
    let _server = fresh_postgres().await;
    for (way_name, way) in WAYS {
        for (store_name, store, _kept) in click_stores().await {
            println!("{way_name}, {store_name}");
            let clicks = placed::<clicks::ThisContract>(way, Arc::new(ClickService::new(store))).await;
            a_tally_is_added_once_however_often_it_comes(&*clicks).await;
            tallies_of_one_call_are_added_together(&*clicks).await;
            too_many_counts_are_refused_whole(&*clicks).await;
            events_that_come_again_in_other_company_count_once(Arc::clone(&clicks)).await;
        }
    }
}

async fn a_tally_is_added_once_however_often_it_comes(clicks: &dyn Clicks) {
    assert_eq!(count(clicks, "once").await, 0);
    for _ in 0..3 {
        clicks.record(Tallies(vec![tally(1, "once", 2)])).await.unwrap();
    }
    assert_eq!(count(clicks, "once").await, 2);
    clicks.record(Tallies(vec![tally(2, "once", 5)])).await.unwrap();
    assert_eq!(count(clicks, "once").await, 7);
}

async fn tallies_of_one_call_are_added_together(clicks: &dyn Clicks) {
    let tallies = (10..60).map(|id| tally(id, if id % 2 == 0 { "even" } else { "odd" }, 1)).collect();
    clicks.record(Tallies(tallies)).await.unwrap();
    // The same id twice in one call counts once as well.
    clicks.record(Tallies(vec![tally(60, "even", 1), tally(60, "even", 1)])).await.unwrap();
    assert_eq!((count(clicks, "even").await, count(clicks, "odd").await), (26, 25));
    clicks.record(Tallies::default()).await.unwrap();
}

async fn too_many_counts_are_refused_whole(clicks: &dyn Clicks) {
    let tallies = (0..=MAX_COUNTS as u128).map(|id| tally(1_000 + id, "many", 1)).collect();
    assert_eq!(clicks.record(Tallies(tallies)).await, Err(ClickError::TooManyCounts));
    assert_eq!(count(clicks, "many").await, 0);
}

async fn events_that_come_again_in_other_company_count_once(clicks: Arc<dyn Clicks>) {
    let event = |id| Event::new(id, link("event"), Clicked { link: link("event") });
    let subscriber = Tallying::new(Arc::clone(&clicks));
    subscriber.receive(&[event(101), event(102)], Batching::Shifting).await.unwrap();
    subscriber.receive(&[event(102), event(103)], Batching::Shifting).await.unwrap();
    assert_eq!(count(&*clicks, "event").await, 3);
    let batch = [event(201), event(202)];
    subscriber.receive(&batch, Batching::Fixed).await.unwrap();
    subscriber.receive(&batch, Batching::Fixed).await.unwrap();
    assert_eq!(count(&*clicks, "event").await, 5);
}

/// A database of the first version, with two links and with clicks by their codes.
macro_rules! of_the_first_version {
    ($kind:literal, $database:expr, $reach:ident) => {{
        let scripts = [
            include_str!(concat!("../../services/shortener-app/migrations/links/", $kind, "/1_links.sql")),
            include_str!(concat!("../../services/shortener-app/migrations/clicks/", $kind, "/1_clicks.sql")),
        ];
        migrate(&scripts[..1], "links_migrations", $database.$reach()).await.unwrap();
        migrate(&scripts[1..], "clicks_migrations", $database.$reach()).await.unwrap();
        for fill in [
            "INSERT INTO links VALUES ('old', 'HTTP://EXAMPLE.COM', 5, NULL, 'key-1'), ('0000007', 'https://example.com/', 6, 7, 'key-2')",
            "INSERT INTO click_counts VALUES ('old', 3)",
        ] {
            sqlx::query(fill).execute($database.$reach()).await.unwrap();
        }
    }};
}

#[tokio::test]
async fn links_of_an_older_version_are_kept_and_their_clicks_begin_again() {
    for (name, database, _kept) in databases().await {
        println!("{name}");
        let (links, clicks): (Arc<dyn LinkStore>, Arc<dyn ClickStore>) = match database {
            Database::Sqlite(database) => {
                of_the_first_version!("sqlite", database, writer);
                let links = SqliteLinkStore::open(database.clone()).await.unwrap();
                (Arc::new(links), Arc::new(SqliteClickStore::open(database).await.unwrap()))
            }
            Database::Postgres(database) => {
                of_the_first_version!("postgres", database, pool);
                let links = PostgresLinkStore::open(database.clone()).await.unwrap();
                (Arc::new(links), Arc::new(PostgresClickStore::open(database).await.unwrap()))
            }
        };
        let old = links.find(&Code::parse("old").unwrap()).await.unwrap().unwrap();
        let made = links.made_by(&RequestKey::parse("key-2").unwrap()).await.unwrap().unwrap();
        assert_eq!(old.target.as_str(), "http://example.com/", "in normal form");
        assert_eq!((old.created_at.millis(), old.expires_at), (5, None));
        assert_ne!(old.id, made.link.id);
        assert!(!made.aliased, "as far as its length tells");
        clicks
            .add(&[tally(1, "old", 1), Tally { id: TallyId(2), counts: [(old.id, 2)].into() }])
            .await
            .unwrap();
        assert_eq!((clicks.count(old.id).await, clicks.count(link("old")).await), (Ok(2), Ok(1)));
    }
}
