//! The text and drawings of a report, for a recorded run of every scenario: as it was, as on a machine that
//! was too busy, and with a process that ended early.
//!
//! A snapshot has the whole text of the good run and the contents of its page's drawings; for the other two
//! it has the lines that differ.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::fmt::Write as _;

use report::{Report, html, markdown, terminal};
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

/// The lines that only one of two texts has.
fn changes(before: &str, after: &str) -> String {
    let only = |mark: &str, these: &str, those: &str| {
        let those: Vec<&str> = those.lines().collect();
        let lines = these.lines().filter(|line| !those.contains(line));
        lines.map(|line| [mark, line, "\n"].concat()).collect::<Vec<_>>().concat()
    };
    only("- ", before, after) + &only("+ ", after, before)
}

/// The drawings of a page: their names, numbers of shapes, and words.
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

/// Every request of a client in an episode is drawn in its panel, whatever its outcome.
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

/// The words that may follow "an unknown number" in a sentence.
const AFTER_A_NUMBER: [&str; 13] = [
    "of", "through", "counted", "from", "by", "where", "with", "without", "and", "as", "when", "were",
    "failed",
];

/// A missing figure still leaves a readable sentence.
#[test]
fn answers_are_sentences_whatever_is_missing() {
    let mut missing = 0;
    each(|name, form, report| {
        for answer in &report.answers {
            let sentence = &answer.sentence;
            let known = !sentence.contains("not known") && !sentence.contains("an unknown number");
            assert_eq!(known, answer.certain, "{name}, {form:?}: {sentence}");
            missing += u32::from(!known);
            for (before, _) in sentence.match_indices("not known").map(|(at, _)| sentence.split_at(at)) {
                assert!(before.ends_with(": ") || before.ends_with('('), "{name}, {form:?}: {sentence}");
            }
            for (_, after) in sentence.match_indices("an unknown number").map(|(at, _)| sentence.split_at(at))
            {
                let rest = &after["an unknown number".len()..];
                let next =
                    rest.split_whitespace().next().unwrap_or_default().trim_end_matches(['.', ';', ',']);
                assert!(next.is_empty() || AFTER_A_NUMBER.contains(&next), "{name}, {form:?}: {sentence}");
            }
            assert!(!sentence.contains("cannot tell"), "{name}, {form:?}: {sentence}");
        }
    });
    assert!(missing > 20, "{missing}");
}

/// Internal words of the code, and fragments of wrongly assembled sentences.
const NOT_SAID: [&str; 12] = [
    " an operation:",
    "CPU an operation",
    " hops ",
    "measured cannot tell",
    "edge +",
    ">edge<",
    "not known of",
    "throughput",
    "p50 latency of p50",
    "; ;",
    " .",
    "..",
];

#[test]
fn no_page_has_a_word_that_only_the_code_knows() {
    each(|name, form, report| {
        let text = visible(&html::render(report));
        for word in NOT_SAID {
            let at = text.find(word);
            let around = at.map(|at| text[..at + word.len()].chars().rev().take(80).collect::<Vec<_>>());
            let around: Option<String> = around.map(|letters| letters.into_iter().rev().collect());
            assert!(around.is_none(), "`{word}` in {name}, {form:?}: …{}", around.unwrap_or_default());
        }
        let sentences = report.claims.iter().map(|claim| &claim.because);
        for sentence in sentences.chain(report.comparisons.iter().map(|comparison| &comparison.sentence)) {
            let thousands =
                sentence.split(|letter: char| !letter.is_ascii_digit()).all(|digits| digits.len() < 4);
            assert!(thousands, "no thousands are set apart in {name}, {form:?}: {sentence}");
        }
    });
}

/// The visible words of a page, without style and tags; a tag leaves a space.
fn visible(page: &str) -> String {
    let body = page.split_once("</head>").unwrap().1;
    let parts = body.split('<').map(|part| part.split_once('>').map_or(part, |(_, words)| words));
    parts.collect::<Vec<_>>().join("\u{200b}").replace("&amp;", "&").replace('\u{a0}', " ")
}

#[test]
fn arms_are_called_by_something_that_a_reader_can_say() {
    each(|name, form, report| {
        for arm in &report.arms {
            let says_little = ["off", "all", "none"].contains(&arm.label.as_str());
            let is_a_word = arm.label.starts_with(|letter: char| letter.is_ascii_alphabetic());
            assert!(is_a_word && !says_little, "{name}, {form:?}: an arm is called `{}`", arm.label);
        }
    });
}

#[test]
fn every_example_is_a_request_in_units_that_are_read_at_a_glance() {
    let mut seen = 0;
    each(|name, form, report| {
        let page = html::render(report);
        let drawn = page.matches("<svg class=\"plot-narrow").count();
        assert_eq!(
            drawn * 2,
            page.matches(" operation, span by span").count(),
            "a trace fits a narrow screen"
        );
        for operation in inside(&page, "<title>One ", " operation, span by span") {
            // `GET /links/{code}`, and of gRPC `package.Service/Method`.
            assert!(operation.contains('/'), "{name}, {form:?}: `{operation}` is no request");
            seen += 1;
        }
        for drawing in page.split("<svg").skip(1).map(|rest| rest.split("</svg>").next().unwrap()) {
            for words in inside(drawing, "<text", "</text>").filter(|words| words.contains(" µs")) {
                assert!(!words.contains(','), "{name}, {form:?}: {words}");
            }
        }
    });
    assert!(seen > 100, "only {seen}");
}

#[test]
fn a_run_that_broke_off_blames_nothing_else() {
    for recorded in all() {
        let report = Form::Partial.of(&recorded);
        let page = visible(&html::render(&report));
        assert!(page.contains("because it broke off before its end"), "{}", recorded.name());
        assert!(!page.contains("the load generator was late in"), "{}", recorded.name());
        assert!(report.comparisons.iter().all(|comparison| comparison.metric != "capacity"));
    }
}
