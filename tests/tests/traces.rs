//! The spans of calls to stores and brokers: their parents, systems and addresses.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use backing::{Background, Database, Redis};
use design::Wiring;
use http::Method;
use opentelemetry::trace::{SpanKind, Status};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use prometheus_client::registry::Registry;
use remote::{Context, scope};
use runtimes::{
    launch::Launch,
    traces::{Trace, rows},
};
use scenario::plan::ArmPlan;
use system_tests::{
    edge_client::EdgeClient,
    edge_suite::{eventually, shortened},
    limiter_suite,
    redis_server::{PATIENT, RedisServer},
    stores::databases,
    wirings::Wirings,
};

/// The time limit for all spans of an operation: exporters send every half second.
const ARRIVED_WITHIN: Duration = Duration::from_secs(20);

fn arm(system: &Wirings, choices: &[(&str, &str)]) -> ArmPlan {
    ArmPlan::new(format!("{choices:?}"), Wiring::with(system.system, choices.iter().copied()).unwrap())
}

/// The traces of a launch, with the spans that have arrived so far.
struct Seen<'a> {
    launch: &'a Launch,
    traces: Mutex<Vec<Trace>>,
}

impl<'a> Seen<'a> {
    fn of(launch: &'a Launch) -> Self {
        Self { launch, traces: Mutex::default() }
    }

    /// Sends a request with a numbered, sampled trace.
    fn ask(edge: &EdgeClient, number: u32, method: &Method, path: &str, headers: &[(&str, &str)]) -> u16 {
        let parent = format!("00-{number:032x}-00000000000000aa-01");
        let headers = [headers, &[("traceparent", parent.as_str())][..]].concat();
        edge.ask(method, path, &headers, "").status
    }

    /// The spans of a trace as a tree: `  process: span`. Waits until it has the last span of every process: each process
    /// sends its spans on its own.
    fn tree(&self, number: u32, last: &[&str]) -> String {
        eventually(ARRIVED_WITHIN, &format!("trace {number} has {last:?}"), || {
            let mut traces = self.traces.lock().unwrap();
            for new in self.launch.arms[0].receiver.as_ref().unwrap().take().traces {
                match traces.iter_mut().find(|trace| trace.id == new.id) {
                    Some(trace) => trace.spans.extend(new.spans),
                    None => traces.push(new),
                }
            }
            let trace = traces.iter().find(|trace| trace.id == format!("{number:032x}"))?;
            let line = |row: runtimes::traces::Row| {
                format!("{:indent$}{}: {}\n", "", row.process, row.name, indent = 2 * row.depth)
            };
            let tree: String = rows(trace).into_iter().map(line).collect();
            let is_whole =
                last.iter().all(|last| tree.contains(last)) && trace.spans.len() == tree.lines().count();
            // The far end of a hop is named by its transport.
            let far_end = |line: &str| if is_far_end(line) { "(far end)\n" } else { line }.to_owned();
            is_whole.then(|| tree.split_inclusive('\n').map(far_end).collect())
        })
    }
}

/// Whether a line names a method of a component as its transport does: HTTP's route or gRPC's method.
fn is_far_end(line: &str) -> bool {
    line.contains(": POST /") || line.contains(": lab.")
}

