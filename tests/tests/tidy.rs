//! The tree's invariants, as ordinary tests: whoever breaks one is told which, where, and why it is there.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::collections::BTreeSet;

use scenario::{
    Library, Scenario,
    plan::{Choices, Plan},
};
use system_tests::{
    modules::mutual_pairs,
    tree::{
        Text, anchors, crates, crowded, functions, links, read, resolved, root, sources, texts, texts_of,
    },
};

/// Fails with everything that was found, a line each.
#[track_caller]
fn none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

/// What a pure crate may stand on. Each does no I/O, asks no clock, and draws nothing at random.
/// `siphasher` is that hash and nothing else: std has it with a key only as deprecated, and not with 128 bits.
const PURE: [&str; 8] =
    ["async-trait", "contract", "regex", "serde", "sha2", "siphasher", "thiserror", "url"];

/// The crates that hold contracts, data and logic: `contract`, `design`, and each system without its `-app`.
fn pure_crates() -> Vec<String> {
    let crates = crates();
    let apps = crates.keys().filter_map(|name| name.strip_suffix("-app"));
    ["contract", "design"].into_iter().chain(apps).map(str::to_owned).collect()
}

#[test]
fn a_pure_crate_stands_on_nothing_that_does_io() {
    let crates = crates();
    assert!(pure_crates().len() >= 3, "{:?}", pure_crates());
    let mut found = Vec::new();
    for name in pure_crates() {
        // The one clock of the project is in `contract`, to be injected; configurations, in `design`, are text.
        let own = |dependency: &str| match name.as_str() {
            "contract" => dependency == "quanta",
            "design" => ["strsim", "toml"].contains(&dependency),
            _ => false,
        };
        let forbidden = |dependency: &&String| !PURE.contains(&dependency.as_str()) && !own(dependency);
        let used = crates[&name].dependencies.iter().filter(forbidden);
        found.extend(used.map(|other| format!("`{name}` uses `{other}`")));
    }
    none(
        &found,
        "a pure crate has no transport, storage, clock or randomness, so that its logic can be read alone",
    );
}

#[test]
fn a_pure_crate_asks_neither_the_machine_nor_the_clock() {
    let crates = crates();
    // The one clock of the project is in `contract`, to be injected.
    let systems = pure_crates().into_iter().filter(|name| name != "contract");
    // Two of the lab's are told everything as well: figures in, intervals and pages out.
    let pure = systems.chain(["statistics", "report"].map(str::to_owned));
    let folders: Vec<_> = pure.map(|name| format!("{}/", crates[&name].folder)).collect();
    let forbidden =
        ["std::fs", "std::net", "std::env", "std::process", "std::thread", "SystemTime", "Instant"];
    let mut found = Vec::new();
    for source in sources() {
        if folders.iter().any(|folder| source.path.starts_with(folder)) {
            let used = forbidden.into_iter().filter(|word| source.text.contains(word));
            found.extend(used.map(|word| format!("{}: {word}", source.path)));
        }
    }
    none(&found, "a pure crate is told the time and everything else");
}

