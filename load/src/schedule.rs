//! The due times of operations: an iterator of offsets, generated from a seed, independent of replies.
//!
//! The independence makes a load *open loop*: a slow system gets as many requests as a fast one, so that its
//! queue shows
//! (Schroeder, Wierman, Harchol-Balter: "Open Versus Closed: A Cautionary Tale", NSDI 2006).
//!
//! Every profile is a sequence of linear pieces of a rate. Arrivals of rate 1 (exponential gaps for Poisson,
//! gaps of exactly one for constant) are mapped through the inverse of the cumulative rate. For Poisson this
//! is the inversion method for non-homogeneous processes (Çinlar: "Introduction to Stochastic Processes",
//! 1975, chapter 4.7).

mod pieces;

use std::time::Duration;

use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};
use rand_distr::{Distribution, Exp1};

use self::pieces::Pieces;

/// The distribution of arrivals around the rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrivals {
    /// Independent users: exponential gaps, and so bursts and lulls.
    #[default]
    Poisson,
    /// A metronome: gaps of exactly one over the rate. Easier for a system than real users.
    Constant,
    /// Every `of`-th beat of that metronome, beginning with the `nth`: one thread's part of it.
    Beats {
        /// The first beat, from 0.
        nth: usize,
        /// The number of threads that share it.
        of: usize,
    },
}

/// The rate over the length of the schedule, in operations a second.
#[derive(Clone, Debug, PartialEq)]
pub enum Profile {
    /// One rate.
    Steady {
        /// Operations a second.
        rate: f64,
    },
    /// A straight line over the whole length.
    Ramp {
        /// The rate at the start.
        from: f64,
        /// The rate at the end.
        to: f64,
    },
    /// One rate, then another.
    Step {
        /// The rate before.
        from: f64,
        /// The rate after.
        to: f64,
        /// When it changes.
        at: Duration,
    },
    /// A base rate with a rectangle of a higher one.
    Spike {
        /// The rate outside the spike.
        base: f64,
        /// The rate within it.
        peak: f64,
        /// When it starts.
        at: Duration,
        /// How long it lasts.
        lasting: Duration,
    },
    /// Consecutive pieces: bursts, saw teeth, any piecewise linear rate.
    /// The part beyond the schedule's length is cut off; after the last piece nothing is due.
    Phases(Vec<Piece>),
    /// Recorded offsets, replayed unchanged; they must ascend.
    Trace(Vec<Duration>),
}

/// A stretch of time in which the rate is linear, in operations a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// The length; a piece of length zero is a jump.
    pub length: Duration,
    /// The rate at its start.
    pub from: f64,
    /// The rate at its end.
    pub to: f64,
}

/// The due times of a load's operations, as ascending offsets from its start.
///
/// The same arguments give the same offsets on every machine.
#[derive(Clone, Debug)]
pub struct Schedule {
    length: Duration,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Drawn {
        arrivals: Arrivals,
        pieces: Pieces,
        random: Xoshiro256PlusPlus,
        /// The cumulative rate up to the next arrival: the expected number of operations before it.
        expected: f64,
    },
    Replayed(std::vec::IntoIter<Duration>),
}

impl Schedule {
    /// A schedule of `profile` over `length`; nothing is due at `length` or later.
    ///
    /// A rate that is negative or not a number counts as zero.
    pub fn new(arrivals: Arrivals, profile: &Profile, seed: u64, length: Duration) -> Self {
        let source = match profile {
            Profile::Trace(offsets) => Source::Replayed(offsets.clone().into_iter()),
            drawn => {
                let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
                // A metronome's first beat is at zero; a Poisson process has an exponential gap before its
                // first arrival.
                let expected = match arrivals {
                    Arrivals::Poisson => Exp1.sample(&mut random),
                    Arrivals::Constant => 0.0,
                    Arrivals::Beats { nth, .. } => nth as f64,
                };
                Source::Drawn { arrivals, pieces: Pieces::of(drawn, length), random, expected }
            }
        };
        Self { length, source }
    }

    /// Nothing is due.
    pub fn never() -> Self {
        Self::at_once(0)
    }

    /// So many operations are due at the start.
    pub fn at_once(operations: usize) -> Self {
        let all = Profile::Trace(vec![Duration::ZERO; operations]);
        Self::new(Arrivals::Constant, &all, 0, Duration::from_nanos(1))
    }
}

impl Iterator for Schedule {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let due = match &mut self.source {
            Source::Replayed(offsets) => offsets.next()?,
            Source::Drawn { arrivals, pieces, random, expected } => {
                let due = pieces.time_of(*expected)?;
                *expected += match arrivals {
                    Arrivals::Poisson => Exp1.sample(random),
                    Arrivals::Constant => 1.0,
                    Arrivals::Beats { of, .. } => *of as f64,
                };
                due
            }
        };
        (due < self.length).then_some(due)
    }
}
