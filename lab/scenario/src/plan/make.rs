//! From a scenario to a plan: each choice is made once, here.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result};
use design::{ProcessShape, Wiring};

use super::{ArmPlan, Budget, LoadPlan, Plan, ProcessPlan, targets};
use crate::{
    diagnostic::{Diagnostic, did_you_mean},
    scenario::{Comparison, Kind, LoadSpec, Scenario, Step, file_name},
    systems,
};

/// The most things before a load in the quick form, because making them takes time in each launch.
const QUICK_THINGS: u64 = 2_000;

/// The time for which an arm is loaded in each launch without being measured, at the scenario's rate: warm-up
/// and traces.
const UNMEASURED: Duration = Duration::from_secs(5);

/// The fewest episodes of each arm: with fewer, intervals are useless.
const LEAST_EPISODES: u32 = 5;

/// The choices of the command line.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// The quick form.
    pub quick: bool,
    /// Additional held axes, for all arms: `(axis, value)`. They override the scenario's own.
    pub hold: Vec<(String, String)>,
    /// The arms to compare instead of the scenario's: values of its axis, or labels of its steps.
    pub arms: Vec<String>,
    /// The seed; by default 1, so that a run can be repeated.
    pub seed: Option<u64>,
}

impl Plan {
    /// Plans a scenario on this machine.
    ///
    /// Fails with a hint if an axis, value or arm does not exist, if the compared axis would be held, or if
    /// values are incompatible.
    pub fn new(scenario: &Scenario, choices: &Choices) -> Result<Self> {
        let hold = hold(scenario, &choices.hold)?;
        let mut base = Wiring::defaults(scenario.system);
        for (axis, value) in &hold {
            base.set(axis, value)?;
        }
        let arms = match &scenario.comparison {
            Comparison::Axis { axis, arms } => {
                let chosen = if choices.arms.is_empty() { arms } else { &choices.arms };
                axis_arms(&base, axis, chosen)?
            }
            Comparison::Steps(steps) => step_arms(base, steps, &choices.arms)?,
        };
        targets::every_arm_can_fail(&scenario.faults, &arms)?;
        Ok(Self {
            scenario: scenario.clone(),
            quick: choices.quick,
            seed: choices.seed.unwrap_or(1),
            hold,
            budget: Budget::of_this_machine(),
            load: load(scenario, choices.quick, arms.len()),
            arms,
        })
    }
}

/// The scenario's `[hold]`, overridden by the command line.
fn hold(scenario: &Scenario, chosen: &[(String, String)]) -> Result<BTreeMap<String, String>> {
    let mut hold = scenario.hold.clone();
    for (axis, value) in chosen {
        if matches!(&scenario.comparison, Comparison::Axis { axis: varied, .. } if varied == axis) {
            let what = format!("`{axis}` is the axis in question: it cannot be held as well");
            let hint = format!("`--arm VALUE` chooses which values of `{axis}` to compare");
            return Err(Diagnostic::new(what).hint(hint).into());
        }
        hold.insert(axis.clone(), value.clone());
    }
    Ok(hold)
}

fn axis_arms(base: &Wiring, axis: &str, values: &[String]) -> Result<Vec<ArmPlan>> {
    let wirings = values.iter().map(|value| {
        let mut wiring = base.clone();
        wiring.set(axis, value).map(|()| wiring)
    });
    let wirings = wirings.collect::<Result<Vec<_>, _>>()?;
    if values.len() < 2 {
        let hint = format!(
            "there is `{}`; the same value twice compares the lab with itself",
            base.system().values(axis).join("`, `"),
        );
        return Err(Diagnostic::new("a comparison needs two arms").hint(hint).into());
    }
    let same = values.windows(2).all(|pair| pair[0] == pair[1]);
    let mut arms = Vec::new();
    for (index, (value, wiring)) in values.iter().zip(wirings).enumerate() {
        if !same && values[..index].contains(value) {
            let hint = "name each value once; for an A/A comparison, make all arms the same value";
            return Err(Diagnostic::new(format!("the arm `{value}` is repeated")).hint(hint).into());
        }
        let label = if same { format!("{value} ({})", letter(index)) } else { value.clone() };
        let mut arm = arm(label, wiring)?;
        if !same {
            arm.label = called(axis, value);
        }
        arms.push(arm);
    }
    Ok(arms)
}

/// An arm's label. A value that is unclear alone gets its axis: `replicas=4`, `tracing=off`.
fn called(axis: &str, value: &str) -> String {
    let says_little = ["off", "all", "none"].contains(&value) || value.parse::<f64>().is_ok();
    if says_little { format!("{axis}={value}") } else { value.to_owned() }
}

