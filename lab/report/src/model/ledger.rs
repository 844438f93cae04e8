//! What was acknowledged against what the system holds.

use load::ledger::LedgerVerdict;
use serde::{Deserialize, Serialize};

/// The ledger's verdict on one arm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Whether every invariant holds.
    pub holds: bool,
    /// Whether everything that was acknowledged could be checked.
    pub complete: bool,
    /// What was counted: `acknowledged`, `lost`, `duplicated`, `wrong`, ...
    pub facts: Vec<Fact>,
    /// A few violations, word for word.
    pub examples: Vec<String>,
}

impl From<&LedgerVerdict> for Ledger {
    fn from(verdict: &LedgerVerdict) -> Self {
        let fact = |fact: &load::ledger::Fact| Fact {
            name: fact.name.clone(),
            count: fact.count,
            violation: fact.breach,
        };
        Self {
            holds: !verdict.is_broken(),
            complete: verdict.complete,
            facts: verdict.facts.iter().map(fact).collect(),
            examples: verdict.examples.clone(),
        }
    }
}

impl Ledger {
    /// The verdict that it was made from, to be judged as every other is.
    pub fn verdict(&self) -> LedgerVerdict {
        let fact = |fact: &Fact| load::ledger::Fact {
            name: fact.name.clone(),
            count: fact.count,
            breach: fact.violation,
        };
        LedgerVerdict {
            facts: self.facts.iter().map(fact).collect(),
            examples: self.examples.clone(),
            complete: self.complete,
        }
    }
}

/// One count of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What was counted.
    pub name: String,
    /// How many.
    pub count: u64,
    /// Whether any at all is a violation.
    #[serde(default)]
    pub violation: bool,
}
