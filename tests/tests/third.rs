//! A third system, the echo of `tests/third`: what it costs to add one, and that the lab does all with it.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{collections::BTreeSet, fs, net::SocketAddr};

use nix::sys::signal::Signal;
use report::{Report, model::ClaimVerdict};
use scenario::systems;
use serde_json::{Value, json};
use system_tests::{
    command::Desk,
    edge_client::EdgeClient,
    tree::{Text, texts},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_with_third");

/// The folder of the third system: its pure crate, its app crate, its journeys.
const OWN: &str = "tests/third/";

/// The names of its crates, as manifests and sources have them.
const CRATES: [&str; 5] = ["tests/third/echo", "echo-app", "echo_app", "echo-journeys", "echo_journeys"];

/// Every file outside its folder that names it. A system that is part of the project is registered in
/// `lab/scenario/src/systems.rs` and `load/src/journeys.rs` instead of a program of the tests, a line each.
/// The suites of the provider use it as well: it is the one system that may have one.
const TOUCHED: [&str; 7] = [
    "Cargo.lock",
    "Cargo.toml",
    "tests/Cargo.toml",
    "tests/src/bin/with_third.rs",
    "tests/tests/kubernetes.rs",
    "tests/tests/provider.rs",
    "tests/tests/third.rs",
];

/// The registries of the lab and the generator: the only files of theirs that name a system of the project.
const REGISTRIES: [&str; 3] =
    ["lab/scenario/Cargo.toml", "lab/scenario/src/systems.rs", "load/src/journeys.rs"];

/// The most files that a system may touch outside its own folders.
const MOST_TOUCHED: usize = 12;

/// A question about the echo.
const QUESTION: &str = r#"question = "Does an echo cost more from another process?"
why = "A lab that knows only two systems is not a lab."
look_for = ["that it ends"]
kind = "paired"
axis = "placement"
arms = ["monolith", "microservices"]

[load]
mix = "say"
options = { length = 40 }
rate = 150
slice_ms = 50
seconds = 60
quick_seconds = 3
launches = 1
quick_launches = 2

[[claims]]
text = "An echo says what it was told."
source = "the definition of an echo"
metric = "wrong"
arm = "microservices"
is = "zero"

[[claims]]
text = "What is said is compared."
source = "the ledger"
metric = "ledger:checked"
arm = "monolith"
is = "above-zero"
"#;

#[test]
fn a_new_system_touches_few_files_and_none_of_the_lab_or_the_generator() {
    let names_it = |text: &str| CRATES.iter().any(|name| text.contains(name));
    let touched: BTreeSet<_> = texts()
        .into_iter()
        .filter(|text| !text.path.starts_with(OWN) && names_it(&text.text))
        .map(|text| text.path)
        .collect();
    assert_eq!(touched, TOUCHED.map(str::to_owned).into());
    assert!(touched.len() <= MOST_TOUCHED);
    assert!(!touched.iter().any(|path| path.starts_with("lab/") || path.starts_with("load/")));
}

/// The code of a file, without its tests and its comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
    shipped.lines().filter(|line| !line.trim_start().starts_with("//"))
}

#[test]
fn the_lab_and_the_generator_name_the_systems_of_the_project_in_their_registries_only() {
    for system in systems::names() {
        let names = [format!("{system}_app"), format!("{system}-app"), format!("{system}::")];
        let own = format!("load/src/journeys/{system}");
        let is_code = |path: &str| [".rs", ".toml"].iter().any(|ending| path.ends_with(ending));
        let is_of_both = |path: &str| path.starts_with("lab/") || path.starts_with("load/");
        let is_test = |path: &str| path.contains("/tests/") || path.ends_with("tests.rs");
        let registries: BTreeSet<_> = texts()
            .into_iter()
            .filter(|Text { path, .. }| {
                is_code(path) && is_of_both(path) && !is_test(path) && !path.starts_with(&own)
            })
            .filter(|Text { text, .. }| code(text).any(|line| names.iter().any(|name| line.contains(name))))
            .map(|text| text.path)
            .collect();
        assert_eq!(registries, REGISTRIES.map(str::to_owned).into(), "{system}");
    }
}

#[test]
fn no_text_of_the_lab_or_the_generator_lists_the_systems() {
    let lists = |line: &str| systems::names().iter().all(|name| line.contains(&format!("`{name}`")));
    let found: Vec<_> = texts()
        .into_iter()
        .filter(|Text { path, .. }| path.starts_with("lab/") || path.starts_with("load/"))
        .filter(|Text { path, text }| !REGISTRIES.contains(&path.as_str()) && text.lines().any(lists))
        .map(|text| text.path)
        .collect();
    assert!(found.is_empty(), "a further system would have to change them: {found:?}");
}

