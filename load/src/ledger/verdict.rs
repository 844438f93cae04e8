//! What a ledger check found.

use serde::{Deserialize, Serialize};

use super::facts;

/// How many examples a verdict keeps.
const EXAMPLES: usize = 10;

/// One count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What was counted.
    pub name: String,
    /// How often.
    pub count: u64,
    /// Whether one is too many: a broken promise, and not a mere number.
    pub breach: bool,
}

/// What a ledger check found: counts by name, in the order in which a report shows them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerVerdict {
    /// The counts.
    pub facts: Vec<Fact>,
    /// Some broken promises in words, at most ten.
    pub examples: Vec<String>,
    /// Whether everything could be asked.
    pub complete: bool,
}

impl LedgerVerdict {
    /// Whether every promise was kept, as far as could be asked, and everything could be asked.
    pub fn holds(&self) -> bool {
        self.complete && !self.is_broken()
    }

    /// Whether a promise was broken. What could not be asked is told apart: it is no broken promise.
    pub fn is_broken(&self) -> bool {
        self.facts.iter().any(|fact| fact.breach && fact.count > 0)
    }

    /// Whether nothing that is missing may still be on its way.
    pub fn is_settled(&self) -> bool {
        self.count(facts::NOT_SETTLED) == 0
    }

    /// The count of a name, 0 if it is not there.
    pub fn count(&self, name: &str) -> u64 {
        self.facts.iter().find(|fact| fact.name == name).map_or(0, |fact| fact.count)
    }

    /// Adds to a count that may be any number.
    pub fn note(&mut self, name: &str, count: u64) {
        self.add(name, count, false);
    }

    /// Adds to a count that should be zero.
    pub fn breach(&mut self, name: &str, count: u64) {
        self.add(name, count, true);
    }

    /// Adds one to a count that should be zero, and keeps its story if there is room.
    pub fn broken(&mut self, name: &str, story: impl FnOnce() -> String) {
        self.breach(name, 1);
        self.example(story);
    }

    /// Keeps a story if there is room.
    pub fn example(&mut self, story: impl FnOnce() -> String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(story());
        }
    }

    fn add(&mut self, name: &str, count: u64, breach: bool) {
        match self.facts.iter_mut().find(|fact| fact.name == name) {
            Some(fact) => {
                fact.count += count;
                fact.breach |= breach;
            }
            None => self.facts.push(Fact { name: name.to_owned(), count, breach }),
        }
    }
}
