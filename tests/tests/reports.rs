//! What a report says and draws, for a recorded run of every scenario: as it was, as it would be on a machine that was
//! too busy, and as it would be had a process died.
//!
//! A snapshot holds the whole text of the good run and what its page draws; of the other two it holds the lines that
//! differ from it.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::fmt::Write as _;

use lab::report::{Report, html, markdown, terminal};
use system_tests::reports::{Form, Recorded, all};

#[test]
fn what_a_recorded_run_says_and_draws_is_as_it_was_looked_at() {
    for recorded in all() {
        insta::assert_snapshot!(recorded.name(), held(&recorded));
    }
}

fn held(recorded: &Recorded) -> String {
    let good = markdown::render(&recorded.report);
    let mut text = format!("{good}\n\n==== drawn ====\n{}", drawn(&html::render(&recorded.report)));
    for form in [Form::Void, Form::Partial] {
        let other = markdown::render(&form.of(recorded));
        let _ = write!(text, "\n==== {} ====\n{}", form.name(), changes(&good, &other));
    }
    text
}

/// The lines of one text that the other has not, and the other way round.
fn changes(before: &str, after: &str) -> String {
    let only = |mark: &str, these: &str, those: &str| {
        let those: Vec<&str> = those.lines().collect();
        let lines = these.lines().filter(|line| !those.contains(line));
        lines.map(|line| [mark, line, "\n"].concat()).collect::<Vec<_>>().concat()
    };
    only("- ", before, after) + &only("+ ", after, before)
}

/// The drawings of a page: what each is called, how many shapes it has, and its words.
fn drawn(page: &str) -> String {
    let mut text = String::new();
    for drawing in page.split("<svg").skip(1).map(|rest| rest.split("</svg>").next().unwrap()) {
        let Some(title) =
            inside(drawing, "<title>", "</title>").next().filter(|_| drawing.contains("role=\"img\""))
        else {
            continue;
        };
        let shapes = ["rect", "path", "line", "circle"].map(|shape| {
            let count = drawing.matches(&format!("<{shape} ")).count();
            format!("{count} {shape}")
        });
        let words: Vec<&str> =
            inside(drawing, "<text", "</text>").map(|words| words.split_once('>').unwrap().1).collect();
        let _ = writeln!(text, "{title} ({})\n    {}", shapes.join(", "), words.join(" | "));
    }
    text
}

fn inside<'a>(text: &'a str, from: &'a str, to: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(from).skip(1).map(move |rest| rest.split(to).next().unwrap())
}

fn each(mut see: impl FnMut(&str, Form, &Report)) {
    for recorded in all() {
        for form in Form::ALL {
            see(&recorded.name(), form, &form.of(&recorded));
        }
    }
}

#[test]
fn every_recorded_run_is_a_good_one() {
    for recorded in all() {
        let (name, report) = (recorded.name(), &recorded.report);
        assert!(report.validity.verdict_possible && report.arms.len() > 1, "{name}");
        assert!(report.arms.iter().all(|arm| arm.operations > 0 && arm.died.is_none()), "{name}");
    }
}

#[test]
fn pages_need_nothing_else_and_texts_stay_narrow() {
    each(|name, form, report| {
        let page = html::render(report);
        for forbidden in ["<script", "<link", "<img", "@import", "src=", "https://", "NaN"] {
            assert!(!page.contains(forbidden), "{forbidden} in {name}, {form:?}");
        }
        assert!(page.len() < 512 * 1024, "{name}, {form:?}: {} bytes", page.len());
        for line in anstream::adapter::strip_str(&terminal::render(report)).to_string().lines() {
            assert!(line.chars().count() <= 100, "{name}, {form:?}: {line}");
        }
    });
}

/// What one client asked for in an episode is what its panel draws, whatever became of it.
#[test]
fn the_curves_of_an_episode_add_up_to_its_arrivals() {
    let mut seen = 0;
    for recorded in all() {
        let report = &recorded.report;
        let is_alone = report.load.mix.starts_with("one-client");
        for arm in report.arms.iter().filter(|_| is_alone) {
            let series = arm.series.as_ref().unwrap();
            let drawn: f64 = series.curves.iter().flat_map(|curve| &curve.counts).sum();
            let lost: u64 = arm.refused.iter().chain(&arm.failed).map(|cause| cause.count).sum();
            // Every episode of a launch has the same arrivals.
            let arrivals = (arm.operations + lost) as f64 / report.load.rounds as f64;
            assert!((drawn / arrivals - 1.0).abs() < 0.002, "{}: {drawn} of {arrivals}", arm.label);
            seen += 1;
        }
    }
    assert!(seen >= 8, "only {seen} arms");
}
