//! The report rendered from fixed, synthetic runs.

use super::{
    Report, html, markdown,
    model::{GeneratorFloor, LoadPhase, SCHEMA, Series, SeriesCurve, SeriesLevel, SeriesLimit, Span},
    terminal,
};

/// A comparison of two arms without problems.
const PLACEMENT: &str = include_str!("fixtures/placement.json");
/// Three arms: one without problems, one with a broken ledger, one that died; another one was skipped; no
/// verdict.
const TROUBLE: &str = include_str!("fixtures/trouble.json");
/// A waterfall of four steps.
const WALK: &str = include_str!("fixtures/walk.json");
/// Episodes of three arms in which a process is killed and then a link is cut, over their time.
const FAULTS: &str = include_str!("fixtures/faults.json");

fn fixture(json: &str) -> Report {
    serde_json::from_str(json).unwrap()
}

/// The two arms of the first over the time of an episode: three seconds in buckets of 100 ms, with a limit of
/// 10 in any second. At two seconds there is a burst: one arm admits all of it, the other what the limit
/// permits.
fn over_time() -> Report {
    let mut report = fixture(PLACEMENT);
    report.load.slice_ms = 3_000.0;
    let phase = |name: &str, start_ms, length_ms| LoadPhase { name: name.to_owned(), start_ms, length_ms };
    report.load.phases = vec![phase("steady", 0.0, 2_000.0), phase("a burst", 2_000.0, 1_000.0)];
    for (arm, burst) in report.arms.iter_mut().zip([12.5, 1.0]) {
        let admitted = (0..30).map(|at| if at == 20 { burst } else { f64::from(at % 2) });
        let refused = (0..30).map(|at| if at == 20 { 12.5 - burst } else { 0.0 });
        let curve = |name: &str, counts: Vec<f64>| SeriesCurve { name: name.to_owned(), counts };
        arm.series = Some(Series {
            title: "decisions".to_owned(),
            is_of_operations: true,
            bucket_ms: 100.0,
            limit: Some(SeriesLimit { requests: 10, window_ms: 1_000.0 }),
            level: None,
            curves: vec![curve("admitted", admitted.collect()), curve("refused", refused.collect())],
        });
    }
    report
}

