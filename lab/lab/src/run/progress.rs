//! What a person sees while a run goes on: a bar on a terminal, a line a phase elsewhere.

use std::{
    fmt,
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use scenario::plan::{Plan, about};

use crate::output;

/// More arms are not named, but counted.
const MOST_NAMED: usize = 3;

/// How far a run has come: which launch of how many, and about how long still.
pub(super) struct Progress {
    began: Instant,
    /// How long the launches that are over took, together.
    launches_took: Duration,
    /// How long the plan says that it takes.
    takes: Duration,
    done: u32,
    launches: u32,
    /// How long it takes at most, where it may end before its last launch.
    limit: Option<Duration>,
}

impl Progress {
    /// Of a plan whose arms are started so often at most, and in that time where there is a limit.
    pub(super) fn new(plan: &Plan, most: u32, limit: Option<Duration>) -> Self {
        let planned = plan.load.launches.max(1);
        let (launches, takes) = (plan.ups() / planned * most, plan.takes() / planned * most);
        Self { limit, ..Self::of(launches, takes) }
    }

    fn of(launches: u32, takes: Duration) -> Self {
        let (began, launches_took) = (Instant::now(), Duration::ZERO);
        Self { began, launches_took, takes, done: 0, launches, limit: None }
    }

    /// A launch has ended.
    pub(super) fn launched(&mut self) {
        self.done += 1;
        self.launches_took = self.began.elapsed();
    }

    /// A phase of the current launch, of so many steps: what is done to which arms.
    pub(super) fn phase(&self, what: &str, total: u64) -> Phase {
        let of = if self.limit.is_some() { "of at most" } else { "of" };
        Phase::begin(&format!("launch {} {of} {}", self.done + 1, self.launches), what, self.left(), total)
    }

    /// By the launches that are over; before the first one is, by the plan.
    fn left(&self) -> Duration {
        let elapsed = self.began.elapsed();
        let all = match self.done {
            0 => self.takes,
            done => self.launches_took.mul_f64(f64::from(self.launches) / f64::from(done)),
        };
        let all = self.limit.map_or(all, |limit| all.min(limit));
        all.saturating_sub(elapsed).max(Duration::from_secs(1))
    }
}

/// One phase of a run: on a terminal a bar with one countdown, of the whole run; elsewhere a line.
pub(super) struct Phase {
    bar: ProgressBar,
    place: String,
}

impl Phase {
    /// Begins a phase of `total` steps, with so much of the run left.
    fn begin(place: &str, what: &str, left: Duration, total: u64) -> Self {
        let place = place.to_owned();
        if !std::io::stderr().is_terminal() {
            output::talk(&format!("{place}, {} left: {what}", about(left)));
            return Self { bar: ProgressBar::hidden(), place };
        }
        let until = Instant::now() + left;
        let style = ProgressStyle::with_template("{msg} {bar:16} {left} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("left", move |_: &ProgressState, text: &mut dyn fmt::Write| {
                // A countdown that has run out says so no better than with its smallest step.
                let _ = text.write_str(&about(until.saturating_duration_since(Instant::now())));
            });
        let phase = Self { bar: ProgressBar::new(total).with_style(style), place };
        phase.now(what);
        phase.bar.enable_steady_tick(Duration::from_millis(200));
        phase
    }

    /// What of it is done now.
    pub(super) fn now(&self, what: &str) {
        self.bar.set_message(format!("{}: {what}", self.place));
    }

    /// So many steps are done.
    pub(super) fn at(&self, done: u64) {
        self.bar.set_position(done);
    }
}

impl Drop for Phase {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// These arms as a phase names them: `monolith and microservices`, `6 arms`.
pub(super) fn named<'a>(arms: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = arms.into_iter().collect();
    match names.as_slice() {
        [alone] => (*alone).to_owned(),
        [some @ .., last] if names.len() <= MOST_NAMED => format!("{} and {last}", some.join(", ")),
        many => format!("{} arms", many.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_still_is_told_by_the_launches_that_are_over() {
        let mut progress = Progress::of(4, Duration::from_secs(100));
        assert!((95..=100).contains(&progress.left().as_secs()), "by the plan: {:?}", progress.left());
        progress.began = Instant::now().checked_sub(Duration::from_secs(30)).unwrap();
        progress.launched();
        assert!((88..=90).contains(&progress.left().as_secs()), "three more like it: {:?}", progress.left());
        progress.launched();
        assert!((28..=30).contains(&progress.left().as_secs()), "{:?}", progress.left());
        // A limit is kept, however long a launch takes.
        progress.limit = Some(Duration::from_secs(45));
        assert!((13..=15).contains(&progress.left().as_secs()), "{:?}", progress.left());
        progress.limit = None;
        // Within a launch it only falls.
        progress.began = progress.began.checked_sub(Duration::from_secs(10)).unwrap();
        assert!((18..=20).contains(&progress.left().as_secs()), "{:?}", progress.left());
    }

    #[test]
    fn a_few_arms_are_named_and_many_counted() {
        let arms = ["none", "local", "redis", "tiered"];
        let told = [1, 2, 3, 4].map(|count| named(arms[..count].iter().copied()));
        assert_eq!(told, ["none", "none and local", "none, local and redis", "4 arms"]);
    }
}
