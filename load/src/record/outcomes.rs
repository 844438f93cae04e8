//! Response times by outcome.

use super::{Histogram, add, histogram};

/// The outcome of an operation that failed, whatever the cause.
const FAILED: &str = "failed";

/// The operations of one outcome.
#[derive(Clone, Debug)]
pub struct OutcomeRecord {
    /// The kind of a success, such as `follow`; the cause of a refusal, such as `unavailable`; or `failed`.
    pub outcome: &'static str,
    /// From the due time to the end of the last reply. For a failure, to its detection, and at least the
    /// time-out if there was no reply.
    pub latency: Histogram<u64>,
}

/// The operations of each outcome, in the order of their first occurrence.
#[derive(Clone, Debug, Default)]
pub struct Outcomes(Vec<OutcomeRecord>);

impl Outcomes {
    /// Records a success or a refusal.
    pub(crate) fn record(&mut self, outcome: &'static str, latency: u64) {
        self.of(outcome).latency.saturating_record(latency);
    }

    /// Records a failure.
    pub(crate) fn record_failed(&mut self, latency: u64) {
        self.record(FAILED, latency);
    }

    /// The outcomes that occurred.
    pub fn iter(&self) -> impl Iterator<Item = &OutcomeRecord> {
        self.0.iter().filter(|record| !record.latency.is_empty())
    }

    /// Adds others.
    pub(super) fn merge(&mut self, other: &Self) {
        for theirs in other.iter() {
            add(&mut self.of(theirs.outcome).latency, &theirs.latency);
        }
    }

    /// Clears it, keeping its allocations.
    pub(super) fn clear(&mut self) {
        for record in &mut self.0 {
            record.latency.reset();
        }
    }

    fn of(&mut self, outcome: &'static str) -> &mut OutcomeRecord {
        let found = self.0.iter().position(|record| record.outcome == outcome);
        let at = found.unwrap_or_else(|| {
            self.0.push(OutcomeRecord { outcome, latency: histogram() });
            self.0.len() - 1
        });
        &mut self.0[at]
    }
}
