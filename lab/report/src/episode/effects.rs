//! What each fault did to each arm, as a table: the same cells in every form.

use super::Episode;
use crate::{
    model::{FaultEffect, Spread},
    words::{NO_FIGURE, count, three_digits},
};

/// The effects of one fault.
pub(crate) struct Effects {
    /// The fault: `links killed`.
    pub(crate) of: String,
    /// For each arm its name, and a cell for each of [`Effects::COLUMNS`].
    pub(crate) rows: Vec<(String, [String; 4])>,
}

impl Effects {
    pub(crate) const COLUMNS: [&str; 4] =
        ["time to detect", "time to recover to 95 %", "goodput lost", "amplification"];
}

/// What the figures are, for below the table.
pub(crate) const MEANING: &str = "Medians of all episodes, with their range in brackets. Time to detect: from the beginning of the fault to the first sign that somebody noticed: a call that failed, was retried or was rejected, or an operation that did not end well. Time to recover: from its end until goodput stays at 95 % of what it was before. Goodput lost: operations that did not end well until then, beyond those that would not have without it. Amplification: attempts for each call, over all calls of a path, in the worst second";

/// A table for each fault, in the order of time.
pub(crate) fn effects(episode: &Episode<'_>) -> Vec<Effects> {
    let windows = episode.arms.first().map_or(&[][..], |column| &column.windows[..]);
    let table = |(at, of): (usize, &super::Window)| {
        let row = |column: &super::Column<'_>| {
            let fault = column.windows.get(at)?.fault;
            let effect = column.arm.effects.iter().find(|effect| effect.fault == fault)?;
            let never = if at + 1 == windows.len() {
                "never within the episode"
            } else {
                "not before the next fault"
            };
            Some((column.arm.label.clone(), cells(effect, never)))
        };
        Effects { of: of.name.clone(), rows: episode.arms.iter().filter_map(row).collect() }
    };
    windows.iter().enumerate().map(table).filter(|effects| !effects.rows.is_empty()).collect()
}

fn cells(effect: &FaultEffect, never: &str) -> [String; 4] {
    [
        time(&effect.detect_ms, "nothing failed"),
        time(&effect.recover_ms, never),
        cell(&effect.lost_operations, ("", |lost| count(lost.max(0.0).round() as u64)), NO_FIGURE),
        cell(&effect.amplification, ("", three_digits), NO_FIGURE),
    ]
}

/// A time, all in the unit of its median.
fn time(spread: &Spread, never: &str) -> String {
    let usual = spread.median().or(spread.low()).unwrap_or_default();
    let unit: (&str, fn(f64) -> String) =
        if usual < 1_000.0 { (" ms", three_digits) } else { (" s", |ms| three_digits(ms / 1_000.0)) };
    cell(spread, unit, never)
}

/// `1.02 s [0.980, 1.10]`; what it says instead where episodes did not come to it.
fn cell(spread: &Spread, (unit, figure): (&str, fn(f64) -> String), never: &str) -> String {
    let (all, missing) = (spread.episodes.len(), spread.missing());
    match (spread.median(), spread.low(), spread.high()) {
        _ if all == 0 => NO_FIGURE.to_owned(),
        (_, None, _) => never.to_owned(),
        (None, Some(low), _) => format!("{never} in {missing} of {all}, else from {}{unit}", figure(low)),
        (Some(median), Some(low), None) => {
            format!("{}{unit} [{}; {never} in {missing} of {all}]", figure(median), figure(low))
        }
        (Some(median), Some(low), Some(high)) if figure(low) == figure(high) => {
            format!("{}{unit}", figure(median))
        }
        (Some(median), Some(low), Some(high)) => {
            format!("{}{unit} [{}, {}]", figure(median), figure(low), figure(high))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_says_what_some_episodes_did_not_come_to() {
        let said = |episodes: &[Option<f64>]| time(&Spread { episodes: episodes.to_vec() }, "never");
        assert_eq!(said(&[]), NO_FIGURE);
        assert_eq!(said(&[None, None]), "never");
        assert_eq!(said(&[None, Some(2.0), None]), "never in 2 of 3, else from 2.00 ms");
        assert_eq!(said(&[Some(3.0), None, Some(2.0)]), "3.00 ms [2.00; never in 1 of 3]");
        assert_eq!(said(&[Some(1_020.0), Some(980.0), Some(1_100.0)]), "1.02 s [0.980, 1.10]");
        assert_eq!(said(&[Some(0.0), Some(0.0), Some(50.0)]), "0 ms [0, 50.0]");
        assert_eq!(said(&[Some(1.0), Some(1.0)]), "1.00 ms");
    }
}