/// Each step's wiring is the previous one with one change; the changes of omitted steps are included.
fn step_arms(base: Wiring, steps: &[Step], chosen: &[String]) -> Result<Vec<ArmPlan>> {
    let labels: Vec<&str> = steps.iter().map(|step| step.label.as_str()).collect();
    if let Some(unknown) = chosen.iter().find(|arm| !labels.contains(&arm.as_str())) {
        let what = format!("there is no step `{unknown}`");
        return Err(Diagnostic::new(what).hint(did_you_mean(unknown, labels)).into());
    }
    let mut wiring = base;
    let mut arms = Vec::new();
    for step in steps {
        if let Some((axis, value)) = &step.change {
            wiring.set(axis, value)?;
        }
        if chosen.is_empty() || chosen.contains(&step.label) {
            arms.push(arm(step.label.clone(), wiring.clone())?);
        }
    }
    if arms.len() < 2 {
        return Err(Diagnostic::new("a waterfall needs two steps").into());
    }
    Ok(arms)
}

fn arm(label: String, wiring: Wiring) -> Result<ArmPlan> {
    wiring.check().with_context(|| format!("the arm `{label}` cannot be"))?;
    Ok(ArmPlan::new(label, wiring))
}

impl ArmPlan {
    /// The processes and backings of one wiring.
    pub fn new(label: String, wiring: Wiring) -> Self {
        let backings = wiring.backings();
        let processes = wiring
            .processes()
            .flat_map(|shape| names(&wiring, shape).into_iter().map(move |name| (name, shape)))
            .map(|(name, shape)| ProcessPlan {
                name,
                shape: shape.name,
                edge: wiring.is_public(shape),
                paths: wiring.paths_of(shape),
                components: shape.components,
                calls: those_remote(&wiring, shape, &wiring.calls_of(shape)),
                tells: those_remote(&wiring, shape, &wiring.told_by(shape)),
                remote: remote(&wiring, shape.components),
                roles: backings
                    .iter()
                    .filter(|need| need.used_by.iter().any(|user| wiring.hosts(shape, user)))
                    .map(|need| need.role.clone())
                    .collect(),
            })
            .collect();
        Self { name: file_name(&label), label, processes, backings, wiring }
    }
}

/// The names of a process's replicas: as many as the axis `replicas` says, if the process may be replicated.
fn names(wiring: &Wiring, shape: &ProcessShape) -> Vec<String> {
    match wiring.replicas(shape) {
        1 => vec![shape.name.to_owned()],
        replicas => (1..=replicas).map(|replica| format!("{}-{replica}", shape.name)).collect(),
    }
}

/// The components that a process calls over the network: those of other processes of the placement.
fn remote(wiring: &Wiring, hosted: &[&str]) -> Vec<&'static str> {
    wiring
        .system()
        .components
        .iter()
        .map(|(component, _)| *component)
        .filter(|component| !hosted.contains(component) && wiring.host_of(component).is_some())
        .collect()
}

/// Those of these components that are in other processes.
fn those_remote(wiring: &Wiring, shape: &ProcessShape, these: &[&str]) -> Vec<&'static str> {
    remote(wiring, shape.components).into_iter().filter(|component| these.contains(component)).collect()
}

pub(super) fn load(scenario: &Scenario, quick: bool, arms: usize) -> LoadPlan {
    let spec = &scenario.load;
    let (seconds, launches) =
        if quick { (spec.quick_seconds, spec.quick_launches) } else { (spec.seconds, spec.launches) };
    let (measured, launches) = match scenario.kind {
        Kind::Paired | Kind::Waterfall => (Duration::from_secs(seconds), launches),
        // Each launch is one whole episode of each arm, so their length and number determine the measured
        // time.
        Kind::Episodes => {
            let episodes = launches.max(LEAST_EPISODES);
            (spec.slice() * episodes * u32::try_from(arms).unwrap_or(u32::MAX), episodes)
        }
    };
    let things = if quick { spec.things.min(QUICK_THINGS) } else { spec.things };
    let turns = launches.max(1) * u32::try_from(arms.max(1)).unwrap_or(u32::MAX);
    let operations =
        spec.mean_rate() * (measured / turns).as_secs_f64() + spec.rate * UNMEASURED.as_secs_f64();
    LoadPlan {
        mix: spec.mix.clone(),
        rate: spec.rate,
        arrivals: spec.arrivals,
        slice: spec.slice(),
        phases: spec.phases.clone(),
        measured,
        launches,
        things: systems::needs(scenario.system.name, &spec.mix, operations).unwrap_or(0).max(things),
        options: options(scenario.system.name, spec),
        connections: spec.connections,
    }
}

/// The options of a load, as its system declares them.
fn options(system: &str, spec: &LoadSpec) -> BTreeMap<&'static str, String> {
    let declared = |name: &str| systems::option(system, name).ok();
    spec.options().filter_map(|(name, value)| Some((declared(name)?.name, value))).collect()
}

fn letter(index: usize) -> char {
    char::from(b'A' + u8::try_from(index % 26).unwrap_or(0))
}
