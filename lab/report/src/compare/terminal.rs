//! The comparison of two runs for the terminal.

use std::fmt::Write as _;

use super::{Compared, figures};
use crate::{columns::listing, figures::metric_name};

/// The whole comparison.
pub fn render(compared: &Compared) -> String {
    let mut text = format!("{}\n{}\n\n", compared.scenario, compared.question);
    for (place, run) in ["first ", "second"].into_iter().zip(&compared.runs) {
        let _ = writeln!(text, "  {place}  {}, begun {}", run.id, run.created);
        for trouble in &run.trouble {
            let _ = writeln!(text, "          {trouble}");
        }
    }
    text.push('\n');
    for sentence in compared.conclusions() {
        let _ = writeln!(text, "{sentence}");
    }
    let _ = write!(text, "\n{}", conditions(compared));
    let _ = write!(
        text,
        "\nDifferences between arms, by each run, and the second run's as a part of the first's\n{}\n",
        differences(compared)
    );
    let _ = write!(
        text,
        "\nEach arm by itself: what a faster machine changes for all arms alike is seen here, and not above\n{}\n",
        own(compared)
    );
    let _ = write!(text, "\n{}", claims(compared));
    text
}

fn conditions(compared: &Compared) -> String {
    let mut table = listing(["what differs", "first", "second"]);
    let mut same = Vec::new();
    for condition in &compared.conditions {
        if condition.differs() {
            table.add_row([condition.name.clone(), condition.values[0].clone(), condition.values[1].clone()]);
        } else if !condition.values[0].is_empty() {
            same.push(condition.name.as_str());
        }
    }
    let differing = if table.is_empty() { String::new() } else { format!("{table}\n") };
    let mut text = format!("{differing}The same in both: {}.\n", same.join(", "));
    if !compared.arms_of_one.is_empty() {
        let _ = writeln!(text, "In one of them only, and left out: {}.", compared.arms_of_one.join(", "));
    }
    text
}

fn differences(compared: &Compared) -> String {
    let mut table = listing(["metric", "arm, against", "first", "second", "second / first", "they"]);
    for difference in &compared.differences {
        let [first, second] = difference.ratios.map(figures::ratio);
        table.add_row([
            metric_name(&difference.metric),
            format!("{}, {}", difference.arm, difference.baseline),
            first,
            second,
            difference.apart_words(),
            difference.agreement.word().to_owned(),
        ]);
    }
    table.to_string()
}

fn own(compared: &Compared) -> String {
    let mut table = listing(["figure", "arm", "first", "second", "second / first"]);
    for figure in &compared.figures {
        table.add_row([
            figure.name.clone(),
            figure.arm.clone(),
            figure.values[0].clone(),
            figure.values[1].clone(),
            figure.apart.as_ref().map(figures::apart).unwrap_or_default(),
        ]);
    }
    table.to_string()
}

fn claims(compared: &Compared) -> String {
    let mut table = listing(["claim", "first", "second"]);
    for claim in &compared.claims {
        let [first, second] = claim.verdicts.map(said);
        table.add_row([claim.text.clone(), first, second]);
    }
    if table.is_empty() { String::new() } else { format!("{table}\n") }
}

fn said(verdict: Option<crate::model::ClaimVerdict>) -> String {
    verdict.map_or_else(|| "not asked".to_owned(), |verdict| verdict.to_string())
}
