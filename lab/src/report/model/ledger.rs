//! What was acknowledged against what the system holds.

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

impl Ledger {
    /// Whether nothing that is missing may still be on its way.
    pub fn is_settled(&self) -> bool {
        !self.facts.iter().any(|fact| fact.name == load::ledger::facts::NOT_SETTLED && fact.count > 0)
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
