//! What every latency of a run contains of the generator itself, measured after the last launch.

use anyhow::Result;
use load::record::Summary;
use scenario::plan::Plan;

use super::pinned::{self, Pinned};

/// The latency of a server that does nothing, on the processors of the arms, at the plan's rate.
pub(super) fn measure(plan: &Plan) -> Result<Summary> {
    let _pinned = Pinned::to(&plan.budget.generator)?;
    let cpus = plan.budget.arms.clone();
    // Where it cannot be pinned, it is the generator that could not be either, which is an error above.
    let pinned = move || {
        let _ = pinned::this_thread(&cpus);
    };
    Ok(load::floor::measure(plan.load.rate, pinned)?)
}
