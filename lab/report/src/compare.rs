//! Two runs of one question: what differed, and whether they agree.
//!
//! A ratio of two arms is a difference that one run measured; two runs disagree if the ratios differ. So the
//! ratio of one run is divided by that of the other, and the quotient has its own interval
//! ([`Interval::over`](statistics::Interval::over)): a difference of differences on the log scale.
//!
//! Pure: two reports in, one comparison out. Read in this order: `conditions`, `figures`, `terminal`,
//! `markdown`.

mod conditions;
mod figures;
pub mod markdown;
pub mod terminal;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use statistics::{EQUIVALENCE_MARGIN, Interval, Verdict};

use crate::{
    figures::metric_name,
    model::{ClaimVerdict, Report},
};

/// The schema of a comparison as JSON.
const SCHEMA: &str = "system-design-lab/compare/1";

/// The comparison of two runs of one question. In each pair the first run comes first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// The schema's version.
    pub schema: String,
    /// The scenario: `shortener/placement`.
    pub scenario: String,
    /// The question.
    pub question: String,
    /// The runs.
    pub runs: [RunSaid; 2],
    /// The conditions of the runs, equal ones included.
    pub conditions: Vec<Condition>,
    /// Arms that only one of the runs has; they are not compared.
    pub arms_of_one: Vec<String>,
    /// Each arm against its baseline, a metric at a time.
    pub differences: Vec<Difference>,
    /// The figures of each arm.
    pub figures: Vec<Figure>,
    /// The verdicts of each run on each claim.
    pub claims: Vec<ClaimSaid>,
}

/// One of the runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSaid {
    /// The run's name, which is its folder's.
    pub id: String,
    /// The time of its start.
    pub created: String,
    /// The reasons why it has no verdict, one sentence each; empty if it has one.
    pub no_verdict: Vec<String>,
    /// The problems of its arms, one sentence each.
    pub trouble: Vec<String>,
}

/// A condition that may differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Its name: `machine`, `commit`, `rate`.
    pub name: String,
    /// Its value in each run.
    pub values: [String; 2],
}

impl Condition {
    /// Whether it differed.
    pub fn differs(&self) -> bool {
        self.values[0] != self.values[1]
    }
}

/// One arm against its baseline in one metric, in each run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The metric: `cpu`, `p99`.
    pub metric: String,
    /// The arm.
    pub arm: String,
    /// The arm that it is compared with.
    pub baseline: String,
    /// The ratio `arm / baseline` of each run; absent if too little was measured.
    pub ratios: [Option<Interval>; 2],
    /// The second run's ratio divided by the first's; absent if one of them is.
    pub apart: Option<Interval>,
    /// The conclusion from the quotient.
    pub agreement: Agreement,
}

/// A figure of one arm in each run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The figure's name with its unit: `CPU per operation, µs`.
    pub name: String,
    /// The arm.
    pub arm: String,
    /// The figure in each run, as text.
    pub values: [String; 2],
    /// The second run's figure divided by the first's, if both have an interval.
    pub apart: Option<Interval>,
}

/// The verdicts of each run on a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimSaid {
    /// The claim.
    pub text: String,
    /// The verdict of each run; `None` if its scenario did not make the claim.
    pub verdicts: [Option<ClaimVerdict>; 2],
}

/// Whether two runs agree on a difference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Agreement {
    /// Their ratios are equivalent.
    Agree {
        /// The data permits no larger distance, as a share.
        within: f64,
    },
    /// They do not: the interval of the quotient excludes one.
    Disagree,
    /// Unknown: the interval is too wide.
    CannotTell,
    /// One of the runs has no verdict, or measured too little.
    NoVerdict,
}

