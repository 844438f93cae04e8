//! What was acknowledged, and whether the system still holds it.
//!
//! Journeys write each acknowledged change, and each one whose fate they do not know, in a [`Log`] while they run.
//! Afterwards they ask the public API, and put what they find in a [`LedgerVerdict`].

mod log;
mod verdict;

pub use self::log::Log;
pub use self::verdict::{Fact, Kept, LedgerVerdict, Told};

/// The words for breaches of any system, each with the facts that it stands for. Each breach has one word, so that who
/// asks for all three asks for every promise.
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

/// The names of the facts that systems share, so that reports can put them side by side.
pub mod facts {
    /// How many things were looked up.
    pub const CHECKED: &str = "checked";
    /// Changes that the system acknowledged.
    pub const ACKNOWLEDGED: &str = "acknowledged";
    /// Check requests without a response. After 100 (`request_list::GIVE_UP`) the check stops; everything left out counts as
    /// one.
    pub const NOT_ASKED: &str = "not-asked";
    /// Acknowledged and gone.
    pub const LOST: &str = "lost";
    /// Done or handed out more than once.
    pub const DUPLICATED: &str = "duplicated";
    /// There, and not what was acknowledged.
    pub const WRONG: &str = "wrong";
    /// Deleted by the check itself, to see for how long they still answer.
    pub const DELETED: &str = "deleted";
    /// Deleted, and still answered right after the delete was acknowledged.
    pub const STALE: &str = "stale";
    /// Deleted, and still answered two seconds later.
    pub const STALE_FOR_LONG: &str = "stale-after-2s";
    /// There, in another order than acknowledged.
    pub const REORDERED: &str = "reordered";
    /// Never acknowledged, and there.
    pub const INDETERMINATE_PRESENT: &str = "indeterminate-present";
    /// Never acknowledged, and not there.
    pub const INDETERMINATE_ABSENT: &str = "indeterminate-absent";
    /// Followed, and led to another link's target.
    pub const WRONG_WHEN_FOLLOWED: &str = "wrong-when-followed";
    /// Followed, and not there.
    pub const MISSING_WHEN_FOLLOWED: &str = "missing-when-followed";
    /// Made to end within the run, and asked for after their end.
    pub const ENDED: &str = "ended";
    /// Gone before their end.
    pub const ENDED_EARLY: &str = "ended-early";
    /// There after they expired.
    pub const EXPIRED_SERVED: &str = "expired-served";
    /// There when no cache may have them any more.
    pub const DELETED_SERVED: &str = "deleted-served";
    /// There when the check ended, and a cache may have had them yet.
    pub const DELETED_NOT_SETTLED: &str = "deleted-not-settled";
    /// Clicks that were acknowledged, are missing, and are on their way no more.
    pub const CLICKS_LOST: &str = "clicks-lost";
    /// Clicks of a link that was deleted, found at one that was given its code.
    pub const CLICKS_INHERITED: &str = "clicks-inherited";
    /// Clicks that nobody made.
    pub const CLICKS_INVENTED: &str = "clicks-invented";
    /// Clicks that were acknowledged, are missing, and may still be on their way.
    pub const NOT_SETTLED: &str = "clicks-not-settled";
    /// Requests that a limiter decided on.
    pub const DECISIONS: &str = "decisions";
    /// Of the decisions: those that let a request pass.
    pub const ADMITTED: &str = "admitted";
    /// Of the decisions: those that did not.
    pub const REFUSED: &str = "refused";
    /// Of the admitted: those that the limiter says it did not count, because it could not.
    pub const UNCOUNTED: &str = "uncounted";
    /// Let pass, certainly beyond what the limiter promises for any window or for the long run.
    pub const OVER_BOUND: &str = "over-bound";
    /// Refused, certainly beyond what the limiter promises: before the client had what it may have, or for too long.
    pub const UNDER_BOUND: &str = "under-bound";
    /// Let pass, certainly beyond the policy itself: what an exact limiter would have refused.
    pub const OVER_ADMITTED: &str = "over-admitted";
    /// Refused, though the policy certainly had room.
    pub const FALSE_REFUSALS: &str = "false-refusals";
    /// Refused, though the client stayed far below its limit all the time.
    pub const QUIET_REFUSED: &str = "quiet-refused";
    /// Replies whose headers do not say what a limiter has to say.
    pub const HEADERS_WRONG: &str = "headers-wrong";
}
