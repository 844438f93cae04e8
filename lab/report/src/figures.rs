//! The figures of a report as rows: a row per metric, a column per arm.

use std::collections::{BTreeMap, BTreeSet};

use load::{
    journeys::{self, OutcomeWords},
    ledger::Kept,
};
use statistics::Verdict;

use super::{
    caveats::{self, About},
    facts,
    model::{Arm, CauseCount, Comparison, Fact, Report},
    words::{NO_FIGURE, count, maybe, maybe_per_cent, mean_count, three_digits},
};

/// One row of the table of figures.
pub(super) struct Row {
    /// The metric's name with its unit: `CPU per operation, µs`.
    pub(super) name: String,
    /// A cell per arm.
    pub(super) cells: Vec<String>,
}

/// Formats an arm's cell of a row.
type Cell = fn(&Arm) -> String;

/// The system's words for operations that ended well and for refused ones, if some arm counted what they are about.
fn outcome_words(report: &Report) -> Option<OutcomeWords> {
    let words = journeys::find(&report.scenario.system)?.outcome_words()?;
    let is_counted = |fact: &Fact| fact.name == words.where_counted && fact.count > 0;
    let mut facts = report.arms.iter().filter_map(|arm| arm.ledger.as_ref()).flat_map(|ledger| &ledger.facts);
    facts.any(is_counted).then_some(words)
}

