//! Counts by name.

use serde::{Serialize, Serializer};

/// Counts of a few names, found by linear search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: Vec<(&'static str, u64)>,
}

impl Tally {
    /// Counts one.
    pub fn add(&mut self, name: &'static str) {
        self.add_many(name, 1);
    }

    /// Adds another tally.
    pub fn merge(&mut self, other: &Self) {
        for &(name, count) in &other.counts {
            self.add_many(name, count);
        }
    }

    /// The count of `name`.
    pub fn get(&self, name: &str) -> u64 {
        self.iter().find(|(found, _)| *found == name).map_or(0, |(_, count)| count)
    }

    /// The sum over all names.
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// The names and their counts, in the order of their first occurrence.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.counts.iter().copied()
    }

    /// Removes all counts.
    pub fn clear(&mut self) {
        self.counts.clear();
    }

    fn add_many(&mut self, name: &'static str, count: u64) {
        match self.counts.iter_mut().find(|(found, _)| *found == name) {
            Some((_, so_far)) => *so_far += count,
            None => self.counts.push((name, count)),
        }
    }
}

impl Serialize for Tally {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}
