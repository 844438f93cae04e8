//! A PostgreSQL that is late, restarts, or refuses: processes wait for it at start, no request fails because
//! an idle connection died, and while the server is unavailable requests fail at once.
//!
//! A relay in front of the server starts on demand, and drops connections as a restart does.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::time::Duration;

use backing::{Database, POSTGRES_CONNECTIONS, Postgres, TRUSTED_FOR, Waiting};
use contract::Why;
use futures::{FutureExt as _, future::join_all};
use prometheus_client::metrics::counter::Counter;
use resilience::{
    Callees, Preset, Settings,
    breaker::State,
    settings::{FAILURES_IN_A_ROW, SLOW_CALL},
};
use sqlx::Acquire as _;
use system_tests::{
    relay::{Relay, relayed},
    stores::fresh_postgres,
};
use tokio::time::{Instant, sleep, timeout};

/// Longer than an idle connection is trusted without a ping.
const IDLE: Duration = TRUSTED_FOR.saturating_mul(2);

/// Statements that need a connection each at the same time.
const AT_ONCE: usize = 8;

async fn open(address: &str) -> Postgres {
    match Database::open(address, "database", Counter::default(), &Waiting::default()).await.unwrap() {
        Database::Postgres(database) => database,
        Database::Sqlite(_) => unreachable!("the address says postgres"),
    }
}

/// Runs statements concurrently, each on its own connection; returns the errors.
async fn at_once(database: &Postgres) -> Vec<String> {
    let one = async || database.execute("SELECT pg_sleep(0.1)").await.err().map(|error| error.to_string());
    join_all((0..AT_ONCE).map(|_| one())).await.into_iter().flatten().collect()
}

/// Clean-up guard: drops a role and its database, if they exist, however the test ends.
struct CleanUp {
    admin: String,
    name: String,
}

impl CleanUp {
    /// A name for both that does not exist on this server.
    fn new(admin: &str) -> Self {
        Self { admin: admin.to_owned(), name: format!("late_{}", remote::new_span_id()) }
    }

    /// The address of the database, as the role.
    fn address(&self) -> String {
        let (server, _) = self.admin.rsplit_once('/').unwrap();
        let host = server.trim_start_matches("postgres://").rsplit('@').next().unwrap();
        format!("postgres://{0}@{host}/{0}", self.name)
    }
}

impl Drop for CleanUp {
    fn drop(&mut self) {
        let (admin, name) = (self.admin.clone(), self.name.clone());
        // On a thread with its own runtime, because `drop` cannot await.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let admin = open(&admin).await;
                admin.execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.unwrap();
                admin.execute(&format!("DROP ROLE IF EXISTS {name}")).await.unwrap();
            });
        });
        let dropped = dropping.join();
        assert!(dropped.is_ok() || std::thread::panicking(), "`{}` is left on the server", self.name);
    }
}

/// Whether its check passes: the metric `backing_up`.
async fn passes(database: &Postgres) -> bool {
    Database::Postgres(database.clone()).check("database").passes().await
}

#[tokio::test]
async fn a_process_waits_for_a_server_that_is_late() {
    let Some((at, server, address, _kept)) = relayed().await else { return };
    let late = Duration::from_secs(1);
    let begun = Instant::now();
    let starting = tokio::spawn(async move {
        sleep(late).await;
        Relay::start(at, server).await
    });
    let database = open(&address).await;
    assert!(begun.elapsed() >= late);
    assert_eq!(at_once(&database).await, [""; 0]);
    starting.await.unwrap().stop().await;
}

#[tokio::test]
async fn no_request_fails_because_its_connection_died_while_it_was_idle() {
    let Some((at, server, address, _kept)) = relayed().await else { return };
    let relay = Relay::start(at, server.clone()).await;
    let database = open(&address).await;
    assert_eq!(at_once(&database).await, [""; 0], "each has a connection now");
    relay.stop().await;
    let relay = Relay::start(at, server).await;
    sleep(IDLE).await;
    assert!(passes(&database).await, "the server is back, though every connection has died");
    assert_eq!(at_once(&database).await, [""; 0], "after a restart each has another one");
    relay.stop().await;
}

#[tokio::test]
async fn a_server_that_is_away_is_told_as_such_and_at_once() {
    let Some((at, server, address, _kept)) = relayed().await else { return };
    let relay = Relay::start(at, server.clone()).await;
    let database = open(&address).await;
    assert_eq!(at_once(&database).await, [""; 0], "each has a connection now");
    assert!(passes(&database).await);
    relay.stop().await;
    assert!(!passes(&database).await);
    sleep(IDLE).await;
    let why = async || {
        let error = database.execute("SELECT 1").await.expect_err("nobody is there");
        database.unavailable(&error).why
    };
    assert_eq!(join_all((0..AT_ONCE).map(|_| why())).await, [Why::Unreachable; AT_ONCE]);
    let begun = Instant::now();
    for _ in 0..AT_ONCE {
        assert_eq!(why().await, Why::Unreachable);
    }
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());

    let relay = Relay::start(at, server).await;
    let back = async {
        while database.execute("SELECT 1").await.is_err() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(5), back).await.expect("it is used as soon as it is back");
    assert_eq!(at_once(&database).await, [""; 0]);
    relay.stop().await;
}

#[tokio::test]
async fn a_server_that_ends_a_connection_in_words_is_not_broken() {
    let Some(fresh) = fresh_postgres().await else { return };
    let database = open(&fresh.address).await;
    let ended = database.execute("SELECT pg_terminate_backend(pg_backend_pid())").await.unwrap_err();
    assert_eq!(database.unavailable(&ended).why, Why::Unreachable, "{ended}");
    assert_eq!(at_once(&database).await, [""; 0], "the next ones have other connections");
}

