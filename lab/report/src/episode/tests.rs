//! The episode of three arms in which a process is killed and then a link is cut: in every form, and with parts missing.

use crate::{
    Report, html, markdown,
    model::{LoadPhase, Series, SeriesCurve, SeriesLimit},
    terminal,
};

fn faults() -> Report {
    serde_json::from_str(include_str!("../fixtures/faults.json")).unwrap()
}

/// The section of the episode.
fn section(report: &Report) -> String {
    let page = html::render(report);
    let from = page.find("<section id=\"episode\"").unwrap();
    page[from..from + page[from..].find("</section>").unwrap()].to_owned()
}

/// The drawing of each arm.
fn drawings(report: &Report) -> Vec<String> {
    let section = section(report);
    let drawn = section.split("<svg class=\"plot-episode\"").skip(1);
    drawn.map(|rest| rest.split("</svg>").next().unwrap().to_owned()).collect()
}

/// The texts of a drawing, with the row in which each stands.
fn texts(drawing: &str) -> Vec<&str> {
    let texts = drawing.split("<text").skip(1);
    texts.map(|rest| rest.split_once('>').unwrap().1.split("</text>").next().unwrap()).collect()
}

fn plain(report: &Report) -> String {
    anstream::adapter::strip_str(&terminal::render(report)).to_string()
}

#[test]
fn an_episode_is_in_every_form() {
    let report = faults();
    let words: Vec<String> = drawings(&report).iter().map(|drawing| texts(drawing).join(" | ")).collect();
    insta::assert_snapshot!("episode_in_the_page", words.join("\n\n").replace(" | ", "\n"));
    let terminal = plain(&report);
    let from = terminal.find("what became of the operations").unwrap();
    let to = terminal.find("  Medians of all episodes").unwrap();
    insta::assert_snapshot!("episode_in_the_terminal", &terminal[from..to]);
    let markdown = markdown::render(&report);
    let from = markdown.find("### links killed").unwrap();
    let to = markdown.find("## Figures").unwrap();
    insta::assert_snapshot!("episode_in_markdown", &markdown[from..to]);
    let blocks = terminal.lines().find(|line| line.starts_with("  ended well ")).unwrap();
    assert!(blocks.contains('▇') && markdown.contains(blocks), "the text is the same in Markdown");
}

#[test]
fn all_arms_have_the_same_rows_on_the_same_scales() {
    let drawings = drawings(&faults());
    assert_eq!(drawings.len(), 3);
    let without_its_own = |drawing: &String| {
        let own = ["none", "naive-retry", "full", "no breaker"];
        texts(drawing).into_iter().filter(|words| !own.contains(words)).map(str::to_owned).collect::<Vec<_>>()
    };
    for drawing in &drawings[1..] {
        assert_eq!(without_its_own(drawing), without_its_own(&drawings[0]));
    }
}

#[test]
fn a_breaker_is_seen_open_half_open_and_closed() {
    let drawings = drawings(&faults());
    let shown =
        |drawing: &str| ["e-open", "e-half-open", "e-state"].map(|mark| drawing.matches(mark).count());
    assert_eq!(shown(&drawings[0]), [0, 0, 0]);
    // One of the three breakers never opened: it has no row.
    assert_eq!(shown(&drawings[2]), [2, 2, 2]);
    let said = "The circuit breaker from gateway to links: half-open at 3 s, open at 3.1 s";
    assert!(drawings[2].contains(said) && !drawings[0].contains("circuit breaker from"), "{}", drawings[2]);
}

#[test]
fn who_never_recovers_has_an_arrow_and_who_does_has_a_dot() {
    let count = |drawing: &str, mark: &str| drawing.matches(&format!("class=\"{mark}\"")).count();
    let marks: Vec<_> = drawings(&faults())
        .iter()
        .map(|drawing| (count(drawing, "e-dot"), count(drawing, "e-never")))
        .collect();
    // An arrow is a line and its head.
    assert_eq!(marks, [(1, 2), (2, 0), (2, 0)]);
    for form in [plain(&faults()), markdown::render(&faults()), html::render(&faults())] {
        assert!(form.contains("never within the episode"), "{form}");
    }
}

