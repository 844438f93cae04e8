//! Starts the processes of a wiring again that die while it is up.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::Result;
use runtimes::launch::{Death, Launch};
use scenario::diagnostic::Diagnostic;

use crate::output;

/// The delay of the first restart: short, because a process that was killed serves again as soon as it runs.
const FIRST: Duration = Duration::from_millis(50);

/// The longest delay, for a process that dies at each start.
const LONGEST: Duration = Duration::from_secs(10);

/// A process that was up for so long has recovered: its next restart is a first one.
const STEADY: Duration = Duration::from_secs(10);

/// Looks after the processes of a launch.
pub(super) struct Supervisor {
    /// Whether it starts any again.
    restarts: bool,
    /// Those that have died, by name.
    dead: BTreeMap<String, Dead>,
    backoffs: BTreeMap<String, Backoff>,
}

/// What becomes of a dead process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dead {
    /// It is started again.
    DueAt(Instant),
    /// It stays dead.
    ForGood,
}

/// The exponential backoff of one process's restarts.
#[derive(Debug)]
struct Backoff {
    next: Duration,
    /// Its last restart.
    restarted: Option<Instant>,
}

impl Supervisor {
    /// One that restarts, or one that only reports.
    pub(super) fn new(restarts: bool) -> Self {
        Self { restarts, dead: BTreeMap::new(), backoffs: BTreeMap::new() }
    }

    /// Reports each process that ended since the last look, and starts again those that are due.
    ///
    /// A store is not started again, because its data went with it.
    /// Fails when no process serves the public API any more.
    pub(super) fn look(&mut self, launch: &mut Launch) -> Result<()> {
        let now = Instant::now();
        for Death { arm, ended } in launch.deaths() {
            let name = &ended.process;
            if !self.dead.contains_key(name) {
                let words = ended.last_words.indented();
                let what = format!("the process `{name}` ended ({}); its last words:{words}", ended.how);
                let dead = self.note(launch, &arm, name, now);
                if dead == Dead::ForGood && !self.somebody_serves(launch) {
                    let hint = "nobody serves the public API any more, so the rest was stopped as well";
                    return Err(Diagnostic::new(what).hint(hint).into());
                }
                let then = match dead {
                    Dead::DueAt(at) => format!("it is started again in {} ms", (at - now).as_millis()),
                    Dead::ForGood => "the rest stays up; Ctrl-C stops it".to_owned(),
                };
                output::talk(&format!("warning: {what}\n{then}"));
            }
            if matches!(self.dead.get(name), Some(Dead::DueAt(at)) if now >= *at) {
                launch.restart(&arm, name)?;
                self.dead.remove(name);
                self.backoff(name).restarted = Some(now);
                output::talk(&format!("`{name}` was started again"));
            }
        }
        Ok(())
    }

    fn note(&mut self, launch: &Launch, arm: &str, name: &str, now: Instant) -> Dead {
        let is_restarted = self.restarts && launch.arm(arm).is_some_and(|arm| arm.runtime.can_restart(name));
        let dead =
            if is_restarted { Dead::DueAt(now + self.backoff(name).delay(now)) } else { Dead::ForGood };
        self.dead.insert(name.to_owned(), dead);
        dead
    }

    fn backoff(&mut self, name: &str) -> &mut Backoff {
        self.backoffs.entry(name.to_owned()).or_insert(Backoff { next: FIRST, restarted: None })
    }

    /// Whether a process with a public API lives, or will again.
    fn somebody_serves(&self, launch: &Launch) -> bool {
        let mut processes = launch.arms.iter().flat_map(|arm| &arm.processes);
        processes
            .any(|process| process.public.is_some() && self.dead.get(&process.name) != Some(&Dead::ForGood))
    }
}

impl Backoff {
    /// The delay of a restart that is noticed to be needed now.
    fn delay(&mut self, now: Instant) -> Duration {
        if self.restarted.is_none_or(|restarted| now.duration_since(restarted) >= STEADY) {
            self.next = FIRST;
        }
        let delay = self.next;
        self.next = (delay * 2).min(LONGEST);
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_dies_at_each_start_is_restarted_ever_later_and_one_that_stayed_up_at_once() {
        let mut now = Instant::now();
        let mut backoff = Backoff { next: FIRST, restarted: None };
        let mut delays = Vec::new();
        for _ in 0..10 {
            let delay = backoff.delay(now);
            delays.push(delay.as_millis());
            now += delay;
            backoff.restarted = Some(now);
        }
        assert_eq!(delays, [50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
        assert_eq!(backoff.delay(now + STEADY), FIRST);
    }
}
