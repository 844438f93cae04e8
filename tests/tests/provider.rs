//! The stand-in for a payment provider as a backing: an arm of its own has one, in each runtime.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    time::{Duration, Instant},
};

use design::{BackingKind, Limits, ProcessConfig, Wiring};
use echo_app::SYSTEM;
use runtimes::{
    arm::{BackingChoices, LaunchOptions, Proxied, READY_WITHIN, RunningArm},
    compose::{Export, IMAGE},
    http,
    interrupt::Interrupt,
    launch::Launch,
    scratch::Scratch,
};
use scenario::{
    Fault, FaultKind, Target,
    plan::{ArmPlan, Budget},
};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_with_third");

/// The time limit of each step.
const WITHIN: Duration = Duration::from_secs(20);

/// An arm of the echo whose echoes cost something.
fn tolled() -> ArmPlan {
    let choices = [("placement", "microservices"), ("tolls", "provider")];
    ArmPlan::new("tolled".to_owned(), Wiring::with(&SYSTEM, choices).unwrap())
}

fn started(scratch: &Scratch, proxied: Proxied<'_>) -> Launch {
    let options = LaunchOptions {
        program: Path::new(PROGRAM),
        scratch,
        number: 1,
        backings: &BackingChoices::default(),
        port: None,
        public_urls: &[],
        proxied,
        traces: false,
        interrupt: &Interrupt::never(),
        ready_within: READY_WITHIN,
        limits: Limits::default(),
    };
    Launch::start(&[tolled()], &Budget::of_this_machine(), &options).unwrap()
}

/// The process configuration of a process.
fn config(arm: &RunningArm, process: &str) -> ProcessConfig {
    let process = arm.processes.iter().find(|running| running.name == process).unwrap();
    ProcessConfig::parse(&std::fs::read_to_string(&process.process_config).unwrap()).unwrap()
}

/// Where the provider is, and where it finds the edge: `http://HOST:PORT/#http://HOST:PORT`.
fn told(config: &ProcessConfig) -> (&str, &str) {
    let (provider, edge) = config.backings["tolls"].split_once("/#").unwrap();
    (provider.strip_prefix("http://").unwrap(), edge.strip_prefix("http://").unwrap())
}

fn charge(provider: SocketAddr, key: &str) -> Value {
    let body = json!({ "order": "1", "amount_minor": 500, "currency": "EUR", "token": "visa" }).to_string();
    let mut connection = TcpStream::connect(provider).unwrap();
    connection.set_read_timeout(Some(WITHIN)).unwrap();
    let fields = "host: provider\r\ncontent-type: application/json\r\nconnection: close";
    let length = body.len();
    write!(
        connection,
        "POST /charges HTTP/1.1\r\n{fields}\r\nidempotency-key: {key}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut reply = String::new();
    connection.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 201"), "{reply}");
    serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + WITHIN;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_process_gets_the_address_of_its_own_provider_and_the_provider_that_of_the_edge() {
    let scratch = Scratch::create().unwrap();
    let launch = started(&scratch, Proxied::Nothing);
    let [arm] = launch.arms.as_slice() else { panic!("one arm was started") };
    let echoes = config(arm, "echoes");
    let (provider, edge) = told(&echoes);
    assert_eq!(edge, arm.public.to_string());
    assert_eq!(charge(provider.parse().unwrap(), "a")["status"], "authorised");
    assert!(config(arm, "gateway").backings.is_empty(), "who does not use it is not told");
    let backing = &arm.backings[0];
    assert_eq!((backing.kind, &*backing.provider), (BackingKind::Provider, "the lab's stand-in"));
    assert!(backing.caveat.is_some(), "its figures are not those of a real one");
    assert!(arm.groups().iter().any(|group| group.name == "provider"), "its CPU is apart");
    assert_eq!(launch.stop(), Vec::<String>::new(), "none had to be killed");
}

#[test]
fn a_provider_that_a_fault_kills_comes_back_with_its_books() {
    let scratch = Scratch::create().unwrap();
    let launch = started(&scratch, Proxied::Nothing);
    let arm = &launch.arms[0];
    let echoes = config(arm, "echoes");
    let provider: SocketAddr = told(&echoes).0.parse().unwrap();
    let made = charge(provider, "a");
    let (at, lasts) = (Duration::ZERO, Duration::from_secs(1));
    let fault = Fault { at, lasts, what: FaultKind::Kill, target: Target::Backing(BackingKind::Provider) };
    let victim = arm.runtime.victim(&fault).unwrap().unwrap();
    victim.look_up();
    victim.begin().unwrap();
    victim.complete().unwrap();
    // A kernel that is busy takes a moment to end a process that was killed.
    until("it is down", || TcpStream::connect(provider).is_err());
    until("who uses it says so", || {
        let internal = arm.processes.iter().find(|process| process.name == "echoes").unwrap().internal;
        http::get(internal, "/health/backings", WITHIN).unwrap().status == 503
    });
    victim.end().unwrap();
    until("it is back", || victim.is_back());
    assert_eq!(charge(provider, "a"), made, "the same key: the same reply");
    let books = http::get(provider, "/books", WITHIN).unwrap();
    let books: Value = serde_json::from_str(&books.body).unwrap();
    assert_eq!(books["charges"].as_array().unwrap().len(), 1);
    assert_eq!(launch.stop(), Vec::<String>::new(), "none had to be killed");
}

#[test]
fn a_link_to_a_provider_leads_through_the_proxy_and_its_webhooks_do_not() {
    let scratch = Scratch::create().unwrap();
    let launch = started(&scratch, Proxied::All);
    let arm = &launch.arms[0];
    let (echoes, gateway) = (config(arm, "echoes"), config(arm, "gateway"));
    let (provider, edge) = told(&echoes);
    assert_eq!(edge, gateway.public.unwrap().to_string(), "not the proxy's address for users");
    assert_ne!(edge, arm.public.to_string());
    assert_eq!(charge(provider.parse().unwrap(), "a")["status"], "authorised");
    assert_eq!(launch.stop(), Vec::<String>::new(), "none had to be killed");
}

#[test]
fn an_exported_project_runs_a_provider_from_the_same_image() {
    let arm = tolled();
    let export =
        Export { arm: &arm, name: "tolled", port: 8080, public_urls: &[], profile: None, command: "" };
    let files = export.files();
    let file = |name: &str| {
        let path = format!("echo/{name}");
        files.iter().find(|(file, _)| *file == path).unwrap_or_else(|| panic!("no `{path}`")).1.as_str()
    };
    let project: Value = serde_saphyr::from_str(file("tolled.yml")).unwrap();
    let service = &project["services"]["tolled-provider"];
    assert_eq!(
        (&service["image"], &service["build"]["dockerfile"]),
        (&json!(IMAGE), &json!("deploy/docker/Dockerfile"))
    );
    assert_eq!(service["command"], json!(["provider", "/etc/lab/provider.toml"]));
    assert_eq!(
        service["healthcheck"]["test"],
        json!(["CMD", "lab", "provider", "--check", "/etc/lab/provider.toml"])
    );
    assert!(service["ports"].is_null(), "nothing of it is published");
    assert!(!project["services"]["tolled-echoes"]["depends_on"]["tolled-provider"].is_null());
    let config = payment_provider::Config::parse(file("tolled/provider.toml")).unwrap();
    assert_eq!(config.books, Path::new("/var/lib/lab/books.db"));
    let echoes = ProcessConfig::parse(file("tolled/echoes.toml")).unwrap();
    assert_eq!(told(&echoes), ("tolled-provider:7070", "tolled-gateway:8080"));
    assert_eq!(config.listen.port(), 7070);
}
