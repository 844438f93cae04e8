//! Reads the file that a process is started with.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use design::HostFile;

/// Why a host file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HostFileError {
    /// It cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not a host file.
    #[error("`{path}` is not a host file: {source}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and what was expected.
        source: toml::de::Error,
    },
}

/// Reads a host file from disk.
pub fn read_host_file(path: &Path) -> Result<HostFile, HostFileError> {
    let text = fs::read_to_string(path)
        .map_err(|source| HostFileError::Unreadable { path: path.to_owned(), source })?;
    HostFile::parse(&text).map_err(|source| HostFileError::Malformed { path: path.to_owned(), source })
}
