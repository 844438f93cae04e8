//! Costly defaults are told, and only those that nobody chose.

use std::path::Path;

use crate::{
    plan::{Choices, Plan},
    scenario::{Library, Scenario},
};

/// A question about caches, in lines that can be left out or replaced.
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
    plan.inherited().iter().map(ToString::to_string).collect()
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
fn no_bundled_scenario_inherits_one() {
    let library = Library::find(Some(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios"))).unwrap();
    for name in library.names() {
        let plan = Plan::new(&library.open(&name).unwrap(), &Choices::default()).unwrap();
        assert!(plan.inherited().is_empty(), "{name}: {:?}", plan.inherited());
    }
}
