//! The facts of the limiter's ledger.

pub use crate::ledger::facts::{ACKNOWLEDGED, CHECKED, LOST, NOT_ASKED};
use crate::ledger::{Breach, FactShape};

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

/// All facts of a check, in the order of a report.
pub(super) const ALL: [FactShape; 14] = [
    FactShape::new(CHECKED, "looked up after the load"),
    FactShape::new(ACKNOWLEDGED, "acknowledged"),
    FactShape::new(NOT_ASKED, "could not be asked for"),
    FactShape::new(DECISIONS, "decisions"),
    FactShape::new(ADMITTED, "let through"),
    FactShape::new(UNCOUNTED, "let through without being counted"),
    FactShape::new(REFUSED, "refused by the limit"),
    FactShape::breach(Breach::Wrong, OVER_BOUND, "let through beyond what the limiter promises"),
    FactShape::breach(
        Breach::Wrong,
        UNDER_BOUND,
        "refused although the limiter promises to let them through",
    ),
    FactShape::new(OVER_ADMITTED, "let through beyond the limit"),
    FactShape::new(FALSE_REFUSALS, "refused although the limit had room"),
    FactShape::new(QUIET_REFUSED, "refused of clients far below their limit"),
    FactShape::breach(Breach::Wrong, HEADERS_WRONG, "replies with wrong headers"),
    FactShape::breach(Breach::Lost, LOST, "acknowledged and gone"),
];
