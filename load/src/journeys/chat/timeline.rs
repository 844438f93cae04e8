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
    /// A connection was ready to read.
    Attached,
    /// A connection has ended, or could not be opened.
    Ended,
}

/// The names of the curves, in the order of [`Drawn`].
const NAMES: [&str; 2] = ["ready", "ended, or not opened"];

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
            title: "connections a second".to_owned(),
            is_of_operations: false,
            bucket: BUCKET,
            line: None,
            curves: self.0.curves(NAMES),
        }
    }
}
