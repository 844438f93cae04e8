//! One arm of a report.

use load::{journeys::RatioShape, record::Summary};
use report::model::{
    Arm, Backing, CauseCount, CpuCost, Death, Latency, Ledger, Link, Memory, MemoryPart, OutcomeLatency,
    Part, PerOperation, Point, Process, TimeShare, Topology,
};
use runtimes::traces::{self, Place};
use scenario::{
    plan::{ArmPlan, Plan},
    systems,
};

use super::series;
use crate::{
    recent::drawn,
    run::{
        capacity,
        compare::{self, CONFIDENCE},
        counters,
        gathered::{ArmData, Gathered},
        over_time::over_time,
    },
};

/// Points of a latency curve, evenly spaced on the axis `1 / (1 - quantile)`, as HdrHistogram draws it.
const CURVE_POINTS: u32 = 60;

pub(super) fn arm(plan: &Plan, gathered: &Gathered, data: &ArmData) -> Arm {
    let record = &data.record;
    let rates = record.rates();
    let (timeline, effects) = over_time(plan, &data.plan, &data.watched);
    Arm {
        name: data.plan.name.clone(),
        label: data.plan.label.clone(),
        summary: plan.chosen(&data.plan),
        negative_control: negative_control(plan, &data.plan),
        topology: topology(data),
        backings: data.backings.clone(),
        throughput_per_s: rates.achieved,
        offered_per_s: rates.offered,
        saturated: rates.is_saturated(),
        capacity: capacity::capacity(&data.ramp),
        operations: record.succeeded,
        refused: causes(record.refused.iter()),
        failed: causes(record.failed.iter()),
        indeterminate: record.indeterminate,
        resent: record.resent,
        latency_ms: latency(&record.latency),
        service_ms: latency(&record.service),
        outcomes: record.outcomes.iter().map(outcome).collect(),
        latency_curve: curve(&record.latency),
        cpu_us_per_op: cpu(data),
        memory_mib: memory(data),
        per_op: per_operation(data, gathered.forgets_counts),
        ledger: data.ledger.as_ref().map(Ledger::from),
        where_time_goes: where_time_goes(data),
        trace: traces::usual(&data.traces).and_then(drawn),
        series: data.series.as_ref().map(|summed| series::mean(plan, summed, data.episodes)),
        timeline,
        effects,
        died: death(gathered, data),
    }
}

/// The known defect of an arm: only the compared axes count, because held values are the same for all arms.
pub(super) fn negative_control(plan: &Plan, arm: &ArmPlan) -> Option<String> {
    let diff = plan.diff();
    let differs = |axis: &str| diff.rows.iter().any(|row| row.axis == axis && row.differs);
    let controls: Vec<String> = arm
        .wiring
        .controls()
        .filter(|(axis, _)| differs(axis))
        .filter_map(|(axis, value)| Some(format!("{axis} = {}: {}", value.name, value.control?)))
        .collect();
    (!controls.is_empty()).then(|| controls.join("; "))
}

fn topology(data: &ArmData) -> Topology {
    let wiring = &data.plan.wiring;
    let processes = &data.plan.processes;
    let url = |name: &str| data.urls.iter().find(|(process, _)| *process == name).map(|(_, url)| url.clone());
    let links = processes.iter().flat_map(|process| {
        let called = process.calls.iter().flat_map(|component| data.plan.hosts_of(component));
        called.map(|other| Link {
            from: process.name.clone(),
            to: other.name.clone(),
            label: wiring.get("transport").to_owned(),
        })
    });
    let backings = data.plan.backings.iter().map(|need| Backing {
        name: need.role.clone(),
        kind: need.kind.name().to_owned(),
        provider: data
            .backings
            .iter()
            .find(|backing| backing.role == need.role)
            .map(|backing| backing.provider.clone())
            .unwrap_or_default(),
        used_by: processes
            .iter()
            .filter(|process| process.roles.contains(&need.role))
            .map(|process| process.name.clone())
            .collect(),
    });
    Topology {
        links: links.collect(),
        backings: backings.collect(),
        processes: processes
            .iter()
            .map(|process| Process {
                name: process.name.clone(),
                edge: process.edge,
                components: process.components.iter().map(|component| (*component).to_owned()).collect(),
                url: url(&process.name),
            })
            .collect(),
    }
}

fn causes<'a>(counts: impl Iterator<Item = (&'a str, u64)>) -> Vec<CauseCount> {
    counts
        .filter(|(_, count)| *count > 0)
        .map(|(cause, count)| CauseCount { cause: cause.to_owned(), count })
        .collect()
}

fn outcome(record: &load::record::OutcomeRecord) -> OutcomeLatency {
    OutcomeLatency {
        outcome: record.outcome.to_owned(),
        count: record.latency.len(),
        latency_ms: latency(&record.latency),
    }
}

