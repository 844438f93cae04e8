//! Optional programs.

use std::path::Path;

use runtimes::compose::IMAGE;

use super::{Finding, State};
use crate::commands::doctor::ask::{Answer, ask};

/// The images that the compose files name, without the lab's own.
const IMAGES: [&str; 5] = [
    "postgres:15-bookworm",
    "redis:7.0-bookworm",
    "apache/kafka:4.3.1",
    "jaegertracing/jaeger:2.13.0",
    "prom/prometheus:v2.42.0",
];

/// What containers would add.
const CONTAINERS: &str = "`--runtime compose` and the compose files";

pub(super) fn engine() -> Finding {
    let (state, found, means) = match ask(Path::new("docker"), &["info", "--format", "{{.ServerVersion}}"]) {
        Answer::Said(version) if !version.is_empty() => {
            (State::Good, format!("Docker {version}"), format!("it answers: {CONTAINERS}"))
        }
        Answer::NoProgram => (
            State::Missing,
            "none".to_owned(),
            format!("would add {CONTAINERS}: install Docker Engine 20.10 or later"),
        ),
        Answer::Late => (
            State::Missing,
            "no answer".to_owned(),
            format!("the engine does not answer within 2 s; it would add {CONTAINERS}: restart it"),
        ),
        Answer::Failed(words) if words.to_lowercase().contains("permission denied") => (
            State::Missing,
            "no permission".to_owned(),
            format!(
                "the engine is there and not for this user; it would add {CONTAINERS}: \
                 `sudo usermod -aG docker $USER`, then log in again"
            ),
        ),
        // Some versions succeed without an engine and print nothing.
        Answer::Failed(_) | Answer::Said(_) => (
            State::Missing,
            "not running".to_owned(),
            format!("the engine is not running; it would add {CONTAINERS}: `sudo systemctl start docker`"),
        ),
    };
    Finding { state, what: "containers", found, means }
}

pub(super) fn compose() -> Finding {
    let version = ask(Path::new("docker"), &["compose", "version", "--short"]).said();
    match version {
        Some(version) => {
            Finding { state: State::Good, what: "compose", found: version, means: CONTAINERS.to_owned() }
        }
        None => Finding {
            state: State::Missing,
            what: "compose",
            found: "none".to_owned(),
            means: format!("would add {CONTAINERS}: install the plugin `docker-compose-plugin`, version 2"),
        },
    }
}

/// The images; `None` without an engine.
pub(super) fn images() -> Option<Finding> {
    let listed = ask(Path::new("docker"), &["images", "--format", "{{.Repository}}:{{.Tag}}"]).said()?;
    let here: Vec<&str> = listed.lines().collect();
    let wanted = || std::iter::once(IMAGE).chain(IMAGES);
    let missing: Vec<&str> = wanted().filter(|image| !here.contains(image)).collect();
    let all = wanted().count();
    Some(Finding {
        state: if missing.is_empty() { State::Good } else { State::Less },
        what: "images",
        found: format!("{} of {all}", all - missing.len()),
        means: if missing.is_empty() {
            "containers start without a download".to_owned()
        } else {
            format!(
                "missing: {}; `docker compose build` makes the lab's own and `docker compose pull` fetches the \
                 others; without a registry `deploy/offline/build` makes them",
                missing.join(", ")
            )
        },
    })
}

pub(super) fn k6() -> Finding {
    let get = "install k6 (https://grafana.com/docs/k6/latest/set-up/install-k6/, or `go install go.k6.io/k6@latest`)";
    tool("k6", &["version"], "the same load from outside the lab, to hold its generator against", get)
}

pub(super) fn wrk() -> Finding {
    tool("wrk", &["-v"], "the reference of one bench", "`apt-get install wrk`, `brew install wrk`")
}

pub(super) fn kubectl() -> Finding {
    let get = "install kubectl (https://kubernetes.io/docs/tasks/tools/)";
    tool("kubectl", &["version", "--client"], "checking and applying what `lab export k8s` writes", get)
}

/// A program, with the first line of its version output.
fn tool(name: &'static str, version: &[&str], adds: &str, get: &str) -> Finding {
    let found = match ask(Path::new(name), version) {
        Answer::NoProgram => None,
        Answer::Said(text) => Some(first_words(&text)),
        // Some print their version and fail.
        Answer::Failed(_) | Answer::Late => Some("found".to_owned()),
    };
    match found {
        Some(found) => Finding { state: State::Good, what: name, found, means: adds.to_owned() },
        None => Finding {
            state: State::Missing,
            what: name,
            found: "none".to_owned(),
            means: format!("would add {adds}: {get}"),
        },
    }
}

/// The first line, shortened.
fn first_words(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.split(" (").next().unwrap_or_default().to_owned()
}
