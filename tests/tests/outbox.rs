//! An outbox on every database: events of a transaction are published if and when it commits, in order, and at least once.
//!
//! Two tests need the transactions of PostgreSQL; each shows beside the relay what a cursor would have done.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use backing::{
    Background, Database, Event, EventMetrics, Outbox, OutboxTransaction, Postgres, Publisher,
    TopicPublisher, Waiting,
};
use contract::{Unavailable, Why};
use futures::future::join_all;
use prometheus_client::metrics::counter::Counter;
use shortener::{Clicked, LinkId};
use shortener_app::topics::Follows;
use sqlx::Acquire as _;
use system_tests::stores::{databases, fresh_postgres};

/// How long a relay may take on however busy a machine.
const RELAYED_WITHIN: Duration = Duration::from_secs(20);
/// Long enough for a relay to have looked.
const LOOKED: Duration = Duration::from_millis(300);

/// Keeps what is published, and fails when it is told to.
#[derive(Default)]
struct Transport {
    published: Mutex<Vec<(String, u128)>>,
    /// The next publications of an event fail with this, although it arrives.
    fails: Mutex<Vec<(u128, Why)>>,
    /// Publications of this event fail for ever, and it does not arrive.
    refuses: Mutex<Option<u128>>,
    /// No events of keys with this beginning can be taken.
    out_of_reach: Mutex<Option<&'static str>>,
}

#[async_trait]
impl Publisher for Transport {
    async fn publish(&self, event: Event) -> Result<(), Unavailable> {
        if *self.refuses.lock().unwrap() == Some(event.id) {
            return Err(Unavailable::new("transport", Why::Misunderstood));
        }
        if self.out_of_reach.lock().unwrap().is_some_and(|beginning| event.key.starts_with(beginning)) {
            return Err(Unavailable::new("transport", Why::Unreachable));
        }
        self.published.lock().unwrap().push((event.key, event.id));
        let mut fails = self.fails.lock().unwrap();
        let failure = fails.iter().position(|(id, _)| *id == event.id).map(|at| fails.remove(at));
        failure.map_or(Ok(()), |(_, why)| Err(Unavailable::new("transport", why)))
    }

    async fn pending(&self) -> Result<u64, Unavailable> {
        Ok(0)
    }
}

impl Transport {
    fn ids(&self) -> Vec<u128> {
        self.published.lock().unwrap().iter().map(|(_, id)| *id).collect()
    }

    /// Waits until this many publications have arrived.
    async fn has(&self, count: usize) -> Vec<u128> {
        let deadline = Instant::now() + RELAYED_WITHIN;
        while self.ids().len() < count {
            assert!(Instant::now() < deadline, "only {:?}", self.ids());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.ids()
    }
}

/// An outbox with a relay.
struct Relayed {
    outbox: Outbox<Follows>,
    transport: Arc<Transport>,
    background: Background,
}

impl Relayed {
    async fn on(database: &Database) -> Self {
        Self::of("one", database, |_| {}).await
    }

    /// In a process of this name, with a transport that is prepared before the relay starts.
    async fn of(holder: &str, database: &Database, prepare: impl FnOnce(&Transport)) -> Self {
        let outbox = Outbox::open(database).await.unwrap();
        let (transport, background) = (Arc::new(Transport::default()), Background::default());
        prepare(&transport);
        let publisher = TopicPublisher::new(Arc::clone(&transport) as Arc<dyn Publisher>);
        outbox.relay(&publisher, holder, &EventMetrics::default(), &background);
        Self { outbox, transport, background }
    }