/// The reasons why two runs cannot be compared, with a hint each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotComparable {
    /// It is one run.
    #[error("`{id}` is both runs\nhint: a run agrees with itself; name another one")]
    OneRun {
        /// Its name.
        id: String,
    },
    /// They are of different scenarios.
    #[error(
        "the runs ask different questions: `{}` asks `{}`, `{}` asks `{}`\nhint: compare two runs of one scenario; `lab run {}` makes another",
        .ids[0], .scenarios[0], .ids[1], .scenarios[1], .scenarios[0]
    )]
    OtherScenario {
        /// The runs' names.
        ids: [String; 2],
        /// The scenario of each.
        scenarios: [String; 2],
    },
    /// Their scenarios have the same name, but different contents.
    #[error(
        "`{scenario}` was changed between the runs: it asked for the axis `{}`, and now for `{}`, or compares in another way\nhint: `lab run {scenario}` makes a run of what it asks now",
        .axes[0], .axes[1]
    )]
    ScenarioChanged {
        /// The scenario.
        scenario: String,
        /// The axis of each run.
        axes: [String; 2],
    },
    /// They have no arm in common.
    #[error(
        "no arm is in both `{}` and `{}`\nhint: `lab run SCENARIO` without `--arm` measures every arm",
        .ids[0], .ids[1]
    )]
    NoCommonArm {
        /// The runs' names.
        ids: [String; 2],
    },
}

/// Compares two runs of one question.
pub fn compare(first: &Report, second: &Report) -> Result<Compared, NotComparable> {
    is_one_question(first, second)?;
    let common = |label: &str| first.arm(label).is_some() && second.arm(label).is_some();
    let labels = [first, second].map(|report| report.arms.iter().map(|arm| arm.label.clone()));
    let arms_of_one: Vec<String> = labels.into_iter().flatten().filter(|label| !common(label)).collect();
    if !first.arms.iter().any(|arm| common(&arm.label)) {
        return Err(NotComparable::NoCommonArm { ids: ids(first, second) });
    }
    Ok(Compared {
        schema: SCHEMA.to_owned(),
        scenario: first.scenario.name.clone(),
        question: first.scenario.question.clone(),
        runs: [said(first), said(second)],
        conditions: conditions::all(first, second),
        arms_of_one,
        differences: figures::differences(first, second),
        figures: figures::figures(first, second),
        claims: claims(first, second),
    })
}

/// Checks that both runs asked the same scenario for the same axis.
fn is_one_question(first: &Report, second: &Report) -> Result<(), NotComparable> {
    let [a, b] = [first, second].map(|report| &report.scenario);
    if first.id == second.id {
        return Err(NotComparable::OneRun { id: first.id.clone() });
    }
    if a.name != b.name {
        let scenarios = [a.name.clone(), b.name.clone()];
        return Err(NotComparable::OtherScenario { ids: ids(first, second), scenarios });
    }
    if a.axis != b.axis || a.kind != b.kind {
        let axes = [a.axis.clone(), b.axis.clone()];
        return Err(NotComparable::ScenarioChanged { scenario: a.name.clone(), axes });
    }
    Ok(())
}

fn ids(first: &Report, second: &Report) -> [String; 2] {
    [first.id.clone(), second.id.clone()]
}

fn said(report: &Report) -> RunSaid {
    let mut no_verdict = Vec::new();
    if !report.validity.verdict_possible {
        let (void, all) = (report.validity.void_slices, report.validity.total_slices);
        no_verdict.push(format!("{void} of {all} slices were void"));
        let notes = report.validity.notes.iter().map(|note| note.trim_end_matches('.').to_owned());
        no_verdict.extend(notes);
    }
    let died = report.arms.iter().filter_map(|arm| {
        let died = arm.died.as_ref()?;
        Some(format!("{}: the process `{}` died", arm.label, died.process))
    });
    let skipped =
        report.skipped_arms.iter().map(|skipped| format!("{} was skipped: {}", skipped.name, skipped.why));
    RunSaid {
        id: report.id.clone(),
        created: report.created.clone(),
        no_verdict,
        trouble: died.chain(skipped).collect(),
    }
}

