//! The results of a load: a table for people, JSON for programs.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use anyhow::{Context, Result};
use load::{
    journeys::SystemUnderTest,
    ledger::{Kept, LedgerVerdict},
    record::{Histogram, KindRecord, SliceRecord, Summary, needed_samples},
};
use serde::Serialize;

use super::expect::Judged;
use crate::output;

/// The send lag above which the figures reflect the generator more than the system.
const LATE: Duration = Duration::from_millis(1);

/// The figures. Times are microseconds; a percentile without enough samples is absent.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    /// The requested operations a second; absent in a closed loop.
    rate: Option<f64>,
    /// The operations a second that were due; absent in a closed loop.
    offered_per_second: Option<f64>,
    /// The seed of all random choices.
    seed: u64,
    seconds: f64,
    planned: u64,
    sent: u64,
    succeeded: u64,
    /// Divided by the time until the last counted reply, including the drain.
    succeeded_per_second: f64,
    /// Whether the system answered less than it was offered.
    saturated: bool,
    refused: BTreeMap<&'static str, u64>,
    failed: BTreeMap<&'static str, u64>,
    unsent: u64,
    /// Requests sent once more after the server closed their connection.
    resent: u64,
    /// Of all operations: several for each where it has several steps.
    requests: u64,
    connections_opened: u64,
    /// In requests, without what a connection of HTTP/2 begins with.
    bytes_sent: u64,
    bytes_received: u64,
    latency_from_due_us: Times,
    latency_from_send_us: Times,
    send_lag_us: Times,
    by_kind: Vec<KindFigures>,
    generator_was_late: bool,
    interrupted: bool,
    ledger: Option<LedgerVerdict>,
    expected: Vec<Judged>,
    /// The system's warnings about kinds of operations that should not occur.
    #[serde(skip)]
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct KindFigures {
    name: &'static str,
    succeeded: u64,
    refused: u64,
    failed: u64,
    latency_from_due_us: Times,
}

#[derive(Debug, Serialize)]
struct Times {
    samples: u64,
    p50: Option<f64>,
    p90: Option<f64>,
    p99: Option<f64>,
    p999: Option<f64>,
    max: Option<f64>,
}

impl Times {
    fn of(histogram: &Histogram<u64>) -> Self {
        let summary = Summary::of(histogram);
        let us = |time: Option<Duration>| time.map(|time| time.as_nanos() as f64 / 1_000.0);
        Self {
            samples: summary.samples,
            p50: us(summary.p50),
            p90: us(summary.p90),
            p99: us(summary.p99),
            p999: us(summary.p999),
            max: us(summary.max),
        }
    }

    fn cells(&self) -> [String; 5] {
        [self.p50, self.p90, self.p99, self.p999, self.max]
            .map(|time| time.map_or_else(|| "-".to_owned(), said))
    }
}

/// Microseconds in a readable unit.
pub(super) fn said(us: f64) -> String {
    if us < 1_000.0 { format!("{us:.0} us") } else { format!("{:.2} ms", us / 1_000.0) }
}

impl Figures {
    pub(super) fn new(
        system: &dyn SystemUnderTest,
        record: &SliceRecord,
        rate: Option<f64>,
        seed: u64,
        ledger: Option<LedgerVerdict>,
        expected: Vec<Judged>,
    ) -> Self {
        let rates = record.rates();
        let warning = |kind: &KindRecord| system.warning(kind.kind, kind.succeeded);
        // A kind of the preparation keeps its row, but empty.
        let kinds = || record.by_kind.iter().filter(|kind| kind.succeeded + kind.refused + kind.failed > 0);
        let warnings = kinds().filter_map(warning).collect();
        Self {
            rate,
            offered_per_second: rates.offered,
            seed,
            seconds: record.window.as_secs_f64(),
            planned: record.planned,
            sent: record.sent,
            succeeded: record.succeeded,
            succeeded_per_second: rates.achieved,
            saturated: rates.is_saturated(),
            refused: record.refused.iter().collect(),
            failed: record.failed.iter().collect(),
            unsent: record.unsent,
            resent: record.resent,
            requests: record.requests,
            connections_opened: record.connects,
            bytes_sent: record.bytes_out,
            bytes_received: record.bytes_in,
            latency_from_due_us: Times::of(&record.latency),
            latency_from_send_us: Times::of(&record.service),
            send_lag_us: Times::of(&record.send_lag),
            by_kind: kinds()
                .map(|kind| KindFigures {
                    name: kind.kind,
                    succeeded: kind.succeeded,
                    refused: kind.refused,
                    failed: kind.failed,
                    latency_from_due_us: Times::of(&kind.latency),
                })
                .collect(),
            generator_was_late: rate.is_some() && record.is_void(LATE),
            interrupted: record.interrupted,
            ledger,
            expected,
            warnings,
        }
    }

    /// Whether the system broke a promise, no promise could be checked, or a condition failed.
    pub(super) fn has_failed(&self) -> bool {
        self.ledger.as_ref().is_some_and(|ledger| ledger.kept().has_failed())
            || self.expected.iter().any(|judged| !judged.holds)
    }

