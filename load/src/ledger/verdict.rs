//! What a ledger check found.

use serde::{Deserialize, Serialize};

use super::facts;

/// How many examples a verdict keeps.
const EXAMPLES: usize = 10;

/// What a verdict comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// A promise was broken.
    Broken,
    /// Every promise was kept, and everything could be asked.
    All,
    /// Everything could be asked, nothing is broken so far, and clicks or deletes may still be on their way.
    NotSettled,
    /// Nothing is broken, and not everything could be asked.
    NotAllAsked,
    /// Nothing that was acknowledged could be asked for.
    NothingAsked,
}

impl Kept {
    /// Whether who holds a system to its promises has to say that it failed: it broke one, or answers for none.
    pub fn has_failed(self) -> bool {
        matches!(self, Self::Broken | Self::NothingAsked)
    }
}

/// What a verdict says of some facts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// How many there were.
    pub count: u64,
    /// Whether that is certain: a nought is only where everything could be asked.
    pub is_sure: bool,
}

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
    /// Whether everything could be asked, and nothing is on its way any more.
    pub complete: bool,
}

impl LedgerVerdict {
    /// Whether every promise was kept, as far as could be asked, and everything could be asked.
    pub fn holds(&self) -> bool {
        self.kept() == Kept::All
    }

    /// Whether a promise was broken. What could not be asked is told apart: it is no broken promise.
    pub fn is_broken(&self) -> bool {
        self.facts.iter().any(|fact| fact.breach && fact.count > 0)
    }

    /// Whether no click that is missing, and no delete of a link that is there, may still be on its way.
    pub fn is_settled(&self) -> bool {
        self.count(facts::NOT_SETTLED) == 0 && self.count(facts::DELETED_NOT_SETTLED) == 0
    }

    /// What it comes to: the one judgement of all who hold a system to its promises.
    pub fn kept(&self) -> Kept {
        let is_unasked = self.count(facts::CHECKED) == 0 && self.count(facts::ACKNOWLEDGED) > 0;
        match (self.is_broken(), self.complete) {
            (true, _) => Kept::Broken,
            (_, true) => Kept::All,
            _ if is_unasked => Kept::NothingAsked,
            // That something is on its way hides nothing that nobody could ask for.
            _ if self.count(facts::NOT_ASKED) == 0 && !self.is_settled() => Kept::NotSettled,
            _ => Kept::NotAllAsked,
        }
    }

    /// What it says of these facts together; `None` if none of them was asked for.
    pub fn told(&self, facts: &[&str]) -> Option<Told> {
        let mut named = self.facts.iter().filter(|fact| facts.contains(&fact.name.as_str())).peekable();
        named.peek()?;
        let count = named.map(|fact| fact.count).sum();
        Some(Told { count, is_sure: self.complete || count > 0 })
    }

    /// Adds what another launch of the same system was found to hold.
    pub fn merge(&mut self, other: Self) {
        self.complete &= other.complete;
        for Fact { name, count, breach } in other.facts {
            self.add(&name, count, breach);
        }
        for story in other.examples {
            self.example(|| story);
        }
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

    /// Adds questions that stayed without an answer: what they ask for is neither kept nor broken.
    pub fn not_asked(&mut self, questions: u64) {
        self.note(facts::NOT_ASKED, questions);
        self.complete &= questions == 0;
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
