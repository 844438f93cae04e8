//! One wiring for `lab up` and `lab export`: a system's, or that of a scenario's arm.

use std::path::Path;

use anyhow::Result;
use clap::Args;
use design::Wiring;
use scenario::{
    Scenario,
    diagnostic::{Diagnostic, did_you_mean},
    plan::{ArmPlan, Choices, Plan},
    systems,
};

use super::choices::assignment;

/// Which wiring.
#[derive(Clone, Debug, Args)]
pub struct WiringChoice {
    /// A system (`shortener`), or a scenario whose arm is meant (`shortener/placement`)
    #[arg(value_name = "SYSTEM|SCENARIO")]
    pub system: String,
    /// Which arm of the scenario [default: its first]
    #[arg(long, value_name = "NAME")]
    pub arm: Option<String>,
    /// Choose a value of an axis; may be repeated
    #[arg(long, value_name = "AXIS=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,
}

impl WiringChoice {
    /// The wiring with the chosen axis values.
    pub fn plan(&self, scenarios: Option<&Path>) -> Result<ArmPlan> {
        let (label, mut wiring) = match systems::find(&self.system) {
            Some(system) if self.arm.is_none() => (system.name.to_owned(), Wiring::defaults(system)),
            Some(_) => {
                let what = format!("`{}` is a system: it has no arms", self.system);
                let hint = format!("`{0}/SCENARIO --arm NAME`, or `{0} --set axis=value`", self.system);
                return Err(Diagnostic::new(what).hint(hint).into());
            }
            None => {
                let plan = Plan::new(&Scenario::open(&self.system, scenarios)?, &Choices::default())?;
                let arm = self.chosen(&plan)?;
                (arm.label.clone(), arm.wiring.clone())
            }
        };
        for (axis, value) in &self.set {
            wiring.set(axis, value)?;
        }
        wiring.check()?;
        Ok(ArmPlan::new(label, wiring))
    }

    fn chosen<'a>(&self, plan: &'a Plan) -> Result<&'a ArmPlan> {
        let Some(name) = &self.arm else {
            return Ok(&plan.arms[0]);
        };
        plan.arm(name).ok_or_else(|| {
            let known: Vec<_> = plan.arms.iter().map(|arm| arm.label.as_str()).collect();
            Diagnostic::new(format!("`{}` has no arm `{name}`", plan.scenario.name))
                .hint(did_you_mean(name, known))
                .into()
        })
    }
}
