//! The report for a terminal: the answer first, then one table, then the conclusions.
//!
//! At most 100 columns wide.
//! Styles are ANSI codes for `anstream`, which strips them where they are unwanted (`NO_COLOR`, a pipe, a
//! file); every style accompanies a word with the same meaning.

use std::fmt::Write as _;

use statistics::Verdict;

use super::{
    caveats, columns,
    episode::{self, Effects, MEANING},
    faults,
    figures::{self, causes},
    headline,
    hysteresis::{self, Hysteresis},
    model::{Arm, Claim, ClaimVerdict, Comparison, Report},
    outcomes, over_time,
    words::{
        arrivals, count, duration_of_ms, generators_own, maybe, maybe_whole, per_cent, processors,
        three_digits,
    },
};
use crate::picture::text;

/// The widest line.
const WIDTH: usize = 100;

const BOLD: &str = "\u{1b}[1m";
const DIM: &str = "\u{1b}[2m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const RED: &str = "\u{1b}[31m";
const PLAIN: &str = "\u{1b}[0m";

/// The whole report, ending with a line break.
pub fn render(report: &Report) -> String {
    let mut page = Page::default();
    title(&mut page, report);
    answer(&mut page, report);
    episode(&mut page, report);
    hysteresis(&mut page, report);
    if let Some(picture) = over_time::picture(report) {
        page.block(text::render(&picture, WIDTH).trim_end());
    }
    page.block(&table(report));
    for note in caveats::notes(report) {
        page.item(DIM, "", 2, &format!("{note}."));
    }
    if outcomes::matter(report) {
        page.heading("Latency by what became of the operations, from when they were due");
        page.block(&outcomes(report));
    }
    ledgers(&mut page, report);
    claims(&mut page, report);
    validity(&mut page, report);
    limits(&mut page, report);
    page.text
}

/// Lines within the width.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn heading(&mut self, words: &str) {
        let _ = writeln!(self.text, "\n{BOLD}{words}{PLAIN}");
    }

    /// Words wrapped at the width, after a mark; later lines are indented by `indent`.
    fn item(&mut self, style: &str, mark: &str, indent: usize, words: &str) {
        let room = WIDTH - indent;
        for (at, line) in wrapped(words, room).iter().enumerate() {
            let before = if at == 0 { format!("  {style}{mark}{PLAIN}") } else { "  ".to_owned() };
            let used = if at == 0 { 2 + mark.chars().count() } else { 2 };
            let _ = writeln!(self.text, "{before}{}{line}", " ".repeat(indent.saturating_sub(used)));
        }
    }

    fn block(&mut self, words: &str) {
        let _ = writeln!(self.text, "\n{words}");
    }
}

fn title(page: &mut Page, report: &Report) {
    let quick = if report.quick { "  quick" } else { "" };
    let _ =
        writeln!(page.text, "{BOLD}{}{PLAIN}{DIM}{quick}  run {}{PLAIN}", report.scenario.name, report.id);
    for line in wrapped(&report.scenario.question, WIDTH) {
        let _ = writeln!(page.text, "{line}");
    }
}

fn answer(page: &mut Page, report: &Report) {
    page.text.push('\n');
    let headline = headline::of(report);
    for arm in report.arms.iter().filter(|arm| headline::outweighs(arm)) {
        in_trouble(page, report, arm);
    }
    for answer in &headline.answers {
        let (style, mark) = if answer.certain { (BOLD, "ANSWER") } else { (YELLOW, "? ANSWER") };
        page.item(style, mark, 14, &answer.sentence);
    }
    if let Some(sentence) = figures::void_sentence(report) {
        page.item(RED, "NO VERDICT", 14, &sentence);
    }
    for arm in report.arms.iter().filter(|arm| !headline::outweighs(arm)) {
        in_trouble(page, report, arm);
    }
    for comparison in &headline.cards {
        let (style, mark) = mark(comparison);
        page.item(style, mark, 14, &comparison.sentence);
        if let Some(caveat) = caveats::of_comparison(report, comparison) {
            page.item(DIM, "", 14, &caveat);
        }
    }
    for folded in &headline.folded {
        page.item(YELLOW, "? open", 14, &format!("{folded}."));
    }
    if let Some(brackets) = headline::brackets(&headline) {
        page.item(DIM, "[ ]", 14, brackets);
    }
    for skipped in &report.skipped_arms {
        page.item(YELLOW, "SKIPPED", 14, &format!("{}: {}", skipped.name, skipped.why));
        page.item(DIM, "hint:", 14, &skipped.hint);
    }
}

