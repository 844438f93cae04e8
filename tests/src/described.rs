//! A public API compared with its own description.

use runtime::RoutePriority;
use serde_json::Value;

use crate::edge_client::EdgeClient;

/// Checks that the API's description has every route and status that a client has seen.
///
/// `shown` maps a method and a route to the schema of its reply. Statuses that HTTP defines everywhere are excepted: of
/// HEAD, of a method that is not allowed, of an unknown path.
pub fn everything_that_was_seen(edge: &EdgeClient, shown: fn(&str, &str) -> &'static str) {
    let document = edge.description();
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.")), "{document}");
    for (path, operations) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in operations.as_object().into_iter().flatten() {
            for status in ANYWHERE {
                let described = &operation["responses"][status]["description"];
                assert!(described.is_string(), "`{method} {path}` with {status} is not described");
            }
        }
    }
    for (method, route, status) in edge.seen() {
        if method == "HEAD" || status == 405 || route == "none" || route == "/openapi.json" {
            continue;
        }
        let described = &document["paths"][route][method.to_lowercase()]["responses"][status.to_string()];
        let text = described["description"].as_str().unwrap_or_default();
        assert!(!text.is_empty(), "`{method} {route}` with {status} is not described");
        has_its_schema(&document, described, status, shown(&method, route));
    }
}

/// Checks that the routes which say their priority are there: one that is misspelt would have none.
pub fn has_each_of(edge: &EdgeClient, priorities: &[RoutePriority]) {
    let document = edge.description();
    for (method, path, _) in priorities {
        let described = &document["paths"][path][method.as_str().to_lowercase()];
        assert!(described.is_object(), "there is no `{method} {path}` to have a priority");
    }
}

/// Checks that every string in the description has bounds, so that clients need not guess.
pub fn every_text_is_bounded(edge: &EdgeClient) {
    let mut unbounded = Vec::new();
    look_for_unbounded(&edge.description(), "", &mut unbounded);
    assert_eq!(unbounded, [""; 0]);
}

fn look_for_unbounded(part: &Value, place: &str, unbounded: &mut Vec<String>) {
    const BOUNDS: [&str; 5] = ["pattern", "format", "enum", "minLength", "maxLength"];
    let kind = &part["type"];
    let is_text = kind == "string" || kind.as_array().is_some_and(|kinds| kinds.contains(&"string".into()));
    if is_text && BOUNDS.iter().all(|bound| part.get(bound).is_none()) {
        unbounded.push(place.to_owned());
    }
    let members = part.as_object().into_iter().flatten().map(|(name, member)| (name.clone(), member));
    let items = part.as_array().into_iter().flatten().enumerate().map(|(at, item)| (at.to_string(), item));
    for (name, inner) in members.chain(items) {
        look_for_unbounded(inner, &format!("{place}/{name}"), unbounded);
    }
}

/// Checks that a reply with a body refers to a schema in the document.
fn has_its_schema(document: &Value, described: &Value, status: u16, shown: &str) {
    if matches!(status, 204 | 302) {
        return;
    }
    let (kind, name) = if status < 400 { ("application/json", shown) } else { PROBLEM };
    let reference = &described["content"][kind]["schema"]["$ref"];
    assert_eq!(reference, &format!("#/components/schemas/{name}"), "{status}: {described}");
    assert!(document["components"]["schemas"][name]["properties"].is_object(), "{name} is described");
}

/// Statuses that any request may get.
const ANYWHERE: [&str; 6] = ["400", "414", "431", "500", "503", "504"];
const PROBLEM: (&str, &str) = ("application/problem+json", "Problem");
