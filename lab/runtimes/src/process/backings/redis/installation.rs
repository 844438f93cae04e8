//! Finds the server's program.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::process::programs;

/// The program's names; Valkey is a fork with the same protocol.
const NAMES: [&str; 2] = ["redis-server", "valkey-server"];

/// An installed Redis server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The server's program.
    pub program: PathBuf,
    /// `Redis 7.0.15`.
    pub version: String,
}

impl Installation {
    /// The first that works: on the PATH, then in the usual places.
    pub fn find() -> Option<Self> {
        NAMES.into_iter().flat_map(programs::named).find_map(|program| Self::at(&program))
    }

    fn at(program: &Path) -> Option<Self> {
        let output = Command::new(program).arg("--version").output().ok()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        Some(Self { program: program.to_owned(), version: version(&said)? })
    }
}

/// From `Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64`.
fn version(said: &str) -> Option<String> {
    let (name, rest) = said.split_once(" server v=")?;
    Some(format!("{name} {}", rest.split_whitespace().next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_its_version() {
        let redis = "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=ae4d\n";
        assert_eq!(version(redis).as_deref(), Some("Redis 7.0.15"));
        assert_eq!(version("Valkey server v=8.1.1 sha=0\n").as_deref(), Some("Valkey 8.1.1"));
        assert_eq!(version("redis-cli 7.0.15\n"), None);
    }
}