#[test]
fn a_followed_link_shows_what_the_cache_and_the_database_were_asked_and_by_whom() {
    let system = Wirings::of("shortener", env!("CARGO_BIN_EXE_hosted")).patient();
    let apart = [
        ("placement", "microservices"),
        ("database", "postgres"),
        ("cache", "redis"),
        ("events", "kafka"),
        // It expires on its own while this test follows it.
        ("time-to-live", "1s"),
    ];
    let arms =
        ["http", "grpc"].map(|transport| arm(&system, &[&apart[..], &[("transport", transport)]].concat()));
    system.with_each(&arms, |launch| {
        let edge = EdgeClient::new(launch.arms[0].public);
        let seen = Seen::of(launch);
        let code = shortened(&edge, "https://example.com/traced");
        let path = format!("/{code}");
        assert_eq!(Seen::ask(&edge, 1, &Method::GET, &path, &[]), 302);
        let last = ["links: links.resolve", "kafka process clicks"];
        let hit = seen.tree(1, &last);
        let begins = "gateway: GET /{code}\n  gateway: links.resolve\n(far end)\n      links: links.resolve\n";
        assert!(hit.starts_with(&format!("{begins}        links: redis GET links\n")), "{hit}");
        assert!(!hit.contains("SELECT links"), "{hit}");
        // In parallel to the reply: the event, its consumer, and the consumer's statements.
        let beside = "  gateway: kafka send clicks\n    clicks: kafka process clicks\n      clicks: clicks.record\n        clicks: postgresql INSERT tallies INSERT click_counts SELECT fresh\n";
        assert!(hit.ends_with(beside), "{hit}");
        let mut number = 1;
        let miss = eventually(ARRIVED_WITHIN, "the cache has let go of it", || {
            number += 1;
            assert_eq!(Seen::ask(&edge, number, &Method::GET, &path, &[]), 302);
            let tree = seen.tree(number, &last);
            tree.contains("SELECT links").then_some(tree)
        });
        let asked = "        links: redis GET links\n        links: postgresql SELECT links\n        links: redis SET links\n";
        assert!(miss.starts_with(&format!("{begins}{asked}")), "{miss}");
        assert!(miss.ends_with(beside), "{miss}");
    });
}

#[test]
fn a_limited_request_shows_its_script() {
    let system = Wirings::of("limiter", env!("CARGO_BIN_EXE_hosted")).patient();
    let apart = [("placement", "microservices"), ("state", "redis"), ("algorithm", "gcra")];
    let arms = [
        arm(&system, &[("state", "redis"), ("algorithm", "gcra")]),
        arm(&system, &[&apart[..], &[("transport", "http")]].concat()),
        arm(&system, &[&apart[..], &[("transport", "grpc")]].concat()),
    ];
    system.with_each(&arms, |launch| {
        let edge = limiter_suite::client(launch.arms[0].public);
        assert_eq!(Seen::ask(&edge, 1, &Method::GET, "/quotes/7", &[("x-client", "any")]), 200);
        let tree = Seen::of(launch).tree(1, &["redis EVALSHA take/gcra"]);
        let lines: Vec<&str> = tree.lines().collect();
        let script = lines.iter().position(|line| line.ends_with("redis EVALSHA take/gcra")).unwrap();
        let depth = |line: &str| line.len() - line.trim_start().len();
        assert!(lines[script - 1].ends_with(": decisions.decide"), "{tree}");
        assert_eq!(depth(lines[script]), depth(lines[script - 1]) + 2, "{tree}");
        let process = |line: &str| line.trim_start().split(':').next().unwrap().to_owned();
        assert_eq!(process(lines[script]), process(lines[script - 1]), "{tree}");
        assert_eq!(lines.iter().filter(|line| line.contains("redis")).count(), 1, "one round trip: {tree}");
    });
}

// ---- What each span says ----

/// Collects the spans that leave this process.
#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

/// The spans of sampled work; checks that unsampled work has none.
async fn spans_of(work: impl AsyncFn()) -> Vec<SpanData> {
    static KEPT: OnceLock<Kept> = OnceLock::new();
    let kept = KEPT.get_or_init(|| {
        let kept = Kept::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(kept.clone()).build();
        opentelemetry::global::set_tracer_provider(provider);
        kept
    });
    let mut spans = Vec::new();
    for sampled in [false, true] {
        let mut context = Context::unattended();
        context.trace.sampled = sampled;
        let trace = context.trace.id.into();
        scope(context, work()).await;
        let all = kept.0.lock().unwrap();
        spans = all.iter().filter(|span| span.span_context.trace_id() == trace).cloned().collect();
        assert!(sampled || spans.is_empty(), "an operation that leaves no trace leaves {spans:?}");
    }
    spans
}

