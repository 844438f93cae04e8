//! Finds the server's programs, which many systems keep off the PATH.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::process::programs;

/// An installed PostgreSQL server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The folder that holds `postgres` and `initdb`.
    pub bin: PathBuf,
    /// The server's version output: `postgres (PostgreSQL) 15.18`.
    pub version: String,
}

impl Installation {
    /// The first that works: on the PATH, then where Debian, Red Hat, a source build and Homebrew put it, the
    /// newest version first.
    pub fn find() -> Option<Self> {
        programs::on_path().into_iter().chain(usual_places()).find_map(|bin| Self::at(&bin))
    }

    /// A folder counts if it contains both programs; links are resolved first, because a lone `postgres` on
    /// the PATH may be a wrapper.
    fn at(bin: &Path) -> Option<Self> {
        let server = fs::canonicalize(bin.join("postgres")).ok()?;
        let bin = server.parent()?.to_owned();
        if !bin.join("initdb").exists() {
            return None;
        }
        let output = Command::new(&server).arg("--version").output().ok()?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (output.status.success() && version.contains("PostgreSQL")).then_some(Self { bin, version })
    }
}

fn usual_places() -> Vec<PathBuf> {
    let versioned = [
        ("/usr/lib/postgresql", ""),
        ("/usr", "pgsql-"),
        ("/opt/homebrew/opt", "postgresql"),
        ("/usr/local/opt", "postgresql"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql"),
    ];
    let mut places: Vec<PathBuf> = versioned
        .into_iter()
        .flat_map(|(parent, prefix)| newest_first(Path::new(parent), prefix))
        .map(|folder| folder.join("bin"))
        .collect();
    places.push(PathBuf::from("/usr/local/pgsql/bin"));
    places
}

/// The folders with this name prefix, the highest number first.
fn newest_first(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut folders: Vec<_> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let digits: String = name.strip_prefix(prefix)?.chars().filter(char::is_ascii_digit).collect();
            Some((digits.parse::<u64>().unwrap_or(0), entry.path()))
        })
        .collect();
    folders.sort_by(|a, b| b.cmp(a));
    folders.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first() {
        let parent = tempfile::tempdir().unwrap();
        for version in ["9", "15", "14", "common"] {
            fs::create_dir(parent.path().join(version)).unwrap();
        }
        let found = newest_first(parent.path(), "");
        assert_eq!(found[0], parent.path().join("15"));
        assert_eq!(found[1], parent.path().join("14"));
    }

    #[test]
    fn a_wrapper_without_initdb_is_not_an_installation() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("postgres"), "#!/bin/sh\n").unwrap();
        assert_eq!(Installation::at(folder.path()), None);
    }
}