#[test]
fn a_row_in_which_nothing_happened_is_left_out() {
    let mut report = faults();
    assert!(section(&report).contains("events that wait") && section(&report).contains("circuit breaker"));
    for timeline in report.arms.iter_mut().filter_map(|arm| arm.timeline.as_mut()) {
        timeline.lag.clear();
        timeline.latency_ms = None;
        for link in &mut timeline.links {
            link.breaker.clear();
            (link.retries, link.hedges, link.rejected) = (Vec::new(), Vec::new(), Vec::new());
        }
    }
    let section = section(&report);
    for row in ["events that wait", "circuit breaker", "calls a second", "latency"] {
        assert!(!section.contains(&format!(">{row}")), "{row}");
    }
    assert!(section.contains(">operations a second"));
}

#[test]
fn with_too_few_operations_for_a_p99_the_band_ends_at_p90() {
    let mut report = faults();
    assert!(section(&report).contains("from p50 to p99"));
    for band in report.arms.iter_mut().filter_map(|arm| arm.timeline.as_mut()?.latency_ms.as_mut()) {
        band.p99[10..].fill(None);
    }
    let section = section(&report);
    assert!(section.contains("from p50 to p90") && !section.contains("e-p90"), "{section}");
}

#[test]
fn what_was_not_sampled_is_a_gap_and_not_zero() {
    let mut report = faults();
    let stretches = |report: &Report| {
        let drawing = drawings(report).swap_remove(2);
        let path = drawing.split("<path d=\"").find(|path| path.contains("\"e-state\"")).unwrap().to_owned();
        path.split('"').next().unwrap().matches('M').count()
    };
    assert_eq!(stretches(&report), 1);
    let timeline = report.arms[2].timeline.as_mut().unwrap();
    for state in &mut timeline.links[0].breaker[20..40] {
        *state = None;
    }
    assert_eq!(stretches(&report), 2);
}

#[test]
fn without_faults_the_middle_phases_are_the_disturbance() {
    let mut report = faults();
    report.load.faults.clear();
    let phase = |name: &str, start_ms, length_ms| LoadPhase { name: name.to_owned(), start_ms, length_ms };
    report.load.phases = vec![
        phase("calm", 0.0, 3_000.0),
        phase("a flood", 3_000.0, 2_000.0),
        phase("calm again", 5_000.0, 7_000.0),
    ];
    for arm in &mut report.arms {
        arm.effects.truncate(1);
        arm.effects[0].fault = None;
    }
    let section = section(&report);
    assert!(section.contains("Over the time of an episode") && section.contains(">a flood</text>"));
    assert!(section.contains("1.02&nbsp;s") || section.contains("1.02 s"), "{section}");

    "`a` floods".clone_into(&mut report.load.phases[1].name);
    let drawn = drawings(&report).concat();
    assert!(drawn.contains(">a floods</text>") && !drawn.contains('`'), "{drawn}");
    let section = self::section(&report);
    assert!(section.contains("<b><code>a</code> floods</b>") && !section.contains('`'), "{section}");
    for (form, heading) in [(plain(&report), "`a` floods"), (markdown::render(&report), "### `a` floods")] {
        assert!(form.contains(heading), "{form}");
        let below = form.lines().skip_while(|line| !line.contains('└')).nth(1);
        assert!(below.is_some_and(|line| line.trim_start().starts_with("a floods")), "{below:?} of {form}");
    }
}

