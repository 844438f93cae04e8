//! Where words go: data on standard output, talk on standard error.

use std::io::{self, Write};

use comfy_table::Table;

pub use report::columns::listing as table;

/// Writes data to standard output. A reader that has seen enough (`lab list | head -1`) is no error.
pub fn data(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes talk to standard error: progress, warnings, where things are. Lost talk stops nothing.
pub fn talk(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// How many columns a drawing may have: those of the terminal, `most` at most; `most` for a file or a pipe.
pub fn columns(most: usize) -> usize {
    Table::new().width().map_or(most, |width| usize::from(width).min(most))
}
