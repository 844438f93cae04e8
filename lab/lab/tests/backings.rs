//! The stores and brokers of an arm as real servers: started, used by this arm only, stopped, and removed.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use design::{Limits, Wiring};
use redis::Connection;
use runtimes::{
    arm::{BackingChoices, LaunchOptions, READY_WITHIN, RunningArm},
    interrupt::Interrupt,
    launch::Launch,
    measure::Scope,
    process::{kafka, redis as server},
    scratch::Scratch,
};
use scenario::{
    plan::{ArmPlan, Budget},
    systems,
};

const LAB: &str = env!("CARGO_BIN_EXE_lab");

fn arm(label: &str, choices: &[(&str, &str)]) -> ArmPlan {
    let system = systems::find("shortener").unwrap();
    ArmPlan::new(label.to_owned(), Wiring::with(system, choices.iter().copied()).unwrap())
}

fn start(arms: &[ArmPlan], backings: &BackingChoices, scratch: &Scratch) -> anyhow::Result<Launch> {
    Launch::start(
        arms,
        &Budget::of_this_machine(),
        &LaunchOptions {
            program: Path::new(LAB),
            scratch,
            number: 1,
            backings,
            port: None,
            public_urls: &[],
            proxied: runtimes::arm::Proxied::Nothing,
            traces: false,
            interrupt: &Interrupt::never(),
            ready_within: READY_WITHIN,
            limits: Limits::default(),
        },
    )
}

/// Whether a requirement is met; if not, a message says so, and CI fails.
#[expect(clippy::disallowed_methods, reason = "a test's own configuration")]
fn is_there(what: &str, is: bool, how_to_get: &str) -> bool {
    assert!(is || std::env::var("CI").is_err(), "CI has to provide {what}: {how_to_get}");
    if !is {
        eprintln!("SKIPPED: it needs {what}; {how_to_get}");
    }
    is
}

