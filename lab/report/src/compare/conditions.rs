//! The conditions of a run, as far as its report has them.

use super::Condition;
use crate::{
    model::{Fault, Report},
    words::{count, three_digits},
};

/// Every condition of the two runs, equal ones included.
pub(super) fn all(first: &Report, second: &Report) -> Vec<Condition> {
    let mut conditions: Vec<Condition> = of(first)
        .into_iter()
        .zip(of(second))
        .map(|((name, one), (_, other))| Condition { name: name.to_owned(), values: [one, other] })
        .collect();
    conditions.extend(held(first, second));
    conditions
}

/// The conditions of every run.
fn of(report: &Report) -> [(&'static str, String); 17] {
    let (machine, load) = (&report.machine, &report.load);
    let arms: Vec<&str> = report.arms.iter().map(|arm| arm.label.as_str()).collect();
    let faults: Vec<String> = load.faults.iter().map(planned).collect();
    let phases: Vec<String> = load
        .phases
        .iter()
        .map(|phase| format!("{} {} ms", phase.name, three_digits(phase.length_ms)))
        .collect();
    let stores = report.arms.iter().flat_map(|arm| &arm.backings);
    let mut stores: Vec<String> =
        stores.map(|store| format!("{} {} ({})", store.role, store.version, store.provider)).collect();
    stores.sort();
    stores.dedup();
    [
        ("machine", format!("{}, {} cores, {} MiB", machine.cpu, machine.cores, count(machine.memory_mib))),
        ("system", format!("{}, kernel {}", machine.os, machine.kernel)),
        ("compiler", machine.rust.clone()),
        ("processors", report.budget.note.clone()),
        ("lab", report.lab_version.clone()),
        ("commit", report.commit.clone().unwrap_or_else(|| "unknown".to_owned())),
        ("form", if report.quick { "quick" } else { "whole" }.to_owned()),
        ("runtime", report.runtime.clone()),
        ("seed", report.seed.to_string()),
        ("arms", arms.join(", ")),
        ("mix", load.mix.clone()),
        ("rate", format!("{} a second, {}", three_digits(load.rate), load.arrivals)),
        (
            "measured",
            format!(
                "{} s an arm in {} rounds and {} launches, slices of {} ms",
                three_digits(load.measured_seconds_per_arm),
                count(load.rounds),
                load.launches,
                three_digits(load.slice_ms)
            ),
        ),
        ("things", format!("{} {}", count(load.things), load.things_name)),
        ("phases", phases.join(", ")),
        ("faults", faults.join("; ")),
        ("stores", stores.join(", ")),
    ]
}

/// A fault as the scenario defines it; its actual times vary.
fn planned(fault: &Fault) -> String {
    let Fault { target, what, detail, at_ms, for_ms, .. } = fault;
    let what = [what, target, detail].map(String::as_str).join(" ");
    format!("{} at {} ms for {} ms", what.trim_end(), three_digits(*at_ms), three_digits(*for_ms))
}

/// Every axis that all arms of either run share.
fn held(first: &Report, second: &Report) -> Vec<Condition> {
    let value = |report: &Report, axis: &str| {
        let held = report.held.iter().find(|held| held.axis == axis);
        held.map_or_else(|| "not held".to_owned(), |held| held.value.clone())
    };
    let mut axes: Vec<&str> = Vec::new();
    for held in first.held.iter().chain(&second.held) {
        if !axes.contains(&held.axis.as_str()) {
            axes.push(&held.axis);
        }
    }
    let condition = |axis: &str| Condition {
        name: format!("held {axis}"),
        values: [value(first, axis), value(second, axis)],
    };
    axes.into_iter().map(condition).collect()
}
