//! The container engine of this machine, for tests that need one.

use std::process::Command;

use crate::skip::skip;

/// The variable with another image of the service processes than that of the compose files.
pub const IMAGE: &str = "LAB_TEST_IMAGE";

/// How to get an engine and the images.
pub const HOW_TO_GET: &str = "Start a Docker engine; `docker compose pull` and `docker compose build` make the images, or \
                              `deploy/offline/build` where none can be pulled";

/// The output of a `docker` command; `None` if it fails.
pub fn docker(arguments: &[&str]) -> Option<String> {
    let output = Command::new("docker").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether this machine has an engine with Compose, and these images; if not, a message says so.
///
/// # Panics
///
/// In CI, if it has not.
pub fn has(images: &[&str]) -> bool {
    let missing = |image: &&&str| docker(&["image", "inspect", image]).is_none();
    let missing: Vec<_> = images.iter().filter(missing).collect();
    let has = docker(&["compose", "version"]).is_some() && missing.is_empty();
    if !has {
        skip(&format!("a container engine with Compose 2 and the images {missing:?}"), HOW_TO_GET);
    }
    has
}

/// The image of the service processes, if this machine has an engine and every image.
///
/// # Panics
///
/// In CI, if it has not.
#[expect(clippy::disallowed_methods, reason = "a test is configured by its environment")]
pub fn image(default: &str, others: &[&str]) -> Option<String> {
    let image = std::env::var(IMAGE).unwrap_or_else(|_| default.to_owned());
    has(&[others, &[&image]].concat()).then_some(image)
}

/// The containers, networks and volumes of the lab with this process id, by name.
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