fn lives(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// The child processes of a process: a keeper's child is its server.
fn children(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// The process ids of an arm's backings and of their servers.
fn backing_pids(arm: &RunningArm) -> Vec<u32> {
    let keepers = arm.groups().into_iter().filter_map(|group| match group.scope {
        Scope::Family(keeper) => Some(keeper.pid()),
        Scope::Process(_) | Scope::Container(_) => None,
    });
    keepers.flat_map(|keeper| std::iter::once(keeper).chain(children(keeper))).collect()
}

/// Creates a link, which goes into the arm's store and cache.
fn shorten(arm: &RunningArm) {
    let body = r#"{"target":"https://example.com/","alias":"hello"}"#;
    let mut connection = TcpStream::connect(arm.public).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    write!(
        connection,
        "POST /links HTTP/1.1\r\nhost: lab\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut reply = String::new();
    connection.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 201"), "{reply}");
}

#[test]
fn an_arm_with_redis_has_a_throwaway_server_that_leaves_with_it() {
    if !is_there("Redis", server::Installation::find().is_some(), server::HOW_TO_GET) {
        return;
    }
    let scratch = Scratch::create().unwrap();
    let arms = [arm("one", &[("cache", "redis")]), arm("two", &[("cache", "tiered")])];
    let launch = start(&arms, &BackingChoices::default(), &scratch).unwrap();
    let pids: Vec<_> = launch.arms.iter().flat_map(backing_pids).collect();
    assert_eq!(pids.len(), 4, "each arm has a keeper and a server of its own");
    for arm in &launch.arms {
        let backing = arm.backings.iter().find(|backing| backing.kind.name() == "redis").unwrap();
        assert!(backing.provider.starts_with("native, "), "{}", backing.provider);
        let told = arm.host_file_texts().remove(0).1;
        assert!(told.contains("redis://:***@127.0.0.1:"), "a password, which is not shown: {told}");
        shorten(arm);
    }
    assert_eq!(launch.stop(), Vec::<String>::new(), "none had to be killed");
    assert!(!pids.into_iter().any(lives));
}

/// A Redis server from outside the lab.
struct Given {
    server: Child,
    url: String,
}

impl Given {
    fn start() -> Option<Self> {
        let found = server::Installation::find();
        let installation =
            is_there("Redis", found.is_some(), server::HOW_TO_GET).then_some(found).flatten()?;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Command::new(installation.program)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Some(Self { server, url: format!("redis://127.0.0.1:{port}") })
    }

    fn connection(&self) -> Connection {
        let client = redis::Client::open(self.url.as_str()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match client.get_connection_with_timeout(Duration::from_secs(1)) {
                Ok(connection) => return connection,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut self.connection()).unwrap();
        keys.sort();
        keys
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn arms_share_a_given_redis_without_sharing_keys_and_leave_none() {
    let Some(given) = Given::start() else { return };
    redis::cmd("SET").arg("lab-notes").arg("mine").exec(&mut given.connection()).unwrap();
    let scratch = Scratch::create().unwrap();
    let arms = [arm("one", &[("cache", "redis")]), arm("two", &[("cache", "redis")])];
    let backings = BackingChoices { redis_url: Some(given.url.clone()), ..BackingChoices::default() };
    let launch = start(&arms, &backings, &scratch).unwrap();
    launch.arms.iter().for_each(shorten);
    let keys = given.keys();
    let of_arms: Vec<_> = keys.iter().filter(|key| key.ends_with("hello")).collect();
    assert_eq!(of_arms.len(), 2, "the same code, a key for each arm: {keys:?}");
    launch.stop();
    assert_eq!(given.keys(), ["lab-notes"]);
}

#[test]
fn a_given_redis_that_does_not_answer_is_one_clear_error() {
    let scratch = Scratch::create().unwrap();
    // The discard port, where nothing listens.
    let url = Some("redis://:secret@127.0.0.1:9".to_owned());
    let backings = BackingChoices { redis_url: url, ..BackingChoices::default() };
    let Err(error) = start(&[arm("one", &[("cache", "redis")])], &backings, &scratch) else {
        panic!("nothing listens there");
    };
    let message = format!("{error:#}");
    assert!(message.contains("`127.0.0.1:9` does not answer"), "{message}");
    assert!(message.contains("hint:") && !message.contains("secret"), "{message}");
}

/// The location of Kafka on this machine, as on the command line.
#[expect(clippy::disallowed_methods, reason = "a test's own configuration")]
fn kafka_place() -> BackingChoices {
    let folder = |name: &str| std::env::var(name).ok().map(PathBuf::from);
    BackingChoices {
        kafka_home: folder("KAFKA_HOME"),
        java_home: folder("JAVA_HOME"),
        ..BackingChoices::default()
    }
}

#[test]
fn an_arm_with_kafka_has_a_real_node_that_leaves_with_it() {
    let place = kafka_place();
    let found = kafka::Installation::find(&place).unwrap();
    if !is_there("Kafka's jars and Java", found.is_some(), kafka::HOW_TO_GET) {
        return;
    }
    let scratch = Scratch::create().unwrap();
    let arms = [arm("one", &[("events", "kafka")]), arm("two", &[("events", "kafka")])];
    let launch = start(&arms, &place, &scratch).unwrap();
    let pids: Vec<_> = launch.arms.iter().flat_map(backing_pids).collect();
    assert_eq!(pids.len(), 4, "each arm has a keeper and a node of its own");
    for arm in &launch.arms {
        let backing = arm.backings.iter().find(|backing| backing.kind.name() == "kafka").unwrap();
        assert!(backing.provider.starts_with("native, Kafka "), "{}", backing.provider);
        shorten(arm);
    }
    assert_eq!(launch.stop(), Vec::<String>::new(), "none had to be killed");
    assert!(!pids.into_iter().any(lives));
}

#[test]
fn the_embedded_broker_can_be_asked_for_where_there_is_a_real_one() {
    let scratch = Scratch::create().unwrap();
    let backings = BackingChoices { embedded_kafka: true, ..kafka_place() };
    let launch = start(&[arm("one", &[("events", "kafka")])], &backings, &scratch).unwrap();
    let kafka = launch.arms[0].backings.iter().find(|backing| backing.kind.name() == "kafka").unwrap();
    assert_eq!(kafka.provider, "embedded");
    assert!(kafka.caveat.as_ref().unwrap().contains("not durable"));
}

#[test]
fn a_chosen_folder_without_kafka_is_one_clear_error() {
    let scratch = Scratch::create().unwrap();
    let nothing = tempfile::tempdir().unwrap();
    let backings =
        BackingChoices { kafka_home: Some(nothing.path().to_owned()), ..BackingChoices::default() };
    let Err(error) = start(&[arm("one", &[("events", "kafka")])], &backings, &scratch) else {
        panic!("there is no Kafka");
    };
    let message = format!("{error:#}");
    assert!(message.contains("Kafka") && message.contains("hint:"), "{message}");
}
