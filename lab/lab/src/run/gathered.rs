//! The data of a run until it is judged.

use std::collections::BTreeMap;

use load::{
    ledger::LedgerVerdict,
    record::{Histogram, SliceRecord, Summary, histogram},
    series::Series,
};
use report::model::{PartKind, UsedBacking};
use runtimes::{
    arm::RunningArm,
    launch::{Death, Skipped},
    measure::{Group, Memory, Part},
    traces::Trace,
};
use scenario::{
    Fault,
    plan::{ArmPlan, Plan, RAMP_STEPS},
};
use statistics::{Batch, Batches};

use super::{capacity, counters::Counters, faults::Happened, over_time::Watched};

const MIB: f64 = 1_048_576.0;

/// The measurements.
pub(super) struct Gathered {
    /// The arms that ran, in the plan's order.
    pub(super) arms: Vec<ArmData>,
    /// The arms that could not.
    pub(super) skipped: Vec<Skipped>,
    /// All slices, and those that are void: shaped by the generator.
    pub(super) slices: u64,
    pub(super) void_slices: u64,
    /// The rounds that count.
    pub(super) rounds: u64,
    /// The measured launches.
    pub(super) launches: u32,
    /// The generator's send lag over all slices.
    pub(super) send_lag: Histogram<u64>,
    /// The generator's own latency.
    pub(super) floor: Option<Summary>,
    /// A process that ended by itself, and when that was noticed, in seconds since its launch's load began.
    pub(super) death: Option<(Death, f64)>,
    /// The injected faults, each with its arm and launch.
    pub(super) faults: Vec<(String, u32, Happened)>,
    /// The share of the allowance of false alarms for these intervals; the rest belongs to other looks.
    pub(super) share: f64,
    /// Whether processes are killed, and with them what they count: counts per operation would be too low.
    pub(super) forgets_counts: bool,
    /// Notes for the report.
    pub(super) notes: Vec<String>,
}

/// One arm over all its launches.
pub(super) struct ArmData {
    pub(super) plan: ArmPlan,
    /// CPU nanoseconds and latencies of each round.
    pub(super) total: Batches,
    /// The same CPU time by process and backing; replicas of a process are one part.
    pub(super) parts: Vec<PartData>,
    /// The part of each process group.
    part_of: Vec<usize>,
    /// All rounds that count, merged.
    pub(super) record: SliceRecord,
    /// Successful operations of all measured slices, void ones included: the divisor for counters.
    pub(super) counted: u64,
    /// Sums of counters over processes and launches.
    pub(super) counters: Counters,
    pub(super) ledger: Option<LedgerVerdict>,
    /// The steps of its ramps.
    pub(super) ramp: Vec<capacity::Step>,
    /// The counts of each launch, from which the uncertainty of a count is estimated.
    pub(super) by_launch: BTreeMap<u32, LaunchCounts>,
    pub(super) traces: Vec<Trace>,
    /// The sum of the episodes' counts over time, and the number of episodes.
    pub(super) series: Option<Series>,
    pub(super) episodes: u64,
    /// Each episode over its time.
    pub(super) watched: Vec<Watched>,
    pub(super) backings: Vec<UsedBacking>,
    pub(super) urls: Vec<(String, String)>,
}

/// The counts of one launch of an arm.
#[derive(Default)]
pub(super) struct LaunchCounts {
    pub(super) offered: u64,
    pub(super) failed: u64,
    pub(super) refused: u64,
    pub(super) ledger: LedgerVerdict,
}

/// A process or backing of an arm.
pub(super) struct PartData {
    pub(super) name: String,
    pub(super) kind: PartKind,
    pub(super) cpu: Batches,
    /// MiB: current, and peak.
    pub(super) resident: f64,
    pub(super) peak: f64,
}

impl Gathered {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            forgets_counts: plan.scenario.faults.iter().any(Fault::forgets_counts),
            arms: Vec::new(),
            skipped: Vec::new(),
            slices: 0,
            void_slices: 0,
            rounds: 0,
            launches: 0,
            send_lag: histogram(),
            floor: None,
            death: None,
            faults: Vec::new(),
            share: 1.0,
            notes: Vec::new(),
        }
    }
}

impl ArmData {
    pub(super) fn new(plan: ArmPlan, groups: &[Group]) -> Self {
        let mut parts: Vec<PartData> = Vec::new();
        let mut part_of = Vec::new();
        for part in groups.iter().map(PartData::new) {
            let known = parts.iter().position(|other| other.name == part.name && other.kind == part.kind);
            part_of.push(known.unwrap_or(parts.len()));
            if known.is_none() {
                parts.push(part);
            }
        }
        Self {
            plan,
            total: Batches::new(),
            parts,
            part_of,
            record: SliceRecord::default(),
            counted: 0,
            counters: Counters::default(),
            ledger: None,
            ramp: vec![capacity::Step::default(); RAMP_STEPS.len()],
            by_launch: BTreeMap::new(),
            traces: Vec::new(),
            series: None,
            episodes: 0,
            watched: Vec::new(),
            backings: Vec::new(),
            urls: Vec::new(),
        }
    }

