//! From the gathered data to a report.

mod arm;
mod conditions;
mod series;

use std::time::Duration;

use load::record::Summary;
use report::{
    Report,
    model::{GeneratorFloor, Kind as ReportKind, NegativeControl, Question, SCHEMA, SkippedArm, Validity},
};
use runtimes::{launch::Runtime, measure::MOST_VOID};
use scenario::{Comparison, Kind, plan::Plan};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    answers,
    claims::{self, Ground},
    compare::{self, CONFIDENCE},
    gathered::Gathered,
    machine, rounds,
};
use crate::run::RunOptions;

/// Conclusions that no report supports.
const DOES_NOT_SHOW: [&str; 3] = [
    "more than one machine: every process shares this one's processors, caches and memory",
    "what a team gains or loses by splitting: independent deployment, ownership, failure isolation under faults",
    "another load: other operations, rates, or keys that are asked for more or less evenly",
];

/// Why a run with killed processes has no counts per operation.
const FORGOTTEN: &str = "counts per operation are left out: a process that was killed forgot what it had counted; \
                         CPU includes what it had used";

/// The same, with the limits of the runtime.
fn does_not_show(runtime: &Runtime) -> Vec<String> {
    let network = match runtime {
        Runtime::Process => {
            "a real network: calls cross loopback, which loses nothing and takes microseconds"
        }
        Runtime::Compose(_) => {
            "a real network: calls cross a bridge of this machine, which loses nothing and takes microseconds"
        }
    };
    let mut all = DOES_NOT_SHOW.map(str::to_owned).to_vec();
    all.insert(1, network.to_owned());
    all
}

/// The report of a run.
pub(super) fn report(options: &RunOptions, gathered: &Gathered, id: &str, began: OffsetDateTime) -> Report {
    let plan = &options.plan;
    let comparisons = compare::all(plan, gathered);
    let validity = validity(gathered, &comparisons);
    let arms: Vec<_> = gathered.arms.iter().map(|data| arm::arm(plan, gathered, data)).collect();
    let claims =
        claims::all(&plan.scenario.claims, gathered, &arms, &comparisons, ground(gathered, &validity));
    let commit = env!("LAB_COMMIT");
    Report {
        schema: SCHEMA.to_owned(),
        id: id.to_owned(),
        created: began.replace_nanosecond(0).unwrap_or(began).format(&Rfc3339).unwrap_or_default(),
        lab_version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: (!commit.is_empty()).then(|| commit.to_owned()),
        command: conditions::command(),
        scenario: question(plan, gathered),
        machine: machine::machine(),
        seed: plan.seed,
        runtime: options.runtime.name().to_owned(),
        quick: plan.quick,
        budget: conditions::budget(plan),
        load: conditions::load(plan, gathered),
        plan_diff: conditions::plan_diff(plan, gathered),
        held: conditions::held(plan, gathered),
        answers: answers::all(
            plan.scenario.system.name,
            &plan.scenario.answers,
            &arms,
            &comparisons,
            validity.verdict_possible,
        ),
        arms,
        claims,
        validity,
        comparisons: comparisons.list,
        does_not_show: does_not_show(&options.runtime),
        skipped_arms: gathered
            .skipped
            .iter()
            .map(|skipped| SkippedArm {
                name: skipped.arm.clone(),
                why: skipped.why.clone(),
                hint: skipped.hint.clone(),
            })
            .collect(),
        reproduce: conditions::reproduce(options),
    }
}

fn ground(gathered: &Gathered, validity: &Validity) -> Ground {
    match (gathered.death.is_some() || gathered.launches == 0, validity.verdict_possible) {
        (true, _) => Ground::Unfinished,
        (false, true) => Ground::Whole,
        (false, false) => Ground::Late,
    }
}

fn question(plan: &Plan, gathered: &Gathered) -> Question {
    let scenario = &plan.scenario;
    Question {
        system: scenario.system.name.to_owned(),
        name: scenario.name.clone(),
        question: scenario.question.clone(),
        why: scenario.why.clone(),
        look_for: scenario.look_for.clone(),
        kind: match scenario.kind {
            Kind::Paired => ReportKind::Paired,
            Kind::Episodes => ReportKind::Episodes,
            Kind::Waterfall => ReportKind::Waterfall,
        },
        axis: match &scenario.comparison {
            Comparison::Axis { axis, .. } => axis.clone(),
            Comparison::Steps(steps) => {
                let axes = steps.iter().filter_map(|step| Some(step.change.as_ref()?.0.as_str()));
                axes.collect::<Vec<_>>().join(", ")
            }
        },
        asks: scenario.asks().map(str::to_owned),
        negative_controls: gathered
            .arms
            .iter()
            .filter_map(|data| {
                let why = arm::negative_control(plan, &data.plan)?;
                Some(NegativeControl { arm: data.plan.label.clone(), why })
            })
            .collect(),
    }
}

fn validity(gathered: &Gathered, comparisons: &compare::Comparisons) -> Validity {
    let void_share = gathered.void_slices as f64 / gathered.slices.max(1) as f64;
    let mut notes = gathered.notes.clone();
    if void_share > MOST_VOID {
        notes.push(format!(
            "{:.0} % of the slices are void: the generator was late, so the machine is too busy for a verdict",
            void_share * 100.0
        ));
    }
    if gathered.forgets_counts {
        notes.push(FORGOTTEN.to_owned());
    }
    let spoiled = compare::spoiled(gathered);
    if !spoiled.is_empty() {
        notes.push(format!(
            "{} is not compared: the generator itself was late for as many operations, by more than a tenth of it",
            spoiled.join(", ")
        ));
    }
    if let Some((death, when)) = &gathered.death {
        notes.push(format!(
            "the process `{}` of {} ended, noticed {when:.1} s after load began: what was measured before is shown, and no verdict is given",
            death.ended.process, death.arm
        ));
    }
    let percent = |share: f64| share * 100.0;
    let cpu = comparisons.cpu;
    Validity {
        verdict_possible: void_share <= MOST_VOID && gathered.death.is_none() && gathered.rounds > 0,
        // The noise floor: half of the interval's width.
        noise_floor_percent: cpu.map(|cpu| percent((cpu.high - cpu.low) / 2.0 / cpu.estimate)),
        send_lag_p99_us: (!gathered.send_lag.is_empty())
            .then(|| gathered.send_lag.value_at_quantile(0.99) as f64 / 1_000.0),
        send_lag_bound_us: rounds::SEND_LAG_BOUND.as_secs_f64() * 1_000_000.0,
        generator_floor: gathered.floor.as_ref().map(floor),
        void_slices: gathered.void_slices,
        total_slices: gathered.slices,
        effective_samples: cpu.map(|cpu| cpu.effective_samples),
        smallest_detectable_percent: cpu.map(|cpu| percent(cpu.smallest_detectable)),
        family_size: comparisons.family,
        confidence: CONFIDENCE,
        equivalence_margin_percent: percent(statistics::EQUIVALENCE_MARGIN),
        notes,
    }
}

fn floor(latency: &Summary) -> GeneratorFloor {
    let us = |time: Option<Duration>| time.map(|time| time.as_secs_f64() * 1_000_000.0);
    GeneratorFloor { operations: latency.samples, p50_us: us(latency.p50), p99_us: us(latency.p99) }
}
