//! Reports of recorded runs, one for every scenario, and variants: on a machine that was too busy, and with a
//! process that ended early.
//!
//! The recordings are short runs (`lab run SCENARIO --quick`), with numbers of four digits to keep them
//! small; `tests/reports/record FOLDER` makes one from a run's folder.

use std::fs;

use lab::run;
use report::{
    Report,
    model::{ClaimVerdict, Comparison, Death},
};
use scenario::{Library, Metric, Scenario};

use crate::tree::root;

/// A recorded run.
pub struct Recorded {
    /// The scenario: `shortener/cache`.
    pub scenario: String,
    /// The report.
    pub report: Report,
}

impl Recorded {
    /// The scenario in the form of a file name: `shortener-cache`.
    pub fn name(&self) -> String {
        self.scenario.replace('/', "-")
    }
}

/// Every recording, one of each scenario.
///
/// # Panics
///
/// If a scenario has none, or one that is not its report.
pub fn all() -> Vec<Recorded> {
    let library = Library::find(Some(&root().join("scenarios"))).expect("a folder of scenarios");
    library.names().into_iter().map(recorded).collect()
}

fn recorded(scenario: String) -> Recorded {
    let path = root().join(format!("tests/reports/{}.json", scenario.replace('/', "-")));
    let how = "make it: lab run SCENARIO --quick, then tests/reports/record FOLDER";
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}; {how}", path.display()));
    let mut report: Report =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}; {how}", path.display()));
    assert_eq!(report.scenario.name, scenario, "{}", path.display());
    // A recording's figures have four digits, and its sentences are generated from them.
    for comparison in &mut report.comparisons {
        let about = comparison.sentence.rsplit_once(": ").map(|(about, _)| about.to_owned());
        if let (Some(about), Some(verdict)) = (about, comparison.verdict)
            && verdict.is_difference()
        {
            comparison.sentence = format!("{about}: {}", verdict.short().replacen("x as high", "x", 1));
        }
    }
    // The scenario's own texts are the current ones.
    let says = scenario_of(&scenario);
    report.answers = run::answers(&says, &report);
    report.scenario.asks = says.asks().map(str::to_owned);
    (report.scenario.why, report.scenario.look_for) = (says.why, says.look_for);
    Recorded { scenario, report }
}

fn scenario_of(name: &str) -> Scenario {
    let path = root().join("scenarios").join(name).with_extension("toml");
    let text = fs::read_to_string(&path).expect("the scenario's file");
    Scenario::parse(&path, &text).expect("a scenario")
}

/// A variant of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As recorded, with a verdict.
    Good,
    /// The generator was late in most slices.
    Void,
    /// A process of the last arm ended early.
    Partial,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 3] = [Self::Good, Self::Void, Self::Partial];

    /// Its name in a file name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Void => "void",
            Self::Partial => "partial",
        }
    }

    /// The report that the recorded run would have had.
    pub fn of(self, recorded: &Recorded) -> Report {
        match self {
            Self::Good => recorded.report.clone(),
            Self::Void => void(recorded),
            Self::Partial => partial(recorded),
        }
    }
}

/// Four of five slices are void, so no timing is conclusive.
fn void(recorded: &Recorded) -> Report {
    let mut report = recorded.report.clone();
    let validity = &mut report.validity;
    validity.verdict_possible = false;
    validity.void_slices = validity.total_slices * 4 / 5;
    validity.send_lag_p99_us = Some(2_400.0);
    let late =
        "80 % of the slices are void: the generator was late, so the machine is too busy for a verdict";
    validity.notes.push(late.to_owned());
    let counted = |metric: &Metric| metric.is_counted() || matches!(metric, Metric::Sql | Metric::Redis);
    undecided(&mut report, recorded, "this run has no verdict on anything that timing decides", counted);
    report
}

/// The last arm's first process ends before the first ledger check.
fn partial(recorded: &Recorded) -> Report {
    let mut report = recorded.report.clone();
    report.validity.verdict_possible = false;
    for arm in &mut report.arms {
        arm.capacity = None;
    }
    let of_capacity = |comparison: &Comparison| comparison.metric == "capacity";
    report.comparisons.retain(|comparison| !of_capacity(comparison));
    if let Some(arm) = report.arms.last_mut() {
        let process = arm.topology.processes.first().map(|process| process.name.clone()).unwrap_or_default();
        let note = format!(
            "the process `{process}` of {} ended, noticed 3.2 s after load began: what was measured before is shown, \
             and no verdict is given",
            arm.label
        );
        report.validity.notes.push(note);
        let unasked = format!("{}: its ledger was not checked, because a process of it ended", arm.label);
        report.validity.notes.push(unasked);
        let last_log_lines = ["listening", "cannot write: disk full"].map(str::to_owned).to_vec();
        arm.died = Some(Death { process, when_s: Some(3.2), last_log_lines });
        (arm.ledger, arm.trace, arm.where_time_goes) = (None, None, Vec::new());
    }
    undecided(&mut report, recorded, "this run broke off before its end", |_| false);
    report
}

/// Makes the claims undecided that such a run cannot decide, and the answers likewise.
fn undecided(report: &mut Report, recorded: &Recorded, because: &str, decided: impl Fn(&Metric) -> bool) {
    let scenario = scenario_of(&recorded.scenario);
    for (claim, stated) in report.claims.iter_mut().zip(&scenario.claims) {
        if !decided(&stated.metric) {
            (claim.verdict, claim.because) = (ClaimVerdict::CannotTell, because.to_owned());
        }
    }
    report.answers = run::answers(&scenario, report);
}
