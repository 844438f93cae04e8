//! A plan: a scenario with every choice made, and the data that each runtime builds from.
//!
//! A plan starts nothing and needs nothing but the scenario; `lab plan` prints it, and a run writes it to
//! `plan.toml`.
//!
//! Read in this order: this file (the model), `make` (from scenario to plan), `budget` (the assignment of
//! processors), `diff` (the proof that the arms differ in one axis), `inherited` (defaults that hide an
//! answer), `command` (the command that repeats it), `draw` (a topology as text), `file` (`plan.toml`),
//! `targets` (what faults are done to), `ramps` (the measurement of capacity), `takes` and `ahead` (the duration of a run, and its precision).

mod ahead;
mod budget;
mod command;
mod diff;
mod draw;
mod file;
mod inherited;
mod make;
mod ramps;
mod takes;
mod targets;

use std::{collections::BTreeMap, time::Duration};

pub use budget::Budget;
pub use command::quoted;
use design::{BackingNeed, Wiring};
pub use diff::{Diff, DiffRow, PairDiff};
pub use draw::topology;
use load::schedule::{Arrivals, Piece, Profile};
pub use make::Choices;
pub use ramps::{RAMP_REST, RAMP_STEPS};
use statistics::numbers::trimmed;
pub use takes::about;
pub use targets::{ArmEnd, ArmLink};

use crate::scenario::{self, ArrivalKind, Comparison, Fault, Phase, Scenario};

/// A scenario with every choice made.
#[derive(Clone)]
pub struct Plan {
    /// The scenario.
    pub scenario: Scenario,
    /// Whether it is the quick form.
    pub quick: bool,
    /// The seed of every random choice: due times, keys, the order of slices, bootstrap samples.
    pub seed: u64,
    /// The held axes, including the command line's `--hold`; every other axis has its default.
    pub hold: BTreeMap<String, String>,
    /// The wirings under comparison; the first is the baseline of the others.
    pub arms: Vec<ArmPlan>,
    /// The processors of the arms and of the generator.
    pub budget: Budget,
    /// The offered load.
    pub load: LoadPlan,
}

/// One wiring under comparison: a treatment of the experiment.
#[derive(Clone, Debug)]
pub struct ArmPlan {
    /// Unique in the plan, and valid in a file name: `microservices`.
    pub name: String,
    /// The name in reports, claims and `--arm`.
    pub label: String,
    /// A value for every axis.
    pub wiring: Wiring,
    /// Its processes, one that serves the public API first.
    pub processes: Vec<ProcessPlan>,
    /// Its stores and brokers.
    pub backings: Vec<BackingNeed>,
}

/// One process of an arm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessPlan {
    /// Unique in the arm: `gateway`, or `links-2` for the second of several replicas.
    pub name: String,
    /// Its name in the placement, which replicas share: `links`.
    pub shape: &'static str,
    /// Whether it serves the public API, or a part of it.
    pub edge: bool,
    /// The prefixes of its part of the public API, `/orders/{order}/notices`; empty where one process serves all of it.
    pub paths: Vec<&'static str>,
    /// The components that it hosts.
    pub components: &'static [&'static str],
    /// The components of other processes that it calls.
    pub calls: Vec<&'static str>,
    /// Those to which it hands events, where no log is in between.
    pub tells: Vec<&'static str>,
    /// The components of other processes whose addresses it receives: all of them.
    pub remote: Vec<&'static str>,
    /// The roles of the backings whose addresses it receives.
    pub roles: Vec<String>,
}

/// The load offered to the arms.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadPlan {
    /// The mix of journeys.
    pub mix: String,
    /// Operations a second during an arm's turn.
    pub rate: f64,
    /// The distribution of due times.
    pub arrivals: ArrivalKind,
    /// The length of one slice.
    pub slice: Duration,
    /// The measured time, over all arms and launches.
    pub measured: Duration,
    /// The number of times that each arm is started.
    pub launches: u32,
    /// The phases of the rate over a slice; empty for a constant rate.
    pub phases: Vec<Phase>,
    /// The number of things that exist before load begins.
    pub things: u64,
    /// The options of the system's own journeys.
    pub options: BTreeMap<&'static str, String>,
    /// The connections to each arm.
    pub connections: usize,
}

