//! The comparison of two runs as Markdown: one sentence a line.

use std::fmt::Write as _;

use super::{Compared, figures};
use crate::{figures::metric_name, markdown::table};

/// The whole comparison.
pub fn render(compared: &Compared) -> String {
    let mut text = format!("# {}\n\nScenario `{}`, two runs.\n\n", compared.question, compared.scenario);
    for (place, run) in ["first", "second"].into_iter().zip(&compared.runs) {
        let _ = writeln!(text, "- {place}: `{}`, begun {}.", run.id, run.created);
        for trouble in &run.trouble {
            let _ = writeln!(text, "  - {trouble}");
        }
    }
    text.push('\n');
    for sentence in compared.conclusions() {
        let _ = writeln!(text, "- **{sentence}**");
    }
    let sections = [conditions(compared), differences(compared), own(compared), claims(compared)];
    for section in sections.iter().filter(|section| !section.is_empty()) {
        let _ = write!(text, "\n{section}");
    }
    text
}

fn headed<const N: usize>(heading: &str, header: [&str; N], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    format!("## {heading}\n\n{}", table(&header.map(str::to_owned), rows))
}

fn conditions(compared: &Compared) -> String {
    let row = |condition: &super::Condition| {
        std::iter::once(condition.name.clone()).chain(condition.values.clone()).collect()
    };
    let differing = compared.differing().map(row).collect();
    let mut text = headed("What differed", ["", "first", "second"], differing);
    let same: Vec<&str> = compared
        .conditions
        .iter()
        .filter(|condition| !condition.differs() && !condition.values[0].is_empty())
        .map(|condition| condition.name.as_str())
        .collect();
    let _ = writeln!(text, "\nThe same in both: {}.", same.join(", "));
    if !compared.arms_of_one.is_empty() {
        let _ = writeln!(text, "In one of them only, and left out: {}.", compared.arms_of_one.join(", "));
    }
    text
}

fn differences(compared: &Compared) -> String {
    let row = |difference: &super::Difference| {
        let [first, second] = difference.ratios.map(figures::ratio);
        vec![
            metric_name(&difference.metric),
            difference.arm.clone(),
            difference.baseline.clone(),
            first,
            second,
            difference.apart_words(),
            difference.agreement.word().to_owned(),
        ]
    };
    let rows = compared.differences.iter().map(row).collect();
    let header = ["metric", "arm", "against", "first", "second", "second / first", "they"];
    headed("Differences between arms", header, rows)
}

fn own(compared: &Compared) -> String {
    let row = |figure: &super::Figure| {
        let apart = figure.apart.as_ref().map(figures::apart).unwrap_or_default();
        let [first, second] = figure.values.clone();
        vec![figure.name.clone(), figure.arm.clone(), first, second, apart]
    };
    let rows = compared.figures.iter().map(row).collect();
    headed("Each arm by itself", ["figure", "arm", "first", "second", "second / first"], rows)
}

fn claims(compared: &Compared) -> String {
    let said = |verdict: Option<crate::model::ClaimVerdict>| {
        verdict.map_or_else(|| "not asked".to_owned(), |verdict| verdict.to_string())
    };
    let row = |claim: &super::ClaimSaid| {
        std::iter::once(claim.text.clone()).chain(claim.verdicts.map(said)).collect()
    };
    headed("Claims", ["claim", "first", "second"], compared.claims.iter().map(row).collect())
}
