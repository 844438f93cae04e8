//! Defaults that a scenario inherits silently, and their effect on its answer.
//!
//! Every axis that is neither compared nor held has its default. Most defaults cost little; one with a high
//! cost per operation makes all arms look alike, whatever the compared axis does. And some axes have no
//! effect while another has its default: without a cache nothing can expire.

use std::fmt;

use super::Plan;
use crate::{scenario::Comparison, systems};

/// A default that may cost more than the effect of the compared axis.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Inherited {
    axis: &'static str,
    value: &'static str,
    without: &'static str,
    /// Its cost.
    cost: String,
    /// The effect that it hides.
    hides: String,
}

impl Plan {
    /// Notes for readers of the plan before it is run, each with a hint.
    pub fn warnings(&self) -> Vec<String> {
        let inherited = self.inherited();
        inherited.iter().map(ToString::to_string).chain(self.without_effect()).collect()
    }

    /// The note that the compared axis has no effect in any arm, if so.
    fn without_effect(&self) -> Option<String> {
        let Comparison::Axis { axis, .. } = &self.scenario.comparison else { return None };
        let idle: Option<Vec<_>> = self.arms.iter().map(|arm| arm.wiring.without_effect(axis)).collect();
        let (why, (other, value)) = *idle?.first()?;
        Some(format!(
            "`{axis}` changes nothing in these arms: {why}\n\
             hint: `--hold {other}={value}`, or `{other} = \"{value}\"` below `[hold]`"
        ))
    }

    /// The costly defaults that every arm inherits. A held value is intended.
    fn inherited(&self) -> Vec<Inherited> {
        let system = self.scenario.system;
        let inherited = system.rules.costs().iter().filter(|cost| {
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
