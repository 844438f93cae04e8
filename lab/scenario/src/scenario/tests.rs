//! Each invalid scenario leads to one clear message with its location.

use std::{path::Path, time::Duration};

use super::*;
use crate::systems;

/// A valid scenario, for tests that break it in one place.
const SOUND: &str = r#"question = "q"
why = "w"
look_for = ["l"]
kind = "paired"
axis = "placement"
arms = ["monolith", "microservices"]

[hold]
cache = "local"

[load]
mix = "follow-mostly"
rate = 100

[[claims]]
text = "t"
source = "s"
metric = "cpu"
arm = "microservices"
against = "monolith"
is = "higher"
"#;

const WALK: &str = r#"question = "q"
why = "w"
look_for = []
kind = "waterfall"
[load]
mix = "follow-mostly"
rate = 100
[[steps]]
label = "a"
[[steps]]
label = "b"
set = { placement = "microservices" }
"#;

fn parse(text: &str) -> Result<Scenario, ScenarioFault> {
    Scenario::parse(Path::new("scenarios/shortener/x.toml"), text)
}

/// The message for the valid scenario with one change.
fn message(from: &str, to: &str) -> String {
    assert!(SOUND.contains(from), "{from}");
    diagnostic(&SOUND.replacen(from, to, 1))
}

fn diagnostic(text: &str) -> String {
    match parse(text) {
        Ok(_) => "no complaint".to_owned(),
        Err(fault) => fault.to_string(),
    }
}

#[test]
fn a_sound_scenario_is_read_whole() {
    let scenario = parse(SOUND).unwrap();
    assert_eq!(scenario.name, "shortener/x");
    assert_eq!(scenario.comparison.arm_names(), ["monolith", "microservices"]);
    assert_eq!(scenario.hold["cache"], "local");
    assert_eq!(scenario.claims[0].expect, Expectation::Holds);
    assert_eq!(scenario.load.arrivals, ArrivalKind::Poisson);
}

#[test]
fn the_same_value_throughout_is_a_comparison_of_the_lab_with_itself() {
    let text =
        SOUND.replace("\"microservices\"]", "\"monolith\"]").replace("\"microservices\"", "\"monolith\"");
    assert!(parse(&text).unwrap().comparison.is_a_a());
}

#[test]
fn no_axis_and_two_axes_are_refused() {
    insta::assert_snapshot!(message("axis = \"placement\"\n", ""));
    insta::assert_snapshot!(message("axis = \"placement\"", "axis = [\"placement\", \"cache\"]"));
    insta::assert_snapshot!(message("axis = \"placement\"", "axis = 3"));
}

#[test]
fn unknown_names_are_answered_with_the_nearest() {
    insta::assert_snapshot!(message("axis = \"placement\"", "axis = \"placment\""));
    insta::assert_snapshot!(message("\"microservices\"]", "\"microservice\"]"));
    insta::assert_snapshot!(message("cache = \"local\"", "cahce = \"local\""));
    insta::assert_snapshot!(message("cache = \"local\"", "cache = \"lokal\""));
    insta::assert_snapshot!(message("\"follow-mostly\"", "\"follow-most\""));
    insta::assert_snapshot!(message("rate = 100", "rat = 100"));
    insta::assert_snapshot!(message("\"cpu\"", "\"cpus\""));
    insta::assert_snapshot!(message("arm = \"microservices\"", "arm = \"micro\""));
    insta::assert_snapshot!(message("\"cpu\"", "\"throughput\""));
    let unknown = diagnostic(&format!("system = \"shortner\"\n{SOUND}"));
    let (what, hint) = unknown.split_once("\nhint: ").unwrap();
    assert_eq!(what, "scenarios/shortener/x.toml:1:10: there is no system `shortner`");
    let names = systems::names().join("`, `");
    assert_eq!(hint, format!("did you mean `shortener`? there is `{names}`"));
}