/// The problems of an arm.
fn in_trouble(page: &mut Page, report: &Report, arm: &Arm) {
    if let Some(sentence) = figures::death_sentence(arm) {
        page.item(RED, "DIED", 14, &sentence);
        for line in arm.died.iter().flat_map(|death| &death.last_log_lines) {
            page.item(DIM, "", 16, line);
        }
    }
    if let Some(sentence) = caveats::saturated(report, arm) {
        page.item(YELLOW, "SATURATED", 14, &format!("{sentence}."));
    }
    if arm.ledger.as_ref().is_some_and(|ledger| !ledger.holds) {
        page.item(
            RED,
            "BROKEN",
            14,
            &format!("the ledger of {}: {}", arm.label, figures::violations_in_words(report, arm)),
        );
    }
}

fn mark(comparison: &Comparison) -> (&'static str, &'static str) {
    match comparison.verdict {
        Some(Verdict::Higher { .. }) => (BOLD, "▲ higher"),
        Some(Verdict::Lower { .. }) => (BOLD, "▼ lower"),
        Some(Verdict::NoDifference { .. }) => (GREEN, "= equal"),
        Some(Verdict::CannotTell { .. }) => (YELLOW, "? unknown"),
        None => (DIM, "· counted"),
    }
}

/// What became of the operations over time, and a table for each fault.
fn episode(page: &mut Page, report: &Report) {
    let Some(episode) = episode::episode(report) else { return };
    page.block(&episode::render(&episode, WIDTH));
    let effects = episode::effects(&episode);
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    for effects in &effects {
        rows.push((effects.of.clone(), vec![String::new(); Effects::COLUMNS.len()]));
        rows.extend(effects.rows.iter().map(|(arm, cells)| (format!("- {arm}"), cells.to_vec())));
    }
    if !effects.is_empty() {
        page.block(&columns::table(&Effects::COLUMNS.map(str::to_owned), &rows, WIDTH));
        page.item(DIM, "", 2, &format!("{MEANING}."));
    }
}

fn hysteresis(page: &mut Page, report: &Report) {
    let Some(all) = hysteresis::hysteresis(report) else { return };
    let labels: Vec<String> = all.arms.iter().map(|arm| arm.arm.label.clone()).collect();
    page.block(&format!("{}\n", Hysteresis::TITLE));
    page.block(&columns::table(&labels, &all.rows(), WIDTH));
    page.item(DIM, "", 2, &format!("{}.", Hysteresis::MEANING));
}

fn table(report: &Report) -> String {
    let labels: Vec<String> = report.arms.iter().map(|arm| arm.label.clone()).collect();
    let rows: Vec<_> = figures::rows(report).into_iter().map(|row| (row.name, row.cells)).collect();
    columns::table(&labels, &rows, WIDTH)
}

/// Latency by outcome, one arm after another.
fn outcomes(report: &Report) -> String {
    let header: Vec<String> = outcomes::COLUMNS.map(str::to_owned).to_vec();
    let rows: Vec<(String, Vec<String>)> = report
        .arms
        .iter()
        .flat_map(|arm| arm.outcomes.iter().map(move |outcome| (arm, outcome)))
        .map(|(arm, outcome)| {
            let name = format!("{}, {}", arm.label, outcomes::name(report, &outcome.outcome));
            (name, outcomes::cells(outcome).to_vec())
        })
        .collect();
    columns::table(&header, &rows, WIDTH)
}

fn ledgers(page: &mut Page, report: &Report) {
    let broken: Vec<_> =
        report.arms.iter().filter(|arm| arm.ledger.as_ref().is_some_and(|ledger| !ledger.holds)).collect();
    if broken.is_empty() {
        return;
    }
    page.heading("The ledger is broken: what was acknowledged is not all there");
    for arm in broken {
        page.item(
            RED,
            "BROKEN",
            10,
            &format!("{}: {}", arm.label, figures::violations_in_words(report, arm)),
        );
        if let Some(why) = &arm.negative_control {
            page.item(DIM, "", 10, &format!("a negative control: {why}"));
        }
        for example in arm.ledger.iter().flat_map(|ledger| &ledger.examples) {
            page.item(DIM, "", 10, example);
        }
    }
}

