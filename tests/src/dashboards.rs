//! The dashboards and alerts as files: their expressions and metrics.
//!
//! Every function panics on a file with an unexpected structure.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::tree::root;

/// The folder of the monitoring configuration.
pub fn observability() -> PathBuf {
    root().join("deploy/observability")
}

/// A file's text.
pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every dashboard, by its file's name.
pub fn dashboards() -> BTreeMap<String, Value> {
    let entries = fs::read_dir(observability().join("grafana/dashboards")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let dashboards: BTreeMap<_, _> = paths
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let json = serde_json::from_str(&read(&path));
            (name.clone(), json.unwrap_or_else(|error| panic!("`{name}`: {error}")))
        })
        .collect();
    assert!(dashboards.len() >= 5, "only these were found: {:?}", dashboards.keys());
    dashboards
}

/// The elements of a list member; empty if there is none.
pub fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value[member].as_array().map_or(&[], Vec::as_slice)
}

/// A string member; empty if there is none.
pub fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

/// The panels with figures: not headings and not text.
pub fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    list(dashboard, "panels").iter().filter(|panel| !["row", "text"].contains(&text(panel, "type")))
}

/// The expressions of all panels, each with its origin: `dashboard: panel`.
pub fn expressions() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (name, dashboard) in dashboards() {
        for panel in panels(&dashboard) {
            let place = format!("{name}: {}", text(panel, "title"));
            let targets = list(panel, "targets").iter();
            found.extend(targets.map(|target| (place.clone(), text(target, "expr").to_owned())));
        }
    }
    assert!(found.len() > 40, "only {} expressions were found", found.len());
    found
}

/// The queries of the dashboards' variables: `dashboard: variable`, series and label.
pub fn variables() -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for (name, dashboard) in dashboards() {
        for variable in list(&dashboard["templating"], "list") {
            let place = format!("{name}: ${}", text(variable, "name"));
            let query = text(&variable["query"], "query").strip_prefix("label_values(");
            let query = query.and_then(|rest| rest.strip_suffix(')')).unwrap_or_else(|| panic!("{place}"));
            let (series, label) = query.rsplit_once(", ").unwrap();
            found.push((place, series.to_owned(), label.to_owned()));
        }
    }
    assert!(found.len() > 5, "{found:?}");
    found
}

/// The expressions of the alerts.
pub fn alerts() -> Vec<(String, String)> {
    let rules = read(&observability().join("alerts.yml"));
    let found: Vec<_> = rules
        .split("- alert: ")
        .skip(1)
        .map(|rule| {
            let name = rule.lines().next().unwrap();
            let after = rule.split("expr:").nth(1).unwrap_or_else(|| panic!("{name} has no `expr`"));
            let end =
                ["\n        for:", "\n        annotations:"].iter().filter_map(|key| after.find(key)).min();
            (format!("alerts: {name}"), after[..end.unwrap()].trim_start_matches([' ', '|']).to_owned())
        })
        .collect();
    assert!(found.len() >= 4, "{found:?}");
    found
}

/// Words of an expression that are not metrics; functions are recognised by their parenthesis.
const WORDS: [&str; 15] = [
    "sum",
    "min",
    "max",
    "avg",
    "count",
    "by",
    "without",
    "on",
    "ignoring",
    "and",
    "or",
    "unless",
    "bool",
    "offset",
    "group_left",
];

/// The names of the metrics in an expression.
pub fn metrics_of(expression: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut rest = expression;
    while let Some(start) = rest.find(|c: char| !c.is_whitespace()) {
        rest = &rest[start..];
        let end = match rest.chars().next().unwrap() {
            '"' => rest[1..].find('"').unwrap() + 2,
            '{' => rest.find('}').unwrap() + 1,
            '[' => rest.find(']').unwrap() + 1,
            c if c.is_ascii_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                let after = after.trim_start();
                if ["by", "without", "on", "ignoring"].contains(&word) {
                    // A list of labels follows.
                    rest.find(')').unwrap() + 1
                } else {
                    if !WORDS.contains(&word) && !after.starts_with('(') {
                        names.insert(word.to_owned());
                    }
                    end
                }
            }
            c if c.is_ascii_digit() => {
                rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(rest.len())
            }
            c => c.len_utf8(),
        };
        rest = &rest[end..];
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metrics_of_an_expression_are_found() {
        let of = |expression| metrics_of(expression).into_iter().collect::<Vec<_>>();
        assert_eq!(
            of(r#"sum by (arm) (rate(a_total{b="c{", d=~"$e"}[1m])) / (b_total > 0.5)"#),
            ["a_total", "b_total"]
        );
        assert_eq!(of("histogram_quantile(0.99, sum by (x, le) (rate(h_bucket[5m]))) * 1e3"), ["h_bucket"]);
        assert_eq!(of("up == 0 and max_over_time(gone[1h]) == 1"), ["gone", "up"]);
    }
}
