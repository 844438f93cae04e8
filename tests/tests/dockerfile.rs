//! The main Dockerfile, built as users build it: with `docker compose build` and `BuildKit`.
//!
//! Crates come from the registry that the machine has. They are compiled without optimisation, because this
//! tests the file; the engine caches the result for the next time.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::process::{Command, Output};

use system_tests::{
    engine::{docker, has},
    tree::root,
};

/// The base images of the file's two stages.
const BASES: [&str; 2] = ["rust:1-bookworm", "debian:bookworm-slim"];

/// The name of the built image, different from that of users' images.
const IMAGE: &str = "system-design-lab-test:dockerfile";

/// A service with a build, and its compose file.
const SERVICE: &str = "monolith-lean-shortener";
const FILE: &str = "deploy/compose/shortener/monolith-lean.yml";

/// The differences from that file.
const OVERRIDE: &str = "services:
  monolith-lean-shortener:
    image: system-design-lab-test:dockerfile
    build:
      network: host
      args:
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS: 256
        CARGO_PROFILE_RELEASE_LTO: 'off'
        CARGO_PROFILE_RELEASE_OPT_LEVEL: 0
";

/// In seconds; it took seven minutes on two busy processors with an empty cache.
const BUILT_WITHIN: &str = "1800";

fn build() -> Output {
    let folder = tempfile::tempdir().unwrap();
    let changes = folder.path().join("override.yml");
    std::fs::write(&changes, OVERRIDE).unwrap();
    let mut build = Command::new("timeout");
    build.args([BUILT_WITHIN, "docker", "compose", "-f"]).arg(root().join(FILE)).arg("-f").arg(&changes);
    build.args(["build", SERVICE]).env("DOCKER_BUILDKIT", "1").output().unwrap()
}

#[test]
fn the_main_dockerfile_makes_an_image_in_which_the_lab_runs() {
    if !has(&BASES) {
        return;
    }
    let built = build();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    // It needs no permissions, no network, and no writable folder.
    let confined = ["run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL", IMAGE, "--version"];
    let version = docker(&confined);
    let user = docker(&["image", "inspect", "--format", "{{.Config.User}}", IMAGE]);
    docker(&["image", "rm", IMAGE]).unwrap();
    assert_eq!(version, Some(format!("lab {}", env!("CARGO_PKG_VERSION"))));
    assert_eq!(user.as_deref(), Some("lab"));
}
