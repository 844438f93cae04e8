//! The conditions of a measurement, and how to repeat it.

use std::{path::PathBuf, time::Duration};

use report::model::{AxisRow, Budget, Fault, FaultMade, Held, Load, LoadPhase};
use runtimes::{
    arm::{BackingChoices, without_passwords},
    launch::Runtime,
};
use scenario::{
    phases::spans,
    plan::{Plan, quoted},
    systems,
};

use crate::run::{RunOptions, compare, gathered::Gathered};

/// The command line as it was given, without the program's path and without passwords.
pub(super) fn command() -> String {
    let words = std::env::args().skip(1).map(|word| quoted(&without_passwords(&word)));
    std::iter::once("lab".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// The command that repeats the run; passwords have to be filled in.
pub(super) fn reproduce(options: &RunOptions) -> String {
    let plan = &options.plan;
    let command = options.drill.as_ref().map(|drill| drill.command.clone());
    let mut words = vec![command.unwrap_or_else(|| plan.command(plan.quick))];
    words.push(format!("--seed {}", plan.seed));
    if matches!(options.runtime, Runtime::Compose(_)) {
        words.push(format!("--runtime {}", options.runtime.name()));
    }
    if let Some(limit) = options.until_decided {
        words.push(format!("--until-decided --at-most {}s", limit.as_secs().max(1)));
    }
    words.extend(given(&options.backings));
    words.join(" ")
}

/// The flags for given stores and brokers.
fn given(backings: &BackingChoices) -> Vec<String> {
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let flags = [
        ("--postgres-url", backings.postgres_url.as_deref().map(without_passwords)),
        ("--redis-url", backings.redis_url.as_deref().map(without_passwords)),
        ("--kafka-url", backings.kafka_url.clone()),
        ("--kafka-home", path(&backings.kafka_home)),
        ("--java-home", path(&backings.java_home)),
    ];
    let named = flags.into_iter().filter_map(|(flag, value)| Some(format!("{flag} {}", quoted(&value?))));
    named.chain(backings.embedded_kafka.then(|| "--embedded-kafka".to_owned())).collect()
}

/// The assignment of processors.
pub(super) fn budget(plan: &Plan) -> Budget {
    let ids = |cpus: &[usize]| cpus.iter().map(|cpu| *cpu as u32).collect::<Vec<_>>();
    let words = |cpus: &[usize]| cpus.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let budget = &plan.budget;
    let note = budget.caveat().map_or_else(
        || {
            format!(
                "the generator has processor {} to itself; all processes of all arms share processor {}",
                words(&budget.generator),
                words(&budget.arms)
            )
        },
        str::to_owned,
    );
    Budget { generator_cpus: ids(&budget.generator), arm_cpus: ids(&budget.arms), note }
}

/// The offered load.
pub(super) fn load(plan: &Plan, gathered: &Gathered) -> Load {
    let load = &plan.load;
    Load {
        mix: load.mix.clone(),
        rate: load.rate,
        arrivals: load.arrivals.name().to_owned(),
        slice_ms: load.slice.as_secs_f64() * 1_000.0,
        rounds: gathered.rounds,
        launches: gathered.launches,
        measured_seconds_per_arm: compare::measured_seconds(plan, gathered),
        things: load.things,
        things_name: systems::prepared(plan.scenario.system.name).to_owned(),
        phases: spans(&load.phases)
            .into_iter()
            .map(|span| LoadPhase {
                name: span.name.to_owned(),
                start_ms: span.start.as_secs_f64() * 1_000.0,
                length_ms: span.length.as_secs_f64() * 1_000.0,
            })
            .collect(),
        faults: faults(plan, gathered),
    }
}

/// The faults, with the times at which they were injected.
fn faults(plan: &Plan, gathered: &Gathered) -> Vec<Fault> {
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    let planned = plan.scenario.faults.iter().enumerate();
    planned
        .map(|(index, fault)| Fault {
            target: fault.target.to_string(),
            what: fault.what.name().to_owned(),
            detail: fault.what.detail(),
            at_ms: ms(fault.at),
            for_ms: ms(fault.lasts),
            made: gathered
                .faults
                .iter()
                .filter(|(_, _, happened)| happened.fault == index)
                .map(|(arm, launch, happened)| FaultMade {
                    arm: arm.clone(),
                    launch: *launch,
                    began_ms: ms(happened.began),
                    ended_ms: ms(happened.ended),
                    back_ms: happened.back.map(ms),
                })
                .collect(),
        })
        .collect()
}

/// The axes on which the arms that ran differ.
pub(super) fn plan_diff(plan: &Plan, gathered: &Gathered) -> Vec<AxisRow> {
    axes(plan, gathered)
        .filter(|(_, values)| values.windows(2).any(|pair| pair[0] != pair[1]))
        .map(|(key, values)| AxisRow { key, values })
        .collect()
}

/// The axes that they share.
pub(super) fn held(plan: &Plan, gathered: &Gathered) -> Vec<Held> {
    axes(plan, gathered)
        .filter(|(_, values)| values.windows(2).all(|pair| pair[0] == pair[1]))
        .filter_map(|(axis, values)| Some(Held { axis, value: values.into_iter().next()? }))
        .collect()
}

fn axes<'a>(plan: &'a Plan, gathered: &'a Gathered) -> impl Iterator<Item = (String, Vec<String>)> + 'a {
    plan.scenario.system.axis_names().map(|axis| {
        let values = gathered.arms.iter().map(|arm| arm.plan.wiring.get(axis).to_owned());
        (axis.to_owned(), values.collect())
    })
}