#[test]
fn a_misspelt_key_is_one_mistake_and_not_a_missing_key_as_well() {
    for (right, wrong) in [
        ("question =", "quesion ="),
        ("why =", "whyy ="),
        ("kind =", "knd ="),
        ("[load]", "[laod]"),
        ("mix =", "mixx ="),
        ("rate =", "rat ="),
        ("text =", "txt ="),
        ("metric =", "metrc ="),
        ("\nis =", "\niss ="),
    ] {
        let said = message(right, wrong);
        let key = right.trim_matches(['[', ']', '=', ' ', '\n']);
        assert!(said.contains(&format!("did you mean `{key}`?")), "{wrong}: {said}");
        assert!(!said.contains("missing") && !said.contains("error: "), "{wrong}: {said}");
    }
    // An unknown key is one error, and the missing key another.
    let said = message("rate =", "xyzzy =");
    assert!(said.contains("unknown field `xyzzy`") && said.contains("missing field `rate`"), "{said}");
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once_and_in_their_order() {
    let wrong = |changes: &[(&str, &str)]| {
        let changed = changes.iter().fold(SOUND.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        diagnostic(&changed)
    };
    // Files without the shape of a scenario.
    insta::assert_snapshot!(wrong(&[
        ("kind = \"paired\"", "kind = \"pair\""),
        ("why = \"w\"\n", ""),
        ("rate = 100", "rate = \"300\"\nuser = 3"),
        ("is = \"higher\"", "is = \"hier\"\nbecause = 1"),
        ("[\"l\"]", "[\"l\", 3]"),
    ]));
    // Errors of both kinds.
    let both = wrong(&[
        ("kind = \"paired\"", "kind = \"paired\"\nuser = 3"),
        ("axis = \"placement\"", "axis = \"placment\""),
        ("cache = \"local\"", "cache = \"lokal\""),
        ("rate = 100", "rate = \"300\""),
    ]);
    let places: Vec<_> =
        both.lines().filter_map(|line| line.split_once("x.toml:")?.1.split_once(": ")).collect();
    let told: Vec<_> = places.iter().map(|(place, what)| (*place, what.split(' ').next().unwrap())).collect();
    assert_eq!(
        told,
        [("5:1", "unknown"), ("6:8", "`shortener`"), ("10:9", "the"), ("14:8", "expected")],
        "{both}"
    );
    // And no errors that are only consequences of another one.
    for (right, wrong) in [("arms = [", "arm = ["), ("[\"monolith\", ", "[3, "), ("axis =", "axs =")] {
        let said = message(right, wrong);
        assert!(!said.contains("error: "), "{wrong}: {said}");
    }
    // Valid shapes with invalid values.
    insta::assert_snapshot!(wrong(&[
        ("\"microservices\"]", "\"micro\", \"mono\"]"),
        ("cache = \"local\"", "cache = \"lokal\"\ncash = \"local\"\nplacement = \"monolith\""),
        ("rate = 100", "rate = 0"),
    ]));
    insta::assert_snapshot!(wrong(&[
        ("\"follow-mostly\"", "\"follow\""),
        ("[\"l\"]\n", "[\"l\"]\nanswers = [\"{cpu of us}\", \"nothing\"]\n"),
        ("arm = \"microservices\"", "arm = \"mikro\""),
    ]));
}

#[test]
fn an_arm_repeated_among_others_is_refused() {
    insta::assert_snapshot!(message("\"microservices\"]", "\"microservices\", \"monolith\"]"));
}

#[test]
fn one_arm_is_no_comparison() {
    insta::assert_snapshot!(message("\"monolith\", \"microservices\"]", "\"monolith\"]"));
}

#[test]
fn the_axis_in_question_cannot_be_held() {
    insta::assert_snapshot!(message("cache = \"local\"", "placement = \"monolith\""));
}

#[test]
fn what_is_not_toml_is_pointed_at() {
    insta::assert_snapshot!(message("why = \"w\"", "why = \"w"));
    insta::assert_snapshot!(message("rate = 100", "rate = \"fast\""));
    insta::assert_snapshot!(message("rate = 100", "rate = 0"));
    insta::assert_snapshot!(message("rate = 100", ""));
}

#[test]
fn a_claim_compares_two_arms_or_speaks_of_one() {
    insta::assert_snapshot!(message("against = \"monolith\"\n", ""));
    insta::assert_snapshot!(message("is = \"higher\"", "is = \"zero\""));
    insta::assert_snapshot!(message("is = \"higher\"", "is = \"higher\"\nby_at_least = 0.5"));
}

#[test]
fn an_answer_has_figures_that_the_run_has() {
    let with = |answer: &str| SOUND.replacen("[\"l\"]\n", &format!("[\"l\"]\nanswers = [{answer:?}]\n"), 1);
    let sound =
        parse(&with("{hops of microservices} calls: {cpu of microservices against monolith}.")).unwrap();
    let names = |figure: &FigureOf| (figure.metric.name(), figure.arm.clone(), figure.against.clone());
    let told: Vec<_> = sound.answers[0].figures().map(names).collect();
    let micro = || "microservices".to_owned();
    assert_eq!(
        told,
        [("hops".to_owned(), micro(), None), ("cpu".to_owned(), micro(), Some("monolith".to_owned()))]
    );
    for wrong in [
        "nothing",
        "{cpu of monolith",
        "{cpu}",
        "{cpus of monolith}",
        "{cpu of monolit}",
        "{cpu of monolith against micro}",
        "{ledger:lots of monolith}",
        "{throughput of monolith}",
    ] {
        insta::assert_snapshot!(diagnostic(&with(wrong)));
    }
    let many =
        SOUND.replacen("[\"l\"]\n", &format!("[\"l\"]\nanswers = {:?}\n", ["{hops of monolith}"; 5]), 1);
    insta::assert_snapshot!(diagnostic(&many));
}

#[test]
fn each_step_of_a_waterfall_changes_one_axis() {
    assert!(parse(WALK).is_ok());
    let two =
        WALK.replace("placement = \"microservices\"", "placement = \"microservices\", cache = \"local\"");
    insta::assert_snapshot!(diagnostic(&two));
    insta::assert_snapshot!(diagnostic(&WALK.replace("set = { placement = \"microservices\" }\n", "")));
    insta::assert_snapshot!(diagnostic(&WALK.replace("kind = \"waterfall\"", "kind = \"paired\"")));
}

#[test]
fn each_step_of_a_waterfall_has_files_of_its_own() {
    let labels = |first: &str, second: &str| {
        WALK.replace("\"a\"", &format!("{first:?}")).replace("\"b\"", &format!("{second:?}"))
    };
    assert!(parse(&labels("cache", "cache 2")).is_ok());
    insta::assert_snapshot!(diagnostic(&labels("cache", "+ cache")));
    insta::assert_snapshot!(diagnostic(&labels("cache", "cache")));
    insta::assert_snapshot!(diagnostic(&labels("кэш", "b")));
    insta::assert_snapshot!(diagnostic(&labels("..", "b")));
}

/// A valid scenario with phases, for tests that break it in one place.
const PHASED: &str = r#"question = "q"
why = "w"
look_for = []
kind = "episodes"
axis = "placement"
arms = ["monolith", "microservices"]
[load]
mix = "follow-mostly"
rate = 100
[[load.phases]]
name = "quiet"
pieces = [[500, 0, 0]]
[[load.phases]]
name = "bursts"
repeat = 3
pieces = [[100, 4, 4], [900, 0.5, 1]]
"#;

#[test]
fn an_episode_takes_as_long_as_its_phases() {
    let load = parse(PHASED).unwrap().load;
    assert_eq!(load.slice(), Duration::from_millis(3_500));
    assert_eq!(load.phases[1].pieces[1], phases::Piece { ms: 900, from: 0.5, to: 1.0 });
    assert_eq!(parse(SOUND).unwrap().load.slice(), Duration::from_millis(50));
}

#[test]
fn phases_that_cannot_be_are_pointed_at() {
    let wrong = |from: &str, to: &str| {
        assert!(PHASED.contains(from), "{from}");
        diagnostic(&PHASED.replacen(from, to, 1))
    };
    insta::assert_snapshot!(wrong("\"episodes\"", "\"paired\""));
    insta::assert_snapshot!(wrong("rate = 100\n", "rate = 100\nslice_ms = 500\n"));
    insta::assert_snapshot!(wrong("\"bursts\"", "\"quiet\""));
    insta::assert_snapshot!(wrong("[[500, 0, 0]]", "[]"));
    insta::assert_snapshot!(wrong("[[500, 0, 0]]", "[[500, 0, -1]]"));
    insta::assert_snapshot!(wrong("[[500, 0, 0]]", "[[0, 0, 0]]"));
    insta::assert_snapshot!(wrong("[[500, 0, 0]]", "[[500, 0]]"));
    insta::assert_snapshot!(wrong("repeat = 3", "repeat = 0"));
    insta::assert_snapshot!(wrong("repeat = 3", "repeat = 900"));
    insta::assert_snapshot!(wrong("repeat = 3", "repeats = 3"));
}

#[test]
fn what_is_prepared_is_named_links_or_things() {
    let with = |line: &str| parse(&SOUND.replacen("rate = 100", &format!("rate = 100\n{line}"), 1));
    assert_eq!(with("links = 7").unwrap().load.things, 7);
    assert_eq!(with("things = 7").unwrap().load.things, 7);
}

#[test]
fn a_load_has_the_options_that_its_system_declares() {
    let with = |options: &str| {
        parse(&SOUND.replacen("rate = 100", &format!("rate = 100\noptions = {{ {options} }}"), 1))
    };
    let scenario = with("deletes = 20, cached-for-ms = \"500\"").unwrap();
    let options: Vec<_> = scenario.load.options().collect();
    assert_eq!(options, [("cached-for-ms", "500".to_owned()), ("deletes", "20".to_owned())]);
    for (options, what) in [
        ("delets = 20", "the journeys of `shortener` have no option `delets`\nhint: did you mean `deletes`?"),
        ("deletes = 1001", "the option `deletes` is out of bounds: expected 0 to 1000"),
        ("deletes = true", "the option `deletes` is out of bounds: expected 0 to 1000"),
    ] {
        let message = with(options).err().unwrap().to_string();
        assert!(message.contains(what), "{message}");
    }
}

#[test]
fn what_only_one_system_means_is_refused_for_another() {
    let of_limiter = |from: &str, to: &str| {
        let sound = SOUND.replace("follow-mostly", "one-client").replace("cache = \"local\"", "");
        Scenario::parse(Path::new("scenarios/limiter/x.toml"), &sound.replacen(from, to, 1))
    };
    assert!(of_limiter("", "").is_ok());
    for (from, to, what) in [
        (
            "rate = 100",
            "rate = 100\noptions = { deletes = 3 }",
            "the journeys of `limiter` have no option `deletes`",
        ),
        ("\"cpu\"", "\"duplicated\"", "the ledger of `limiter` has no fact `duplicated`"),
        ("\"cpu\"", "\"stale\"", "the ledger of `limiter` has no fact `stale`"),
    ] {
        let message = of_limiter(from, to).err().unwrap().to_string();
        assert!(message.contains(what), "{message}");
    }
}

#[test]
fn a_claim_may_be_about_any_fact_that_the_ledger_reports() {
    let claim = |metric: &str, rest: &str| {
        let text = SOUND.replacen("\"cpu\"", &format!("\"{metric}\""), 1).replacen(
            "against = \"monolith\"\nis = \"higher\"",
            rest,
            1,
        );
        parse(&text).map(|scenario| scenario.claims[0].metric.clone())
    };
    let against = "against = \"monolith\"\nis = \"higher\"";
    for (metric, rest) in [
        ("ledger:wrong-when-followed", "is = \"zero\""),
        ("ledger:clicks-lost", "is = \"above-zero\""),
        ("ledger:clicks-lost", against),
        ("lost", against),
        ("stale-after-2s", "is = \"zero\""),
        ("cpu:redis", against),
        ("redis", against),
    ] {
        assert_eq!(claim(metric, rest).unwrap().name(), metric);
    }
    let refused = |metric: &str, rest: &str| claim(metric, rest).unwrap_err().to_string();
    insta::assert_snapshot!(refused("ledger:click-lost", "is = \"zero\""));
    insta::assert_snapshot!(refused("ledger:over-admitted", "is = \"zero\""));
    insta::assert_snapshot!(refused("cpu:reddis", against));
    insta::assert_snapshot!(refused("cpu", "is = \"zero\""));
}
