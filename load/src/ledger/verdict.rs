//! The findings of a ledger check.

use serde::{Deserialize, Serialize};

use super::facts;

/// The most examples in a verdict.
const EXAMPLES: usize = 10;

/// The conclusion of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// A promise was broken.
    Broken,
    /// Every promise was kept, and everything could be checked.
    All,
    /// Everything could be checked and nothing is broken, but some changes may still be in flight.
    NotSettled,
    /// Nothing is broken, but not everything could be checked.
    NotAllAsked,
    /// Nothing that was acknowledged could be checked.
    NothingAsked,
}

impl Kept {
    /// Whether the system failed: it broke a promise, or none could be checked.
    pub fn has_failed(self) -> bool {
        matches!(self, Self::Broken | Self::NothingAsked)
    }
}

/// The sum of some facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The number found.
    pub count: u64,
    /// Whether the number is certain: a zero is certain only if everything could be checked.
    pub is_sure: bool,
}

/// A named count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The name.
    pub name: String,
    /// The count.
    pub count: u64,
    /// Whether one is too many: a broken promise.
    pub breach: bool,
}

/// The findings of a ledger check: named counts, in the order of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerVerdict {
    /// The counts.
    pub facts: Vec<Fact>,
    /// Examples of broken promises, at most ten.
    pub examples: Vec<String>,
    /// Whether everything could be checked and nothing is in flight.
    pub complete: bool,
}

impl LedgerVerdict {
    /// Whether everything could be checked and every promise was kept.
    pub fn holds(&self) -> bool {
        self.kept() == Kept::All
    }

    /// Whether a promise was broken. Something unchecked is not a broken promise.
    pub fn is_broken(&self) -> bool {
        self.facts.iter().any(|fact| fact.breach && fact.count > 0)
    }

    /// Whether no counted change may still take effect.
    pub fn is_settled(&self) -> bool {
        !self.facts.iter().any(|fact| fact.name.ends_with(facts::NOT_SETTLED) && fact.count > 0)
    }

    /// The conclusion; the one rule for everybody who judges a system.
    pub fn kept(&self) -> Kept {
        let is_unasked = self.count(facts::CHECKED) == 0 && self.count(facts::ACKNOWLEDGED) > 0;
        match (self.is_broken(), self.complete) {
            (true, _) => Kept::Broken,
            (_, true) => Kept::All,
            _ if is_unasked => Kept::NothingAsked,
            // Something unsettled must not hide something unchecked.
            _ if self.count(facts::NOT_ASKED) == 0 && !self.is_settled() => Kept::NotSettled,
            _ => Kept::NotAllAsked,
        }
    }

    /// The sum of these facts; `None` if none of them was checked.
    pub fn told(&self, facts: &[&str]) -> Option<Told> {
        let mut named = self.facts.iter().filter(|fact| facts.contains(&fact.name.as_str())).peekable();
        named.peek()?;
        let count = named.map(|fact| fact.count).sum();
        Some(Told { count, is_sure: self.complete || count > 0 })
    }

    /// Adds the findings of another launch of the same system.
    pub fn merge(&mut self, other: Self) {
        self.complete &= other.complete;
        for Fact { name, count, breach } in other.facts {
            self.add(&name, count, breach);
        }
        for story in other.examples {
            self.example(|| story);
        }
    }

    /// The count of a name; 0 if it is absent.
    pub fn count(&self, name: &str) -> u64 {
        self.facts.iter().find(|fact| fact.name == name).map_or(0, |fact| fact.count)
    }

    /// Adds to a count without a promise.
    pub fn note(&mut self, name: &str, count: u64) {
        self.add(name, count, false);
    }

    /// Adds to a count that a promise requires to be zero.
    pub fn breach(&mut self, name: &str, count: u64) {
        self.add(name, count, true);
    }

    /// Adds one to such a count, and keeps the example if there is room.
    pub fn broken(&mut self, name: &str, story: impl FnOnce() -> String) {
        self.breach(name, 1);
        self.example(story);
    }

    /// Adds check requests without a response: their promises are neither kept nor broken.
    pub fn not_asked(&mut self, questions: u64) {
        self.note(facts::NOT_ASKED, questions);
        self.complete &= questions == 0;
    }

    /// Keeps an example if there is room.
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
