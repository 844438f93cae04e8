//! The report as Markdown, for a pull request or a page of notes: one sentence a line.

use std::fmt::Write as _;

use super::{
    caveats,
    episode::{self, Effects, MEANING},
    facts, faults, figures, headline,
    hysteresis::{self, Hysteresis},
    model::{Arm, OutcomeLatency, Report},
    outcomes, over_time,
    words::{
        NO_FIGURE, count, generators_own, maybe, maybe_per_cent, maybe_whole, part_kind, per_cent, place,
        processors, store, summary, three_digits,
    },
};
use crate::picture::text;

/// The whole report.
pub fn render(report: &Report) -> String {
    let sections = [
        answer(report),
        episode(report),
        hysteresis(report),
        over_time(report),
        figures_table(report),
        outcomes_table(report),
        axis(report),
        differences(report),
        cpu_parts(report),
        ledger(report),
        claims(report),
        validity(report),
        list("What this does not show", &report.does_not_show),
        again(report),
    ];
    let kept: Vec<String> = sections.into_iter().filter(|section| !section.is_empty()).collect();
    kept.join("\n")
}

fn answer(report: &Report) -> String {
    let mut text = format!("# {}\n\n", report.scenario.question);
    let quick = if report.quick { ", the quick form" } else { "" };
    let _ = writeln!(text, "Scenario `{}`{quick}, run `{}`.\n", report.scenario.name, report.id);
    let headline = headline::of(report);
    for arm in report.arms.iter().filter(|arm| headline::outweighs(arm)) {
        text.push_str(&in_trouble(report, arm));
    }
    for answer in &headline.answers {
        let _ = writeln!(text, "- **{}**", answer.sentence);
    }
    if let Some(sentence) = figures::void_sentence(report) {
        let _ = writeln!(text, "- **No verdict.** {sentence}");
    }
    for arm in report.arms.iter().filter(|arm| !headline::outweighs(arm)) {
        text.push_str(&in_trouble(report, arm));
    }
    for comparison in &headline.cards {
        let caveat = caveats::of_comparison(report, comparison).map(|caveat| format!(" ({caveat})"));
        let _ = writeln!(text, "- {}{}.", comparison.sentence, caveat.unwrap_or_default());
    }
    for folded in &headline.folded {
        let _ = writeln!(text, "- {folded}.");
    }
    if let Some(brackets) = headline::brackets(&headline) {
        let _ = writeln!(text, "- {brackets}");
    }
    for skipped in &report.skipped_arms {
        let _ = writeln!(text, "- Skipped: {}, {}. Hint: {}.", skipped.name, skipped.why, skipped.hint);
    }
    text
}

/// The problems of an arm.
fn in_trouble(report: &Report, arm: &Arm) -> String {
    let died = figures::death_sentence(arm).map(|sentence| format!("- **Died.** {sentence}.\n"));
    let saturated = caveats::saturated(report, arm).map(|sentence| format!("- **Saturated.** {sentence}.\n"));
    let is_broken = arm.ledger.as_ref().is_some_and(|ledger| !ledger.holds);
    let broken = is_broken.then(|| {
        format!("- **Ledger broken.** {}: {}.\n", arm.label, figures::violations_in_words(report, arm))
    });
    [died, saturated, broken].into_iter().flatten().collect()
}

fn episode(report: &Report) -> String {
    let Some(episode) = episode::episode(report) else { return String::new() };
    let header: Vec<String> = std::iter::once("arm").chain(Effects::COLUMNS).map(str::to_owned).collect();
    let mut text = format!(
        "## Over the time of an episode\n\n```text\n{}\n```\n",
        episode::render(&episode, text::WIDEST)
    );
    let effects = episode::effects(&episode);
    for effects in &effects {
        let rows =
            effects.rows.iter().map(|(arm, cells)| std::iter::once(arm).chain(cells).cloned().collect());
        let _ = write!(text, "\n### {}\n\n{}", effects.of, table(&header, rows));
    }
    if !effects.is_empty() {
        let _ = writeln!(text, "\n{}.", MEANING.replace(". ", ".\n"));
    }
    text
}