    pub(super) fn json(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self).context("cannot write the figures as JSON")?;
        Ok(format!("{text}\n"))
    }

    pub(super) fn table(&self) -> String {
        // Writing to a string cannot fail.
        let mut text = String::new();
        let offered = self.offered_per_second.map(|offered| format!(" of {offered:.1} offered"));
        let _ = writeln!(
            text,
            "{} of {} operations succeeded, at {:.1}{} a second ({:.1} s of load, seed {})",
            self.succeeded,
            self.planned,
            self.succeeded_per_second,
            offered.unwrap_or_default(),
            self.seconds,
            self.seed,
        );
        let _ = writeln!(text, "{}", self.times());
        let causes = |counts: &BTreeMap<&str, u64>| {
            counts.iter().map(|(cause, count)| format!("{cause} {count}")).collect::<Vec<_>>().join(", ")
        };
        for (what, counts) in [("refused", &self.refused), ("failed", &self.failed)] {
            if !counts.is_empty() {
                let _ = writeln!(text, "{what}: {}", causes(counts));
            }
        }
        if self.resent > 0 {
            let _ = writeln!(
                text,
                "sent once more: {}, lost on connections that the server was closing",
                self.resent
            );
        }
        self.notes(&mut text);
        for judged in &self.expected {
            let _ = writeln!(text, "{judged}");
        }
        text
    }

    fn times(&self) -> comfy_table::Table {
        let mut table = output::table(["time", "p50", "p90", "p99", "p99.9", "max"]);
        let mut row = |name: String, times: &Times| {
            table.add_row(std::iter::once(name).chain(times.cells()));
        };
        row("latency, from the due time".to_owned(), &self.latency_from_due_us);
        for kind in &self.by_kind {
            row(format!("  {} ({})", kind.name, kind.succeeded), &kind.latency_from_due_us);
        }
        row("latency, from the send".to_owned(), &self.latency_from_send_us);
        row("send lag of the generator".to_owned(), &self.send_lag_us);
        table
    }

    fn notes(&self, text: &mut String) {
        if self.planned == 0 {
            let _ = writeln!(
                text,
                "warning: nothing was due in {:.1} s, so nothing was sent: give a higher `--rate` or a longer `--for`",
                self.seconds
            );
        }
        if self.latency_from_due_us.p999.is_none() {
            let _ = writeln!(
                text,
                "note: `-` stands where there are too few samples; p99.9 needs {}",
                needed_samples(0.999)
            );
        }
        if self.generator_was_late {
            text.push_str("warning: the generator was late: these figures are partly its own\n");
        }
        for warning in &self.warnings {
            let _ = writeln!(text, "warning: {warning}");
        }
        if self.saturated {
            text.push_str("warning: the system is saturated: it answered less than it was offered, and its latencies are those of a queue that grows for as long as the load goes on\n");
        }
        if self.interrupted {
            text.push_str("warning: interrupted; the figures cover what was sent until then\n");
        }
        if let Some(ledger) = &self.ledger {
            text.push_str(match ledger.kept() {
                Kept::Broken => "ledger: BROKEN\n",
                Kept::All => "ledger: every promise was kept\n",
                Kept::NotSettled => {
                    "ledger: not settled: nothing broken so far, and some changes may still take effect\n"
                }
                Kept::NotAllAsked => "ledger: nothing broken so far, but not everything could be asked\n",
                Kept::NothingAsked => {
                    "ledger: could not be asked: of what was acknowledged, nothing could be looked up\n"
                }
            });
            for fact in ledger.facts.iter().filter(|fact| fact.count > 0) {
                let _ = writeln!(text, "  {}: {}", fact.name, fact.count);
            }
            for example in &ledger.examples {
                let _ = writeln!(text, "  {example}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use load::journeys::shortener::{Shortener, facts};

    use super::*;

    /// The results of a load with these counts of the ledger.
    fn figures(acknowledged: u64, checked: u64, not_asked: u64, on_its_way: u64) -> Figures {
        let mut ledger = LedgerVerdict { complete: on_its_way == 0, ..LedgerVerdict::default() };
        ledger.note(facts::ACKNOWLEDGED, acknowledged);
        ledger.note(facts::CHECKED, checked);
        ledger.not_asked(not_asked);
        ledger.note(facts::CLICKS_NOT_SETTLED, on_its_way);
        Figures::new(&Shortener, &SliceRecord::default(), None, 1, Some(ledger), Vec::new())
    }

    #[test]
    fn a_check_that_could_ask_nothing_fails_and_one_that_could_ask_something_says_what_it_lacks() {
        for (figures, fails, words) in [
            (figures(50, 0, 101, 0), true, "ledger: could not be asked"),
            (figures(50, 0, 101, 7), true, "ledger: could not be asked"),
            (figures(50, 20, 30, 0), false, "not everything could be asked"),
            (figures(50, 20, 30, 7), false, "not everything could be asked"),
            (figures(50, 50, 0, 7), false, "ledger: not settled"),
            (figures(50, 50, 0, 0), false, "every promise was kept"),
            (figures(0, 0, 0, 0), false, "every promise was kept"),
        ] {
            let told = figures.table();
            assert!(figures.has_failed() == fails && told.contains(words), "{words}: {told}");
        }
    }
}
