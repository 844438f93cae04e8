//! The promises in the documents: each has a fact in the ledger, or the document says that it has none, and
//! tests that exist.

use std::collections::{BTreeMap, BTreeSet};

use scenario::systems;
use system_tests::tree::{functions, read, texts_of};

/// The headings of the sections with promises in a system's document.
const SECTIONS: [&str; 2] = ["## What must stay true", "## What each choice promises"];
/// The mark of a promise without a fact in the ledger.
const NOT_ASKED: &str = "not asked";
/// The folder of the ledger's own tests, against systems with misdeeds.
const OF_THE_LEDGER: &str = "load/";
/// The document that explains every fact.
const MEANINGS: &str = "docs/how-to-read-a-result.md";

/// A row of a table of promises.
struct Row {
    promise: String,
    facts: String,
    tests: String,
}

/// The cells of a line of a table.
fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split('|').map(str::trim).collect()
}

/// The texts in backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn document(system: &str) -> String {
    read(&format!("docs/systems/{system}.md"))
}

/// The lines of the sections with promises.
fn promising(document: &str) -> Vec<&str> {
    let mut is_in = false;
    document
        .lines()
        .filter(|line| {
            if line.starts_with("## ") {
                is_in = SECTIONS.contains(line);
            }
            is_in
        })
        .collect()
}

/// Every row of every table of promises.
fn rows(system: &str) -> Vec<Row> {
    let text = document(system);
    let (mut rows, mut columns) = (Vec::new(), Vec::new());
    for line in promising(&text) {
        if !line.starts_with('|') {
            columns.clear();
        } else if columns.is_empty() {
            columns = cells(line);
            assert!(
                columns.ends_with(&["facts", "tests"]),
                "{system}: a table without its facts and tests: {line}"
            );
        } else if !line.starts_with("|---") {
            let cells = cells(line);
            assert_eq!(cells.len(), columns.len(), "{system}: {line}");
            let [promise @ .., facts, tests] = &cells[..] else { panic!("{system}: {line}") };
            rows.push(Row {
                promise: promise.join(" | "),
                facts: (*facts).to_owned(),
                tests: (*tests).to_owned(),
            });
        }
    }
    assert!(rows.len() > 10, "{system} promises {} things", rows.len());
    rows
}

#[test]
fn every_promise_is_asked_by_facts_that_there_are_or_said_not_to_be() {
    for system in systems::names() {
        let known = systems::facts(system);
        for Row { promise, facts, .. } in rows(system) {
            let named = quoted(&facts);
            assert!(!named.is_empty() || facts == NOT_ASKED, "{system}: `{promise}` is asked by `{facts}`");
            for fact in named {
                assert!(
                    known.contains(&fact),
                    "{system}: `{promise}` names the fact `{fact}`, which is not in the code"
                );
            }
        }
    }
}

#[test]
fn every_promise_is_held_by_tests_that_there_are() {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in texts_of("rs") {
        // A property is a function in a macro, formatted like any other.
        let names = functions(&source.text).into_iter().map(|(name, _)| name);
        found.insert(source.path, names.collect());
    }
    for system in systems::names() {
        for Row { promise, tests, .. } in rows(system) {
            let named = quoted(&tests);
            assert!(!named.is_empty(), "{system}: nothing holds `{promise}`");
            for test in named {
                let (path, name) = test.split_once("::").unwrap_or((test, ""));
                let is_there = found.get(path).is_some_and(|names| names.contains(name));
                assert!(is_there, "{system}: `{promise}` is held by `{test}`, which there is not");
            }
        }
    }
}

/// Whether a test of the ledger mentions a breach: by its name, or by the constant of that name.
fn asserts(test: &str, breach: &str) -> bool {
    let Some((path, name)) = test.split_once("::").filter(|(path, _)| path.starts_with(OF_THE_LEDGER)) else {
        return false;
    };
    let source = read(path);
    let body = source.split_once(&format!("fn {name}(")).map_or("", |(_, after)| after);
    // A test is a function without indentation, and so is its end.
    let body = body.split("\n}").next().unwrap_or_default();
    let constant = format!("facts::{}", breach.replace('-', "_").to_uppercase());
    let is_word = |(at, word): (usize, &str)| {
        !body[at + word.len()..].starts_with(|c: char| c == '_' || c.is_alphanumeric())
    };
    body.contains(&format!("\"{breach}\"")) || body.match_indices(constant.as_str()).any(is_word)
}

#[test]
fn every_breach_is_a_promise_and_is_caught_in_a_system_that_misbehaves() {
    for system in systems::names() {
        let rows = rows(system);
        let breaches = systems::breaches(system);
        assert!(breaches.len() >= 4, "{system}: {breaches:?}");
        for breach in breaches {
            let catches = |row: &Row| {
                quoted(&row.facts).contains(&breach)
                    && quoted(&row.tests).iter().any(|test| asserts(test, breach))
            };
            assert!(
                rows.iter().any(catches),
                "{system}: no promise is broken by `{breach}`, or no test of the ledger asserts it"
            );
        }
    }
}

#[test]
fn what_is_promised_stands_in_a_table() {
    for system in systems::names() {
        let text = document(system);
        let loose: Vec<_> = promising(&text).into_iter().filter(|line| line.starts_with("- ")).collect();
        assert!(loose.is_empty(), "{system}: promised without facts and tests: {loose:?}");
        for section in SECTIONS {
            assert!(text.lines().any(|line| line == section), "{system} has no section `{section}`");
        }
    }
}

#[test]
fn every_fact_has_a_meaning_and_every_breach_is_told_as_one() {
    let text = read(MEANINGS);
    let table: Vec<Vec<&str>> = text.lines().filter(|line| line.starts_with("| `")).map(cells).collect();
    for system in systems::names() {
        let breaches = systems::breaches(system);
        for fact in systems::facts(system) {
            let mut meanings = table.iter().filter(|row| row.len() == 3 && quoted(row[0]).contains(&fact));
            let must_be_zero = breaches.contains(&fact);
            let is_told = meanings.any(|row| (row[2] == "yes") == must_be_zero);
            assert!(
                is_told,
                "{MEANINGS} does not say of `{fact}` of the {system} that it must be zero, or that it need not"
            );
        }
    }
}
