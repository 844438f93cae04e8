//! The precision of a run, estimated before it begins: a power analysis of its 99th percentile.

use load::schedule::Profile;
use statistics::{difference_for, enough_for, family_wise, numbers, operations_for};

use super::{LoadPlan, Plan, about};

/// The intervals of two arms that share one allowance of false alarms: CPU, capacity and three percentiles.
const A_PAIR: usize = 5;
/// The difference for which the necessary duration is printed.
const SMALL: f64 = 0.1;
/// The confidence of all intervals together.
const CONFIDENCE: f64 = 0.95;

impl Plan {
    /// A sentence about the precision of p99 for this run's length, as an estimate.
    pub fn precision_of_p99(&self) -> String {
        let LoadPlan { launches, .. } = self.load;
        let confidence = family_wise(CONFIDENCE, A_PAIR * self.arms.len().saturating_sub(1).max(1));
        let operations = self.operations();
        let takes = |needed: f64| about(self.takes().mul_f64((needed / operations).max(1.0)));
        let few = rounded(operations);
        if !enough_for(0.99, operations as u64) {
            return format!(
                "p99: {few} operations an arm are too few for it; it would take about {}",
                takes(1_000.0)
            );
        }
        let told = difference_for(0.99, operations, confidence, launches);
        let small = takes(operations_for(0.99, SMALL, confidence, launches));
        let least =
            format!("p99: {few} operations an arm tell a difference of about {} or more", share(told));
        if told <= SMALL {
            least
        } else {
            format!(
                "{least}; one of {} would take about {small}, with `--until-decided` and so long an `--at-most`",
                share(SMALL)
            )
        }
    }

    /// The approximate number of operations that each arm is offered while it is measured.
    fn operations(&self) -> f64 {
        let LoadPlan { rate, slice, measured, .. } = &self.load;
        let arms = self.arms.len().max(1) as f64;
        let rounds = measured.as_secs_f64() / slice.as_secs_f64() / arms;
        let in_a_slice = match self.load.profile(*rate) {
            Profile::Phases(pieces) => {
                pieces.iter().map(|piece| piece.length.as_secs_f64() * (piece.from + piece.to) / 2.0).sum()
            }
            _ => rate * slice.as_secs_f64(),
        };
        rounds * in_a_slice
    }
}

/// `20 %`, or a factor if that is shorter: `3x`.
fn share(difference: f64) -> String {
    if difference < 1.0 {
        format!("{:.0} %", difference * 100.0)
    } else {
        format!("{:.1}x", 1.0 + difference)
    }
}

/// Two digits of a number; more would pretend precision.
fn rounded(count: f64) -> String {
    let step = 10_f64.powf((count.max(1.0).log10() - 1.0).floor()).max(1.0);
    numbers::count(((count / step).round() * step) as u64)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::{
        plan::{Choices, Plan},
        scenario::Scenario,
    };

    fn tail(change: [(&str, &str); 2]) -> String {
        let text = include_str!("../../../../scenarios/shortener/placement.toml");
        let text = change.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        let scenario = Scenario::parse(Path::new("shortener/placement.toml"), &text).unwrap();
        Plan::new(&scenario, &Choices { quick: true, ..Choices::default() }).unwrap().precision_of_p99()
    }

    #[test]
    fn what_p99_needs_is_said_before_anything_is_measured() {
        let quick = tail([("", ""), ("", "")]);
        assert!(quick.starts_with("p99: 9,000 operations an arm tell a difference of about "), "{quick}");
        assert!(
            quick.contains("one of 10 % would take about ") && quick.contains("--until-decided"),
            "{quick}"
        );
        let few = tail([("rate = 1500", "rate = 100"), ("", "")]);
        assert!(few.starts_with("p99: 600 operations an arm are too few for it"), "{few}");
        let long = tail([("quick_seconds = 18", "quick_seconds = 3600"), ("", "")]);
        assert!(long.contains("or more") && !long.contains("would take"), "{long}");
    }
}
