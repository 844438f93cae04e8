//! A topology as text, for the terminal.

use std::fmt::Write;

use super::{ArmPlan, ProcessPlan};

/// An arm's processes, with their components and connections, one process per line:
///
/// ```text
/// client -> gateway  [edge]
///             |-http-> links
///           links    [links]
///             |-sqlite-> database
/// ```
pub fn topology(arm: &ArmPlan) -> String {
    let width = arm.processes.iter().map(|process| process.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for process in &arm.processes {
        let from = if process.edge { "client -> " } else { "          " };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{from}{:width$}  [{}]", process.name, hosted(process));
        for line in reaches(arm, process) {
            let _ = writeln!(text, "            {line}");
        }
    }
    text
}

fn hosted(process: &ProcessPlan) -> String {
    let edge = process.edge.then_some(if process.paths.is_empty() { "edge" } else { "part of the edge" });
    let names: Vec<_> = edge.into_iter().chain(process.components.iter().copied()).collect();
    names.join(" + ")
}

/// The connections of a process: components over the transport, those that it hands events to, backings over their own
/// protocol.
fn reaches(arm: &ArmPlan, process: &ProcessPlan) -> Vec<String> {
    let transport = arm.wiring.get("transport");
    let components = process.calls.iter().map(|component| match arm.hosts_of(component).count() {
        1 => format!("|-{transport}-> {component}"),
        replicas => format!("|-{transport}-> {component}, {replicas} replicas"),
    });
    let events = arm.wiring.get("events");
    let told = process.tells.iter().map(|component| format!("|-{events} events-> {component}"));
    let backings = arm
        .backings
        .iter()
        .filter(|need| process.roles.contains(&need.role))
        .map(|need| format!("|-{}-> {}", need.kind.name(), need.role));
    components.chain(told).chain(backings).collect()
}
