//! The order of slices.

use std::time::Duration;

use rand::{SeedableRng, rngs::Xoshiro256PlusPlus, seq::SliceRandom};

use crate::record::SliceRecord;

/// One stretch of time in which one arm is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The round, from 0; each round has one slice of every arm.
    pub round: u32,
    /// The index in the whole plan, from 0.
    pub index: u64,
    /// The arm, as an index into the sender's arms.
    pub arm: usize,
    /// The time in which operations start; the drain comes after it.
    pub length: Duration,
    /// The time of this arm in earlier rounds.
    pub offset: Duration,
}

impl Slice {
    /// The seed of this slice's schedule. It depends on the round and not on the arm, so all arms of a round
    /// have the same arrivals (common random numbers; Law: "Simulation Modeling and Analysis", chapter 11.2).
    pub fn seed(&self, seed: u64) -> u64 {
        // The golden ratio distributes the rounds over the seeds (Steele, Lea, Flood: SplitMix, OOPSLA 2014).
        seed ^ (u64::from(self.round) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

/// Rounds of slices: in each round every arm has one slice, in random order.
///
/// Short slices (25 to 100 ms) compare steady states; long ones (tens of seconds) are whole episodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlicePlan {
    /// The number of arms.
    pub arms: usize,
    /// The length of each slice.
    pub slice_length: Duration,
    /// The number of rounds.
    pub rounds: u32,
    /// The seed of the random orders.
    pub seed: u64,
}

impl SlicePlan {
    /// The slices in order; the same for the same plan.
    pub fn slices(&self) -> impl Iterator<Item = Slice> + use<> {
        let plan = *self;
        let mut random = Xoshiro256PlusPlus::seed_from_u64(plan.seed);
        (0..plan.rounds).flat_map(move |round| {
            let mut arms: Vec<usize> = (0..plan.arms).collect();
            arms.shuffle(&mut random);
            arms.into_iter().enumerate().map(move |(place, arm)| Slice {
                round,
                index: u64::from(round) * plan.arms as u64 + place as u64,
                arm,
                length: plan.slice_length,
                offset: plan.slice_length * round,
            })
        })
    }
}

/// Observes a sender, on the sender's thread. It may block between slices, but not within one.
pub trait Observer {
    /// A slice starts; its first operation comes after this returns.
    fn slice_started(&mut self, slice: &Slice) {
        let _ = slice;
    }

    /// Called about every half second within a slice.
    fn progress(&mut self, slice: &Slice, so_far: &SliceRecord) {
        let _ = (slice, so_far);
    }

    /// A slice has ended, and nothing of it is in flight.
    fn slice_ended(&mut self, slice: &Slice, record: &SliceRecord);

    /// Called before each slice and every few milliseconds within one; `false` ends the run after a drain.
    fn keep_going(&self) -> bool {
        true
    }
}
