//! Answers: the first sentences of a scenario's report, with placeholders for the run's figures.

use std::ops::Range;

use toml::Spanned;

use super::{
    Comparison, Metric, ScenarioFault,
    check::{self, Measured, arm_fault},
    fault::{Found, Source},
};

/// The most answers of one scenario; more are not read.
const MAX_ANSWERS: usize = 4;

/// A sentence with placeholders for figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer(pub Vec<Piece>);

/// A part of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Literal text.
    Words(String),
    /// A figure of the run: `{refused of closed}`, `{cpu of microservices against monolith}`.
    Figure(FigureOf),
}

/// A figure of one arm, or of one arm against another.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureOf {
    /// The metric.
    pub metric: Metric,
    /// The arm that it is about.
    pub arm: String,
    /// The arm that it is compared with, if any.
    pub against: Option<String>,
}

impl Answer {
    /// The figures in it.
    pub fn figures(&self) -> impl Iterator<Item = &FigureOf> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Figure(figure) => Some(figure),
            Piece::Words(_) => None,
        })
    }
}

/// Parses the answers of a scenario: each figure must exist in its runs, and each arm in the scenario.
pub(super) fn checked(
    source: &Source<'_>,
    measured: &Measured,
    comparison: &Comparison,
    answers: &[Spanned<String>],
) -> Result<Vec<Answer>, ScenarioFault> {
    if let Some(extra) = answers.get(MAX_ANSWERS) {
        let what = format!("expected at most {MAX_ANSWERS} answers, found {}", answers.len());
        return Err(source.at(&extra.span(), what, None));
    }
    let mut found = Found::default();
    let sound = found.each(answers.iter().map(|answer| one(source, measured, comparison, answer)));
    found.none().map(|()| sound)
}

fn one(
    source: &Source<'_>,
    measured: &Measured,
    comparison: &Comparison,
    answer: &Spanned<String>,
) -> Result<Answer, ScenarioFault> {
    let span = answer.span();
    let mut pieces = Vec::new();
    let mut rest = answer.get_ref().as_str();
    while let Some((words, after)) = rest.split_once('{') {
        let Some((place, after)) = after.split_once('}') else {
            return Err(source.at(&span, "a `{` of this answer has no `}`", None));
        };
        pieces.push(Piece::Words(words.to_owned()));
        pieces.push(Piece::Figure(figure(source, measured, comparison, place, &span)?));
        rest = after;
    }
    pieces.push(Piece::Words(rest.to_owned()));
    let answer = Answer(pieces);
    if answer.figures().next().is_none() {
        let hint = "write one into it: `{METRIC of ARM}`, or `{METRIC of ARM against ARM}`".to_owned();
        return Err(source.at(&span, "an answer without a figure is the same whatever was measured", hint));
    }
    Ok(answer)
}

fn figure(
    source: &Source<'_>,
    measured: &Measured,
    comparison: &Comparison,
    place: &str,
    span: &Range<usize>,
) -> Result<FigureOf, ScenarioFault> {
    let Some((metric, arms)) = place.split_once(" of ") else {
        let hint = "expected `{METRIC of ARM}`, or `{METRIC of ARM against ARM}`".to_owned();
        return Err(source.at(span, format!("`{{{place}}}` names no figure"), hint));
    };
    let metric = Metric::try_from(metric.to_owned()).map_err(|what| source.unknown(span, &what))?;
    check::figure(source, measured, &metric, span)?;
    let (arm, against) =
        arms.split_once(" against ").map_or((arms, None), |(arm, against)| (arm, Some(against)));
    for name in std::iter::once(arm).chain(against) {
        if let Some(fault) = arm_fault(source, comparison, "answer", name, span) {
            return Err(fault);
        }
    }
    Ok(FigureOf { metric, arm: arm.to_owned(), against: against.map(str::to_owned) })
}
