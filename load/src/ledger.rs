//! The ledger, a consistency check (or audit) for data loss: the acknowledged changes, and whether the system still holds them.
//!
//! During a run journeys write each acknowledged change, and each one with an unknown result, to a [`Log`].
//! Afterwards they query the public API and collect their findings in a [`LedgerVerdict`].
//! Each system declares its facts ([`FactShape`]); those that systems share have their names in [`facts`].

mod log;
mod shape;
mod verdict;

pub use self::{
    log::Log,
    shape::{Breach, FactShape},
    verdict::{Fact, Kept, LedgerVerdict, Told},
};

/// The names of the facts that systems share, so that reports can show them side by side.
pub mod facts {
    /// Things looked up.
    pub const CHECKED: &str = "checked";
    /// Changes that the system acknowledged.
    pub const ACKNOWLEDGED: &str = "acknowledged";
    /// Check requests without a response. After 100 (`request_list::GIVE_UP`) the check stops; all requests
    /// that it left out count as one.
    pub const NOT_ASKED: &str = "not-asked";
    /// Acknowledged, and missing.
    pub const LOST: &str = "lost";
    /// Done or handed out more than once.
    pub const DUPLICATED: &str = "duplicated";
    /// Present, and different from what was acknowledged.
    pub const WRONG: &str = "wrong";
    /// The end of the names of facts that count changes which may still take effect: `clicks-not-settled`.
    pub const NOT_SETTLED: &str = "not-settled";
}
