//! `plan.toml`: the plan in a run's folder, for people and for tools.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

use super::{ArmPlan, Plan};
use crate::scenario::Phase;

#[derive(Serialize)]
struct PlanFile<'a> {
    scenario: &'a str,
    question: &'a str,
    kind: &'a str,
    seed: u64,
    quick: bool,
    one_axis: bool,
    difference: String,
    hold: &'a BTreeMap<String, String>,
    budget: BudgetFile<'a>,
    load: LoadFile<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<FaultFile<'a>>,
    arms: Vec<ArmFile<'a>>,
}

#[derive(Serialize)]
struct BudgetFile<'a> {
    generator_processors: &'a [usize],
    arms_processors: &'a [usize],
}

#[derive(Serialize)]
struct LoadFile<'a> {
    mix: &'a str,
    rate: f64,
    arrivals: &'a str,
    slice_ms: u64,
    measured_s: u64,
    launches: u32,
    things: u64,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    phases: &'a [Phase],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    options: &'a BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct FaultFile<'a> {
    at_ms: u64,
    for_ms: u64,
    what: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
    target: String,
}

#[derive(Serialize)]
struct ArmFile<'a> {
    name: &'a str,
    label: &'a str,
    axes: BTreeMap<&'a str, &'a str>,
    processes: Vec<ProcessFile<'a>>,
    backings: Vec<NeedFile<'a>>,
}

#[derive(Serialize)]
struct ProcessFile<'a> {
    name: &'a str,
    edge: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    paths: &'a [&'static str],
    components: &'a [&'static str],
    remote: &'a [&'static str],
    backings: &'a [String],
}

#[derive(Serialize)]
struct NeedFile<'a> {
    role: &'a str,
    kind: &'a str,
}

/// The plan's text.
pub(super) fn text(plan: &Plan) -> String {
    let diff = plan.diff();
    let file = PlanFile {
        scenario: &plan.scenario.name,
        question: &plan.scenario.question,
        kind: plan.scenario.kind.name(),
        seed: plan.seed,
        quick: plan.quick,
        one_axis: diff.is_one_axis(),
        difference: diff.sentence(),
        hold: &plan.hold,
        budget: BudgetFile {
            generator_processors: &plan.budget.generator,
            arms_processors: &plan.budget.arms,
        },
        load: LoadFile {
            mix: &plan.load.mix,
            rate: plan.load.rate,
            arrivals: plan.load.arrivals.name(),
            slice_ms: milliseconds(plan.load.slice),
            measured_s: plan.load.measured.as_secs(),
            launches: plan.load.launches,
            things: plan.load.things,
            phases: &plan.load.phases,
            options: &plan.load.options,
        },
        faults: plan
            .scenario
            .faults
            .iter()
            .map(|fault| FaultFile {
                at_ms: milliseconds(fault.at),
                for_ms: milliseconds(fault.lasts),
                what: fault.what.name(),
                detail: fault.what.detail(),
                target: fault.target.to_string(),
            })
            .collect(),
        arms: plan.arms.iter().map(arm).collect(),
    };
    toml::to_string(&file).expect("a plan holds only tables, strings and numbers")
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn arm(arm: &ArmPlan) -> ArmFile<'_> {
    ArmFile {
        name: &arm.name,
        label: &arm.label,
        axes: arm.wiring.values().collect(),
        processes: arm
            .processes
            .iter()
            .map(|process| ProcessFile {
                name: &process.name,
                edge: process.edge,
                paths: &process.paths,
                components: process.components,
                remote: &process.remote,
                backings: &process.roles,
            })
            .collect(),
        backings: arm
            .backings
            .iter()
            .map(|need| NeedFile { role: &need.role, kind: need.kind.name() })
            .collect(),
    }
}