/// The edges `lower <- upper` that ARCHITECTURE.md draws.
fn drawn_edges() -> BTreeSet<(String, String)> {
    let text = read("ARCHITECTURE.md");
    let drawn = text.lines().filter_map(|line| line.split_once(" <- "));
    drawn
        .flat_map(|(lower, uppers)| {
            let uppers = uppers.split('(').next().unwrap_or_default();
            let edge = |upper: &str| (upper.trim().to_owned(), lower.trim().to_owned());
            uppers.split(',').map(edge).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn crates_depend_on_each_other_as_the_architecture_says() {
    let crates = crates();
    // These stand above all others and use what they test; the third system is the tests' own.
    let is_above =
        |member: &&str| ["tests", "benches"].iter().any(|top| crates[*member].folder.starts_with(top));
    let above: Vec<_> = crates.keys().map(String::as_str).filter(is_above).collect();
    let mut edges = BTreeSet::new();
    for (name, member) in crates.iter().filter(|(name, _)| !above.contains(&name.as_str())) {
        let inside = member.dependencies.iter().filter(|other| crates.contains_key(*other));
        edges.extend(inside.map(|other| (name.clone(), other.clone())));
    }
    let drawn: BTreeSet<_> = drawn_edges()
        .into_iter()
        .filter(|(upper, _)| crates.contains_key(upper) && !above.contains(&upper.as_str()))
        .collect();
    let told = |edges: BTreeSet<&(String, String)>| -> Vec<String> {
        edges.into_iter().map(|(upper, lower)| format!("{upper} -> {lower}")).collect()
    };
    none(
        &told(edges.difference(&drawn).collect()),
        "an edge that ARCHITECTURE.md does not draw needs a decision record",
    );
    none(&told(drawn.difference(&edges).collect()), "ARCHITECTURE.md draws an edge that is not there");
}

#[test]
fn the_generator_knows_only_public_apis() {
    let crates = crates();
    let inside = crates["load"].dependencies.iter().filter(|other| crates.contains_key(*other));
    none(&inside.cloned().collect::<Vec<_>>(), "`load` depends on no crate of the project");
}

#[test]
fn no_two_modules_of_a_crate_import_each_other() {
    let files = texts_of("rs");
    let mut found = Vec::new();
    for (name, member) in crates() {
        let pairs = mutual_pairs(&member, &files).into_iter();
        found.extend(pairs.map(|(one, other)| format!("`{name}`: `{one}` and `{other}`")));
    }
    none(&found, "of two modules one is read first: what both need goes below them");
}

#[test]
fn only_the_wiring_constructs_adapters() {
    let mut found = Vec::new();
    let mut adapters = 0;
    for list in sources().iter().filter(|text| text.path.ends_with("-app/src/adapters.rs")) {
        let exported = list.text.lines().filter_map(|line| line.strip_prefix("pub use "));
        let names: Vec<_> =
            exported.filter_map(|path| path.trim_end_matches(';').rsplit("::").next()).collect();
        adapters += names.len();
        for source in sources() {
            if source.path.contains("/adapters") || source.path.ends_with("/wiring.rs") {
                continue;
            }
            for name in &names {
                let made = [format!("{name}::new("), format!("{name}::open("), format!("{name}::default(")];
                if made.iter().any(|call| source.text.contains(call)) {
                    found.push(format!("{}: {name}", source.path));
                }
            }
        }
    }
    assert!(adapters >= 6, "only {adapters} adapters were found");
    none(&found, "only `wiring.rs` constructs adapters, so that it is the architecture");
}

/// Longer files and functions hide what they do.
const LONGEST_FILE: usize = 400;
const LONGEST_FUNCTION: usize = 60;

#[test]
fn files_and_functions_are_short() {
    let (mut found, mut counted) = (Vec::new(), 0);
    for source in texts_of("rs") {
        let lines = source.text.lines().count();
        if lines > LONGEST_FILE {
            found.push(format!("{}: {lines} lines", source.path));
        }
        for (name, lines) in functions(&source.text) {
            counted += 1;
            if lines > LONGEST_FUNCTION {
                found.push(format!("{}: `{name}` has {lines} lines", source.path));
            }
        }
    }
    assert!(counted > 500, "only {counted} functions were found");
    none(&found, "a file has at most 400 lines, a function at most 60");
}

/// Words that must not stay, put together here so that this file does not hold them.
fn never_in_sources() -> Vec<String> {
    [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["dbg", "!("],
        ["unbounded_", "channel("],
        ["unbounded", "()"],
        ["futures::channel::mpsc::", "unbounded"],
        ["std::sync::mpsc::", "channel("],
    ]
    .map(|parts| parts.concat())
    .into()
}

#[test]
fn nothing_unfinished_or_unbounded_is_left() {
    let words = never_in_sources();
    let mut found = Vec::new();
    for source in texts_of("rs") {
        for (number, line) in source.text.lines().enumerate() {
            let left = words.iter().filter(|word| line.contains(word.as_str()));
            found.extend(left.map(|word| format!("{}:{}: {word}", source.path, number + 1)));
        }
    }
    none(&found, "nothing is left to do, and every queue has a limit");
}

#[test]
fn no_file_names_a_place_of_one_machine() {
    // Put together here, so that this file does not hold them.
    let places = [["/wo", "rk/"], ["/ro", "ot/"], ["../sha", "red"]].map(|parts| parts.concat());
    let mut found = Vec::new();
    for text in texts() {
        let named = places.iter().filter(|place| text.text.contains(place.as_str()));
        found.extend(named.map(|place| format!("{}: {place}", text.path)));
    }
    none(&found, "a file of the project means the same on every machine");
}

fn scenarios() -> Vec<Scenario> {
    let library = Library::find(Some(&root().join("scenarios"))).unwrap();
    let open = |name: &String| library.open(name).unwrap_or_else(|fault| panic!("{fault}"));
    library.names().iter().map(open).collect()
}

#[test]
fn every_scenario_asks_one_question_and_says_why() {
    let scenarios = scenarios();
    assert!(scenarios.len() >= 8, "only {} scenarios were found", scenarios.len());
    for scenario in scenarios {
        assert!(!scenario.answers.is_empty(), "{}: a report answers its question first", scenario.name);
        let name = &scenario.name;
        assert!(scenario.question.ends_with('?'), "{name}: `{}` is no question", scenario.question);
        assert!(scenario.why.len() > 40, "{name}: why does it matter?");
        assert!(scenario.look_for.len() >= 2, "{name}: what is there to look for?");
        assert!(!scenario.claims.is_empty(), "{name}: what do textbooks say?");
        for claim in &scenario.claims {
            assert!(claim.text.ends_with('.'), "{name}: a claim is a sentence: {}", claim.text);
            assert!(claim.source.len() > 10, "{name}: who says so? {}", claim.text);
        }
        for quick in [false, true] {
            let plan = Plan::new(&scenario, &Choices { quick, ..Choices::default() }).unwrap();
            assert!(plan.diff().is_one_axis(), "{name}: {}", plan.diff().sentence());
        }
    }
}

#[test]
fn every_scenario_has_notes_that_teach_it() {
    for scenario in scenarios() {
        let path = scenario.notes_path();
        let notes =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(
            notes.lines().next(),
            Some(format!("# {}", scenario.question).as_str()),
            "{}",
            scenario.name
        );
        let headings: Vec<_> = notes.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        let arms = if headings.contains(&"The steps") { "The steps" } else { "The arms" };
        let expected = [
            "As an interviewer asks it",
            "What textbooks say",
            arms,
            "How to read the result",
            "What this does not show",
            "What to try next",
        ];
        assert_eq!(headings, expected, "{}", scenario.name);
        for arm in scenario.comparison.arm_names() {
            assert!(notes.contains(arm), "{}: the notes do not speak of `{arm}`", scenario.name);
        }
    }
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut found = Vec::new();
    let mut counted = 0;
    for document in texts_of("md") {
        for (path, part) in links(&document.text) {
            counted += 1;
            let target = resolved(&document.path, &path);
            let is_markdown = target.extension().is_some_and(|extension| extension == "md");
            let told = || format!("{}: {path}#{part}", document.path);
            if !target.exists() {
                found.push(told());
            } else if is_markdown && !part.is_empty() {
                let text = std::fs::read_to_string(&target).unwrap();
                if !anchors(&text).contains(&part) {
                    found.push(told());
                }
            }
        }
    }
    assert!(counted > 5, "only {counted} links were found");
    none(&found, "a link leads to a file, and to a heading that is there");
}

/// The folders whose paths a document may name in code.
const FOLDERS: [&str; 9] =
    ["benches/", "deploy/", "docs/", "lab/", "load/", "results/", "scenarios/", "services/", "tests/"];

#[test]
fn what_a_document_names_is_there_and_no_figure_is_missing() {
    let mut found = Vec::new();
    for document in texts_of("md") {
        for code in document.text.split('`').skip(1).step_by(2) {
            let is_path = FOLDERS.iter().any(|folder| code.starts_with(folder));
            let is_exact = !code.contains(['<', '*', '{', ' ', '\n', 'N']);
            // A function in it is the suite `promises`' own affair.
            let path = code.split("::").next().unwrap();
            if is_path && is_exact && !root().join(path).exists() {
                found.push(format!("{}: `{code}`", document.path));
            }
        }
        // A place kept for a figure that nobody has measured yet.
        let kept = ["{", "{"].concat();
        let missing = document.text.matches(&kept).count();
        if missing > 0 {
            found.push(format!("{}: {missing} figures are missing", document.path));
        }
    }
    none(&found, "a document names what is there, and a figure has a run or a command that gives it");
}

#[test]
fn a_line_of_a_document_holds_one_sentence() {
    let mut found = Vec::new();
    for document in texts_of("md") {
        let lines = crowded(&document.text).into_iter();
        found.extend(lines.map(|line| format!("{}: {}", document.path, line.trim())));
    }
    none(&found, "a line of Markdown holds one sentence, so that a change shows which one it is");
}

/// What a newcomer reads first, and the most lines that it may have.
const READ_FIRST: [(&str, usize); 2] = [("README.md", 120), ("ARCHITECTURE.md", 250)];

#[test]
fn what_is_read_first_is_short() {
    for (path, most) in READ_FIRST {
        let lines = read(path).lines().count();
        assert!(lines <= most, "{path}: {lines} lines, and at most {most}: reference stands in `docs/`");
    }
}

#[test]
fn every_crate_begins_with_its_map() {
    let mut found = Vec::new();
    for (name, member) in crates() {
        let lib = read(&format!("{}/src/lib.rs", member.folder));
        if !lib.starts_with("//! ") {
            found.push(name);
        }
    }
    none(&found, "a crate's first screen says what it is for");
}

#[test]
fn the_map_of_the_tests_names_every_suite() {
    let library = read("tests/src/lib.rs");
    let map: String = library.lines().take_while(|line| line.starts_with("//!")).collect();
    let named: BTreeSet<_> = map.split('`').skip(1).step_by(2).collect();
    let suites: BTreeSet<_> = texts_of("rs").iter().filter_map(suite).collect();
    assert!(suites.len() > 20, "{suites:?}");
    let missing = suites.iter().filter(|suite| !named.contains(suite.as_str()));
    none(&missing.cloned().collect::<Vec<_>>(), "tests/src/lib.rs says of every suite what it is about");
}

/// The suite that a file is: `tests/tests/<suite>.rs`, or `main.rs` in a folder.
fn suite(text: &Text) -> Option<String> {
    let path = text.path.strip_prefix("tests/tests/")?.strip_suffix(".rs")?;
    let suite = path.strip_suffix("/main").unwrap_or(path);
    (!suite.contains('/')).then(|| suite.to_owned())
}

#[test]
fn every_decision_is_numbered_and_short() {
    let decisions: Vec<_> =
        texts_of("md").into_iter().filter(|text| text.path.starts_with("docs/decisions/")).collect();
    assert!(decisions.len() >= 5, "only {} were found", decisions.len());
    for (index, decision) in decisions.iter().enumerate() {
        let number = format!("docs/decisions/{:04}-", index + 1);
        assert!(decision.path.starts_with(&number), "{} is out of order", decision.path);
        let lines = decision.text.lines().count();
        assert!(lines <= 40, "{}: {lines} lines, and at most 40 are read", decision.path);
    }
}
