//! What was said, and what came back.

use std::sync::atomic::{AtomicU64, Ordering};

use load::ledger::{
    LedgerVerdict,
    facts::{ACKNOWLEDGED, CHECKED, WRONG},
};

/// The counts of all threads.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    said: AtomicU64,
    wrong: AtomicU64,
}

impl Ledger {
    /// Records an echo.
    pub(crate) fn heard(&self, is_right: bool) {
        self.said.fetch_add(1, Ordering::Relaxed);
        self.wrong.fetch_add(u64::from(!is_right), Ordering::Relaxed);
    }

    /// The facts so far.
    pub(crate) fn verdict(&self) -> LedgerVerdict {
        let said = self.said.load(Ordering::Relaxed);
        let mut verdict = LedgerVerdict { complete: true, ..LedgerVerdict::default() };
        verdict.note(CHECKED, said);
        verdict.note(ACKNOWLEDGED, said);
        verdict.breach(WRONG, self.wrong.load(Ordering::Relaxed));
        verdict
    }
}
