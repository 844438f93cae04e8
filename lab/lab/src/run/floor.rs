//! The generator's own latency (its overhead, measured like a calibration), after the last launch. Reports call it the
//! generator's own share; it is not the noise floor, which is half of an interval's width.

use anyhow::Result;
use load::record::Summary;
use scenario::plan::Plan;

use super::pinned::{self, Pinned};

/// The latency of a server that does nothing, on the arms' processors, at the plan's rate.
pub(super) fn measure(plan: &Plan) -> Result<Summary> {
    let _pinned = Pinned::to(&plan.budget.generator)?;
    let cpus = plan.budget.arms.clone();
    // If it cannot be pinned, the generator could not be pinned either, which is an error above.
    let pinned = move || {
        let _ = pinned::this_thread(&cpus);
    };
    Ok(load::floor::measure(plan.load.rate, pinned)?)
}
