//! Costly defaults are reported, and only those that were not chosen.

use std::path::Path;

use crate::{
    plan::{Choices, Plan},
    scenario::{Library, Scenario},
};

/// A question about caches, in lines that a test can remove or replace.
const CACHES: &str = r#"question = "q"
why = "w"
look_for = []
kind = "paired"
axis = "cache"
arms = ["none", "local"]
[hold]
placement = "monolith"
[load]
mix = "follow-mostly"
rate = 100
"#;

#[track_caller]
fn told(text: &str, chosen: &[(&str, &str)]) -> Vec<String> {
    let scenario = Scenario::parse(Path::new("scenarios/shortener/x.toml"), text).unwrap();
    let hold = chosen.iter().map(|(axis, value)| ((*axis).to_owned(), (*value).to_owned())).collect();
    let plan = Plan::new(&scenario, &Choices { hold, ..Choices::default() }).unwrap();
    plan.warnings()
}

#[test]
fn a_default_that_every_operation_pays_for_is_told_with_the_line_that_removes_it() {
    let found = told(CACHES, &[]);
    assert_eq!(found.len(), 1);
    insta::assert_snapshot!(found[0]);
}

#[test]
fn what_somebody_chose_is_meant() {
    for held in [("events", "memory"), ("events", "inline")] {
        assert_eq!(told(CACHES, &[held]), [""; 0], "{held:?}");
    }
    for value in ["memory", "inline"] {
        let text = CACHES.replace("[load]", &format!("events = \"{value}\"\n[load]"));
        assert_eq!(told(&text, &[]), [""; 0], "{value}");
    }
    let asked =
        CACHES.replace("\"cache\"", "\"events\"").replace("\"none\", \"local\"", "\"inline\", \"memory\"");
    assert_eq!(told(&asked, &[]), [""; 0], "it is the axis in question");
}

#[test]
fn an_operation_that_does_not_pay_is_not_told_of() {
    assert_eq!(told(&CACHES.replace("follow-mostly", "create-only"), &[]), [""; 0]);
    for mix in ["follow-only", "hot-key", "cold-cache"] {
        assert_eq!(told(&CACHES.replace("follow-mostly", mix), &[]).len(), 1, "{mix}");
    }
}

#[test]
fn an_axis_that_changes_nothing_is_told_with_the_line_that_gives_it_an_effect() {
    let about = |axis: &str, arms: &str| {
        let text = CACHES.replace("\"cache\"", &format!("\"{axis}\"")).replace("\"none\", \"local\"", arms);
        text.replace("placement = \"monolith\"\n", "events = \"memory\"\n")
    };
    for (axis, arms, held) in [
        ("stampede", "\"off\", \"single-flight\"", &[("cache", "local")][..]),
        ("time-to-live", "\"60s\", \"1s\"", &[("cache", "local")]),
        ("transport", "\"http\", \"grpc\"", &[("placement", "microservices")]),
        ("resilience", "\"timeout\", \"none\"", &[("placement", "microservices")]),
        (
            "balancing",
            "\"round-robin\", \"two-choices\"",
            &[("placement", "microservices"), ("replicas", "2")],
        ),
    ] {
        // Each line follows from the note about the previous one.
        for lines in 0..held.len() {
            let found = told(&about(axis, arms), &held[..lines]);
            let (other, value) = held[lines];
            assert_eq!(found.len(), 1, "{axis}: {found:?}");
            assert!(found[0].starts_with(&format!("`{axis}` changes nothing in these arms: ")), "{found:?}");
            assert!(found[0].contains(&format!("hint: `--hold {other}={value}`")), "{found:?}");
        }
        assert_eq!(told(&about(axis, arms), held), [""; 0], "{axis}");
    }
}

#[test]
fn no_bundled_scenario_inherits_one() {
    let library =
        Library::find(Some(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios"))).unwrap();
    for name in library.names() {
        let plan = Plan::new(&library.open(&name).unwrap(), &Choices::default()).unwrap();
        assert_eq!(plan.warnings(), [""; 0], "{name}");
    }
}
