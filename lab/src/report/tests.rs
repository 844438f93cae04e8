//! The report drawn from fixed, made-up runs.

use super::model::SCHEMA;
use super::{Report, html, markdown, terminal};

/// A comparison of two arms in which all is well.
const PLACEMENT: &str = include_str!("fixtures/placement.json");
/// Three arms: one in order, one whose ledger is broken, one that died; one more that was skipped; no verdict.
const TROUBLE: &str = include_str!("fixtures/trouble.json");
/// A walk of four steps.
const WALK: &str = include_str!("fixtures/walk.json");

fn fixture(json: &str) -> Report {
    serde_json::from_str(json).unwrap()
}

fn all() -> [Report; 3] {
    [PLACEMENT, TROUBLE, WALK].map(fixture)
}

#[test]
fn a_report_survives_its_own_file() {
    for report in all() {
        assert_eq!(report.schema, SCHEMA);
        let again: Report = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
        assert_eq!(again, report);
    }
}

#[test]
fn the_terminal_says_the_answer_first() {
    insta::assert_snapshot!(
        "terminal",
        anstream::adapter::strip_str(&terminal::render(&fixture(PLACEMENT))).to_string()
    );
    insta::assert_snapshot!(
        "terminal_in_trouble",
        anstream::adapter::strip_str(&terminal::render(&fixture(TROUBLE))).to_string()
    );
}

#[test]
fn the_terminal_stays_within_a_hundred_columns() {
    for report in all() {
        let text = anstream::adapter::strip_str(&terminal::render(&report)).to_string();
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}

#[test]
fn markdown_has_everything_that_the_terminal_has() {
    insta::assert_snapshot!("markdown", markdown::render(&fixture(PLACEMENT)));
    insta::assert_snapshot!("markdown_of_a_walk", markdown::render(&fixture(WALK)));
}

#[test]
fn the_page_needs_nothing_but_itself() {
    for report in all() {
        let page = html::render(&report);
        for forbidden in ["<script", "<link", "<img", "@import", "src=", "https://", "url(http"] {
            assert!(!page.contains(forbidden), "{forbidden} in the page of {}", report.id);
        }
        assert!(page.len() < 512 * 1024, "{} bytes", page.len());
    }
}

#[test]
fn the_page_says_the_question_before_the_answer_and_the_answer_before_the_rest() {
    let page = html::render(&fixture(PLACEMENT));
    let order = [
        "What does splitting the shortener into services cost?",
        "id=\"answer\"",
        "id=\"architecture\"",
        "The one axis",
        "id=\"cpu\"",
        "id=\"latency\"",
        "id=\"time\"",
        "id=\"ledger\"",
        "id=\"claims\"",
        "id=\"validity\"",
        "id=\"limits\"",
        "id=\"again\"",
        SCHEMA,
    ];
    let places: Vec<usize> =
        order.iter().map(|words| page.find(words).unwrap_or_else(|| panic!("no {words}"))).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn an_arm_in_trouble_is_told_in_the_first_lines_of_the_page() {
    let page = html::render(&fixture(TROUBLE));
    let first = &page[page.find("id=\"answer\"").unwrap()..page.find("id=\"architecture\"").unwrap()];
    for words in
        ["No verdict", "Died", "cannot consume", "Ledger broken", "188 lost", "skipped", "redis-streams"]
    {
        assert!(first.contains(words), "no {words}");
    }
}

#[test]
fn what_a_system_says_cannot_become_markup() {
    let mut report = fixture(PLACEMENT);
    report.arms[0].label = "<script>alert(1)</script>".to_owned();
    report.arms[0].topology.processes[0].name = "\"><script>".to_owned();
    assert!(!html::render(&report).contains("<script"));
}

#[test]
fn an_a_a_run_says_that_there_is_no_axis() {
    let mut report = fixture(PLACEMENT);
    report.plan_diff.clear();
    report.arms[1] = report.arms[0].clone();
    report.arms[1].label = "monolith (again)".to_owned();
    let page = html::render(&report);
    assert!(page.contains("No axis: an A/A run") && page.contains("monolith (again)"));
}

/// A run that failed before anything was measured is still a report.
#[test]
fn a_report_without_a_single_figure_can_be_drawn() {
    let mut report = fixture(PLACEMENT);
    report.comparisons.clear();
    report.claims.clear();
    for arm in &mut report.arms {
        arm.latency_curve.clear();
        arm.cpu_us_per_op.total = None;
        arm.cpu_us_per_op.parts.clear();
        arm.ledger = None;
        arm.trace = None;
        arm.where_time_goes.clear();
        arm.topology = super::model::Topology::default();
    }
    for text in [html::render(&report), markdown::render(&report), terminal::render(&report)] {
        assert!(text.contains("What does splitting the shortener into services cost?"));
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
}
