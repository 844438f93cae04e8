//! The faults that the parts of a wiring can have.

use std::time::Duration;

use design::BackingKind;
use proxy::{Directions, Distribution, Latency};

use crate::{
    plan::{ArmEnd, ArmPlan, ProcessPlan},
    scenario::{Callee, Caller, Fault, FaultKind, Link, ProcessName, Target},
};

/// Every process is killed, and every store.
pub(super) const ALL_KILLED: &str = "all-killed";
/// A process is killed.
pub(super) const COMPONENT_KILLED: &str = "component-killed";

/// The kinds of faults, with what each does.
pub(super) const KINDS: [(&str, &str); 11] = [
    ("store-killed", "a store is killed, and started again with its data"),
    ("store-slow", "each message to and from a store takes 50 ms longer"),
    ("store-frozen", "a store or broker stands still, and keeps its connections"),
    ("broker-restarted", "the broker is killed, and started again with its data"),
    ("provider-killed", "the payment provider is killed, and started again with its books"),
    ("provider-slow", "each message to and from the payment provider takes 50 ms longer"),
    ("provider-frozen", "the payment provider stands still, and keeps its connections"),
    (COMPONENT_KILLED, "a process is killed, and started again"),
    ("partition", "a link between two processes is cut, with its connections held"),
    ("partition-one-way", "only the requests of a link are held, or only its replies"),
    (ALL_KILLED, "every process and every store are killed at the same time"),
];

/// How much longer each message of a slow store takes.
const SLOW_MS: f64 = 50.0;

/// A kind of fault, done to certain parts of a wiring at the same time.
#[derive(Clone, Debug, PartialEq)]
pub struct DrillFault {
    /// The name on the command line: `store-killed`.
    pub kind: &'static str,
    /// What is done to what: `postgres killed`.
    pub label: String,
    /// Whether the quick form leaves it to a like one, which does more harm.
    pub(super) is_lesser: bool,
    what: FaultKind,
    targets: Vec<Target>,
}

impl DrillFault {
    /// The fault from `at` on, of each part.
    pub(super) fn at(&self, at: Duration, lasts: Duration) -> Vec<Fault> {
        self.targets.iter().map(|target| Fault { at, lasts, what: self.what, target: *target }).collect()
    }

    /// The slowest of its parts to start again.
    pub(super) fn starts_slowly(&self) -> bool {
        self.what == FaultKind::Kill && self.targets.contains(&Target::Backing(BackingKind::Kafka))
    }

    /// The stores and brokers that it is done to, and whether they are killed.
    pub fn backings(&self) -> impl Iterator<Item = (BackingKind, bool)> {
        let is_killed = self.what == FaultKind::Kill;
        let backing = move |target: &Target| match target {
            Target::Backing(kind) => Some((*kind, is_killed)),
            Target::Process(_) | Target::Link(_) => None,
        };
        self.targets.iter().filter_map(backing)
    }
}

/// Every fault that the parts of a wiring can have.
pub(super) fn of(arm: &ArmPlan) -> Vec<DrillFault> {
    let mut kinds: Vec<BackingKind> = arm.backings.iter().map(|need| need.kind).collect();
    kinds.retain(|kind| kind.has_processes());
    kinds.dedup();
    let mut shapes: Vec<&'static str> = arm.processes.iter().map(|process| process.shape).collect();
    shapes.dedup();
    let mut faults: Vec<DrillFault> = kinds.iter().flat_map(|kind| of_store(*kind)).collect();
    faults.extend(
        shapes.iter().map(|shape| killed(COMPONENT_KILLED, format!("{shape} killed"), vec![process(shape)])),
    );
    faults.extend(links(arm).into_iter().flat_map(|(from, to)| of_link(from, to)));
    let everything = shapes.iter().map(|shape| process(shape)).chain(kinds.into_iter().map(Target::Backing));
    let everything: Vec<Target> = everything.collect();
    // One process without a store is everything by itself.
    if everything.len() > 1 {
        faults.push(killed(ALL_KILLED, "everything killed".to_owned(), everything));
    }
    faults
}

fn of_store(kind: BackingKind) -> Vec<DrillFault> {
    let target = Target::Backing(kind);
    let one = |name, done: &str, what| DrillFault {
        kind: name,
        label: format!("{} {done}", kind.name()),
        is_lesser: false,
        what,
        targets: vec![target],
    };
    let latency = Latency { distribution: Distribution::Constant { ms: SLOW_MS }, seed: 0 };
    let slow = FaultKind::Link { kind: proxy::FaultKind::Latency(latency), directions: Directions::Both };
    let frozen = one("store-frozen", "frozen", FaultKind::Freeze);
    match kind {
        BackingKind::Provider => vec![
            one("provider-killed", "killed", FaultKind::Kill),
            one("provider-slow", "slow", slow),
            one("provider-frozen", "frozen", FaultKind::Freeze),
        ],
        // A client of Kafka leaves the address that it was given, so nothing stands on its links.
        BackingKind::Kafka => vec![one("broker-restarted", "restarted", FaultKind::Kill), frozen],
        _ => vec![one("store-killed", "killed", FaultKind::Kill), one("store-slow", "slow", slow), frozen],
    }
}

fn of_link(from: &'static str, to: &'static str) -> [DrillFault; 3] {
    let link = Link { from: Caller::Process(named(from)), to: Callee::Process(named(to)) };
    let cut = |kind, how: &str, directions| DrillFault {
        kind,
        label: format!("{link} {how}"),
        // Whoever gets no reply does not know whether it was done.
        is_lesser: directions == Directions::To,
        what: FaultKind::Link { kind: proxy::FaultKind::Partition, directions },
        targets: vec![Target::Link(link)],
    };
    [
        cut("partition", "cut", Directions::Both),
        cut("partition-one-way", "without requests", Directions::To),
        cut("partition-one-way", "without replies", Directions::From),
    ]
}

fn killed(kind: &'static str, label: String, targets: Vec<Target>) -> DrillFault {
    DrillFault { kind, label, is_lesser: false, what: FaultKind::Kill, targets }
}

/// The links between processes, by their names in the placement; each once.
fn links(arm: &ArmPlan) -> Vec<(&'static str, &'static str)> {
    let mut links: Vec<(&str, &str)> = Vec::new();
    for link in arm.links() {
        if let (Some(ProcessPlan { shape: from, .. }), ArmEnd::Process(ProcessPlan { shape: to, .. })) =
            (link.from, link.to)
            && !links.contains(&(*from, *to))
        {
            links.push((from, to));
        }
    }
    links
}

fn process(shape: &'static str) -> Target {
    Target::Process(named(shape))
}

fn named(shape: &'static str) -> ProcessName {
    ProcessName { shape, replica: None }
}
