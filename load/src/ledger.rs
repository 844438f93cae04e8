//! The ledger, a consistency check (or audit) for data loss: the acknowledged changes, and whether the system still holds them.
//!
//! During a run journeys write each acknowledged change, and each one with an unknown result, to a [`Log`].
//! Afterwards they query the public API and collect their findings in a [`LedgerVerdict`].

mod log;
mod verdict;

pub use self::log::Log;
pub use self::verdict::{Fact, Kept, LedgerVerdict, Told};

/// The names of breaches for all systems, each with its facts. Each breach has exactly one name, so the three
/// names together cover every promise.
pub const WORDS: [(&str, &[&str]); 3] = [
    ("lost", &[facts::LOST, facts::CLICKS_LOST, facts::MISSING_WHEN_FOLLOWED, facts::ENDED_EARLY]),
    ("duplicated", &[facts::DUPLICATED, facts::CLICKS_INVENTED, facts::CLICKS_INHERITED]),
    (
        "wrong",
        &[
            facts::WRONG,
            facts::WRONG_WHEN_FOLLOWED,
            facts::EXPIRED_SERVED,
            facts::DELETED_SERVED,
            facts::OVER_BOUND,
            facts::UNDER_BOUND,
            facts::HEADERS_WRONG,
        ],
    ),
];

/// The names of facts that systems share, so that reports can show them side by side.
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
    /// Deleted by the check, to see how long they are still served.
    pub const DELETED: &str = "deleted";
    /// Deleted, and still served right after the delete was acknowledged.
    pub const STALE: &str = "stale";
    /// Deleted, and still served two seconds later.
    pub const STALE_FOR_LONG: &str = "stale-after-2s";
    /// Present, in a different order than acknowledged.
    pub const REORDERED: &str = "reordered";
    /// Not acknowledged, and present.
    pub const INDETERMINATE_PRESENT: &str = "indeterminate-present";
    /// Not acknowledged, and absent.
    pub const INDETERMINATE_ABSENT: &str = "indeterminate-absent";
    /// Followed, and led to another link's target.
    pub const WRONG_WHEN_FOLLOWED: &str = "wrong-when-followed";
    /// Followed, and not found.
    pub const MISSING_WHEN_FOLLOWED: &str = "missing-when-followed";
    /// Created to end within the run, and looked up after their end.
    pub const ENDED: &str = "ended";
    /// Gone before their end.
    pub const ENDED_EARLY: &str = "ended-early";
    /// Present after they expired.
    pub const EXPIRED_SERVED: &str = "expired-served";
    /// Present after every cache must have expired them.
    pub const DELETED_SERVED: &str = "deleted-served";
    /// Present when the check ended, possibly from a cache.
    pub const DELETED_NOT_SETTLED: &str = "deleted-not-settled";
    /// Acknowledged clicks that are missing and not in flight any more.
    pub const CLICKS_LOST: &str = "clicks-lost";
    /// Clicks of a deleted link that appear on the next link with its code.
    pub const CLICKS_INHERITED: &str = "clicks-inherited";
    /// Counted clicks that were never made.
    pub const CLICKS_INVENTED: &str = "clicks-invented";
    /// Acknowledged clicks that are missing and may still be in flight.
    pub const NOT_SETTLED: &str = "clicks-not-settled";
    /// Requests that a limiter decided.
    pub const DECISIONS: &str = "decisions";
    /// Decisions that admitted a request.
    pub const ADMITTED: &str = "admitted";
    /// Decisions that refused a request.
    pub const REFUSED: &str = "refused";
    /// Admissions that the limiter reports as not counted.
    pub const UNCOUNTED: &str = "uncounted";
    /// Admissions certainly above the limiter's promise for any window or for the long run.
    pub const OVER_BOUND: &str = "over-bound";
    /// Refusals certainly against the limiter's promise: before the client had its admissions, or for too
    /// long.
    pub const UNDER_BOUND: &str = "under-bound";
    /// Admissions certainly above the policy: an exact limiter would have refused them.
    pub const OVER_ADMITTED: &str = "over-admitted";
    /// Refusals although the policy certainly had room.
    pub const FALSE_REFUSALS: &str = "false-refusals";
    /// Refusals of a client that stayed far below its limit all the time.
    pub const QUIET_REFUSED: &str = "quiet-refused";
    /// Replies with missing or wrong rate-limit headers.
    pub const HEADERS_WRONG: &str = "headers-wrong";
}
