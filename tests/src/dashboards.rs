//! The dashboards and alerts as files: what they ask for, and where.
//!
//! Every function panics when a file is not as the others are.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::tree::root;

/// The folder of what watches the systems.
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

/// The members of a list; none if there is no such list.
pub fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value[member].as_array().map_or(&[], Vec::as_slice)
}

/// A text; empty if there is none.
pub fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

/// The panels that show figures: neither headings nor words.
pub fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    list(dashboard, "panels").iter().filter(|panel| !["row", "text"].contains(&text(panel, "type")))
}

/// The expressions of every panel: `dashboard: panel`, and the expression.
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

/// What the variables of the dashboards ask for: `dashboard: variable`, series and label.
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
