//! What happens over the time of an episode, and what its faults do.
//!
//! Read in this order: `sampler` (what processes count, while an episode lasts), `readings` (counters as curves),
//! `disturbance` (what is done to an episode), `effects` (its figures), `mean` (the mean episode of an arm), `figure` (a
//! figure of an arm, for claims and answers).

mod disturbance;
mod effects;
mod figure;
mod mean;
mod readings;
mod sampler;

use std::time::Duration;

use load::episode::Episode;
use report::model::{FaultEffect, Timeline};
use scenario::plan::{ArmPlan, Plan};

use self::{
    disturbance::{Disturbance, disturbances},
    effects::Figures,
    readings::Counted,
};
pub(super) use self::{
    figure::{OfArm, figure},
    sampler::{ProcessReadings, Sampler},
};
use super::faults::Happened;

/// One episode of an arm.
pub(super) struct Watched {
    /// What the generator saw.
    pub(super) seen: Episode,
    /// What its processes counted.
    pub(super) counted: Vec<ProcessReadings>,
    /// The faults that were injected.
    pub(super) faults: Vec<Happened>,
}

/// The episodes of an arm over their time; nothing without episodes.
pub(super) fn over_time(
    plan: &Plan,
    arm: &ArmPlan,
    watched: &[Watched],
) -> (Option<Timeline>, Vec<FaultEffect>) {
    if watched.is_empty() {
        return (None, Vec::new());
    }
    let figures: Vec<Figures> = watched.iter().map(|episode| figures(plan, arm, episode)).collect();
    let mut timeline = mean::mean(arm, watched);
    timeline.goodput_ratio = effects::spread(figures.iter().map(|figures| figures.goodput_ratio));
    timeline.amplification = effects::spread(figures.iter().map(|figures| figures.amplification));
    (Some(timeline), effects::of_faults(&figures))
}

fn figures(plan: &Plan, arm: &ArmPlan, episode: &Watched) -> Figures {
    let counted = Counted::of(arm, &episode.counted, effects::BIN, bins(&episode.seen));
    let disturbances = disturbances(&plan.load.phases, &episode.faults, plan.load.slice);
    effects::figures(plan, arm, episode, &counted, &disturbances)
}

fn bins(seen: &Episode) -> usize {
    let length = load::episode::FINE * u32::try_from(seen.buckets()).unwrap_or(u32::MAX);
    length.as_nanos().div_ceil(effects::BIN.as_nanos()) as usize
}

/// The whole buckets of a length before a time.
fn buckets(time: Duration, bucket: Duration) -> usize {
    (time.as_nanos() / bucket.as_nanos().max(1)) as usize
}
