//! One suite for breakers, retries, hedges, limits and shedders, whoever wrote them.
//!
//! Each check is a script of outcomes, delays and cancellations on tokio's paused clock, and stands for one kind
//! of bug that users of such libraries reported. It has to pass on ours and to *fail* on a naive implementation,
//! so that a check that finds nothing cannot stay.
//! tower-resilience 0.14 is put through the same checks; what it passes and fails is asserted as it is and
//! printed (`--nocapture`).
//!
//! Read in this order: `world` (the scripted callee), `subjects` (who is checked), `naive`, then the checks.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

mod adaptive;
mod attempt_limits;
mod breakers;
mod hedges;
mod naive;
mod order;
mod presets;
mod retries;
mod scripts;
mod servers;
mod shedders;
mod subjects;
mod theirs;
mod world;

/// What a check found.
type Verdict = Result<(), String>;

/// Ends a check with what it found, unless this holds.
macro_rules! ensure {
    ($holds:expr, $($found:tt)+) => {
        if !$holds {
            return Err(format!($($found)+));
        }
    };
}
use ensure;

/// How an implementation is expected to do in a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Passes,
    Fails,
}

/// Prints what a check found in one implementation, and fails unless that is as expected.
#[track_caller]
fn judge(check: &str, subject: &str, verdict: &Verdict, expected: Expected) {
    let found = verdict.as_ref().err().map_or("passes", String::as_str);
    println!("{check}: {subject}: {found}");
    assert_eq!(verdict.is_ok(), expected == Expected::Passes, "{check}: {subject}: {found}");
}
