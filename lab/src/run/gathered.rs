//! What is kept of a run until it is judged.

use load::{
    ledger::LedgerVerdict,
    record::{Histogram, SliceRecord, histogram},
    statistics::{Batch, Batches},
};

use crate::{
    plan::ArmPlan,
    process::{Death, Group, Part, Skipped},
    report::model::{PartKind, UsedBacking},
    traces::Trace,
};

/// Everything that was measured.
pub(super) struct Gathered {
    /// The arms that could be had, in the plan's order.
    pub(super) arms: Vec<ArmData>,
    /// Those that could not.
    pub(super) skipped: Vec<Skipped>,
    /// Slices in all, and those that the generator and not the system shaped.
    pub(super) slices: u64,
    pub(super) void_slices: u64,
    /// Rounds that count.
    pub(super) rounds: u64,
    /// Launches that were measured.
    pub(super) launches: u32,
    /// How late the generator was, over all slices.
    pub(super) send_lag: Histogram<u64>,
    /// A process that ended on its own, with the seconds of load before it.
    pub(super) death: Option<(Death, f64)>,
    /// What a reader should know.
    pub(super) notes: Vec<String>,
}

/// One arm over all its launches.
pub(super) struct ArmData {
    pub(super) plan: ArmPlan,
    /// CPU nanoseconds and latencies of each round.
    pub(super) total: Batches,
    /// The same CPU by process and backing.
    pub(super) parts: Vec<PartData>,
    /// Every round that counts, merged.
    pub(super) record: SliceRecord,
    /// Operations that succeeded in any measured slice, void ones included: what counters are divided by.
    pub(super) counted: u64,
    /// Sums of counters over processes and launches, in the order of [`COUNTERS`].
    pub(super) counters: [f64; COUNTERS],
    pub(super) ledger: Option<LedgerVerdict>,
    pub(super) traces: Vec<Trace>,
    pub(super) backings: Vec<UsedBacking>,
    pub(super) urls: Vec<(&'static str, String)>,
}

/// Hops, bytes between processes, statements, cache hits, cache misses, events.
pub(super) const COUNTERS: usize = 6;

/// A process or backing of an arm.
pub(super) struct PartData {
    pub(super) name: String,
    pub(super) kind: PartKind,
    pub(super) cpu: Batches,
    /// MiB, now and at most.
    pub(super) resident: f64,
    pub(super) peak: f64,
}

impl Gathered {
    pub(super) fn new() -> Self {
        Self {
            arms: Vec::new(),
            skipped: Vec::new(),
            slices: 0,
            void_slices: 0,
            rounds: 0,
            launches: 0,
            send_lag: histogram(),
            death: None,
            notes: Vec::new(),
        }
    }
}

impl ArmData {
    pub(super) fn new(plan: ArmPlan, groups: &[Group]) -> Self {
        Self {
            plan,
            total: Batches::new(),
            parts: groups.iter().map(PartData::new).collect(),
            record: SliceRecord::default(),
            counted: 0,
            counters: [0.0; COUNTERS],
            ledger: None,
            traces: Vec::new(),
            backings: Vec::new(),
            urls: Vec::new(),
        }
    }

    /// Adds a round: the CPU of each part, and what the generator recorded.
    pub(super) fn push(&mut self, launch: u32, cpu: &[u64], record: &SliceRecord) {
        let operations = record.succeeded;
        let batch = |nanoseconds: u64| Batch { launch, cost: nanoseconds as f64, operations };
        self.total.push(batch(cpu.iter().sum()), Some(&record.latency));
        for (part, nanoseconds) in self.parts.iter_mut().zip(cpu) {
            part.cpu.push(batch(*nanoseconds), None);
        }
        self.record.merge(record);
    }

    /// Adds the verdict of one launch.
    pub(super) fn add_ledger(&mut self, verdict: LedgerVerdict) {
        let Some(sum) = &mut self.ledger else {
            self.ledger = Some(verdict);
            return;
        };
        sum.complete &= verdict.complete;
        for fact in verdict.facts {
            if fact.breach {
                sum.breach(&fact.name, fact.count);
            } else {
                sum.note(&fact.name, fact.count);
            }
        }
        for story in verdict.examples {
            sum.example(|| story);
        }
    }
}

impl PartData {
    fn new(group: &Group) -> Self {
        let (name, kind) = match &group.part {
            Part::Backing(_) => (group.name.clone(), PartKind::Backing),
            Part::Service { components, edge } => {
                let edge = edge.then_some("edge");
                let hosted: Vec<_> = edge.into_iter().chain(components.iter().copied()).collect();
                (hosted.join(" + "), PartKind::Component)
            }
        };
        Self { name, kind, cpu: Batches::new(), resident: 0.0, peak: 0.0 }
    }
}