/// Each is cancelled while its `BEGIN` is on the way, as by a deadline.
#[tokio::test]
async fn a_transaction_that_nobody_waits_for_any_more_takes_no_statement_of_others_with_it() {
    let Some(fresh) = fresh_postgres().await else { return };
    let (database, others) = (open(&fresh.address).await, open(&fresh.address).await);
    database.execute("CREATE TABLE kept (number BIGINT)").await.unwrap();
    at_once(&database).await;
    let statements = u64::from(2 * POSTGRES_CONNECTIONS);
    for _ in 0..statements {
        // Polled once: the statement is sent, and its reply is not awaited.
        drop(database.pool().begin().now_or_never());
        database.execute("INSERT INTO kept VALUES (1)").await.unwrap();
    }
    let select = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM kept");
    let kept = select.fetch_one(others.pool()).await.unwrap();
    assert_eq!(kept.cast_unsigned(), statements, "what was acknowledged is there for everybody");
}

#[tokio::test]
async fn too_many_callers_are_not_taken_for_a_server_that_is_away() {
    let Some(fresh) = fresh_postgres().await else { return };
    let database = open(&fresh.address).await;
    let one = async || {
        database.execute("SELECT pg_sleep(1.5)").await.map_err(|error| database.unavailable(&error).why)
    };
    // Started after the callers, which occupy every connection and queue for more.
    let check = async { passes(&database).await };
    let (outcomes, passes) = tokio::join!(join_all((0..2 * POSTGRES_CONNECTIONS).map(|_| one())), check);
    let overloaded = outcomes.iter().filter(|outcome| **outcome == Err(Why::Overloaded)).count();
    assert_eq!(overloaded, POSTGRES_CONNECTIONS as usize, "{outcomes:?}");
    assert!(passes, "the server responds meanwhile");
}

#[tokio::test]
async fn a_server_that_takes_no_further_connection_is_not_away() {
    let Some(fresh) = fresh_postgres().await else { return };
    let (admin, owner) = (open(&fresh.address).await, CleanUp::new(&fresh.address));
    let name = &owner.name;
    let limit = format!("CREATE ROLE {name} LOGIN CONNECTION LIMIT {POSTGRES_CONNECTIONS}");
    admin.execute(&limit).await.unwrap();
    admin.execute(&format!("CREATE DATABASE {name} OWNER {name}")).await.unwrap();
    let database = open(&owner.address()).await;
    let one = async |statement: &str| database.execute(statement).await.unwrap();
    join_all((0..POSTGRES_CONNECTIONS).map(|_| one("SELECT pg_sleep(0.5)"))).await;
    let full = join_all((0..POSTGRES_CONNECTIONS).map(|_| one("SELECT pg_sleep(1.5)")));
    let (_, passes) = tokio::join!(full, async { passes(&database).await });
    assert!(passes, "it serves those who have a connection");
}

#[tokio::test]
async fn a_database_and_a_user_that_scripts_make_later_are_waited_for() {
    let Some(fresh) = fresh_postgres().await else { return };
    let (admin, owner) = (open(&fresh.address).await, CleanUp::new(&fresh.address));
    let (name, late) = (owner.name.clone(), owner.address());
    let (statements, waiting) = (Counter::default(), Waiting::default());
    let says = async |words: &str| {
        while !waiting.reason().is_some_and(|reason| reason.contains(words)) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let make = async {
        says(&format!("role \"{name}\"")).await;
        admin.execute(&format!("CREATE ROLE {name} LOGIN")).await.unwrap();
        says(&format!("database \"{name}\"")).await;
        admin.execute(&format!("CREATE DATABASE {name} OWNER {name}")).await.unwrap();
    };
    let both = async { tokio::join!(Database::open(&late, "database", statements, &waiting), make).0 };
    let opened = timeout(Duration::from_secs(20), both).await.expect("it comes");
    opened.unwrap();
    drop(owner);
    for left in ["ROLE", "DATABASE"] {
        let error = admin.execute(&format!("ALTER {left} {name} SET work_mem = '1MB'")).await.unwrap_err();
        assert!(error.to_string().contains("does not exist"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_slow_is_spared_by_a_breaker_until_it_is_not() {
    let Some(server) = fresh_postgres().await else { return };
    let callees = Callees::default();
    let guard = |at: &str| callees.store("postgres", at, Preset::Breaker, &Settings::default());
    let Database::Postgres(database) = Database::Postgres(open(&server.address).await).guarded(guard) else {
        unreachable!("it is one")
    };
    let state = || callees.snapshot()[0].breaker.clone().unwrap().state;
    for _ in 0..2 * FAILURES_IN_A_ROW {
        database.execute("SELECT nothing").await.expect_err("there is no such column");
    }
    assert_eq!(state(), State::Closed, "an error of a statement is an answer");

    // As the deadline of a request does it.
    let given_up = async || timeout(2 * SLOW_CALL, database.execute("SELECT pg_sleep(3)")).await.is_err();
    assert_eq!(
        join_all((0..FAILURES_IN_A_ROW).map(|_| given_up())).await,
        [true; FAILURES_IN_A_ROW as usize]
    );
    assert_eq!(state(), State::Open);
    let begun = Instant::now();
    let rejected = database.execute("SELECT 1").await.unwrap_err();
    assert_eq!(database.unavailable(&rejected).why, Why::Rejected);
    assert!(begun.elapsed() < SLOW_CALL, "{:?}", begun.elapsed());

    let closes = async {
        while state() != State::Closed {
            let _ = database.execute("SELECT 1").await;
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(30), closes).await.expect("it closes");
}