fn hysteresis(report: &Report) -> String {
    let Some(all) = hysteresis::hysteresis(report) else { return String::new() };
    let labels = all.arms.iter().map(|arm| arm.arm.label.clone());
    let header: Vec<String> = std::iter::once("a second".to_owned()).chain(labels).collect();
    let rows = all.rows().into_iter().map(|(load, cells)| std::iter::once(load).chain(cells).collect());
    let meaning = Hysteresis::MEANING.replace(". ", ".\n");
    format!("## {}\n\n{}\n{meaning}.\n", Hysteresis::TITLE, table(&header, rows))
}

fn over_time(report: &Report) -> String {
    let drawn = over_time::picture(report).map(|picture| {
        format!("## Over time\n\n```text\n{}\n```\n", text::render(&picture, text::WIDEST).trim_end())
    });
    drawn.unwrap_or_default()
}

fn figures_table(report: &Report) -> String {
    let rows =
        figures::rows(report).into_iter().map(|row| std::iter::once(row.name).chain(row.cells).collect());
    let mut text = format!(
        "## Figures\n\nLatency counts from when an operation was due to the end of its reply.\n\n{}",
        table(&header("", report), rows)
    );
    for note in caveats::notes(report) {
        // A star at the beginning of a line would start a list.
        let _ = write!(text, "\n{}.\n", note.replacen('*', "\\*", 1));
    }
    text
}

fn outcomes_table(report: &Report) -> String {
    let header: Vec<String> =
        ["arm", "outcome"].into_iter().chain(outcomes::COLUMNS).map(str::to_owned).collect();
    let of_arm = |arm: &Arm| -> Vec<Vec<String>> {
        let row = |outcome: &OutcomeLatency| {
            let names = [arm.label.clone(), outcomes::name(report, &outcome.outcome).to_owned()];
            names.into_iter().chain(outcomes::cells(outcome)).collect()
        };
        arm.outcomes.iter().map(row).collect()
    };
    let rows: Vec<Vec<String>> = report.arms.iter().flat_map(of_arm).collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "## Latency by outcome\n\nLatency counts from when an operation was due.\n\n{}",
        table(&header, rows)
    )
}

fn axis(report: &Report) -> String {
    let mut text = "## What differs, and what does not\n\n".to_owned();
    if let Some(asks) = &report.scenario.asks {
        let _ = writeln!(text, "{asks}\n");
    }
    if !report.plan_diff.is_empty() {
        let rows = report
            .plan_diff
            .iter()
            .map(|row| std::iter::once(row.key.clone()).chain(row.values.clone()).collect());
        let _ = writeln!(text, "{}", table(&header("axis", report), rows));
    }
    let held: Vec<String> =
        report.held.iter().map(|held| format!("{} = {}", held.axis, held.value)).collect();
    let _ = writeln!(text, "The same in every arm: {}.", held.join(", "));
    for arm in &report.arms {
        let _ =
            writeln!(text, "- **{}**: {}. Stores and brokers: {}.", arm.label, summary(arm), backings(arm));
    }
    text
}

fn backings(arm: &Arm) -> String {
    let all: Vec<String> =
        arm.backings.iter().map(|backing| format!("{}: {}", backing.role, store(backing))).collect();
    if all.is_empty() { "none".to_owned() } else { all.join("; ") }
}

fn differences(report: &Report) -> String {
    if report.comparisons.is_empty() {
        return String::new();
    }
    let header = ["metric", "arm", "against", "verdict"].map(str::to_owned);
    let rows = report.comparisons.iter().map(|comparison| {
        let verdict = figures::verdict_words(report, comparison);
        let caveat = caveats::of_comparison(report, comparison).map(|caveat| format!(" ({caveat})"));
        vec![
            figures::metric_name(&comparison.metric),
            comparison.arm.clone(),
            comparison.baseline.clone(),
            verdict + &caveat.unwrap_or_default(),
        ]
    });
    format!("## Differences\n\n{}", table(&header, rows))
}

fn cpu_parts(report: &Report) -> String {
    let header = ["arm", "part", "kind", "µs per operation"].map(str::to_owned);
    let rows: Vec<Vec<String>> = report
        .arms
        .iter()
        .flat_map(|arm| {
            arm.cpu_us_per_op.parts.iter().map(|part| {
                vec![
                    arm.label.clone(),
                    place(&part.name),
                    part_kind(part.kind).to_owned(),
                    three_digits(part.us),
                ]
            })
        })
        .collect();
    if rows.is_empty() { String::new() } else { format!("## CPU by part\n\n{}", table(&header, rows)) }
}

