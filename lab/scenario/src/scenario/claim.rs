//! Claims: statements of textbooks about an axis, in a form that can be compared with a run's figures.

use load::ledger::Breach;
use serde::{Deserialize, Serialize};

use crate::systems;

/// A statement that a scenario tests.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Claim {
    /// The statement, one sentence.
    pub text: String,
    /// Its source: book and chapter, paper, or established practice.
    pub source: String,
    /// The figure.
    pub metric: Metric,
    /// The arm.
    pub arm: String,
    /// The arm that it is compared with; `None` for a relation that is about one arm.
    pub against: Option<String>,
    /// The stated relation.
    pub is: Relation,
    /// The least factor; `None` for any conclusive difference.
    pub by_at_least: Option<f64>,
    /// The bound of `at-most` and `at-least`.
    pub than: Option<f64>,
    /// The expected verdict; an unexpected one makes the command end with exit code 1.
    pub expect: Expectation,
}

/// A figure that a run has for every arm.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Metric {
    /// CPU microseconds per operation, over all processes and backings of the arm.
    Cpu,
    /// The CPU of one kind of backing, by its name: `cpu:redis`.
    CpuOf(String),
    /// The capacity of the arm, operations a second.
    Capacity,
    /// Median latency from the due time, microseconds.
    P50,
    /// 90th percentile of latency from the due time, microseconds.
    P90,
    /// 99th percentile of latency from the due time, microseconds.
    P99,
    /// Resident memory of all processes of the arm, bytes.
    Memory,
    /// Calls from one process to another, per operation.
    Hops,
    /// SQL statements per operation.
    Sql,
    /// Redis commands per operation.
    Redis,
    /// Operations that ended, well or not.
    Offered,
    /// Operations that failed.
    Failed,
    /// Operations that the system refused in order, for example with 503.
    Refused,
    /// A figure of what happens over the time of an episode: `recover_ms`.
    OverTime(OverTime),
    /// Broken promises of one kind: `lost`.
    Broken(Breach),
    /// A fact that the system declares as a metric of its own, by its name: `stale`.
    Fact(String),
    /// Any fact of the system's ledger, by its name: `ledger:duplicated`.
    Ledger(String),
}

/// A figure of the time of an episode, of which an arm has the median; `docs/measurement.md` defines each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OverTime {
    /// From the beginning of a fault to the first sign of it, milliseconds.
    DetectMs,
    /// From the end of a fault until goodput is back, milliseconds.
    RecoverMs,
    /// Operations that did not end well because of faults.
    LostOperations,
    /// Attempts by calls, over the worst path.
    Amplification,
    /// Goodput of the last phase by that of the first.
    GoodputRatio,
}

/// The names of the metrics, in the order of a report. The facts that systems declare as metrics come after these.
const WORDS: [(&str, Metric); 20] = [
    ("cpu", Metric::Cpu),
    ("capacity", Metric::Capacity),
    ("p50", Metric::P50),
    ("p90", Metric::P90),
    ("p99", Metric::P99),
    ("memory", Metric::Memory),
    ("hops", Metric::Hops),
    ("sql", Metric::Sql),
    ("redis", Metric::Redis),
    ("offered", Metric::Offered),
    ("failed", Metric::Failed),
    ("refused", Metric::Refused),
    ("detect_ms", Metric::OverTime(OverTime::DetectMs)),
    ("recover_ms", Metric::OverTime(OverTime::RecoverMs)),
    ("lost_operations", Metric::OverTime(OverTime::LostOperations)),
    ("amplification", Metric::OverTime(OverTime::Amplification)),
    ("goodput_ratio", Metric::OverTime(OverTime::GoodputRatio)),
    (Breach::Lost.name(), Metric::Broken(Breach::Lost)),
    (Breach::Duplicated.name(), Metric::Broken(Breach::Duplicated)),
    (Breach::Wrong.name(), Metric::Broken(Breach::Wrong)),
];
/// The prefixes before the name of a backing, and of a fact.
const CPU_OF: &str = "cpu:";
const LEDGER: &str = "ledger:";
/// The former name of capacity; throughput is what an arm was observed to do, capacity what it can do.
const FORMER_CAPACITY: &str = "throughput";