fn all() -> [Report; 5] {
    [fixture(PLACEMENT), fixture(TROUBLE), fixture(WALK), fixture(FAULTS), over_time()]
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
fn every_curve_of_a_timeline_has_a_value_a_bucket() {
    for arm in fixture(FAULTS).arms {
        let timeline = arm.timeline.unwrap();
        let buckets = timeline.offered.len();
        let band = timeline.latency_ms.unwrap();
        let sampled = timeline.links.iter().flat_map(|link| {
            [&link.calls, &link.sent, &link.retries, &link.hedges, &link.rejected, &link.failed]
        });
        let levels = timeline.lag.iter().map(|curve| &curve.levels);
        let servers = timeline.processes.iter().flat_map(|process| [&process.in_flight, &process.shed]);
        for curve in sampled.chain(levels).chain(servers).chain([&band.p50, &band.p90, &band.p99]) {
            assert_eq!(curve.len(), buckets);
        }
        for curve in
            timeline.ended.iter().map(|ended| &ended.counts).chain([&timeline.good, &timeline.in_flight])
        {
            assert_eq!(curve.len(), buckets);
        }
        let breakers = timeline.links.iter().filter(|link| !link.breaker.is_empty()).count();
        assert_eq!(breakers, if arm.name == "full" { 3 } else { 0 }, "{}", arm.name);
        assert_eq!(arm.effects.len(), 2);
    }
}

#[test]
fn the_generators_own_share_of_a_latency_is_said_where_it_was_measured() {
    let mut report = fixture(PLACEMENT);
    for (floor, is_said) in [
        (None, false),
        (Some(GeneratorFloor { operations: 3, p50_us: None, p99_us: None }), false),
        (Some(GeneratorFloor { operations: 1_500, p50_us: Some(24.12), p99_us: Some(61.0) }), true),
    ] {
        report.validity.generator_floor = floor;
        let terminal = anstream::adapter::strip_str(&terminal::render(&report)).to_string();
        for text in [terminal, markdown::render(&report), html::render(&report)] {
            assert_eq!(text.contains("24.1 µs (p99 61.0 µs)"), is_said);
        }
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
        "What differs: one axis",
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
    for words in [
        "No verdict",
        "Died",
        "cannot consume",
        "Ledger broken",
        "188 acknowledged and gone",
        "skipped",
        "redis-streams",
    ] {
        assert!(first.contains(words), "no {words}");
    }
}

#[test]
fn beside_a_cost_stands_how_busy_its_arm_was() {
    let report = fixture(PLACEMENT);
    let text = anstream::adapter::strip_str(&terminal::render(&report)).to_string();
    let page = html::render(&report);
    let words = "the load was 11 % of the capacity of microservices and at most 3.3 % of that of monolith";
    for form in [&text, &page] {
        let line = form.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(line.contains(words), "{line}");
        assert!(form.contains("at least 61,200"), "{form}");
    }
    let mut earlier = report;
    for arm in &mut earlier.arms {
        arm.capacity = None;
    }
    assert!(!terminal::render(&earlier).contains("capacity"));
}

#[test]
fn a_report_of_an_earlier_lab_has_its_capacity_under_the_name_that_it_has_now() {
    let mut report = fixture(PLACEMENT);
    let mut json = serde_json::to_value(&report).unwrap();
    json["comparisons"][0]["metric"] = "throughput".into();
    report.comparisons[0].metric = "capacity".to_owned();
    assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report);
}

#[test]
fn a_run_without_a_verdict_says_so_beside_every_figure() {
    let mut report = fixture(PLACEMENT);
    report.validity.verdict_possible = false;
    let line = |form: String| form.split_whitespace().collect::<Vec<_>>().join(" ");
    let undecided = "Cannot tell whether these differ, because this run has no verdict on what was timed: CPU per operation, median latency (p50), tail latency (p99) of microservices";
    for form in [line(markdown::render(&report)), line(html::render(&report))] {
        for words in [undecided, "no verdict; measured 2.41x as high"] {
            assert!(form.contains(words), "no `{words}` in {form}");
        }
        assert!(!form.contains("needs more CPU per operation than monolith: 2.41x [2.36, 2.46]."), "{form}");
    }
}

#[test]
fn an_arm_below_its_offered_rate_is_told_to_be_saturated_in_every_form() {
    let forms = |report: &Report| {
        let terminal = anstream::adapter::strip_str(&terminal::render(report)).to_string();
        [terminal, markdown::render(report), html::render(report)].map(|form| form.replace(['\n', ' '], ""))
    };
    let mut report = fixture(PLACEMENT);
    for form in forms(&report) {
        assert!(!form.to_lowercase().contains("saturated"), "{form}");
    }
    (report.arms[1].throughput_per_s, report.arms[1].saturated) = (49.0, true);
    for form in forms(&report) {
        for words in [
            "microservices completed 49.0 of the 2,000 operations per second that it was offered",
            "saturated, so that a queue grew: microservices",
            "offered per second",
        ] {
            assert!(form.contains(&words.replace(' ', "")), "no {words}: {form}");
        }
    }
}

#[test]
fn requests_that_were_sent_once_more_are_shown_where_there_are_some() {
    let mut report = fixture(PLACEMENT);
    let forms = |report: &Report| [terminal::render(report), markdown::render(report), html::render(report)];
    assert!(forms(&report).iter().all(|form| !form.contains("requests sent again")));
    report.arms[0].resent = 12;
    assert!(forms(&report).iter().all(|form| form.contains("requests sent again")));
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
    assert!(page.contains("Nothing differs: one wiring twice") && page.contains("monolith (again)"));
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

#[test]
fn what_happened_over_time_is_in_every_form() {
    let report = over_time();
    let terminal = anstream::adapter::strip_str(&terminal::render(&report)).to_string();
    let page = html::render(&report);
    let from = page.find("<section id=\"over-time\"").unwrap();
    let section = &page[from..from + page[from..].find("</section>").unwrap()];
    insta::assert_snapshot!("over_time_in_the_page", section.replace('>', ">\n"));
    let block = &terminal[terminal.find("decisions").unwrap()..terminal.find("3 s").unwrap()];
    insta::assert_snapshot!("over_time_in_the_terminal", block);
    assert!(markdown::render(&report).contains(block), "the text is the same in Markdown");

    let mut report = report;
    "`a` is killed".clone_into(&mut report.load.phases[0].name);
    let page = html::render(&report);
    let section = &page[page.find("<section id=\"over-time\"").unwrap()..];
    assert!(section.contains("<title>a is killed</title>") && !section.contains("`a` is"), "{section}");

    for earlier in [PLACEMENT, TROUBLE, WALK] {
        let page = html::render(&fixture(earlier));
        assert!(!page.contains("id=\"over-time\""), "a run without a series has no such section");
    }
}

/// The drawing of the first arm's trace, and its section.
fn drawn_trace(report: &Report) -> (String, String) {
    let page = html::render(report);
    let from = page.find("<section id=\"time\"").unwrap();
    let section = page[from..from + page[from..].find("</section>").unwrap()].to_owned();
    let drawing = section[section.find("<svg").unwrap()..section.find("</svg>").unwrap()].to_owned();
    (drawing, section)
}

#[test]
fn what_happens_after_the_reply_is_listed_and_stretches_no_axis() {
    let mut report = fixture(PLACEMENT);
    let (alone, section) = drawn_trace(&report);
    assert!(!section.contains("after the reply</th>"));
    let trace = report.arms[0].trace.as_mut().unwrap();
    let late = Span {
        name: "clicks.deliver".to_owned(),
        start_us: trace.reply_us() + 500_000.0,
        duration_us: 90.0,
        ..trace.spans[1].clone()
    };
    trace.spans.push(late);
    let (with_late, section) = drawn_trace(&report);
    assert_eq!(with_late, alone, "the picture is that of the operation alone");
    for words in ["after the reply</th>", "clicks.deliver", "500 ms", "90.0 µs"] {
        assert!(section.contains(words), "no {words}: {section}");
    }
}

#[test]
fn what_goes_on_beyond_the_reply_is_cut_there_and_marked() {
    let mut report = fixture(PLACEMENT);
    let (alone, _) = drawn_trace(&report);
    assert!(!alone.contains("goes-on"));
    let trace = report.arms[0].trace.as_mut().unwrap();
    trace.spans[3].duration_us = 1_000_000.0;
    let (cut, section) = drawn_trace(&report);
    assert_eq!(cut.matches("goes-on").count(), 1, "{cut}");
    assert!(cut.contains("beyond the reply") && section.contains("With a chevron"), "{cut}");
    let ticks = |drawing: &str| {
        let ticks = drawing.split("t-tick\">").skip(1);
        ticks.map(|tick| tick[..tick.find('<').unwrap()].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ticks(&cut), ticks(&alone), "the axis ends with the reply");
    assert!(!section.contains("after the reply</th>"), "it began before the reply");
}

#[test]
fn a_series_that_is_about_no_limit_is_drawn_against_its_level() {
    let mut report = over_time();
    for series in report.arms.iter_mut().filter_map(|arm| arm.series.as_mut()) {
        series.limit = None;
        series.level = Some(SeriesLevel { label: "the usual".to_owned(), per_bucket: 1.0 });
    }
    let page = html::render(&report);
    assert!(page.contains("the usual") && !page.contains("over the limit"));
}

/// If arms do not fit side by side they are below each other, so each cell has its arm's name.
#[test]
fn every_cell_of_a_table_of_arms_has_the_name_of_its_arm() {
    let page = html::render(&fixture(TROUBLE));
    for id in ["figures", "ledger"] {
        let from = page.find(&format!("<section id=\"{id}\"")).unwrap();
        let section = &page[from..from + page[from..].find("</section>").unwrap()];
        let cells = section.matches("<td").count();
        let named = ["inline", "memory-buffer-flushed-every-second", "kafka"]
            .map(|arm| section.matches(&format!("data-label=\"{arm}\"")).count());
        assert_eq!((named[0] * 3, named[1] * 3, named[2] * 3), (cells, cells, cells), "{id}");
        assert!(cells > 0 && section.contains("stacked"), "{id}");
    }
}
