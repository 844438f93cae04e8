//! Identifies the system at an address, so that a load on the wrong system is one clear error and does no
//! harm.

use std::{io, time::Duration};

use anyhow::Result;
use load::{
    journeys::{self, PrepareError, SystemUnderTest},
    sender::Target,
};
use runtimes::http;
use scenario::diagnostic::Diagnostic;
use serde_json::Value;

/// The time limit for an API's description.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// The path of every system's API description.
const DESCRIPTION: &str = "/openapi.json";

/// The system at the target.
pub(super) struct Answering {
    system: &'static str,
    url: String,
    /// What was received instead of the system's description, if anything.
    instead: Option<String>,
}

impl Answering {
    /// Requests the API's description, unless the journeys accept any server.
    ///
    /// Fails if it describes another system, or if the server does not speak HTTP. A system without a
    /// description is accepted until its preparation fails.
    pub(super) fn new(under_test: &dyn SystemUnderTest, target: &Target) -> Result<Self> {
        let system = under_test.name();
        let Some(expected) = under_test.only_path() else {
            return Ok(Self { system, url: format!("http://{}", target.host), instead: None });
        };
        let (address, host) = target.of_path(expected);
        let url = format!("http://{host}");
        let reply = match http::get(address, DESCRIPTION, ANSWER_WITHIN) {
            Ok(reply) => reply,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let what = format!("what listens at `{url}` does not speak HTTP/1.1: {error}");
                let hint = format!("`lab up {system}` prints where its public API is");
                return Err(Diagnostic::new(what).hint(hint).into());
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
        if let Some(other) = journeys::systems().find(|other| other.only_path().is_some_and(has)) {
            let what = format!("`{url}` is a `{}`, and the load is one for a `{system}`", other.name());
            let hint =
                format!("say `--system {}`, or `lab up {system}` and the address of that", other.name());
            return Err(Diagnostic::new(what).hint(hint).into());
        }
        let described = if paths.is_empty() { "" } else { " and describes another API" };
        Ok(Self { system, url, instead: Some(format!("was answered with {}{described}", reply.status)) })
    }

    /// The error of a preparation, with what was received instead of the description.
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
        Diagnostic::new(what).hint(hint).into()
    }
}

/// The paths of an OpenAPI document; empty if it is not one.
fn described(body: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(body).unwrap_or_default();
    let paths = document["paths"].as_object();
    paths.into_iter().flat_map(|paths| paths.keys().cloned()).collect()
}