impl Metric {
    /// The name in a scenario file.
    pub fn name(&self) -> String {
        match self {
            Self::CpuOf(backing) => format!("{CPU_OF}{backing}"),
            Self::Ledger(fact) => format!("{LEDGER}{fact}"),
            Self::Fact(fact) => fact.clone(),
            one => {
                let word = WORDS.iter().find(|(_, metric)| metric == one).map(|(word, _)| *word);
                word.unwrap_or_default().to_owned()
            }
        }
    }

    /// The facts of a system's ledger that it counts; empty if it is not a count of that ledger.
    pub fn facts(&self, system: &str) -> Vec<&str> {
        match self {
            Self::Ledger(fact) | Self::Fact(fact) => vec![fact],
            Self::Broken(kind) => systems::breaches_of(system, *kind),
            _ => Vec::new(),
        }
    }

    /// The name of what it counts in a ledger: a fact, or a kind of broken promises; `None` if it is not a count of a
    /// ledger.
    pub fn of_ledger(&self) -> Option<&str> {
        match self {
            Self::Ledger(fact) | Self::Fact(fact) => Some(fact),
            Self::Broken(kind) => Some(kind.name()),
            _ => None,
        }
    }

    /// Whether it can be zero or above zero: whether it is a count.
    pub fn is_counted(&self) -> bool {
        matches!(self, Self::Offered | Self::Failed | Self::Refused | Self::Hops)
            || self.of_ledger().is_some()
    }
}

impl TryFrom<String> for Metric {
    type Error = String;

    /// The message has the format of a TOML parser's error about an unknown word, so that it gets the same
    /// hint.
    fn try_from(word: String) -> Result<Self, Self::Error> {
        if let Some(backing) = word.strip_prefix(CPU_OF) {
            return Ok(Self::CpuOf(backing.to_owned()));
        }
        if let Some(fact) = word.strip_prefix(LEDGER) {
            return Ok(Self::Ledger(fact.to_owned()));
        }
        if word == FORMER_CAPACITY {
            return Err("`throughput` is called `capacity`".to_owned());
        }
        if let Some((_, metric)) = WORDS.into_iter().find(|(known, _)| *known == word) {
            return Ok(metric);
        }
        let facts = systems::metrics();
        if facts.contains(&word.as_str()) {
            return Ok(Self::Fact(word));
        }
        let known: Vec<_> =
            WORDS.iter().map(|(word, _)| *word).chain(facts).map(|word| format!("`{word}`")).collect();
        let known = known.join(", ");
        Err(format!("unknown value `{word}`, expected one of {known}, `cpu:BACKING`, `ledger:FACT`"))
    }
}

impl From<Metric> for String {
    fn from(metric: Metric) -> Self {
        metric.name()
    }
}

/// The relation that a claim states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// Higher than in the other arm.
    Higher,
    /// Lower than in the other arm.
    Lower,
    /// No difference larger than the run's equivalence margin.
    Same,
    /// Exactly zero.
    Zero,
    /// More than zero.
    AboveZero,
    /// No more than a bound; for figures over the time of an episode.
    AtMost,
    /// No less than a bound; for figures over the time of an episode.
    AtLeast,
}

impl Relation {
    /// Whether the claim needs a second arm.
    pub fn needs_against(self) -> bool {
        matches!(self, Self::Higher | Self::Lower | Self::Same)
    }

    /// Whether the claim needs a bound.
    pub fn needs_bound(self) -> bool {
        matches!(self, Self::AtMost | Self::AtLeast)
    }

    /// The name in a scenario file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Higher => "higher",
            Self::Lower => "lower",
            Self::Same => "same",
            Self::Zero => "zero",
            Self::AboveZero => "above-zero",
            Self::AtMost => "at-most",
            Self::AtLeast => "at-least",
        }
    }
}

/// The expected verdict on a claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expectation {
    /// The claim holds.
    #[default]
    Holds,
    /// The claim does not hold here: the scenario shows its limits.
    DoesNotHold,
}
