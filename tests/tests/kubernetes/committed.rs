//! The committed wirings, and the exporter that writes them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The folder of the committed files.
pub(crate) const FOLDER: &str = "deploy/k8s";

/// The committed wirings: the arguments of `lab export k8s`.
pub(crate) const COMMITTED: [&str; 6] = [
    "shortener --name monolith --set database=postgres --set cache=redis --set events=kafka",
    "shortener --name microservices --set placement=microservices --set database=postgres --set cache=redis \
     --set events=kafka",
    "cart --name monolith --set database=postgres --set events=kafka",
    "cart --name microservices --set placement=microservices --set checkout=saga --set database=postgres \
     --set ownership=per-service --set events=kafka",
    "chat --name monolith --set database=postgres --set fanout=redis",
    "chat --name microservices --set placement=microservices --set database=postgres --set fanout=redis \
     --set replicas=2",
];

/// The systems of the committed wirings, and the wirings of each.
pub(crate) const SYSTEMS: [&str; 3] = ["shortener", "cart", "chat"];
pub(crate) const OVERLAYS: [&str; 2] = ["monolith", "microservices"];

pub(crate) fn export(out: &Path, arguments: &str) -> Vec<PathBuf> {
    let output = Command::new(env!("CARGO_BIN_EXE_hosted"))
        .args(["export", "k8s", "--out"])
        .arg(out)
        .args(arguments.split_whitespace())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(PathBuf::from).collect()
}

/// Every file below a folder: relative path and text.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}