/// Every figure that at least one arm has.
pub(super) fn rows(report: &Report) -> Vec<Row> {
    use About::{Latency, PerOperation};
    let [ended_well, refused] = outcome_words(report)
        .map_or(["operations that ended well", "refused"], |words| [words.ended_well, words.refused]);
    let figures: [(&'static str, About, Cell); 21] = [
        ("completed per second", About::Arm, |arm| three_digits(arm.throughput_per_s)),
        ("capacity, operations per second", About::Arm, |arm| {
            maybe_text(arm.capacity.map(|capacity| capacity.words()))
        }),
        ("utilization (offered / capacity)", About::Arm, |arm| {
            maybe_per_cent(arm.load_of_capacity().map(|share| share * 100.0))
        }),
        (ended_well, About::Arm, |arm| count(arm.operations)),
        (refused, About::Arm, |arm| causes(&arm.refused)),
        ("failed", About::Arm, |arm| causes(&arm.failed)),
        ("requests sent again", About::Arm, |arm| {
            if arm.resent > 0 { count(arm.resent) } else { NO_FIGURE.to_owned() }
        }),
        ("latency p50, ms", Latency, |arm| maybe(arm.latency_ms.p50)),
        ("latency p90, ms", Latency, |arm| maybe(arm.latency_ms.p90)),
        ("latency p99, ms", Latency, |arm| maybe(arm.latency_ms.p99)),
        ("latency p99.9, ms", Latency, |arm| maybe(arm.latency_ms.p999)),
        ("latency max, ms", Latency, |arm| maybe(arm.latency_ms.max)),
        ("CPU per operation, µs", PerOperation, cpu),
        ("CPU per operation at capacity, µs", About::Arm, |arm| {
            maybe(arm.capacity.map(|capacity| capacity.cpu_us_per_op))
        }),
        ("memory, MiB (peak)", About::Arm, memory),
        ("calls between processes per operation", PerOperation, |arm| mean_count(arm.per_op.hops)),
        ("bytes between processes per operation", PerOperation, |arm| mean_count(arm.per_op.bytes)),
        ("SQL statements per operation", PerOperation, |arm| mean_count(arm.per_op.sql)),
        ("cache hits per operation", PerOperation, |arm| mean_count(arm.per_op.cache_hits)),
        ("events per operation", PerOperation, |arm| mean_count(arm.per_op.events)),
        ("Redis commands per operation", PerOperation, |arm| mean_count(arm.per_op.redis)),
    ];
    let row = |(name, about, cell): (&'static str, About, Cell)| Row {
        name: name.to_owned(),
        cells: report.arms.iter().map(|arm| marked(arm, about, cell(arm))).collect(),
    };
    std::iter::once(offered(report))
        .chain(figures.into_iter().map(row))
        .chain(own_counters(report))
        .chain(std::iter::once(ledgers(report)))
        .chain(facts(report))
        .filter(|row| row.cells.iter().any(|cell| cell != NO_FIGURE))
        .collect()
}

/// The due operations, beside the planned ones: random arrivals vary, and no arm influences them.
fn offered(report: &Report) -> Row {
    let load = &report.load;
    let is_drawn =
        load.arrivals == "poisson" && load.phases.is_empty() && load.measured_seconds_per_arm > 0.0;
    let planned = if is_drawn {
        // Two standard deviations of a Poisson count, a second.
        let spread = 2.0 * (load.rate / load.measured_seconds_per_arm).sqrt();
        format!(" (planned {} ± {})", three_digits(load.rate), three_digits(spread))
    } else {
        String::new()
    };
    Row {
        name: format!("offered per second{planned}"),
        cells: report.arms.iter().map(|arm| maybe(arm.offered_per_s)).collect(),
    }
}

/// A figure with the mark of its caveat.
fn marked(arm: &Arm, about: About, figure: String) -> String {
    if figure == NO_FIGURE || figure == "0" { figure } else { figure + caveats::mark(arm, about) }
}

/// The counters that the system declares, and figures that are one of them by another.
fn own_counters(report: &Report) -> Vec<Row> {
    let names = |of: fn(&Arm) -> &BTreeMap<String, f64>| -> BTreeSet<&str> {
        report.arms.iter().flat_map(|arm| of(arm).keys()).map(String::as_str).collect()
    };
    let counter = |name: &str| Row {
        name: format!("{name} per operation"),
        cells: report
            .arms
            .iter()
            .map(|arm| marked(arm, About::PerOperation, mean_count(arm.per_op.own.get(name).copied())))
            .collect(),
    };
    let ratio = |name: &str| Row {
        name: name.to_owned(),
        cells: report.arms.iter().map(|arm| mean_count(arm.per_op.ratios.get(name).copied())).collect(),
    };
    let counters = names(|arm| &arm.per_op.own).into_iter().map(counter);
    counters.chain(names(|arm| &arm.per_op.ratios).into_iter().map(ratio)).collect()
}

fn ledgers(report: &Report) -> Row {
    Row { name: "ledger".to_owned(), cells: report.arms.iter().map(|arm| ledger(report, arm)).collect() }
}

/// The facts of the ledger that claims name, in the order of the claims.
fn facts(report: &Report) -> Vec<Row> {
    let mut names: Vec<&str> = Vec::new();
    for name in report.claims.iter().filter_map(|claim| claim.fact.as_deref()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let counted = |arm: &Arm, name: &str| {
        let ledger = arm.ledger.as_ref()?;
        // A fact that never occurred is not listed.
        Some(count(ledger.facts.iter().find(|fact| fact.name == name).map_or(0, |fact| fact.count)))
    };
    let cell = |arm: &Arm, name: &str| counted(arm, name).unwrap_or_else(|| NO_FIGURE.to_owned());
    let row = |name: &str| Row {
        name: facts::with_name(&report.scenario.system, name),
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
pub(super) fn ledger(report: &Report, arm: &Arm) -> String {
    let Some(ledger) = &arm.ledger else {
        return NO_FIGURE.to_owned();
    };
    match ledger.verdict().kept() {
        Kept::All => "holds".to_owned(),
        Kept::NotSettled => "holds so far, some is on its way".to_owned(),
        Kept::NotAllAsked => "holds, as far as it could be checked".to_owned(),
        Kept::NothingAsked => "could not be checked".to_owned(),
        Kept::Broken => format!("BROKEN: {}", violations_in_words(report, arm)),
    }
}

/// The violations of an arm's ledger: `188 acknowledged and gone, 2 handed out twice`.
pub(super) fn violations_in_words(report: &Report, arm: &Arm) -> String {
    let facts = arm.ledger.iter().flat_map(|ledger| &ledger.facts);
    let broken: Vec<String> = facts
        .filter(|fact| fact.violation && fact.count > 0)
        .map(|fact| format!("{} {}", count(fact.count), facts::words(&report.scenario.system, &fact.name)))
        .collect();
    broken.join(", ")
}

/// The total and its causes: `65 (61 connection refused, 4 deadline passed)`.
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

/// A metric's name in sentences.
pub(crate) fn metric_name(metric: &str) -> String {
    match metric {
        "cpu" => "CPU per operation",
        "p50" => "median latency (p50)",
        "p90" => "latency p90",
        "p99" => "tail latency (p99)",
        "p999" => "latency p99.9",
        "sql" => "SQL statements per operation",
        "hops" => "calls between processes per operation",
        "bytes" => "bytes between processes per operation",
        other => other,
    }
    .to_owned()
}

/// The verdict of a comparison without its arms: `2.41x as high [2.36, 2.46]`.
pub(super) fn verdict_words(report: &Report, comparison: &Comparison) -> String {
    match comparison.verdict {
        Some(Verdict::CannotTell { .. }) if !report.validity.verdict_possible => "no verdict".to_owned(),
        Some(verdict) if !report.validity.verdict_possible => {
            format!("no verdict; measured {}", verdict.short())
        }
        Some(verdict) => verdict.short(),
        None => comparison.sentence.clone(),
    }
}

/// The reason why this report has no verdict, if it has none. A dead process is the reason, however late the
/// generator was.
pub(super) fn void_sentence(report: &Report) -> Option<String> {
    let validity = &report.validity;
    let late = match validity.void_slices {
        _ if report.arms.iter().any(|arm| arm.died.is_some()) => {
            ", because it broke off before its end".to_owned()
        }
        0 => String::new(),
        void => format!(
            " (the load generator was late in {} of {} turns)",
            count(void),
            count(validity.total_slices)
        ),
    };
    (!validity.verdict_possible).then(|| {
        format!(
            "Nothing that depends on timing can be told from this run{late}: see “How far to believe it”. What was counted still counts."
        )
    })
}

/// What happened to an arm that ended early.
pub(super) fn death_sentence(arm: &Arm) -> Option<String> {
    arm.died.as_ref().map(|death| match death.when_s {
        Some(seconds) => {
            format!("{}: process `{}` died {seconds:.1} s after load began", arm.label, death.process)
        }
        None => format!("{}: process `{}` died before it was ready", arm.label, death.process),
    })
}
