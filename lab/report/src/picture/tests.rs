//! The calculations from counts and their drawings, from fixed figures.

use super::*;
use crate::svg;

/// Two arms with a limit of 10 in any 1 s, buckets of 100 ms: one admits two bursts close together, the other
/// admits one and refuses the second.
fn bursts() -> Picture {
    let counts = |bursts: [(usize, f64); 2]| {
        let mut counts = vec![0.0; 30];
        for (at, count) in bursts {
            counts[at] = count;
        }
        counts
    };
    let row = |place, name: &str, admitted, refused| Row {
        place,
        name: name.to_owned(),
        sentence: "what it does".to_owned(),
        figures: "what it counted".to_owned(),
        curves: vec![
            Curve { name: "admitted".to_owned(), counts: admitted },
            Curve { name: "refused".to_owned(), counts: refused },
        ],
    };
    let stretch = |name: &str, start: u64, length: u64| Stretch {
        name: name.to_owned(),
        start: Duration::from_millis(start),
        length: Duration::from_millis(length),
    };
    Picture {
        title: "two bursts".to_owned(),
        bucket: Duration::from_millis(100),
        length: Duration::from_secs(3),
        limit: Some(Limit { requests: 10, window: Duration::from_secs(1) }),
        level: None,
        phases: vec![stretch("quiet", 0, 900), stretch("bursts", 900, 2_100)],
        rows: vec![
            row(0, "generous", counts([(9, 10.0), (10, 10.0)]), counts([(9, 0.0), (10, 2.0)])),
            row(1, "strict", counts([(9, 10.0), (20, 2.0)]), counts([(9, 0.0), (10, 12.0)])),
        ],
    }
}

#[test]
fn the_trace_counts_the_window_that_ends_with_each_bucket() {
    let picture = bursts();
    let most = |row: &Row| row.trace(&picture).unwrap().into_iter().fold(0.0, f64::max);
    assert!((most(&picture.rows[0]) - 20.0).abs() < 1e-9);
    assert!((most(&picture.rows[1]) - 10.0).abs() < 1e-9);
    let trace = picture.rows[0].trace(&picture).unwrap();
    assert!(trace[8] == 0.0 && (trace[18] - 20.0).abs() < 1e-9 && trace[20] == 0.0, "{trace:?}");
}

#[test]
fn longer_buckets_hold_the_same_counts_and_keep_a_window_whole() {
    let coarse = bursts().coarser(8);
    assert_eq!(coarse.bucket, Duration::from_millis(500), "a window of ten buckets is five or two of them");
    let total = |picture: &Picture| picture.rows[0].curves[0].counts.iter().sum::<f64>();
    assert!((total(&coarse) - total(&bursts())).abs() < 1e-9);
    assert_eq!(merging(7, 100, 10), 1);
    assert_eq!(merging(700, 100, 0), 7);
    assert_eq!(merging(700, 10, 12), 12, "a window is one bucket at least");
}

#[test]
fn the_most_in_any_window_is_counted_exactly_wherever_the_window_begins() {
    let ms = |all: &[u64]| all.iter().copied().map(Duration::from_millis).collect::<Vec<_>>();
    let second = Duration::from_secs(1);
    assert_eq!(most_within(&[], second), 0);
    assert_eq!(most_within(&ms(&[0, 999, 1_000, 1_500]), second), 3);
    assert_eq!(most_within(&ms(&[0, 1_000, 2_000]), second), 1, "a window does not hold both of its ends");
}

#[test]
fn what_is_over_the_limit_stands_above_it() {
    insta::assert_snapshot!("text", text::render(&bursts(), 80));
    insta::assert_snapshot!("text_without_a_limit", text::render(&Picture { limit: None, ..bursts() }, 60));
}

#[test]
fn a_burst_does_not_make_everything_else_flat() {
    let mut counts = vec![10.0; 40];
    counts[20] = 1_000.0;
    let curves = vec![Curve { name: "ended well".to_owned(), counts }];
    let row = Row { curves, ..bursts().rows.remove(0) };
    let text = text::render(&Picture { limit: None, rows: vec![row], ..bursts() }, 60);
    let line = text.lines().find(|line| line.contains("ended well")).unwrap();
    assert_eq!((line.matches('▄').count(), line.matches('█').count()), (39, 1), "{text}");
}

#[test]
fn a_text_fits_its_width_however_narrow_or_wide() {
    for width in [1, 50, 63, 80, 100, 500] {
        let text = text::render(&bursts(), width);
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= width.clamp(50, 100), "{widest} of {width}:\n{text}");
    }
}

#[test]
fn a_drawing_of_its_own_needs_nothing_but_itself_and_says_everything_in_words() {
    let drawing = svg::standalone(&bursts());
    for words in ["generous", "strict", "over the limit", "10 in any 1 s", "refused in each", "bursts"] {
        assert!(drawing.contains(words), "no {words}");
    }
    for forbidden in ["<script", "<image", "href=", "@import"] {
        assert!(!drawing.contains(forbidden), "{forbidden}");
    }
    insta::assert_snapshot!("svg", drawing);
}

#[test]
fn a_picture_of_nothing_can_be_drawn() {
    for picture in [
        Picture { rows: Vec::new(), ..bursts() },
        Picture {
            rows: bursts().rows.into_iter().map(|row| Row { curves: Vec::new(), ..row }).collect(),
            ..bursts()
        },
    ] {
        for drawn in [text::render(&picture, 80), svg::standalone(&picture)] {
            assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        }
    }
}