#[test]
fn what_is_broken_at_the_same_time_has_one_name_and_names_have_lanes() {
    let mut report = faults();
    let mut fault = report.load.faults[0].clone();
    (fault.target, fault.made) = ("postgres".to_owned(), Vec::new());
    report.load.faults.push(fault);
    let height = |report: &Report, name: &str| {
        let drawing = drawings(report).swap_remove(0);
        assert_eq!(drawing.matches("class=\"e-bar\"").count(), 2, "{drawing}");
        let before = &drawing[..drawing.find(&format!("{name}</text>")).unwrap()];
        before.rsplit_once(" y=\"").unwrap().1.split('"').next().unwrap().parse::<f64>().unwrap()
    };
    // The names are too long to stand beside each other.
    let [first, second] =
        ["links, postgres killed", "gateway → clicks partitioned"].map(|name| height(&report, name));
    assert!(first + 20.0 < second, "{first} and {second}");
    report.load.faults[0].target = "x".to_owned();
    report.load.faults[1].target = "y".to_owned();
    report.load.faults.truncate(2);
    let [first, second] = ["x killed", "y partitioned"].map(|name| height(&report, name));
    assert!((first - second).abs() < 0.1, "{first} and {second}");
}

#[test]
fn a_picture_of_the_journeys_stays_where_it_says_something_else() {
    let mut report = faults();
    let limit = Some(SeriesLimit { requests: 10, window_ms: 1_000.0 });
    let curve = SeriesCurve { name: "admitted".to_owned(), counts: vec![1.0; 120] };
    for arm in &mut report.arms {
        let (title, curves) = ("decisions".to_owned(), vec![curve.clone()]);
        arm.series =
            Some(Series { title, is_of_operations: true, bucket_ms: 100.0, limit, level: None, curves });
    }
    let sections = |report: &Report| {
        let page = html::render(report);
        ["id=\"episode\"", "id=\"over-time\""].map(|id| page.contains(id))
    };
    assert_eq!(sections(&report), [true, true], "a limit is not in the episode");
    for series in report.arms.iter_mut().filter_map(|arm| arm.series.as_mut()) {
        series.limit = None;
    }
    assert_eq!(sections(&report), [true, false], "counts of outcomes are");
    report.load.faults.clear();
    assert_eq!(sections(&report), [false, true], "nothing was broken");
}

#[test]
fn what_journeys_count_beside_operations_is_a_row_of_the_episode() {
    let mut report = faults();
    let title = || "connections a second".to_owned();
    assert!(!html::render(&report).contains(&title()));
    let bucket_ms = report.arms[0].timeline.as_ref().unwrap().bucket_ms;
    for arm in &mut report.arms {
        let curves = vec![SeriesCurve { name: "ready again".to_owned(), counts: vec![1.0; 120] }];
        let (limit, level) = (None, None);
        arm.series =
            Some(Series { title: title(), is_of_operations: false, bucket_ms, limit, level, curves });
    }
    let page = html::render(&report);
    assert!(page.contains(&title()) && page.contains("ready again") && !page.contains("id=\"over-time\""));
    report.arms[0].series = None;
    assert!(html::render(&report).contains("not counted"), "an arm without says so");
}

#[test]
fn an_episode_that_begins_with_a_fault_has_no_time_before_and_one_that_ends_with_it_none_after() {
    let mut report = faults();
    let goodput = |report: &Report| {
        let page = html::render(report);
        let from = page.find("Operations a second that ended well").unwrap();
        page[from..from + page[from..].find(". ").unwrap()].to_owned()
    };
    let whole = goodput(&report);
    assert!(whole.contains(" before, ") && whole.contains(" at the end"), "{whole}");
    report.load.faults.truncate(1);
    let fault = &mut report.load.faults[0];
    (fault.at_ms, fault.for_ms) = (0.0, report.load.slice_ms);
    fault.made.clear();
    let during = goodput(&report);
    assert!(!during.contains(" before") && !during.contains(" at the end"), "{during}");
}

#[test]
fn many_arms_make_no_large_page() {
    let mut report = faults();
    let arms = report.arms.clone();
    report.arms = (0..8).map(|at| arms[at % 3].clone()).collect();
    let page = html::render(&report);
    assert!(page.contains("episode by-4") && page.len() < 512 * 1024, "{} bytes", page.len());
}
