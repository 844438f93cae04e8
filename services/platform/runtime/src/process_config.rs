//! Reads the file that a process is started with.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use design::ProcessConfig;

/// Why a process configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProcessConfigError {
    /// It cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not a process configuration.
    #[error("`{path}` is not a process configuration: {source}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and what was expected.
        source: toml::de::Error,
    },
}

/// Reads a process configuration from disk.
pub fn read_process_config(path: &Path) -> Result<ProcessConfig, ProcessConfigError> {
    let text = fs::read_to_string(path)
        .map_err(|source| ProcessConfigError::Unreadable { path: path.to_owned(), source })?;
    ProcessConfig::parse(&text)
        .map_err(|source| ProcessConfigError::Malformed { path: path.to_owned(), source })
}
