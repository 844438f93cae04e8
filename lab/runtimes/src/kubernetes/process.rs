//! A process: its deployment, its service, and how many pods it has.

use design::BackingKind;
use scenario::plan::ProcessPlan;
use serde_json::{Value, json};

use super::{Export, hosts::limits};
use crate::sessions;

/// The user of the image.
pub(super) const USER: u32 = 10_001;

/// The minimum number of pods, because one may be lost with its machine.
const LEAST_PODS: usize = 2;

/// How long a pod continues unchanged before it stops, until no new connections arrive, in seconds.
const PRE_STOP_S: u64 = 5;

/// The values of a process's template.
pub(super) fn view(export: &Export<'_>, process: &ProcessPlan) -> Value {
    let (scales_from, keeps) = match Pods::of(export, process) {
        Pods::AtLeast(least) => (least, 0),
        Pods::Exactly(many) => (0, many),
    };
    let mut needs = export.arm.backings.iter().filter(|need| process.roles.contains(&need.role));
    json!({
        "process": process.shape,
        "does": does(process),
        "edge": process.edge,
        "sticky": process.edge && sessions::are_sticky(&export.arm.wiring),
        "has_database": needs.any(|need| need.kind == BackingKind::Postgres),
        "scales_from": scales_from,
        "keeps": keeps,
        "user": USER,
        "pre_stop_s": PRE_STOP_S,
        "grace_s": limits().grace().as_secs(),
    })
}

/// The number of pods of a process.
enum Pods {
    /// As many as its load needs, but at least this many.
    AtLeast(usize),
    /// Exactly this many: each keeps state in its memory, and the wiring's promise depends on their number.
    Exactly(usize),
}

impl Pods {
    fn of(export: &Export<'_>, process: &ProcessPlan) -> Self {
        let replicas = export.arm.processes.iter().filter(|other| other.shape == process.shape).count();
        let wiring = &export.arm.wiring;
        let keeps = |component: &&str| wiring.system().rules.keeps(wiring, component);
        if process.components.iter().any(keeps) {
            Self::Exactly(replicas)
        } else {
            Self::AtLeast(replicas.max(LEAST_PODS))
        }
    }
}

/// `serves the public API and hosts links and clicks`.
fn does(process: &ProcessPlan) -> String {
    let edge = process.serves();
    let hosts =
        (!process.components.is_empty()).then(|| format!("hosts {}", process.components.join(" and ")));
    edge.into_iter().chain(hosts).collect::<Vec<_>>().join(" and ")
}
