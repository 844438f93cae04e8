//! What happens to connections over the time of a slice, beside what everybody records of operations.

use std::time::Duration;

use crate::{
    live::Moment,
    series::{Series, Timeline},
};

/// The length of a bucket in the drawing.
const BUCKET: Duration = Duration::from_millis(100);

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drawn {
    /// A record arrived at a connection.
    Delivered,
    /// A connection was ready to read.
    Attached,
    /// A connection has ended, or could not be opened.
    Ended,
}

/// The names of the curves, in the order of [`Drawn`].
const NAMES: [&str; 3] = ["records delivered", "connections ready", "connections ended"];

/// The curves of a slice.
#[derive(Debug)]
pub(super) struct Course(Timeline<{ NAMES.len() }>);

impl Course {
    pub(super) fn new() -> Self {
        Self(Timeline::new(BUCKET))
    }

    /// Restarts with a slice.
    pub(super) fn begin(&mut self, now: Moment, length: Duration) {
        self.0.begin(now.0, length);
    }

    /// Counts what happens; what comes after the slice is left out.
    pub(super) fn count(&mut self, drawn: Drawn, now: Moment) {
        self.0.count(drawn as usize, now.0);
    }

    pub(super) fn series(&self) -> Series {
        Series {
            title: "what became of the connections".to_owned(),
            bucket: BUCKET,
            line: None,
            curves: self.0.curves(NAMES),
        }
    }
}