fn latency(histogram: &load::record::Histogram<u64>) -> Latency {
    let summary = Summary::of(histogram);
    let ms = |time: Option<std::time::Duration>| time.map(|time| time.as_secs_f64() * 1_000.0);
    Latency {
        p50: ms(summary.p50),
        p90: ms(summary.p90),
        p99: ms(summary.p99),
        p999: ms(summary.p999),
        max: ms(summary.max),
    }
}

fn curve(histogram: &load::record::Histogram<u64>) -> Vec<Point> {
    // Up to the last quantile with ten operations beyond it.
    let longest = (histogram.len() as f64 / 10.0).max(1.0).log10();
    (0..=CURVE_POINTS)
        .map(|step| 1.0 - 10_f64.powf(-longest * f64::from(step) / f64::from(CURVE_POINTS)))
        .filter(|quantile| !histogram.is_empty() && *quantile < 1.0)
        .map(|quantile| Point { quantile, ms: histogram.value_at_quantile(quantile) as f64 / 1e6 })
        .collect()
}

fn cpu(data: &ArmData) -> CpuCost {
    let mean = |batches: &statistics::Batches| {
        statistics::mean(batches.as_slice(), CONFIDENCE).map(|mean| statistics::Interval {
            estimate: mean.estimate / 1_000.0,
            low: mean.low / 1_000.0,
            high: mean.high / 1_000.0,
            smallest_detectable: mean.smallest_detectable / 1_000.0,
            ..mean
        })
    };
    let spent = |batches: &statistics::Batches| {
        let cost: f64 = batches.as_slice().iter().map(|batch| batch.cost).sum();
        cost / 1_000.0 / batches.operations().max(1) as f64
    };
    let parts = data.parts.iter().map(|part| Part {
        name: part.name.clone(),
        kind: part.kind,
        us: spent(&part.cpu),
        interval: mean(&part.cpu),
    });
    CpuCost { total: mean(&data.total), parts: parts.collect() }
}

fn memory(data: &ArmData) -> Memory {
    let parts = data.parts.iter().map(|part| MemoryPart {
        name: part.name.clone(),
        kind: part.kind,
        mib: part.resident,
    });
    Memory {
        resident: Some(compare::resident(data)),
        peak: Some(data.parts.iter().map(|part| part.peak).sum()),
        parts: parts.collect(),
    }
}

fn per_operation(data: &ArmData, forgets: bool) -> PerOperation {
    let is_known = data.counted > 0 && !forgets;
    let mean = |name: &str| is_known.then(|| data.counters.get(name) / data.counted as f64);
    let system = data.plan.wiring.system().name;
    let own = systems::counters(system).iter();
    let ratio = |shape: &RatioShape| {
        let by = data.counters.get(shape.by);
        (is_known && by > 0.0).then(|| shape.times * data.counters.get(shape.of) / by)
    };
    // A system without such an axis has no such count.
    let chosen = |axis: &str| !matches!(data.plan.wiring.get(axis), "" | "none");
    PerOperation {
        hops: mean(counters::HOPS),
        bytes: mean(counters::BYTES),
        sql: mean(counters::SQL),
        cache_hits: mean(counters::CACHE_HITS).filter(|_| chosen("cache")),
        cache_misses: mean(counters::CACHE_MISSES).filter(|_| chosen("cache")),
        events: mean(counters::EVENTS).filter(|_| chosen("events")),
        redis: mean(counters::REDIS).filter(|commands| *commands > 0.0),
        own: own.filter_map(|counter| Some((counter.name.to_owned(), mean(counter.name)?))).collect(),
        ratios: systems::ratios(system)
            .iter()
            .filter_map(|shape| Some((shape.name.to_owned(), ratio(shape)?)))
            .collect(),
    }
}

fn where_time_goes(data: &ArmData) -> Vec<TimeShare> {
    traces::where_time_goes(&data.traces)
        .into_iter()
        .map(|spent| {
            let (component, hop) = match spent.place {
                Place::Edge => ("edge".to_owned(), false),
                Place::Component(name) => (name, false),
                Place::Hop { transport, to } => (format!("{transport} to {to}"), true),
                Place::Store { system, call } => (format!("{system} {call}"), true),
            };
            TimeShare { component, hop, mean_us: spent.mean_us, share: spent.share }
        })
        .collect()
}

fn death(gathered: &Gathered, data: &ArmData) -> Option<Death> {
    let (death, when) = gathered.death.as_ref().filter(|(death, _)| death.arm == data.plan.name)?;
    Some(Death {
        process: death.ended.process.clone(),
        when_s: Some(*when),
        last_log_lines: death.ended.last_words.0.clone(),
    })
}