fn ledger(report: &Report) -> String {
    let mut text =
        "## Ledger\n\nAfter the load the lab asked each system for everything that it had acknowledged.\n\n"
            .to_owned();
    for arm in &report.arms {
        let verdict = figures::ledger(report, arm);
        let verdict = if verdict == NO_FIGURE { "not checked".to_owned() } else { verdict };
        let _ = write!(text, "- **{}**: {verdict}", arm.label);
        let facts: Vec<String> = arm
            .ledger
            .iter()
            .flat_map(|ledger| &ledger.facts)
            .map(|fact| {
                format!("{} {}", count(fact.count), facts::with_name(&report.scenario.system, &fact.name))
            })
            .collect();
        let _ = writeln!(text, "{}{}.", if facts.is_empty() { "" } else { "; " }, facts.join(", "));
        for example in arm.ledger.iter().flat_map(|ledger| &ledger.examples) {
            let _ = writeln!(text, "  - {example}");
        }
    }
    text
}

fn claims(report: &Report) -> String {
    if report.claims.is_empty() {
        return String::new();
    }
    let header = ["claim", "verdict", "expected", "because"].map(str::to_owned);
    let rows = report.claims.iter().map(|claim| {
        vec![claim.text.clone(), claim.verdict.to_string(), claim.expected.to_string(), claim.because.clone()]
    });
    format!("## Claims\n\n{}", table(&header, rows))
}

fn validity(report: &Report) -> String {
    let (validity, machine) = (&report.validity, &report.machine);
    let mut facts = vec![
        format!(
            "Send lag: one operation in a hundred was sent more than {} µs late; the bound is {} µs.",
            maybe(validity.send_lag_p99_us),
            three_digits(validity.send_lag_bound_us)
        ),
        format!("Void slices: {} of {}.", count(validity.void_slices), count(validity.total_slices)),
        format!(
            "Independent observations behind the ratio of CPU per operation: {}.",
            maybe_whole(validity.effective_samples)
        ),
        format!(
            "Smallest difference in CPU per operation that such a run finds four times in five: {}.",
            maybe_per_cent(validity.smallest_detectable_percent)
        ),
        format!(
            "Noise floor, by which two equal arms may seem to differ in CPU per operation: {}.",
            maybe_per_cent(validity.noise_floor_percent)
        ),
        format!(
            "Confidence: {} that all {} intervals of this report hold at once.",
            per_cent(validity.confidence * 100.0),
            validity.family_size
        ),
        format!(
            "Machine: {}, {} cores (generator {}, arms {}), {} MiB, {}, kernel {}, Rust {}.",
            machine.cpu,
            machine.cores,
            processors(&report.budget.generator_cpus),
            processors(&report.budget.arm_cpus),
            count(machine.memory_mib),
            machine.os,
            machine.kernel,
            machine.rust.trim_start_matches("rustc ")
        ),
    ];
    if let Some(own) = generators_own(validity) {
        let fact = format!(
            "Generator's own: {own} of every latency, which is what a server that does nothing takes."
        );
        facts.insert(1, fact);
    }
    facts.extend(report.load.faults.iter().map(|fault| format!("Fault: {}.", faults::sentence(fault))));
    facts.extend(faults::moments(&report.load).map(|moments| format!("Moments of faults: {moments}.")));
    facts.extend(validity.notes.iter().cloned());
    list("Validity", &facts)
}

fn again(report: &Report) -> String {
    let commit = report.commit.as_deref().unwrap_or("unknown");
    format!(
        "## Again\n\n```sh\n{}\n```\n\nSeed {}, commit `{commit}`, lab {}, schema `{}`.\n",
        report.reproduce, report.seed, report.lab_version, report.schema
    )
}

fn list(heading: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("## {heading}\n\n");
    for line in lines {
        let _ = writeln!(text, "- {line}");
    }
    text
}

fn header(first: &str, report: &Report) -> Vec<String> {
    std::iter::once(first.to_owned()).chain(report.arms.iter().map(|arm| arm.label.clone())).collect()
}

/// A table with any content in its cells.
pub(crate) fn table(header: &[String], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    // A vertical bar in a cell would end the cell.
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let mut text = line(header);
    let _ = writeln!(&mut text, "|{}", "---|".repeat(header.len()));
    for row in rows {
        text.push_str(&line(&row));
    }
    text
}
