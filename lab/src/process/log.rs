//! What a process writes, and its last words.

use std::{
    fmt,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use crate::compose;

/// Where what a process writes can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Log {
    /// In a file.
    File(PathBuf),
    /// With the engine, under the container's name.
    Container(String),
}

impl Log {
    /// Its last lines; none when it cannot be read.
    pub fn tail(&self) -> LogTail {
        match self {
            Self::File(path) => LogTail::of(path),
            Self::Container(name) => compose::last_words(name),
        }
    }
}

impl fmt::Display for Log {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(formatter),
            Self::Container(name) => write!(formatter, "docker logs --follow {name}"),
        }
    }
}

/// The last lines of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogTail(pub Vec<String>);

impl LogTail {
    /// How many lines are shown.
    pub(crate) const LINES: usize = 10;
    /// How far back lines are looked for.
    const BYTES: u64 = 16 << 10;

    /// The last lines of a file; none when it cannot be read.
    pub fn of(path: &Path) -> Self {
        Self(Self::read(path).unwrap_or_default())
    }

    fn read(path: &Path) -> io::Result<Vec<String>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(Self::BYTES)))?;
        let mut bytes = Vec::new();
        file.take(Self::BYTES).read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        Ok(lines[lines.len().saturating_sub(Self::LINES)..].to_vec())
    }

    /// The lines, each set in by two spaces, after a line break; nothing if there are none.
    pub fn indented(&self) -> String {
        self.0.iter().fold(String::new(), |text, line| text + "\n  " + line)
    }
}
