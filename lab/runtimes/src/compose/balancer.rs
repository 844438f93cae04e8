//! The balancer of an exported project: an Envoy before the replicas of a process with the whole public API.
//!
//! A run has none: its generator chooses among the replicas' addresses itself, and what an arm costs is the arm's own.

use scenario::plan::{ArmPlan, ProcessPlan};
use serde_json::json;

use super::project::{INTERNAL_PORT, PUBLIC_PORT, Program, Project, Role, Service, Setting, service};
use crate::{sessions, yaml};

/// Its image: the release that the project's tests start.
const IMAGE: &str = "envoyproxy/envoy:v1.40.0";

/// The path of its configuration, which is the image's own.
const FILE: &str = "/etc/envoy/envoy.yaml";

/// Its name within a wiring.
const NAME: &str = "balancer";

/// The most connections at once, of all clients: as many WebSockets as two processes take at most.
const CONNECTIONS: usize = 20_000;

/// The most requests that wait for a connection to a process.
const WAITING: usize = 1_024;

/// The time limit of a request, in seconds: longer than that of a process, whose own reply says more.
const REPLY_WITHIN_S: u64 = 5;

/// The time after which a connection without a byte is closed, in seconds. A process pings a silent WebSocket sooner.
const SILENT_FOR_S: u64 = 60;

/// Whether a wiring needs a balancer: several processes serve the whole public API.
pub(super) fn is_needed(arm: &ArmPlan) -> bool {
    replicas(arm).nth(1).is_some()
}

fn replicas(arm: &ArmPlan) -> impl Iterator<Item = &ProcessPlan> {
    arm.public().filter(|process| process.paths.is_empty())
}

/// Adds the balancer: the service that is published in place of the replicas.
pub(super) fn add(project: &mut Project, arm: &ArmPlan, setting: &Setting<'_>) {
    let file = format!("{}{NAME}.yaml", setting.folder);
    let replicas: Vec<_> = replicas(arm).map(|process| service(setting.wiring, &process.name)).collect();
    let text = yaml::render(
        "balancer",
        [json!({
            "replicas": replicas,
            "sticky": sessions::are_sticky(&arm.wiring),
            "public_port": PUBLIC_PORT,
            "internal_port": INTERNAL_PORT,
            "connections": CONNECTIONS,
            "waiting": WAITING,
            "reply_within_s": REPLY_WITHIN_S,
            "silent_for_s": SILENT_FOR_S,
        })],
    );
    project.services.push(Service {
        name: service(setting.wiring, NAME),
        about: "Balances between the processes with the public API.".to_owned(),
        role: Role::Balancer(program()),
        volumes: vec![format!("./{file}:{FILE}:ro")],
        after: replicas,
    });
    project.files.push((file, text));
}

fn program() -> Program {
    // One thread, because each has a turn of its own among the processes.
    let command = ["envoy", "--config-path", FILE, "--concurrency", "1", "--log-level", "warning"];
    Program {
        image: IMAGE.to_owned(),
        is_own: false,
        user: Some("envoy"),
        command: [&command[..], &["--disable-hot-restart"]].concat().into_iter().map(str::to_owned).collect(),
        environment: Vec::new(),
        read_only: true,
        tmpfs: vec!["/tmp"],
        port: PUBLIC_PORT,
        // Its image has no client of HTTP.
        health: ["bash", "-c", "</dev/tcp/127.0.0.1/8080"].map(str::to_owned).to_vec(),
        memory: "512m",
    }
}
