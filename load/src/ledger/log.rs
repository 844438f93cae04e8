//! An append-only file of short lines, so that memory does not grow with the run.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write},
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// Lines of text, written by several threads and read after these have ended.
#[derive(Debug)]
pub struct Log {
    file: Mutex<BufWriter<File>>,
    /// Whether a line could not be written.
    torn: AtomicBool,
}

impl Log {
    /// A log in an unlinked file, which disappears with the process.
    pub fn anonymous() -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("ledger-{}-{nth}.log", std::process::id()));
        let log = Self::at(&path)?;
        std::fs::remove_file(path)?;
        Ok(log)
    }

    /// A log at `path`, which must not exist.
    pub fn at(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).create_new(true).open(path)?;
        Ok(Self { file: Mutex::new(BufWriter::with_capacity(64 * 1024, file)), torn: AtomicBool::new(false) })
    }

    /// Appends a line. If the disk is full, the log is torn, and a check that uses it is incomplete.
    pub fn write(&self, line: fmt::Arguments<'_>) {
        if writeln!(self.lock(), "{line}").is_err() {
            self.torn.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a line is missing.
    pub fn is_torn(&self) -> bool {
        self.torn.load(Ordering::Relaxed)
    }

    /// The lines so far, in order.
    pub fn lines(&self) -> io::Result<impl Iterator<Item = io::Result<String>> + use<>> {
        let mut writer = self.lock();
        writer.flush()?;
        // The clone shares its file position with the writer, which appends regardless of the position.
        let mut file = writer.get_ref().try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(BufReader::new(file).lines())
    }

    fn lock(&self) -> MutexGuard<'_, BufWriter<File>> {
        // A line is written by one call, so a panic elsewhere does no harm.
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
