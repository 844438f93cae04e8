//! Drawings of scenarios without a run.

use std::path::Path;

use report::{picture::text, svg};
use scenario::{Scenario, plan::Choices};

use super::*;

/// A steady load above the limit, and a burst across the edge of a calendar window.
const EDGE: &str = r#"question = "q"
why = "w"
look_for = []
kind = "episodes"
axis = "algorithm"
arms = ["fixed-window", "sliding-log", "leaky-bucket"]
[load]
mix = "one-client"
rate = 100
[[load.phases]]
name = "above"
pieces = [[1000, 1.5, 1.5], [900, 0, 0]]
[[load.phases]]
name = "a burst at an edge"
pieces = [[200, 10, 10], [400, 0, 0]]
"#;

fn drawn(system: &str, scenario: &str) -> Option<Picture> {
    let path = format!("scenarios/{system}/x.toml");
    let scenario = Scenario::parse(Path::new(&path), scenario).unwrap();
    picture(&Plan::new(&scenario, &Choices::default()).unwrap())
}

#[test]
fn each_algorithm_is_told_apart_at_a_glance() {
    insta::assert_snapshot!(text::render(&drawn("limiter", EDGE).unwrap(), 100));
}

#[test]
fn the_drawing_in_the_documents_is_what_the_command_draws() {
    let scenario = include_str!("../../../../scenarios/limiter/algorithms.toml");
    let drawing = svg::standalone(&drawn("limiter", scenario).unwrap());
    let again = "draw it again: lab show limiter/algorithms --picture docs/limiter-algorithms.svg";
    assert!(drawing == include_str!("../../../../docs/limiter-algorithms.svg"), "{again}");
}

#[test]
fn what_is_drawn_is_what_was_counted() {
    let picture = drawn("limiter", EDGE).unwrap();
    let sum = |row: &Row| row.curves.iter().flat_map(|curve| &curve.counts).sum::<f64>();
    let arrivals = sum(&picture.rows[0]);
    assert!(arrivals > 200.0);
    for row in &picture.rows {
        assert!(
            (sum(row) - arrivals).abs() < 1e-9,
            "{}: each request is drawn, also what passes late",
            row.name
        );
    }
    let late = picture.rows[2].curves.iter().find(|curve| curve.name == "late").unwrap();
    assert!(late.counts.iter().sum::<f64>() > 0.0, "a leaky bucket lets requests wait beyond the end");
    let most = |row: &Row| row.trace(&picture).unwrap().into_iter().fold(0.0, f64::max);
    assert!(most(&picture.rows[0]) > 150.0, "a fixed window lets a burst across its edge through");
    assert!(most(&picture.rows[1]) <= 100.0, "a log never");
}

#[test]
fn arms_that_the_logic_does_not_tell_apart_are_one_row() {
    let alike = EDGE
        .replace("\"algorithm\"", "\"on-failure\"")
        .replace("[\"fixed-window\", \"sliding-log\", \"leaky-bucket\"]", "[\"open\", \"closed\"]");
    let picture = drawn("limiter", &alike).unwrap();
    assert_eq!(picture.rows.len(), 1);
    assert_eq!(picture.rows[0].name, "every arm");
}

#[test]
fn without_phases_a_limit_or_a_logic_that_can_be_worked_out_nothing_is_drawn() {
    let unphased = &EDGE[..EDGE.find("[[load.phases]]").unwrap()];
    assert_eq!(drawn("limiter", unphased), None);
    let shortener = EDGE
        .replace("\"algorithm\"", "\"cache\"")
        .replace("[\"fixed-window\", \"sliding-log\", \"leaky-bucket\"]", "[\"none\", \"local\"]")
        .replace("\"one-client\"", "\"follow-only\"");
    assert_eq!(drawn("shortener", &shortener), None);
}