#[test]
fn the_lab_lists_and_explains_it() {
    let desk = Desk::new(PROGRAM);
    let explained = desk.lab(&["show", "echo"]);
    assert_eq!(explained.code, Some(0), "{explained:?}");
    for words in [
        "Say something, hear it again.",
        "microservices",
        "say words that were not said before",
        "the least length of what is said",
    ] {
        assert!(explained.out.contains(words), "`{words}`: {}", explained.out);
    }
    let unknown = desk.lab(&["load", "--system", "ecco", "--url", "http://127.0.0.1:1", "--rate", "1"]);
    assert!(unknown.code == Some(2) && unknown.err.contains("`echo`"), "{unknown:?}");
    let listed = desk.lab(&["list"]);
    assert!(listed.out.contains("│ echo "), "{}", listed.out);
}

#[test]
fn it_is_up_in_every_placement_and_loaded_and_checked() {
    for placement in ["placement=monolith", "placement=microservices"] {
        let desk = Desk::new(PROGRAM);
        let mut up = desk.start(&["up", "echo", "--set", placement, "--set", "transport=grpc"]);
        up.says("up; Ctrl-C stops it");
        let address = api(&up.out());
        let edge = EdgeClient::of(address, |_| "none");
        let kind = [("content-type", "application/json")];
        let reply = edge.ask(&http::Method::POST, "/echoes", &kind, json!({"words": "hello"}).to_string());
        let echo: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!((reply.status, echo), (200, json!({"words": "hello", "number": 1})));
        let url = format!("http://{address}");
        let loaded = desk.lab(&[
            "load",
            "--system",
            "echo",
            "--url",
            &url,
            "--rate",
            "100",
            "--for",
            "1s",
            "--check",
            "--json",
            "--option",
            "length=40",
        ]);
        assert_eq!(loaded.code, Some(0), "{loaded:?}");
        let figures: Value = serde_json::from_str(&loaded.out).unwrap();
        let facts = figures["ledger"]["facts"].as_array().unwrap();
        let names: Vec<_> = facts.iter().map(|fact| fact["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["checked", "acknowledged", "wrong"]);
        for (option, what) in [
            ("lenght=40", "the journeys of `echo` have no option `lenght`\nhint: did you mean `length`?"),
            ("length=0", "`0` is no value of the option `length`: expected 1 to 256"),
        ] {
            let refused = ["load", "--system", "echo", "--url", &url, "--rate", "1", "--option", option];
            let ended = desk.lab(&refused);
            assert!(ended.code == Some(2) && ended.err.contains(what), "{ended:?}");
        }
        let other = desk.lab(&["load", "--system", "shortener", "--url", &url, "--rate", "1", "--for", "1s"]);
        assert!(other.code == Some(2) && other.err.contains("is a `echo`"), "{other:?}");
        up.signal(Signal::SIGINT);
        assert_eq!(up.end().code, Some(0));
        desk.is_tidy();
    }
}

#[test]
fn a_question_about_it_is_answered_with_its_facts_and_its_counters() {
    let desk = Desk::new(PROGRAM);
    desk.write("questions/echo/placement.toml", QUESTION);
    let ended = desk.lab(&["run", "questions/echo/placement.toml", "--quick", "--to-the-end"]);
    assert!(ended.ran(), "{ended:?}");
    let names = desk.names("runs");
    let [run] = names.as_slice() else { panic!("one run is kept, and not {names:?}") };
    let file = |name: &str| fs::read_to_string(desk.path(&format!("runs/{run}/{name}"))).unwrap();
    let report: Report = serde_json::from_str(&file("report.json")).unwrap();
    assert!(report.claims.iter().all(|claim| claim.verdict == ClaimVerdict::Holds), "{:?}", report.claims);
    for arm in &report.arms {
        let echoes = arm.per_op.own["echoes"];
        assert!((echoes - 1.0).abs() < 0.1, "{}: {echoes} echoes per operation", arm.label);
    }
    let plan = file("plan.toml");
    assert!(plan.contains("[load.options]\nlength = \"40\""), "{plan}");
    let text = file("report.md");
    for words in ["echoes per operation", "compared with what was said (checked)", "| words said |"] {
        assert!(text.contains(words), "`{words}`: {text}");
    }
}

/// The address of the public API in what `lab up` prints.
fn api(out: &str) -> SocketAddr {
    let url = out.lines().find_map(|line| line.strip_prefix("public API")).unwrap();
    url.trim().trim_start_matches("http://").parse().unwrap()
}
