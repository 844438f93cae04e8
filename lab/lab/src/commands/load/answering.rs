//! What answers at an address: so that a load on the wrong system is one clear error, and the system is left alone.

use std::{io, time::Duration};

use anyhow::Result;
use load::{
    journeys::{PrepareError, SYSTEMS, SystemEntry},
    sender::Target,
};
use runtimes::http;
use scenario::complaint::Complaint;
use serde_json::Value;

/// How long the description of an API may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// Where every system describes its public API.
const DESCRIPTION: &str = "/openapi.json";

/// What answers where a system is expected.
pub(super) struct Answering {
    system: &'static str,
    url: String,
    /// What came instead of a description of the system, if it was none.
    instead: Option<String>,
}

impl Answering {
    /// Asks for the description of the public API, unless any will do.
    ///
    /// Fails where it is another system's, or what listens does not speak HTTP. A system without a description is given
    /// the benefit of the doubt, until its preparation fails.
    pub(super) fn new(entry: &SystemEntry, target: &Target) -> Result<Self> {
        let system = entry.name;
        let url = format!("http://{}", target.host);
        let Some(expected) = entry.only_path else { return Ok(Self { system, url, instead: None }) };
        let reply = match http::get(target.address, DESCRIPTION, ANSWER_WITHIN) {
            Ok(reply) => reply,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let what = format!("what listens at `{url}` does not speak HTTP/1.1: {error}");
                let hint = format!("`lab up {system}` prints where its public API is");
                return Err(Complaint::new(what).hint(hint).into());
            }
            Err(error) => {
                let instead = Some(format!("was not answered ({error})"));
                return Ok(Self { system, url, instead });
            }
        };
        let paths = described(&reply.body);
        let has = |path: &str| paths.iter().any(|described| described == path);
        if has(expected) {
            return Ok(Self { system, url, instead: None });
        }
        if let Some(other) = SYSTEMS.iter().find(|other| other.only_path.is_some_and(has)) {
            let what = format!("`{url}` is a `{}`, and the load is one for a `{system}`", other.name);
            let hint = format!("say `--system {}`, or `lab up {system}` and the address of that", other.name);
            return Err(Complaint::new(what).hint(hint).into());
        }
        let described = if paths.is_empty() { "" } else { " and describes another API" };
        Ok(Self { system, url, instead: Some(format!("was answered with {}{described}", reply.status)) })
    }

    /// The error of a preparation, with what answered instead of the system.
    pub(super) fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        let is_of_system = matches!(error.downcast_ref(), Some(PrepareError::Incomplete { .. }));
        let Some(instead) = self.instead.as_ref().filter(|_| is_of_system) else { return error };
        let told = error.to_string();
        let (what, _) = told.split_once("\nhint: ").unwrap_or((&told, ""));
        let what = format!(
            "what answers at `{}` does not look like a `{}`: {what}; `GET {DESCRIPTION}` {instead}",
            self.url, self.system
        );
        let hint = format!("`lab up {}` starts one; `--system plain` loads any HTTP server", self.system);
        Complaint::new(what).hint(hint).into()
    }
}

/// The paths of an OpenAPI document; none if it is no such thing.
fn described(body: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(body).unwrap_or_default();
    let paths = document["paths"].as_object();
    paths.into_iter().flat_map(|paths| paths.keys().cloned()).collect()
}