    /// Waits until this many events are left in the table: a row is deleted after its event has arrived.
    async fn has_pending(&self, count: u64) {
        let deadline = Instant::now() + RELAYED_WITHIN;
        while self.outbox.pending().await != Ok(count) {
            assert!(Instant::now() < deadline, "{:?} are left", self.outbox.pending().await);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn publish(&self, transaction: &mut impl OutboxTransaction, id: u128, key: &str) {
        self.outbox.publish(transaction, click(id, key)).await.unwrap();
    }

    /// In a transaction of its own.
    async fn publish_alone(&self, database: &Database, id: u128, key: &str) {
        match database {
            Database::Sqlite(sqlite) => {
                let mut transaction = sqlite.writer().begin().await.unwrap();
                self.publish(&mut transaction, id, key).await;
                transaction.commit().await.unwrap();
            }
            Database::Postgres(postgres) => {
                let mut transaction = postgres.pool().begin().await.unwrap();
                self.publish(&mut transaction, id, key).await;
                transaction.commit().await.unwrap();
            }
        }
        self.outbox.committed();
    }
}

fn click(id: u128, key: &str) -> Event<Clicked> {
    Event::new(id, key, Clicked { link: LinkId(id) })
}

#[tokio::test]
async fn an_event_is_published_if_and_when_its_transaction_commits() {
    for (name, database, _kept) in databases().await {
        println!("{name}");
        let relayed = Relayed::on(&database).await;
        match &database {
            Database::Sqlite(sqlite) => {
                let mut transaction = sqlite.writer().begin().await.unwrap();
                relayed.publish(&mut transaction, 1, "key").await;
                tokio::time::sleep(LOOKED).await;
                assert_eq!(relayed.transport.ids(), [0; 0], "it has not committed");
                transaction.rollback().await.unwrap();
            }
            Database::Postgres(postgres) => {
                let mut transaction = postgres.pool().begin().await.unwrap();
                relayed.publish(&mut transaction, 1, "key").await;
                tokio::time::sleep(LOOKED).await;
                assert_eq!(relayed.transport.ids(), [0; 0], "it has not committed");
                transaction.rollback().await.unwrap();
            }
        }
        relayed.publish_alone(&database, 2, "key").await;
        assert_eq!(relayed.transport.has(1).await, [2]);
        tokio::time::sleep(LOOKED).await;
        assert_eq!(relayed.transport.ids(), [2], "once, and nothing of what was rolled back");
        assert_eq!(relayed.outbox.pending().await, Ok(0));
        relayed.background.stop().await;
    }
}

/// What a relay with a cursor would read: the rows beyond the last position that it has seen.
async fn beyond(postgres: &Postgres, cursor: i64) -> Vec<i64> {
    let select = "SELECT position FROM outbox WHERE position > $1 ORDER BY position";
    sqlx::query_scalar(select).bind(cursor).fetch_all(postgres.pool()).await.unwrap()
}

#[tokio::test]
async fn a_transaction_that_commits_late_is_published_and_a_cursor_would_have_skipped_it() {
    let Some(fresh) = fresh_postgres().await else { return };
    let database = open(&fresh.address).await;
    let Database::Postgres(postgres) = &database else { unreachable!("the address says so") };
    // Two transactions, of which the first that writes is the last that commits.
    let outbox = Outbox::<Follows>::open(&database).await.unwrap();
    let crossing = async |first, second| {
        let mut late = postgres.pool().begin().await.unwrap();
        outbox.publish(&mut late, click(first, "late")).await.unwrap();
        let mut early = postgres.pool().begin().await.unwrap();
        outbox.publish(&mut early, click(second, "early")).await.unwrap();
        early.commit().await.unwrap();
        late
    };

    // The control: a cursor by increasing positions, with no relay that removes any.
    let late = crossing(1, 2).await;
    let seen = beyond(postgres, 0).await;
    assert_eq!(seen, [2], "the second row is there, and the first is not");
    late.commit().await.unwrap();
    assert_eq!(
        beyond(postgres, seen[0]).await,
        [0; 0],
        "the cursor has gone past the first, and never finds it"
    );
    assert_eq!(beyond(postgres, 0).await, [1, 2], "although it is there");

    let relayed = Relayed::on(&database).await;
    assert_eq!(BTreeSet::from_iter(relayed.transport.has(2).await), [1, 2].into());
    let late = crossing(3, 4).await;
    assert_eq!(
        relayed.transport.has(3).await[2..],
        [4],
        "nothing waits for a transaction that takes its time"
    );
    late.commit().await.unwrap();
    assert_eq!(relayed.transport.has(4).await[2..], [4, 3], "and what commits late is published");
    relayed.background.stop().await;
}

/// A transaction that has its number, as its first write would give it, and that number.
async fn numbered(postgres: &Postgres) -> (sqlx::Transaction<'_, sqlx::Postgres>, i64) {
    let mut transaction = postgres.pool().begin().await.unwrap();
    let number = "SELECT pg_current_xact_id()::text::bigint";
    let number = sqlx::query_scalar(number).fetch_one(&mut *transaction).await.unwrap();
    (transaction, number)
}

/// What a relay would read that takes only what no running transaction can precede: the events of transactions with
/// lower numbers than the oldest that runs, which `pg_snapshot_xmin` tells.
async fn below(postgres: &Postgres, oldest_running: i64) -> Vec<u128> {
    let select = "SELECT event_id FROM outbox WHERE xmin::text::bigint < $1 ORDER BY position";
    let ids: Vec<Vec<u8>> =
        sqlx::query_scalar(select).bind(oldest_running).fetch_all(postgres.pool()).await.unwrap();
    ids.into_iter().map(|id| u128::from_be_bytes(id.try_into().unwrap())).collect()
}

#[tokio::test]
async fn what_follows_from_an_event_is_published_after_it_whatever_number_its_transaction_has() {
    let Some(fresh) = fresh_postgres().await else { return };
    let database = open(&fresh.address).await;
    let Database::Postgres(postgres) = &database else { unreachable!("the address says so") };
    let outbox = Outbox::<Follows>::open(&database).await.unwrap();
    // The transaction that answers began first; another one, which has nothing to do with it, goes on for long.
    let (mut answers, _) = numbered(postgres).await;
    let (unrelated, oldest_running) = numbered(postgres).await;
    let (mut asks, _) = numbered(postgres).await;
    outbox.publish(&mut asks, click(1, "order")).await.unwrap();
    asks.commit().await.unwrap();
    // It sees that the other has committed, and answers.
    outbox.publish(&mut answers, click(2, "order")).await.unwrap();
    answers.commit().await.unwrap();

    // The control: by the numbers of transactions the answer can be told before what it answers.
    assert_eq!(below(postgres, oldest_running).await, [2]);

    let relayed = Relayed::on(&database).await;
    assert_eq!(relayed.transport.has(2).await, [1, 2], "and nothing waits for the unrelated transaction");
    unrelated.rollback().await.unwrap();
    relayed.background.stop().await;
}

#[tokio::test]
async fn events_of_a_key_keep_their_order_whatever_fails_in_between() {
    const EVENTS: u128 = 60;
    for (name, database, _kept) in databases().await {
        println!("{name}");
        let relayed = Relayed::on(&database).await;
        {
            let mut fails = relayed.transport.fails.lock().unwrap();
            fails.extend([(3, Why::TimedOut), (3, Why::TimedOut), (8, Why::Unreachable), (20, Why::Broken)]);
        }
        for id in 0..EVENTS {
            relayed.publish_alone(&database, id, ["a", "b", "c"][id as usize % 3]).await;
        }
        relayed.transport.has(EVENTS as usize + 4).await;
        tokio::time::sleep(LOOKED).await;
        let published = relayed.transport.published.lock().unwrap().clone();
        assert_eq!(published.len(), EVENTS as usize + 4, "those whose publication failed came again");
        for key in ["a", "b", "c"] {
            let mut seen = BTreeSet::new();
            let of_key = published.iter().filter(|(of, id)| of == key && seen.insert(*id)).map(|(_, id)| *id);
            let of_key: Vec<u128> = of_key.collect();
            assert_eq!(of_key.len(), EVENTS as usize / 3, "each at least once");
            assert!(of_key.is_sorted(), "{key}: {of_key:?}");
        }
        relayed.background.stop().await;
    }
}

#[tokio::test]
async fn a_poison_event_is_a_dead_letter_in_its_table_and_holds_nothing_up() {
    for (name, database, _kept) in databases().await {
        println!("{name}");
        let relayed = Relayed::on(&database).await;
        *relayed.transport.refuses.lock().unwrap() = Some(2);
        for id in 1..=4 {
            relayed.publish_alone(&database, id, "key").await;
        }
        assert_eq!(relayed.transport.has(3).await, [1, 3, 4]);
        let dead = relayed.outbox.dead_letters();
        let listed = dead.list(10).await.unwrap();
        assert_eq!(listed.len(), 1, "{listed:?}");
        assert_eq!((listed[0].group.as_str(), listed[0].key.as_deref()), ("outbox", Some("key")));
        assert!(listed[0].reason.contains("do not understand each other"), "{listed:?}");
        assert_eq!(relayed.outbox.pending().await, Ok(0), "it is not on its way");
        *relayed.transport.refuses.lock().unwrap() = None;
        assert_eq!(dead.replay().await, Ok(1));
        assert_eq!(relayed.transport.has(4).await, [1, 3, 4, 2]);
        assert_eq!((dead.list(10).await, dead.replay().await), (Ok(Vec::new()), Ok(0)));
        relayed.background.stop().await;
    }
}

/// More events than a relay reads at once.
const MORE_THAN_A_BATCH: u128 = 250;

#[tokio::test]
async fn keys_that_fail_for_ever_hold_up_no_other_key_however_many_events_wait() {
    for (name, database, _kept) in databases().await {
        println!("{name}");
        // All of this waits before a relay starts: one key with many events, and many keys with one.
        let outbox = Outbox::<Follows>::open(&database).await.unwrap();
        let waiting = Relayed { outbox, transport: Arc::default(), background: Background::default() };
        for id in 0..MORE_THAN_A_BATCH {
            waiting.publish_alone(&database, id, "stuck").await;
        }
        for id in MORE_THAN_A_BATCH..2 * MORE_THAN_A_BATCH {
            waiting.publish_alone(&database, id, &format!("stuck-{id}")).await;
        }
        let sound = 2 * MORE_THAN_A_BATCH;
        waiting.publish_alone(&database, sound, "sound").await;

        let relayed = Relayed::of("one", &database, |transport| {
            *transport.out_of_reach.lock().unwrap() = Some("stuck");
        })
        .await;
        assert_eq!(relayed.transport.has(1).await, [sound]);
        relayed.publish_alone(&database, sound + 1, "sound").await;
        assert_eq!(relayed.transport.has(2).await, [sound, sound + 1], "nor later");
        relayed.has_pending(2 * MORE_THAN_A_BATCH as u64).await;
        assert_eq!(relayed.outbox.dead_letters().list(1).await, Ok(Vec::new()), "the events are sound");

        *relayed.transport.out_of_reach.lock().unwrap() = None;
        let all = relayed.transport.has(sound as usize + 2).await;
        let of_one_key = all.iter().filter(|id| **id < MORE_THAN_A_BATCH);
        assert!(of_one_key.is_sorted(), "in their order: {all:?}");
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "each once");
        relayed.background.stop().await;
    }
}

#[tokio::test]
async fn of_two_relays_one_works_also_started_again_and_the_other_goes_on_when_it_stops() {
    for (name, database, _kept) in databases().await {
        println!("{name}");
        let one = Relayed::on(&database).await;
        one.publish_alone(&database, 0, "key").await;
        one.transport.has(1).await;
        let other = Relayed::of("other", &database, |_| {}).await;
        for id in 1..=50 {
            other.publish_alone(&database, id, "key").await;
        }
        assert_eq!(one.transport.has(51).await, (0..=50).collect::<Vec<_>>());
        // As if it was killed: it has its lease, and nothing leaves any more.
        *one.transport.out_of_reach.lock().unwrap() = Some("key");
        one.publish_alone(&database, 51, "key").await;
        let again = Relayed::on(&database).await;
        assert_eq!(again.transport.has(1).await, [51], "a process has its lease under its name");
        assert_eq!(other.transport.ids(), [0; 0], "it has no lease");
        again.background.stop().await;
        one.background.stop().await;
        one.publish_alone(&database, 52, "key").await;
        assert_eq!(other.transport.has(1).await, [52]);
        assert_eq!(one.transport.ids().len(), 51, "each once");
        other.background.stop().await;
    }
}

#[tokio::test]
async fn many_transactions_at_once_lose_nothing_and_double_nothing() {
    let Some(fresh) = fresh_postgres().await else { return };
    let database = open(&fresh.address).await;
    let relayed = Relayed::on(&database).await;
    let publishing = (0..8).map(|writer: u128| {
        let (relayed, database) = (&relayed, &database);
        async move {
            for event in 0..50 {
                relayed.publish_alone(database, writer * 50 + event, &writer.to_string()).await;
            }
        }
    });
    join_all(publishing).await;
    let mut published = relayed.transport.has(400).await;
    published.sort_unstable();
    assert_eq!(published, (0..400).collect::<Vec<_>>());
    relayed.background.stop().await;
}

async fn open(address: &str) -> Database {
    Database::open(address, "database", Counter::default(), &Waiting::default()).await.unwrap()
}
