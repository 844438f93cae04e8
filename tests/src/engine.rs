//! The container engine of this machine, for tests that need one.

use std::process::Command;

/// The image of the service processes, if it is to be another than the one that compose files name.
pub const IMAGE: &str = "LAB_TEST_IMAGE";

/// What a `docker` command answers; none if it fails.
pub fn docker(arguments: &[&str]) -> Option<String> {
    let output = Command::new("docker").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The image of the service processes, if this machine has an engine and every image.
///
/// # Panics
///
/// In CI, if it has not.
#[expect(clippy::disallowed_methods, reason = "a test is configured by its environment")]
pub fn image(default: &str, others: &[&str]) -> Option<String> {
    let image = std::env::var(IMAGE).unwrap_or_else(|_| default.to_owned());
    let images = others.iter().copied().chain([image.as_str()]);
    let missing: Vec<&str> = images.filter(|image| docker(&["image", "inspect", image]).is_none()).collect();
    if docker(&["compose", "version"]).is_some() && missing.is_empty() {
        return Some(image);
    }
    let what = format!("a container engine with Compose 2 and the images {missing:?}");
    assert!(std::env::var("CI").is_err(), "CI has to provide {what}");
    eprintln!("SKIPPED: this test needs {what}; `docker compose build` or `deploy/offline/build` makes them");
    None
}

/// What a lab with this process id has with the engine: containers, networks and volumes, by name.
pub fn of_lab(id: u32) -> Vec<String> {
    let begins = format!("lab-{id}-");
    let lists = [
        &["ps", "--all", "--format", "{{.Names}}"][..],
        &["network", "ls", "--format", "{{.Name}}"],
        &["volume", "ls", "--format", "{{.Name}}"],
    ];
    let names = lists.iter().flat_map(|list| {
        let text = docker(list).expect("the engine answers");
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    names.filter(|name| name.starts_with(&begins)).collect()
}