impl Plan {
    /// The proof that the arms differ in one axis only and share one budget.
    pub fn diff(&self) -> Diff {
        Diff::of(self)
    }

    /// The arm with this name or label.
    pub fn arm(&self, name: &str) -> Option<&ArmPlan> {
        self.arms.iter().find(|arm| arm.name == name || arm.label == name)
    }

    /// An arm's value of the compared axis, as a sentence.
    pub fn chosen(&self, arm: &ArmPlan) -> String {
        let axis = match &self.scenario.comparison {
            Comparison::Axis { axis, .. } => axis.as_str(),
            Comparison::Steps(_) => "placement",
        };
        if axis == "placement" {
            return arm.wiring.placement().summary.to_owned();
        }
        let chosen = arm.wiring.get(axis);
        let listed = arm.wiring.system().axis(axis).map(|axis| axis.values).unwrap_or_default();
        let value = listed.iter().find(|value| value.name == chosen);
        let share = |share: f64| format!("{} % of them", trimmed(share * 100.0));
        let unlisted = || chosen.parse().map_or_else(|_| format!("{axis} = {chosen}"), share);
        value.map_or_else(unlisted, |value| value.summary.to_owned())
    }

    /// The scenario's faults, with the seeds of their random numbers: the same for every arm and episode.
    pub fn faults(&self) -> Vec<Fault> {
        let seed = |index: usize| self.seed.wrapping_add(index as u64);
        let seeded =
            |(index, fault): (usize, &Fault)| Fault { what: fault.what.seeded(seed(index)), ..*fault };
        self.scenario.faults.iter().enumerate().map(seeded).collect()
    }

    /// The whole plan as `plan.toml`.
    pub fn to_toml(&self) -> String {
        file::text(self)
    }
}

impl LoadPlan {
    /// The distribution of operations around the rate.
    pub fn spread(&self) -> Arrivals {
        match self.arrivals {
            ArrivalKind::Poisson => Arrivals::Poisson,
            ArrivalKind::Constant => Arrivals::Constant,
        }
    }

    /// The profile of a measured slice, for a load of this many operations a second.
    pub fn profile(&self, rate: f64) -> Profile {
        if self.phases.is_empty() {
            return Profile::Steady { rate };
        }
        let repeated = |phase: &Phase| phase.pieces.repeat(phase.repeat as usize);
        let piece = |piece: scenario::phases::Piece| Piece {
            length: Duration::from_millis(piece.ms),
            from: piece.from * rate,
            to: piece.to * rate,
        };
        Profile::Phases(self.phases.iter().flat_map(repeated).map(piece).collect())
    }
}

impl ProcessPlan {
    /// What it serves to users, as text; `None` for nothing.
    pub fn serves(&self) -> Option<String> {
        let paths = self.paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
        let what = if paths.is_empty() { String::new() } else { format!(" of {paths}") };
        self.edge.then(|| format!("serves the public API{what}"))
    }
}

impl ArmPlan {
    /// Every replica of the process that hosts a component.
    pub fn hosts_of(&self, component: &str) -> impl Iterator<Item = &ProcessPlan> {
        self.processes.iter().filter(move |process| process.components.contains(&component))
    }

    /// The processes that serve the public API, each a part of it if there are several.
    pub fn public(&self) -> impl Iterator<Item = &ProcessPlan> {
        self.processes.iter().filter(|process| process.edge)
    }

    /// The place of a process among those, by its name: their ports are consecutive.
    pub fn public_index(&self, process: &str) -> Option<usize> {
        self.public().position(|public| public.name == process)
    }

    /// Where a payment provider that a process uses sends its webhooks: to the process itself if it serves a part of the
    /// public API, and otherwise to the edge.
    pub fn webhooks_of<'a>(&'a self, process: &'a ProcessPlan) -> &'a ProcessPlan {
        if process.edge { process } else { self.edge() }
    }

    /// The process that serves the public API; of several the first, which is asked for whatever belongs to none.
    pub fn edge(&self) -> &ProcessPlan {
        self.public().next().unwrap_or(&self.processes[0])
    }
}

#[cfg(test)]
mod tests;
