//! The proof that a comparison is fair: the axes on which arms differ, and that all share one budget.

use super::{ArmPlan, Plan};
use crate::scenario::Comparison;

/// The differences between the arms of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// Every axis of the system with its value in each arm.
    pub rows: Vec<DiffRow>,
    /// Each compared pair of arms, with the axes on which it differs.
    pub pairs: Vec<PairDiff>,
    /// The axes that may differ between any two arms.
    allowed: Vec<String>,
}

/// One axis over all arms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffRow {
    /// The axis.
    pub axis: &'static str,
    /// Its value in each arm, in the plan's order.
    pub values: Vec<String>,
    /// Whether the values differ.
    pub differs: bool,
}

/// Two arms that are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairDiff {
    /// The label of the baseline.
    pub from: String,
    /// The label of the compared arm.
    pub to: String,
    /// The axes on which they differ.
    pub axes: Vec<&'static str>,
}

impl Diff {
    /// Compares every arm with the first; in a waterfall, with the previous step.
    pub(super) fn of(plan: &Plan) -> Self {
        let is_walk = matches!(plan.scenario.comparison, Comparison::Steps(_));
        let pairs = plan
            .arms
            .iter()
            .enumerate()
            .skip(1)
            .map(|(index, arm)| pair(&plan.arms[if is_walk { index - 1 } else { 0 }], arm))
            .collect();
        let allowed = match &plan.scenario.comparison {
            Comparison::Axis { axis, .. } => vec![axis.clone()],
            Comparison::Steps(steps) => {
                steps.iter().filter_map(|step| step.change.as_ref().map(|(axis, _)| axis.clone())).collect()
            }
        };
        Self {
            rows: plan.scenario.system.axis_names().map(|axis| row(axis, &plan.arms)).collect(),
            pairs,
            allowed,
        }
    }

    /// Whether each compared pair differs in at most one axis, and only in axes that the scenario names.
    ///
    /// The budget needs no check: a plan has one, and every arm is started with it.
    pub fn is_one_axis(&self) -> bool {
        let each_pair_in_one = self.pairs.iter().all(|pair| pair.axes.len() <= 1);
        let only_named =
            self.rows.iter().all(|row| !row.differs || self.allowed.iter().any(|axis| axis == row.axis));
        each_pair_in_one && only_named
    }

    /// The proof as a sentence.
    pub fn sentence(&self) -> String {
        let differing: Vec<_> =
            self.rows.iter().filter(|row| row.differs).map(|row| format!("`{}`", row.axis)).collect();
        let same = self.rows.len() - differing.len();
        match differing.as_slice() {
            [] => format!("the arms are the same in all {same} axes: an A/A comparison"),
            [one] => format!(
                "the arms differ in {one} alone; the other {same} axes and the processors are the same"
            ),
            several if self.is_one_axis() => format!(
                "each step differs from the one before in one axis alone (in turn {}); the other {same} axes and the processors are the same",
                several.join(", "),
            ),
            several => format!(
                "steps were left out, so neighbours differ in more than one axis ({})",
                several.join(", ")
            ),
        }
    }
}

fn row(axis: &'static str, arms: &[ArmPlan]) -> DiffRow {
    let values: Vec<String> = arms.iter().map(|arm| arm.wiring.get(axis).to_owned()).collect();
    DiffRow { axis, differs: values.windows(2).any(|pair| pair[0] != pair[1]), values }
}

fn pair(from: &ArmPlan, to: &ArmPlan) -> PairDiff {
    PairDiff { from: from.label.clone(), to: to.label.clone(), axes: from.wiring.difference(&to.wiring) }
}
