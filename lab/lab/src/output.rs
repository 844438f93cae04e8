//! Output: data on standard output, messages on standard error.

use std::io::{self, Write};

use comfy_table::Table;
pub use report::columns::listing as table;

/// Writes data to standard output. A closed pipe (`lab list | head -1`) is not an error.
pub fn data(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes a message to standard error: progress, warnings, places. A failure to write is ignored.
pub fn talk(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// The width of a drawing in columns: the terminal's, at most `most`; `most` for a file or a pipe.
pub fn columns(most: usize) -> usize {
    Table::new().width().map_or(most, |width| usize::from(width).min(most))
}
