//! The common objects of a system's wirings.

use serde_json::json;

use crate::yaml;

/// Every file of the base: name and text.
pub(super) fn files(system: &str) -> [(String, String); 3] {
    ["kustomization", "service-account", "network"].map(|name| {
        let text = yaml::render(&format!("kubernetes/base/{name}"), [json!({ "system": system })]);
        (format!("{name}.yaml"), text)
    })
}
