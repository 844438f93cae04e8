//! The figures of a report as rows: one a metric, one column an arm.

use load::{ledger::Kept, statistics::Verdict};

use super::model::{Arm, CauseCount, Comparison, Report};
use super::words::{NO_FIGURE, count, maybe, maybe_per_cent, mean_count, per_cent, three_digits};

/// One row of the table of figures.
pub(super) struct Row {
    /// What it is, with its unit: `CPU an operation, µs`.
    pub(super) name: String,
    /// One cell an arm.
    pub(super) cells: Vec<String>,
}

/// Where the shares of operations that two arms turned away lie further apart than this, their latencies are not of the
/// same operations.
const MOST_TURNED_AWAY: f64 = 0.02;

/// How an arm's cell of a row is written.
type Cell = fn(&Arm) -> String;

/// Every figure that at least one arm has.
pub(super) fn rows(report: &Report) -> Vec<Row> {
    let figures: [(&'static str, Cell); 23] = [
        ("offered a second", |arm| maybe(arm.offered_per_s)),
        ("operations a second", |arm| three_digits(arm.throughput_per_s)),
        ("capacity, operations a second", |arm| maybe_text(arm.capacity.map(|capacity| capacity.words()))),
        ("utilization (offered / capacity)", |arm| maybe_per_cent(arm.load_of_capacity().map(|share| share * 100.0))),
        ("operations", |arm| count(arm.operations)),
        ("refused", |arm| causes(&arm.refused)),
        ("failed", |arm| causes(&arm.failed)),
        ("sent once more", |arm| if arm.resent > 0 { count(arm.resent) } else { NO_FIGURE.to_owned() }),
        ("p50, ms", |arm| maybe(arm.latency_ms.p50)),
        ("p90, ms", |arm| maybe(arm.latency_ms.p90)),
        ("p99, ms", |arm| maybe(arm.latency_ms.p99)),
        ("p99.9, ms", |arm| maybe(arm.latency_ms.p999)),
        ("max, ms", |arm| maybe(arm.latency_ms.max)),
        ("CPU an operation, µs", cpu),
        ("CPU an operation at capacity, µs", |arm| maybe(arm.capacity.map(|capacity| capacity.cpu_us_per_op))),
        ("memory, MiB (peak)", memory),
        ("hops an operation", |arm| mean_count(arm.per_op.hops)),
        ("bytes between processes", |arm| mean_count(arm.per_op.bytes)),
        ("SQL an operation", |arm| mean_count(arm.per_op.sql)),
        ("cache hits an operation", |arm| mean_count(arm.per_op.cache_hits)),
        ("events an operation", |arm| mean_count(arm.per_op.events)),
        ("Redis commands an operation", |arm| mean_count(arm.per_op.redis)),
        ("ledger", ledger),
    ];
    let row = |(name, cell): (&'static str, Cell)| Row {
        name: name.to_owned(),
        cells: report.arms.iter().map(cell).collect(),
    };
    figures
        .into_iter()
        .map(row)
        .chain(facts(report))
        .filter(|row| row.cells.iter().any(|cell| cell != NO_FIGURE))
        .collect()
}

/// The facts of the ledger that claims speak of, in the claims' order.
fn facts(report: &Report) -> Vec<Row> {
    let mut names: Vec<&str> = Vec::new();
    for name in report.claims.iter().filter_map(|claim| claim.fact.as_deref()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let counted = |arm: &Arm, name: &str| {
        let ledger = arm.ledger.as_ref()?;
        // A fact that never came up is not listed.
        Some(count(ledger.facts.iter().find(|fact| fact.name == name).map_or(0, |fact| fact.count)))
    };
    let cell = |arm: &Arm, name: &str| counted(arm, name).unwrap_or_else(|| NO_FIGURE.to_owned());
    let row = |name: &str| Row {
        name: name.to_owned(),
        cells: report.arms.iter().map(|arm| cell(arm, name)).collect(),
    };
    names.into_iter().map(row).collect()
}

fn cpu(arm: &Arm) -> String {
    arm.cpu_us_per_op.total.map_or_else(
        || NO_FIGURE.to_owned(),
        |total| {
            format!(
                "{} [{}, {}]",
                three_digits(total.estimate),
                three_digits(total.low),
                three_digits(total.high)
            )
        },
    )
}

fn maybe_text(text: Option<String>) -> String {
    text.unwrap_or_else(|| NO_FIGURE.to_owned())
}

fn memory(arm: &Arm) -> String {
    match (arm.memory_mib.resident, arm.memory_mib.peak) {
        (Some(resident), Some(peak)) => {
            format!("{} ({})", three_digits(resident), three_digits(peak))
        }
        (resident, _) => maybe(resident),
    }
}

/// The ledger's verdict in a few words.
pub(super) fn ledger(arm: &Arm) -> String {
    let Some(ledger) = &arm.ledger else {
        return NO_FIGURE.to_owned();
    };
    match ledger.verdict().kept() {
        Kept::All => "holds".to_owned(),
        Kept::NotSettled => "holds so far, not settled".to_owned(),
        Kept::NotAllAsked => "holds, not all checked".to_owned(),
        Kept::NothingAsked => "could not be asked".to_owned(),
        Kept::Broken => format!("BROKEN: {}", violations(arm)),
    }
}

/// What breaks the ledger of an arm: `188 lost, 2 duplicated`.
pub(super) fn violations(arm: &Arm) -> String {
    let facts = arm.ledger.iter().flat_map(|ledger| &ledger.facts);
    let broken: Vec<String> = facts
        .filter(|fact| fact.violation && fact.count > 0)
        .map(|fact| format!("{} {}", count(fact.count), fact.name))
        .collect();
    broken.join(", ")
}

/// How often, and why: `65 (61 connection refused, 4 deadline passed)`.
pub(super) fn causes(list: &[CauseCount]) -> String {
    let total: u64 = list.iter().map(|entry| entry.count).sum();
    match list {
        [] => "0".to_owned(),
        [one] => format!("{} ({})", count(total), one.cause),
        several => {
            let each: Vec<_> =
                several.iter().map(|entry| format!("{} {}", count(entry.count), entry.cause)).collect();
            format!("{} ({})", count(total), each.join(", "))
        }
    }
}

/// What a reader has to know of an arm that answered less than it was offered.
pub(super) fn saturated_sentence(report: &Report, arm: &Arm) -> Option<String> {
    let offered = arm.offered_per_s.filter(|_| arm.saturated)?;
    let (label, achieved, offered) = (&arm.label, three_digits(arm.throughput_per_s), three_digits(offered));
    Some(if report.load.faults.is_empty() {
        format!(
            "{label} achieved {achieved} of the {offered} operations a second that it was offered: its latencies are those of a queue that grows for as long as the load goes on"
        )
    } else {
        format!(
            "{label} achieved {achieved} of the {offered} operations a second that it was offered, the time of the fault included"
        )
    })
}

/// What a reader has to know beside a comparison of latencies, if there is something.
pub(super) fn caveat(report: &Report, comparison: &Comparison) -> Option<String> {
    if comparison.metric == "cpu" {
        return busy(report, comparison);
    }
    if !comparison.metric.starts_with('p') {
        return None;
    }
    let caveats = [queues(report, comparison), others(report, comparison)];
    let caveats: Vec<String> = caveats.into_iter().flatten().collect();
    (!caveats.is_empty()).then(|| caveats.join("; "))
}

/// How busy both arms were: what an operation costs depends on it.
fn busy(report: &Report, comparison: &Comparison) -> Option<String> {
    let (arm, baseline) = (&comparison.arm, &comparison.baseline);
    let share = |label: &str| share_of_capacity(report.arm(label)?);
    let (of_arm, of_baseline) = (share(arm)?, share(baseline)?);
    Some(format!("measured at {of_arm} of the capacity of {arm} and {of_baseline} of that of {baseline}"))
}

/// The load of an arm as a share of its capacity: `3 %`, `at most 3 %`.
pub(super) fn share_of_capacity(arm: &Arm) -> Option<String> {
    let at_most = if arm.capacity?.at_least { "at most " } else { "" };
    Some(format!("{at_most}{}", per_cent(arm.load_of_capacity()? * 100.0)))
}

/// The latencies of an arm that is saturated grow with the length of the run.
fn queues(report: &Report, comparison: &Comparison) -> Option<String> {
    let is_saturated = |label: &&String| report.arm(label).is_some_and(|arm| arm.saturated);
    let saturated: Vec<&str> = [&comparison.arm, &comparison.baseline]
        .into_iter()
        .filter(is_saturated)
        .map(String::as_str)
        .collect();
    (!saturated.is_empty()).then(|| format!("saturated: {}", saturated.join(", ")))
}

/// Latencies are of operations that were let through, and where one arm refused or failed many more than the other,
/// those are not the same operations.
fn others(report: &Report, comparison: &Comparison) -> Option<String> {
    let turned_away = |label: &str| {
        let arm = report.arm(label)?;
        let sum = |causes: &[CauseCount]| causes.iter().map(|cause| cause.count).sum::<u64>();
        let lost = sum(&arm.refused) + sum(&arm.failed);
        Some((lost, lost as f64 / (arm.operations + lost).max(1) as f64))
    };
    let ((a, share_a), (b, share_b)) = (turned_away(&comparison.arm)?, turned_away(&comparison.baseline)?);
    ((share_a - share_b).abs() > MOST_TURNED_AWAY).then(|| {
        format!(
            "of what was let through: {} refused or failed {}, {} {}",
            comparison.arm,
            count(a),
            comparison.baseline,
            count(b)
        )
    })
}

/// Whether a comparison says something: not one that cannot be told.
pub(super) fn is_told(comparison: &Comparison) -> bool {
    !matches!(comparison.verdict, Some(Verdict::CannotTell { .. }))
}

/// The comparisons that a reader should see first: CPU at this load, capacity, the median and the tail.
pub(super) fn headlines(report: &Report) -> Vec<&Comparison> {
    let first = ["cpu", "capacity", "p50", "p99"];
    let is_headline = |metric: &str| first.contains(&metric);
    let picked: Vec<_> =
        report.comparisons.iter().filter(|comparison| is_headline(&comparison.metric)).collect();
    if picked.is_empty() { report.comparisons.iter().take(3).collect() } else { picked }
}

/// A comparison in a sentence; one that this run cannot decide says so first, wherever it stands.
pub(super) fn sentence(report: &Report, comparison: &Comparison) -> String {
    let decided = report.validity.verdict_possible || comparison.verdict.is_none();
    let before = if decided { "" } else { "no verdict; measured: " };
    format!("{before}{}", comparison.sentence)
}

/// The verdict of a comparison without its arms: `higher: 2.41x [2.36, 2.46]`.
pub(super) fn verdict_words(report: &Report, comparison: &Comparison) -> String {
    match comparison.verdict {
        Some(verdict) if !report.validity.verdict_possible => {
            format!("no verdict; measured {}", verdict.short())
        }
        // A factor alone would leave open which way it goes.
        Some(verdict @ Verdict::Higher { by, .. }) if by >= 1.0 => {
            format!("higher: {}", verdict.short())
        }
        Some(verdict) => verdict.short(),
        None => comparison.sentence.clone(),
    }
}

/// Why this report gives no verdict, if it gives none.
pub(super) fn void_sentence(report: &Report) -> Option<String> {
    (!report.validity.verdict_possible).then(|| {
        "This run has no verdict: it does not meet the conditions under which its figures could be believed. See the validity box.".to_owned()
    })
}

/// What happened to an arm that did not live to the end.
pub(super) fn death_sentence(arm: &Arm) -> Option<String> {
    arm.died.as_ref().map(|death| match death.when_s {
        Some(seconds) => {
            format!("{}: process `{}` died {seconds:.1} s after load began", arm.label, death.process)
        }
        None => format!("{}: process `{}` died before it was ready", arm.label, death.process),
    })
}
