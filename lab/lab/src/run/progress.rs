//! A run's progress: a bar on a terminal, otherwise a line per phase.

use std::{
    fmt,
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use scenario::plan::about;

use super::RunOptions;
use crate::output;

/// More arms are counted instead of named.
const MOST_NAMED: usize = 3;

/// The progress of a run: the launch, and the remaining time.
pub(super) struct Progress {
    began: Instant,
    /// The total duration of the completed launches.
    launches_took: Duration,
    /// The planned duration.
    takes: Duration,
    done: u32,
    launches: u32,
    /// The time limit of a run that may end before its last launch.
    limit: Option<Duration>,
    /// The place of a drill's cell, in place of that of a launch.
    cell: Option<String>,
}

impl Progress {
    /// For a run of at most `most` launches; a cell of a drill shows the place and the time that the drill gives it.
    pub(super) fn new(options: &RunOptions, most: u32) -> Self {
        if let Some(cell) = &options.drill {
            return Self { cell: Some(cell.place.clone()), ..Self::of(1, cell.left) };
        }
        let (plan, limit) = (&options.plan, options.until_decided);
        let planned = plan.load.launches.max(1);
        let (launches, takes) = (plan.ups() / planned * most, plan.takes() / planned * most);
        Self { limit, ..Self::of(launches, takes) }
    }

    fn of(launches: u32, takes: Duration) -> Self {
        let (began, launches_took) = (Instant::now(), Duration::ZERO);
        Self { began, launches_took, takes, done: 0, launches, limit: None, cell: None }
    }

    /// Records the end of a launch.
    pub(super) fn launched(&mut self) {
        self.done += 1;
        self.launches_took = self.began.elapsed();
    }

    /// Begins a phase of the current launch, with this number of steps.
    pub(super) fn phase(&self, what: &str, total: u64) -> Phase {
        if let Some(cell) = &self.cell {
            return Phase::begin_quietly(cell, what, self.left(), total);
        }
        let of = if self.limit.is_some() { "of at most" } else { "of" };
        Phase::begin(&format!("launch {} {of} {}", self.done + 1, self.launches), what, self.left(), total)
    }

    /// From the completed launches; before the first has ended, from the plan.
    fn left(&self) -> Duration {
        let elapsed = self.began.elapsed();
        let all = match self.done {
            // A drill has other cells, and is told about them.
            _ if self.cell.is_some() => self.takes,
            0 => self.takes,
            done => self.launches_took.mul_f64(f64::from(self.launches) / f64::from(done)),
        };
        let all = self.limit.map_or(all, |limit| all.min(limit));
        all.saturating_sub(elapsed).max(Duration::from_secs(1))
    }
}

/// One phase of a run: on a terminal a bar with a countdown of the whole run, otherwise a line.
pub(super) struct Phase {
    bar: ProgressBar,
    place: String,
}

impl Phase {
    /// Begins a phase of `total` steps, with the remaining time of the run.
    fn begin(place: &str, what: &str, left: Duration, total: u64) -> Self {
        if !std::io::stderr().is_terminal() {
            output::talk(&format!("{place}, {} left: {what}", about(left)));
        }
        Self::begin_quietly(place, what, left, total)
    }

    /// The same without a line where there is no terminal.
    fn begin_quietly(place: &str, what: &str, left: Duration, total: u64) -> Self {
        let place = place.to_owned();
        if !std::io::stderr().is_terminal() {
            return Self { bar: ProgressBar::hidden(), place };
        }
        let until = Instant::now() + left;
        let style = ProgressStyle::with_template("{msg} {bar:16} {left} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("left", move |_: &ProgressState, text: &mut dyn fmt::Write| {
                // After its end, the countdown shows its smallest step.
                let _ = text.write_str(&about(until.saturating_duration_since(Instant::now())));
            });
        let phase = Self { bar: ProgressBar::new(total).with_style(style), place };
        phase.now(what);
        phase.bar.enable_steady_tick(Duration::from_millis(200));
        phase
    }

    /// Shows the current step.
    pub(super) fn now(&self, what: &str) {
        self.bar.set_message(format!("{}: {what}", self.place));
    }

    /// Sets the number of completed steps.
    pub(super) fn at(&self, done: u64) {
        self.bar.set_position(done);
    }
}

impl Drop for Phase {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The arms' names for a phase: `monolith and microservices`, `6 arms`.
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
        // A time limit holds, however long a launch takes.
        progress.limit = Some(Duration::from_secs(45));
        assert!((13..=15).contains(&progress.left().as_secs()), "{:?}", progress.left());
        progress.limit = None;
        // Within a launch the remaining time only falls.
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
