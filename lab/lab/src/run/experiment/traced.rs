//! The pass that records traces.

use std::time::Duration;

use anyhow::Result;
use load::sender::{Sender, SlicePlan};
use runtimes::launch::Launch;

use super::{Experiment, up};
use crate::run::rounds::Unmeasured;

/// The slice of each arm in which every operation is traced, and its rate.
const TRACE_SLICE: Duration = Duration::from_millis(800);
const TRACE_RATE: f64 = 150.0;
/// The time limit for spans to arrive; an exporter sends every half second.
const SPANS_WITHIN: Duration = Duration::from_millis(1_200);

impl Experiment<'_> {
    /// A short pass in which every operation is traced, so that measured slices are not slowed by tracing.
    pub(super) fn trace(&mut self, sender: &mut Sender, launch: &Launch, chosen: &[usize]) -> Result<()> {
        let receivers: Vec<_> = launch.arms.iter().map(|arm| arm.receiver.as_ref()).collect();
        if receivers.iter().all(Option::is_none) {
            return Ok(());
        }
        let _phase = self.progress.phase(&format!("tracing {}", up(launch)), 1);
        for receiver in receivers.iter().flatten() {
            receiver.take();
        }
        sender.traced(true);
        let plan =
            SlicePlan { arms: launch.arms.len(), slice_length: TRACE_SLICE, rounds: 1, seed: self.plan.seed };
        sender.run(
            &plan,
            &self.steady(TRACE_RATE.min(self.plan.load.rate)),
            &mut Unmeasured(self.interrupt),
        )?;
        sender.traced(false);
        self.interrupt.sleep(SPANS_WITHIN);
        for (arm, receiver) in chosen.iter().zip(receivers) {
            let Some(receiver) = receiver else { continue };
            self.gathered.arms[*arm].traces.append(&mut receiver.take().traces);
        }
        self.interrupt.check()
    }
}
