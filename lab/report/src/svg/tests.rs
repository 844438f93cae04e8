//! The lines of a topology.

use super::topology;
use crate::{
    Report,
    model::{Backing, Link, Process, Topology},
};

/// Two processes that share stores, and one with two own stores that also calls back.
fn crowded() -> Topology {
    let process = |name: &str, edge| Process {
        name: name.to_owned(),
        edge,
        components: vec![name.to_owned()],
        url: None,
    };
    let store = |name: &str, used_by: &[&str]| Backing {
        name: name.to_owned(),
        kind: "postgres".to_owned(),
        provider: "native, PostgreSQL 15".to_owned(),
        used_by: used_by.iter().map(|user| (*user).to_owned()).collect(),
    };
    let link =
        |from: &str, to: &str| Link { from: from.to_owned(), to: to.to_owned(), label: "http".to_owned() };
    Topology {
        processes: vec![
            process("gateway", true),
            process("links-1", false),
            process("links-2", false),
            process("clicks", false),
        ],
        links: vec![
            link("gateway", "links-1"),
            link("gateway", "links-2"),
            link("gateway", "clicks"),
            link("clicks", "gateway"),
        ],
        backings: vec![
            store("own", &["clicks"]),
            store("another", &["clicks"]),
            store("database", &["links-1", "links-2", "clicks"]),
            store("cache", &["links-1", "links-2"]),
        ],
    }
}

fn drawing() -> String {
    drawn(crowded())
}

fn drawn(of: Topology) -> String {
    let mut report: Report = serde_json::from_str(include_str!("../fixtures/placement.json")).unwrap();
    report.arms[0].topology = of;
    topology(&report.arms[0], 0).into_string()
}

fn number(element: &str, name: &str) -> f64 {
    let (_, rest) = element.split_once(&format!(" {name}=\"")).unwrap();
    rest.split('"').next().unwrap().parse().unwrap()
}

/// A store: the position of its top centre, and its width.
#[derive(Debug)]
struct Store {
    middle: f64,
    top: f64,
    width: f64,
}

impl Store {
    /// Every store of a drawing: as wide as a box, with its name below its top.
    fn all(drawing: &str) -> Vec<Self> {
        let width = drawing.split("<rect").find(|rect| rect.contains("class=\"process\"")).unwrap();
        let names = drawing.split("<text").filter(|text| text.contains("t-store"));
        let store = |name: &str| Self {
            middle: number(name, "x"),
            top: number(name, "y") - 28.0,
            width: number(width, "width"),
        };
        names.map(store).collect()
    }

    fn holds(&self, (x, y): (f64, f64)) -> bool {
        (x - self.middle).abs() < self.width / 2.0 - 1.0 && y > self.top + 1.0 && y < self.top + 53.0
    }

    /// Whether a line that ends at this point ends at its top or its side.
    fn is_met_at(&self, (x, y): (f64, f64)) -> bool {
        let near = |a: f64, b: f64| (a - b).abs() < 2.0;
        let above = near(x, self.middle) && near(y, self.top);
        let beside = near(x, self.middle - self.width / 2.0) && near(y, self.top + 27.0);
        above || beside
    }
}

/// The points of each line of a drawing.
fn lines(drawing: &str) -> Vec<Vec<(f64, f64)>> {
    let paths = drawing.split("<path d=\"").filter(|path| path.contains("class=\"call\""));
    let points = |path: &str| {
        let numbers = path[..path.find('"').unwrap()].replace(|letter: char| letter.is_alphabetic(), " ");
        let numbers: Vec<f64> = numbers.split_whitespace().map(|number| number.parse().unwrap()).collect();
        numbers.chunks(2).map(|pair| (pair[0], pair[1])).collect()
    };
    paths.map(points).collect()
}

#[test]
fn a_line_goes_from_a_process_to_a_store_and_past_every_other() {
    let drawing = drawing();
    let stores = Store::all(&drawing);
    assert_eq!(stores.len(), 4, "{drawing}");
    let mut met = 0;
    for line in lines(&drawing) {
        for ends in line.windows(2) {
            for step in 0..=20_u32 {
                let share = f64::from(step) / 20.0;
                let between = |from: f64, to: f64| from + (to - from) * share;
                let at = (between(ends[0].0, ends[1].0), between(ends[0].1, ends[1].1));
                let through = stores.iter().find(|store| store.holds(at));
                assert!(through.is_none(), "{line:?} goes through {through:?}");
            }
        }
        met += stores.iter().filter(|store| store.is_met_at(*line.last().unwrap())).count();
    }
    assert_eq!(met, 7, "each use of a store is a line that ends at it");
}

#[test]
fn calls_that_are_alike_are_named_once() {
    assert_eq!(drawing().matches(">http<").count(), 2, "three there, and one back");
}

/// Two lines around what stands between their ends are one, and two names of it would lie on each other.
#[test]
fn a_call_and_one_back_around_other_boxes_are_named_once() {
    let mut topology = crowded();
    topology.backings.clear();
    let link =
        |from: &str, to: &str| Link { from: from.to_owned(), to: to.to_owned(), label: "http".to_owned() };
    topology.links = vec![
        link("gateway", "links-1"),
        link("links-1", "clicks"),
        link("gateway", "clicks"),
        link("clicks", "gateway"),
    ];
    assert_eq!(drawn(topology).matches(">http<").count(), 3);
}

#[test]
fn no_word_of_a_topology_is_cut() {
    let drawing = drawing();
    assert!(drawing.contains(">postgres, native<") && !drawing.contains('…'), "{drawing}");
}