/// An attribute of a span; empty if there is none.
fn said(span: &SpanData, key: &str) -> String {
    let attribute = span.attributes.iter().find(|attribute| attribute.key.as_str() == key);
    attribute.map(|attribute| attribute.value.to_string()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_says_its_system_its_place_and_why_it_failed() {
    for (name, database, _kept) in databases().await {
        let (right, wrong) = ("SELECT 1 AS one", "DELETE FROM nowhere");
        let spans = match &database {
            Database::Sqlite(database) => {
                spans_of(async || {
                    sqlx::query(right).fetch_one(database.reader()).await.unwrap();
                    sqlx::query(wrong).execute(database.writer()).await.unwrap_err();
                })
                .await
            }
            Database::Postgres(database) => {
                spans_of(async || {
                    sqlx::query(right).fetch_one(database.pool()).await.unwrap();
                    sqlx::query(wrong).execute(database.pool()).await.unwrap_err();
                })
                .await
            }
        };
        let [done, failed] = &spans[..] else { panic!("{name}: {spans:?}") };
        let system = if name == "sqlite" { "sqlite" } else { "postgresql" };
        for (span, summary, operation, text) in
            [(done, "SELECT", "SELECT", right), (failed, "DELETE nowhere", "DELETE", wrong)]
        {
            assert_eq!((&*span.name, &span.span_kind), (summary, &SpanKind::Client));
            assert_eq!(said(span, "db.system.name"), system);
            assert_eq!(said(span, "db.operation.name"), operation);
            assert_eq!(said(span, "db.query.summary"), summary);
            assert_eq!(said(span, "db.query.text"), text);
            assert!(!said(span, "db.namespace").is_empty(), "{span:?}");
            assert_eq!(said(span, "server.address").is_empty(), name == "sqlite", "{span:?}");
            assert_eq!(said(span, "server.port").is_empty(), name == "sqlite", "{span:?}");
        }
        assert_eq!(said(failed, "db.collection.name"), "nowhere");
        assert_eq!((&done.status, said(done, "error.type").as_str()), (&Status::Unset, ""));
        assert!(matches!(failed.status, Status::Error { .. }), "{failed:?}");
        // `SQLITE_ERROR`, and `undefined_table`.
        assert_eq!(said(failed, "error.type"), if name == "sqlite" { "1" } else { "42P01" });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_and_a_script_say_so_too_and_one_that_is_passed_over_says_why() {
    let Some(server) = RedisServer::start().await else { return };
    let (mut registry, background) = (Registry::default(), Background::default());
    let redis = Redis::open(&server.address(), "cache", PATIENT, &mut registry, &background).await.unwrap();
    let script = redis::Script::new("return ARGV[1]");
    let work = async || {
        redis.ask::<()>("links", redis::cmd("SET").arg(redis.key("links", &"a")).arg("secret")).await;
        redis.run::<String>("echo", script.prepare_invoke().arg("secret")).await.unwrap();
    };
    let spans = spans_of(work).await;
    let [command, ran] = &spans[..] else { panic!("{spans:?}") };
    for (span, operation, summary) in [(command, "SET", "SET links"), (ran, "EVALSHA", "EVALSHA echo")] {
        assert_eq!((&*span.name, &span.span_kind), (summary, &SpanKind::Client));
        assert_eq!((said(span, "db.system.name"), said(span, "db.namespace")), ("redis".into(), "0".into()));
        assert_eq!(said(span, "db.operation.name"), operation);
        assert_eq!(said(span, "db.query.summary"), summary);
        let place = format!("redis://{}:{}", said(span, "server.address"), said(span, "server.port"));
        assert!(server.address().starts_with(&place), "{place}");
        assert_eq!(span.status, Status::Unset);
        assert!(!format!("{span:?}").contains("secret"), "no value leaves the process: {span:?}");
    }
    assert_eq!(said(ran, "db.stored_procedure.name"), "echo");
    server.kill().await;
    let work = async || {
        redis.ask::<()>("links", redis::cmd("DEL").arg(redis.key("links", &"a"))).await;
    };
    let spans = spans_of(work).await;
    assert_eq!(said(&spans[0], "error.type"), "away", "{spans:?}");
}
