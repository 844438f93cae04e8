//! Keeps what happens over the time of an episode.

use anyhow::Result;
use load::sender::Sender;
use runtimes::arm::RunningArm;
use scenario::Kind;

use super::Experiment;
use crate::run::{
    faults::Happened,
    over_time::{ProcessReadings, Sampler, Watched},
};

impl Experiment<'_> {
    /// A sampler of the processes of an episode; shorter slices are not sampled.
    pub(super) fn sampler(&self, arm: &RunningArm) -> Result<Sampler> {
        match self.plan.scenario.kind {
            Kind::Episodes => Sampler::ready(arm, &self.plan.budget.arms),
            Kind::Paired | Kind::Waterfall => Ok(Sampler::none()),
        }
    }

    /// Keeps what the generator saw and processes counted over the time of the last slice, if that was recorded.
    pub(super) fn keep_watched(
        &mut self,
        sender: &mut Sender,
        arm: usize,
        counted: Vec<ProcessReadings>,
        happened: &[Happened],
    ) {
        if let Some(seen) = sender.episode(0) {
            let faults = happened.to_vec();
            self.gathered.arms[arm].watched.push(Watched { seen, counted, faults });
        }
        sender.watched(false);
    }

    /// Keeps the counts over time of an episode; shorter slices are not drawn.
    pub(super) fn keep_series(&mut self, sender: &Sender, chosen: &[usize]) {
        if self.plan.scenario.kind != Kind::Episodes {
            return;
        }
        for (place, arm) in chosen.iter().enumerate() {
            if let Some(series) = sender.series(place) {
                self.gathered.arms[*arm].add_series(series);
            }
        }
    }
}
