//! Claims on what happens over the time of an episode, whole and broken.

use std::path::Path;

use crate::scenario::{Scenario, ScenarioFault};

/// A valid scenario with a fault and a claim, for tests that break it in one place.
const SOUND: &str = r#"question = "q"
why = "w"
look_for = []
kind = "episodes"
axis = "placement"
arms = ["monolith", "microservices"]
answers = ["{amplification of microservices}, {recover_ms of microservices against monolith}"]
hold = { cache = "redis" }
[load]
mix = "follow-mostly"
rate = 100
slice_ms = 6000
[[faults]]
at_ms = 1000
for_ms = 2000
what = "freeze"
backing = "redis"
[[claims]]
text = "t"
source = "s"
metric = "recover_ms"
arm = "microservices"
is = "at-most"
than = 500
"#;

fn parse(text: &str) -> Result<Scenario, ScenarioFault> {
    Scenario::parse(Path::new("scenarios/shortener/x.toml"), text)
}

/// The message for the valid scenario with one change.
fn message(from: &str, to: &str) -> String {
    assert!(SOUND.contains(from), "{from}");
    match parse(&SOUND.replacen(from, to, 1)) {
        Ok(_) => "no complaint".to_owned(),
        Err(fault) => fault.to_string(),
    }
}

#[test]
fn a_figure_of_an_episode_is_held_against_a_number_or_another_arm() {
    let sound = parse(SOUND).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((sound.claims[0].metric.name().as_str(), sound.claims[0].than), ("recover_ms", Some(500.0)));
    let pair = "is = \"lower\"\nagainst = \"monolith\"";
    assert_eq!(message("is = \"at-most\"\nthan = 500", pair), "no complaint");
    assert_eq!(message("\"at-most\"", "\"at-least\""), "no complaint");
}

#[test]
fn a_bound_that_is_missing_or_has_no_meaning_is_refused() {
    for (from, to, words) in [
        ("than = 500\n", "", "expected `than`"),
        ("is = \"at-most\"", "is = \"higher\"\nagainst = \"monolith\"", "`than` has no meaning"),
        ("than = 500", "than = -1", "a number of at least 0"),
        ("metric = \"recover_ms\"", "metric = \"p50\"", "no bound that holds on every machine"),
        ("is = \"at-most\"\nthan = 500", "is = \"zero\"", "is no count"),
        ("than = 500", "than = 500\nagainst = \"monolith\"", "`against` has no meaning"),
    ] {
        let message = message(from, to);
        assert!(message.contains(words) && message.contains("x.toml:"), "{to}: {message}");
    }
}

#[test]
fn a_figure_of_an_episode_needs_one_in_which_something_happens() {
    let (head, claim) = SOUND.split_once("[[faults]]").unwrap_or_default();
    let claim = claim.split_once("[[claims]]").unwrap_or_default().1;
    let phases = |names: &[&str]| {
        let phase =
            |name: &&str| format!("[[load.phases]]\nname = \"{name}\"\npieces = [[1000, 1.0, 1.0]]\n");
        names.iter().map(phase).collect::<String>()
    };
    let message = |metric: &str, names: &[&str]| {
        let head = head.split_once("answers").unwrap_or_default();
        let rest = head.1.split_once('\n').unwrap_or_default().1;
        let rest = if names.is_empty() { rest.to_owned() } else { rest.replace("slice_ms = 6000\n", "") };
        let claim = claim.replace("recover_ms", metric);
        let text = format!("{}{rest}{}[[claims]]{claim}", head.0, phases(names));
        parse(&text).err().map_or("no complaint".to_owned(), |fault| fault.to_string())
    };
    assert!(message("recover_ms", &[]).contains("nothing happens in these episodes"));
    assert!(message("recover_ms", &["a", "b"]).contains("at least 3 `[[load.phases]]`"));
    assert_eq!(message("recover_ms", &["a", "b", "c"]), "no complaint");
    assert_eq!(message("goodput_ratio", &["a", "b"]), "no complaint");
    assert_eq!(message("amplification", &[]), "no complaint");
    let paired = SOUND.replace("\"episodes\"", "\"paired\"");
    let refused = parse(&paired).err().map(|fault| fault.to_string()).unwrap_or_default();
    assert!(refused.contains("`recover_ms` is a figure of `episodes`, and this is `paired`"), "{refused}");
}
