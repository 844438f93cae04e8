//! What a scenario inherits without a word about it, and what that does to its answer.
//!
//! Every axis that is neither in question nor held is at its default. Most defaults cost little; one that each operation
//! pays dearly for makes every arm alike, whatever the axis in question does.

use std::fmt;

use super::Plan;
use crate::{scenario::Comparison, systems};

/// A default that costs more than the axis in question may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inherited {
    axis: &'static str,
    value: &'static str,
    without: &'static str,
    /// Who pays what.
    cost: String,
    /// What it hides.
    hides: String,
}

impl Plan {
    /// The costly defaults that every arm has and nobody asked for. One that is held is meant.
    pub fn inherited(&self) -> Vec<Inherited> {
        let system = self.scenario.system;
        let inherited = system.costs.iter().filter(|cost| {
            !self.hold.contains_key(cost.axis)
                && self.arms.iter().all(|arm| arm.wiring.get(cost.axis) == cost.value)
                && systems::share(system.name, &self.load.mix, cost.operations) > 0.0
        });
        let told = inherited.map(|cost| {
            let share = systems::share(system.name, &self.load.mix, cost.operations);
            Inherited {
                axis: cost.axis,
                value: cost.value,
                without: cost.without,
                cost: format!(
                    "each `{}` ({:.0} % of `{}`) {}",
                    cost.operations.join("`, `"),
                    share * 100.0,
                    self.load.mix,
                    cost.pays
                ),
                hides: match &self.scenario.comparison {
                    Comparison::Axis { axis, .. } => format!("what `{axis}` does"),
                    Comparison::Steps(_) => "what the steps do".to_owned(),
                },
            }
        });
        told.collect()
    }
}

impl fmt::Display for Inherited {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { axis, value, without, cost, hides } = self;
        write!(
            formatter,
            "`{axis}` is not held, so every arm has its default `{value}`: {cost}, which may hide {hides}\n\
             hint: `--hold {axis}={without}`, or `{axis} = \"{without}\"` below `[hold]`; hold `{value}` if it is meant"
        )
    }
}

#[cfg(test)]
mod tests;