    /// Sums the values of process groups by part.
    fn by_part(&self, of_groups: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let mut sums = vec![0; self.parts.len()];
        for (part, used) in self.part_of.iter().zip(of_groups) {
            sums[*part] += used;
        }
        sums
    }

    /// Records the memory of each process group at the end of a launch.
    pub(super) fn hold(&mut self, memory: &[Memory]) {
        let resident = self.by_part(memory.iter().map(|group| group.resident));
        let peak = self.by_part(memory.iter().map(|group| group.peak));
        for ((part, resident), peak) in self.parts.iter_mut().zip(resident).zip(peak) {
            part.resident = resident as f64 / MIB;
            part.peak = part.peak.max(peak as f64 / MIB);
        }
    }

    /// Adds a round: the CPU time of each process group, and the generator's record.
    pub(super) fn push(&mut self, launch: u32, cpu: &[u64], record: &SliceRecord) {
        let operations = record.succeeded;
        let batch = |nanoseconds: u64| Batch { launch, cost: nanoseconds as f64, operations };
        self.total.push(batch(cpu.iter().sum()), Some(&record.latency));
        let by_part = self.by_part(cpu.iter().copied());
        for (part, nanoseconds) in self.parts.iter_mut().zip(by_part) {
            part.cpu.push(batch(nanoseconds), None);
        }
        self.record.merge(record);
        let counts = self.by_launch.entry(launch).or_default();
        counts.offered += record.succeeded + record.failed.total() + record.refused.total();
        counts.failed += record.failed.total();
        counts.refused += record.refused.total();
    }

    /// Adds the counts over time of one episode.
    pub(super) fn add_series(&mut self, series: Series) {
        match &mut self.series {
            Some(sum) => sum.merge(&series),
            None => self.series = Some(series),
        }
        self.episodes += 1;
    }

    /// Adds the ledger verdict of one launch.
    pub(super) fn add_ledger(&mut self, launch: u32, verdict: LedgerVerdict) {
        self.by_launch.entry(launch).or_default().ledger = verdict.clone();
        match &mut self.ledger {
            Some(sum) => sum.merge(verdict),
            None => self.ledger = Some(verdict),
        }
    }
}

impl PartData {
    /// A part's name is what it hosts, so that replicas have the same name.
    fn new(group: &Group) -> Self {
        let (name, kind) = match &group.part {
            Part::Backing(_) => (group.name.clone(), PartKind::Backing),
            Part::Proxy => (group.name.clone(), PartKind::Proxy),
            Part::Service { components, edge } => {
                let edge = edge.then_some("edge");
                let hosted: Vec<_> = edge.into_iter().chain(components.iter().copied()).collect();
                (hosted.join(" + "), PartKind::Component)
            }
        };
        Self { name, kind, cpu: Batches::new(), resident: 0.0, peak: 0.0 }
    }
}

/// The origin of an arm's stores and brokers, role by role.
pub(super) fn used_backings(plan: &ArmPlan, running: &RunningArm) -> Vec<UsedBacking> {
    let of_kind =
        |need: &design::BackingNeed| running.backings.iter().find(|backing| backing.kind == need.kind);
    plan.backings
        .iter()
        .filter_map(|need| {
            let backing = of_kind(need)?;
            Some(UsedBacking {
                role: need.role.clone(),
                provider: backing.provider.clone(),
                version: need.kind.name().to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use runtimes::measure::{Scope, TrackedProcess};
    use scenario::systems;

    use super::*;

    #[test]
    fn copies_of_a_process_are_one_part_and_its_cost_is_their_sum() {
        let group = |name: &str, components: &[&'static str], edge| Group {
            name: name.to_owned(),
            part: Part::Service { components: components.to_vec(), edge },
            scope: Scope::Process(TrackedProcess::new(1)),
        };
        let groups = [
            group("gateway", &[], true),
            group("links-1", &["links"], false),
            group("links-2", &["links"], false),
        ];
        let system = systems::find("shortener").expect("the shortener");
        let plan = ArmPlan::new("two".to_owned(), design::Wiring::defaults(system));
        let mut data = ArmData::new(plan, &groups);
        data.push(1, &[5, 10, 20], &SliceRecord::default());
        let costs: Vec<_> =
            data.parts.iter().map(|part| (part.name.as_str(), part.cpu.as_slice()[0].cost as u64)).collect();
        assert_eq!(costs, [("edge", 5), ("links", 30)]);
    }
}
