//! What each component can do: how many workers it has, how long a piece of work takes, how much may wait.
//!
//! All of it is constant, so that an experiment shows the pattern and not the machine: a worker waits and does not
//! compute, so two processors are enough for every wiring.

use std::time::Duration;

use crate::axes::{Queue, Work};

/// The workers of a component, and what they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// How many there are: each does one piece of work at a time.
    pub workers: usize,
    /// How long a piece of work takes.
    pub takes: Duration,
    /// How long one in [`SLOW_ONE_IN`] takes instead, if any does.
    pub slow: Option<Duration>,
    /// How much work may wait for a worker.
    pub line: usize,
    /// What becomes of work whose caller went away.
    pub gone: Gone,
}

/// What becomes of work whose caller went away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// It leaves the line, or its worker stops.
    Dropped,
    /// It is done all the same, like the work of a thread pool whose queue knows no deadlines.
    Done,
}

/// One piece of work in so many is slow: the one per cent of Dean and Barroso, The Tail at Scale (Communications of
/// the ACM 56(2), 2013).
pub const SLOW_ONE_IN: u32 = 100;

/// How long work may wait in a bounded line: a tenth of a second, a twentieth of the 2 s that an edge gives a request.
const LINE: Duration = Duration::from_millis(100);

/// Work that nobody runs short of: 256 workers, 2 ms each.
const AMPLE: Capacity = Capacity {
    workers: 256,
    takes: Duration::from_millis(2),
    slow: None,
    line: Capacity::UNBOUNDED,
    gone: Gone::Dropped,
};

impl Capacity {
    /// The length of a line that nobody ever sees full: at a thousand a second it fills in a minute. Every queue has a
    /// limit, and this one is far beyond the patience of any caller.
    pub const UNBOUNDED: usize = 65_536;

    /// Of the component `back`.
    pub const fn of_back(work: Work, queue: Queue) -> Self {
        let all = match work {
            Work::Scarce => Self { workers: 4, takes: Duration::from_millis(40), ..AMPLE },
            Work::Uneven => {
                let slow = Some(Duration::from_millis(500));
                Self { workers: 512, takes: Duration::from_millis(5), slow, ..AMPLE }
            }
        };
        match queue {
            Queue::Bounded => {
                let line = all.workers * LINE.as_millis() as usize / all.takes.as_millis() as usize;
                Self { line, ..all }
            }
            Queue::Unbounded => Self { gone: Gone::Done, ..all },
        }
    }

    /// Of the components `front`, `middle` and `reviews`, which are never what runs short.
    pub const fn ample() -> Self {
        AMPLE
    }

    /// How many requests make sense at once: those that workers are busy with, and those in line. A process that takes
    /// more makes them wait longer than the line allows.
    pub const fn in_flight(self) -> usize {
        self.workers + self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bounded_line_is_what_can_be_done_in_a_tenth_of_a_second() {
        let scarce = Capacity::of_back(Work::Scarce, Queue::Bounded);
        assert_eq!((scarce.workers, scarce.line, scarce.in_flight()), (4, 10, 14));
        // A hundred a second, so ten in a tenth of a second.
        assert_eq!(LINE * scarce.workers as u32, scarce.takes * scarce.line as u32);
        assert_eq!(Duration::from_secs(1) * scarce.workers as u32, scarce.takes * 100);
    }

    #[test]
    fn only_an_unbounded_line_works_for_those_who_are_gone() {
        for work in [Work::Scarce, Work::Uneven] {
            assert_eq!(Capacity::of_back(work, Queue::Bounded).gone, Gone::Dropped);
            assert_eq!(Capacity::of_back(work, Queue::Unbounded).gone, Gone::Done);
        }
    }
}
