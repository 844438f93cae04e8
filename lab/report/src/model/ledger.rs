//! The acknowledged changes, compared with the system's state.

use load::ledger::LedgerVerdict;
use serde::{Deserialize, Serialize};

/// The ledger's verdict on one arm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Whether every invariant holds.
    pub holds: bool,
    /// Whether everything acknowledged could be checked.
    pub complete: bool,
    /// The counts: `acknowledged`, `lost`, `duplicated`, `wrong`, ...
    pub facts: Vec<Fact>,
    /// Examples of violations.
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
    /// The verdict from which this was made.
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
    /// The name.
    pub name: String,
    /// The count.
    pub count: u64,
    /// Whether a single one is a violation.
    #[serde(default)]
    pub violation: bool,
}
