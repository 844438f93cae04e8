//! The facts of the shortener's ledger.

pub use crate::ledger::facts::{ACKNOWLEDGED, CHECKED, DUPLICATED, LOST, NOT_ASKED, WRONG};
use crate::ledger::{Breach, FactShape};

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
/// Clicks of a deleted link that appear on the next link with its code.
pub const CLICKS_INHERITED: &str = "clicks-inherited";
/// Not acknowledged, and present.
pub const INDETERMINATE_PRESENT: &str = "indeterminate-present";
/// Not acknowledged, and absent.
pub const INDETERMINATE_ABSENT: &str = "indeterminate-absent";
/// Acknowledged clicks that are missing and not in flight any more.
pub const CLICKS_LOST: &str = "clicks-lost";
/// Counted clicks that were never made.
pub const CLICKS_INVENTED: &str = "clicks-invented";
/// Acknowledged clicks that are missing and may still be in flight.
pub const CLICKS_NOT_SETTLED: &str = "clicks-not-settled";
/// Deleted by the check, to see how long they are still served.
pub const DELETED: &str = "deleted";
/// Deleted, and still served right after the delete was acknowledged.
pub const STALE: &str = "stale";
/// Deleted, and still served two seconds later.
pub const STALE_FOR_LONG: &str = "stale-after-2s";

/// All facts of a check, in the order of a report.
pub(super) const ALL: [FactShape; 25] = [
    FactShape::new(CHECKED, "looked up after the load"),
    FactShape::new(ACKNOWLEDGED, "acknowledged"),
    FactShape::new(NOT_ASKED, "could not be asked for"),
    FactShape::breach(Breach::Lost, LOST, "acknowledged and gone"),
    FactShape::breach(Breach::Duplicated, DUPLICATED, "handed out twice"),
    FactShape::breach(Breach::Wrong, WRONG, "not as acknowledged"),
    FactShape::breach(Breach::Wrong, WRONG_WHEN_FOLLOWED, "redirected to a wrong target during the load"),
    FactShape::breach(Breach::Lost, MISSING_WHEN_FOLLOWED, "not there when followed during the load"),
    FactShape::new(ENDED, "expired or deleted during the load and asked for afterwards"),
    FactShape::breach(Breach::Lost, ENDED_EARLY, "gone before they expired or were deleted"),
    FactShape::breach(Breach::Wrong, EXPIRED_SERVED, "still served after they expired"),
    FactShape::breach(Breach::Wrong, DELETED_SERVED, "still served when no cache may have them any more"),
    FactShape::new(DELETED_NOT_SETTLED, "deleted and still served (perhaps by a cache that may)"),
    FactShape::breach(
        Breach::Duplicated,
        CLICKS_INHERITED,
        "clicks of a deleted link counted for another link",
    ),
    FactShape::new(INDETERMINATE_PRESENT, "made without a reply and there"),
    FactShape::new(INDETERMINATE_ABSENT, "made without a reply and not there"),
    FactShape::breach(Breach::Lost, CLICKS_LOST, "clicks lost"),
    FactShape::breach(Breach::Duplicated, CLICKS_INVENTED, "clicks that nobody made"),
    FactShape::new(CLICKS_NOT_SETTLED, "clicks perhaps still on their way"),
    FactShape::new("clicks-expected-low", "clicks to be counted at least"),
    FactShape::new("clicks-expected-high", "clicks to be counted at most"),
    FactShape::new("clicks-counted", "clicks counted"),
    FactShape::new(DELETED, "deleted by the check"),
    FactShape::new(STALE, "still redirected right after the delete").metric(),
    FactShape::new(STALE_FOR_LONG, "still redirected 2 s after the delete").metric(),
];