fn claims(first: &Report, second: &Report) -> Vec<ClaimSaid> {
    let verdict = |report: &Report, text: &str| {
        report.claims.iter().find(|claim| claim.text == text).map(|claim| claim.verdict)
    };
    let mut texts: Vec<&String> = Vec::new();
    for claim in first.claims.iter().chain(&second.claims) {
        if !texts.contains(&&claim.text) {
            texts.push(&claim.text);
        }
    }
    let said = |text: &String| ClaimSaid {
        text: text.clone(),
        verdicts: [verdict(first, text), verdict(second, text)],
    };
    texts.into_iter().map(said).collect()
}

impl Compared {
    /// The conditions that differed.
    pub fn differing(&self) -> impl Iterator<Item = &Condition> {
        self.conditions.iter().filter(|condition| condition.differs())
    }

    /// Whether both runs have a verdict.
    pub fn is_decided(&self) -> bool {
        self.runs.iter().all(|run| run.no_verdict.is_empty())
    }

    /// The conclusions, one sentence each.
    pub fn conclusions(&self) -> Vec<String> {
        let mut sentences: Vec<String> = Vec::new();
        for (place, run) in ["first", "second"].into_iter().zip(&self.runs) {
            if !run.no_verdict.is_empty() {
                sentences.push(format!(
                    "The {place} run has no verdict, so nothing is said of whether they agree: {}.",
                    run.no_verdict.join("; ")
                ));
            }
        }
        if !self.is_decided() {
            return sentences;
        }
        let count = |wanted: fn(&Agreement) -> bool| {
            self.differences.iter().filter(|difference| wanted(&difference.agreement)).count()
        };
        let disagree = count(|agreement| *agreement == Agreement::Disagree);
        let agree = count(|agreement| matches!(agreement, Agreement::Agree { .. }));
        let undecided = self.differences.len() - disagree - agree;
        sentences.push(format!(
            "Of {} differences between arms the runs disagree in {disagree}, agree in {agree}, and cannot tell in {undecided}.",
            self.differences.len()
        ));
        let disagreements = self.differences.iter().filter(|it| it.agreement == Agreement::Disagree);
        sentences.extend(disagreements.map(|difference| format!("{}.", difference.sentence())));
        sentences.push(self.reason(disagree > 0));
        sentences
    }

    /// The possible reasons for a disagreement.
    fn reason(&self, disagrees: bool) -> String {
        let differing: Vec<&str> = self.differing().map(|condition| condition.name.as_str()).collect();
        match (differing.is_empty(), disagrees) {
            (true, true) => "Nothing that a report knows of was different: what is left is the state of the machine, and chance, which makes a disagreement in one such pair of runs in twenty.".to_owned(),
            (true, false) => "Nothing that a report knows of was different.".to_owned(),
            (false, true) => format!("The runs differ in {}: which of these it comes from two runs cannot say; a third that shares all but one of them can.", differing.join(", ")),
            (false, false) => format!("The runs differ in {}.", differing.join(", ")),
        }
    }
}

impl Difference {
    /// The difference of the two runs as a sentence without a full stop.
    pub fn sentence(&self) -> String {
        let [first, second] = self.ratios.map(figures::ratio);
        let (metric, Self { arm, baseline, .. }) = (metric_name(&self.metric), self);
        format!(
            "{metric} of {arm} against {baseline}: {first} in the first run, {second} in the second: {}",
            self.apart_words()
        )
    }

    /// The second run's ratio relative to the first's: `lower by 14 % [6, 22]`.
    pub fn apart_words(&self) -> String {
        self.apart.map_or_else(|| "–".to_owned(), |apart| figures::apart(&apart))
    }
}

impl Agreement {
    /// One word for the cell of a table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Agree { .. } => "agree",
            Self::Disagree => "DISAGREE",
            Self::CannotTell => "cannot tell",
            Self::NoVerdict => "no verdict",
        }
    }

    /// The conclusion from the quotient of two ratios.
    fn of(apart: &Interval) -> Self {
        match Verdict::of(apart, EQUIVALENCE_MARGIN, 0.0) {
            Verdict::Higher { .. } | Verdict::Lower { .. } => Self::Disagree,
            Verdict::NoDifference { larger_than } => Self::Agree { within: larger_than },
            Verdict::CannotTell { .. } => Self::CannotTell,
        }
    }
}
