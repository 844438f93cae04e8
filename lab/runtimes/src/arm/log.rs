//! The output of a process, and its last lines.

use std::{
    fmt,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// The output of a process. Displayed for people: a path, or a command that prints it.
pub trait Log: fmt::Debug + fmt::Display + Send + Sync {
    /// Its last lines; empty if it cannot be read.
    fn tail(&self) -> LogTail;
}

/// A log in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLog(pub PathBuf);

impl Log for FileLog {
    fn tail(&self) -> LogTail {
        LogTail::of(&self.0)
    }
}

impl fmt::Display for FileLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(formatter)
    }
}

/// The last lines of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogTail(pub Vec<String>);

impl LogTail {
    /// The number of lines shown.
    pub(crate) const LINES: usize = 10;
    /// The end of the file that is searched for lines, in bytes.
    const BYTES: u64 = 16 << 10;

    /// The last lines of a file; empty if it cannot be read.
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

    /// The lines, each indented by two spaces, after a line break; empty if there are none.
    pub fn indented(&self) -> String {
        self.0.iter().fold(String::new(), |text, line| text + "\n  " + line)
    }
}
