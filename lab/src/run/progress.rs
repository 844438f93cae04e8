//! What a person sees while a run goes on: a bar on a terminal, a line a phase elsewhere.

use std::{io::IsTerminal, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

use crate::output;

/// One phase of a run.
pub(super) struct Phase(ProgressBar);

impl Phase {
    /// Begins a phase of `total` steps.
    pub(super) fn begin(what: &str, total: u64) -> Self {
        if !std::io::stderr().is_terminal() {
            output::talk(what);
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{msg:44} {bar:32} {percent:>3} %  {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(total).with_style(style).with_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// So many steps are done.
    pub(super) fn at(&self, done: u64) {
        self.0.set_position(done);
    }
}

impl Drop for Phase {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
