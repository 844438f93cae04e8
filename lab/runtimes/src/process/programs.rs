//! Finds programs on this machine.

use std::path::PathBuf;

/// Folders with programs that may be missing from the PATH.
const USUAL_PLACES: [&str; 4] = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin"];

/// Every file of that name, on the PATH and then in the usual places.
pub(super) fn named(name: &str) -> impl Iterator<Item = PathBuf> {
    let places = on_path().into_iter().chain(USUAL_PLACES.map(PathBuf::from));
    let files = places.map(|folder| folder.join(name)).filter(|file| file.is_file());
    files.collect::<Vec<_>>().into_iter()
}

/// The folders of the PATH.
pub(super) fn on_path() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect()
}
