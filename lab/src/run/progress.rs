//! What a person sees while a run goes on: a bar on a terminal, a line a phase elsewhere.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    output,
    plan::{ArmPlan, about},
};

/// How far a run has come: which launch of how many, and about how long still.
pub(super) struct Progress {
    began: Instant,
    /// How long the launches that are over took, together.
    launches_took: Duration,
    /// How long the plan says that it takes.
    takes: Duration,
    done: u32,
    launches: u32,
    /// The arm that is up alone, in an episode.
    arm: Option<String>,
}

impl Progress {
    /// Of so many launches, which take so long together.
    pub(super) fn new(launches: u32, takes: Duration) -> Self {
        Self { began: Instant::now(), launches_took: Duration::ZERO, takes, done: 0, launches, arm: None }
    }

    /// The next launch is of these arms.
    pub(super) fn next(&mut self, arms: &[ArmPlan]) {
        self.arm = if let [alone] = arms { Some(alone.label.clone()) } else { None };
    }

    /// A launch has ended.
    pub(super) fn launched(&mut self) {
        self.done += 1;
        self.launches_took = self.began.elapsed();
    }

    /// A phase of the current launch, of so many steps.
    pub(super) fn phase(&self, what: &str, total: u64) -> Phase {
        let arm = self.arm.as_ref().map(|arm| format!(" ({arm})")).unwrap_or_default();
        let (launch, left) = (self.done + 1, about(self.left()));
        Phase::begin(&format!("launch {launch} of {}{arm}, {left} left: {what}", self.launches), total)
    }

    /// By the launches that are over; before the first one is, by the plan.
    fn left(&self) -> Duration {
        let elapsed = self.began.elapsed();
        if self.done == 0 {
            return self.takes.saturating_sub(elapsed);
        }
        let all = self.launches_took.mul_f64(f64::from(self.launches) / f64::from(self.done));
        all.saturating_sub(elapsed).max(Duration::from_secs(1))
    }
}

/// One phase of a run.
pub(super) struct Phase(ProgressBar);

impl Phase {
    /// Begins a phase of `total` steps.
    fn begin(what: &str, total: u64) -> Self {
        if !std::io::stderr().is_terminal() {
            output::talk(what);
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{msg:64} {bar:16} {percent:>3} %  {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(total).with_style(style).with_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// So many steps are done.
    pub(super) fn at(&self, done: u64) {
        self.0.set_position(done);
    }
}

impl Drop for Phase {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_still_is_told_by_the_launches_that_are_over() {
        let mut progress = Progress::new(4, Duration::from_secs(100));
        assert!((95..=100).contains(&progress.left().as_secs()), "by the plan: {:?}", progress.left());
        progress.began = Instant::now().checked_sub(Duration::from_secs(30)).unwrap();
        progress.launched();
        assert!((88..=90).contains(&progress.left().as_secs()), "three more like it: {:?}", progress.left());
        progress.launched();
        assert!((28..=30).contains(&progress.left().as_secs()), "{:?}", progress.left());
        // Within a launch it only falls.
        progress.began = progress.began.checked_sub(Duration::from_secs(10)).unwrap();
        assert!((18..=20).contains(&progress.left().as_secs()), "{:?}", progress.left());
    }
}