fn claims(page: &mut Page, report: &Report) {
    if report.claims.is_empty() {
        return;
    }
    page.heading("What textbooks say");
    for claim in &report.claims {
        let style = match (claim.is_as_expected(), claim.verdict) {
            (true, _) => GREEN,
            (false, ClaimVerdict::CannotTell) => YELLOW,
            (false, _) => RED,
        };
        page.item(style, &claim.verdict.to_string(), 22, &claim.text);
        page.item(DIM, "", 22, &because(claim));
    }
}

fn because(claim: &Claim) -> String {
    if claim.is_as_expected() {
        claim.because.clone()
    } else {
        format!("{} (expected: {})", claim.because, claim.expected)
    }
}

fn validity(page: &mut Page, report: &Report) {
    let (validity, load) = (&report.validity, &report.load);
    page.heading("How far to believe it");
    let lag = format!(
        "one operation in a hundred was sent more than {} µs late; the bound is {} µs",
        maybe(validity.send_lag_p99_us),
        three_digits(validity.send_lag_bound_us)
    );
    page.item(DIM, "send lag", 18, &lag);
    if let Some(own) = generators_own(validity) {
        let text = format!("{own} of every latency: what a server that does nothing takes");
        page.item(DIM, "generator's own", 18, &text);
    }
    page.item(
        DIM,
        "void slices",
        18,
        &format!("{} of {}", count(validity.void_slices), count(validity.total_slices)),
    );
    let smallest = match validity.smallest_detectable_percent {
        Some(percent) => format!(
            "a difference in CPU per operation of {} or more, by {} independent observations",
            per_cent(percent),
            maybe_whole(validity.effective_samples)
        ),
        None => "not known".to_owned(),
    };
    page.item(DIM, "would have seen", 18, &smallest);
    let measured = format!(
        "{} s per arm, processes started {} times, {} turns of {} per arm, {} operations per second, {}",
        three_digits(load.measured_seconds_per_arm),
        load.launches,
        count(load.rounds),
        duration_of_ms(load.slice_ms),
        three_digits(load.rate),
        arrivals(&load.arrivals),
    );
    page.item(DIM, "measured", 18, &measured);
    for fault in &load.faults {
        page.item(DIM, "fault", 18, &faults::sentence(fault));
    }
    if let Some(moments) = faults::moments(load) {
        page.item(DIM, "moments", 18, &moments);
    }
    page.item(DIM, "machine", 18, &machine(report));
    for note in &validity.notes {
        page.item(DIM, "note", 18, note);
    }
    for arm in report.arms.iter().filter(|arm| arm.indeterminate > 0 || !arm.failed.is_empty()) {
        let no_reply = match arm.indeterminate {
            0 => String::new(),
            some => format!(
                "; {} of them got no reply, so that nobody knows whether they took effect",
                count(some)
            ),
        };
        let unknown = format!("{}: {} failed{no_reply}", arm.label, causes(&arm.failed));
        page.item(DIM, "failures", 18, &unknown);
    }
}

fn machine(report: &Report) -> String {
    format!(
        "{}, {} cores (generator {}, arms {}), {}",
        report.machine.cpu,
        report.machine.cores,
        processors(&report.budget.generator_cpus),
        processors(&report.budget.arm_cpus),
        report.machine.os,
    )
}

fn limits(page: &mut Page, report: &Report) {
    if !report.does_not_show.is_empty() {
        page.heading("What this does not show");
        for limit in &report.does_not_show {
            page.item(DIM, "-", 4, limit);
        }
    }
    page.heading("Again");
    // Never wrapped, so that the command can be copied.
    let _ = writeln!(page.text, "  {}", report.reproduce);
}

/// Words wrapped to `room` characters; a longer word has its own line.
fn wrapped(words: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words.split_whitespace() {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() > room {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
