//! Where the boxes of a topology stand.
//!
//! Calls run from left to right: a process stands one column to the right of the last that calls it.
//! A store stands under the process that uses it, or in a row of its own at the bottom if several do.

use crate::report::model::{Backing, Link, Process, Topology};

pub(super) const BOX_WIDTH: f64 = 112.0;
const COLUMN_GAP: f64 = 42.0;
pub(super) const ROW_GAP: f64 = 30.0;
pub(super) const CLIENT_WIDTH: f64 = 48.0;
const CLIENT_GAP: f64 = 24.0;
pub(super) const NAME_HEIGHT: f64 = 28.0;
pub(super) const CHIP_HEIGHT: f64 = 24.0;
pub(super) const STORE_WIDTH: f64 = 126.0;
pub(super) const STORE_HEIGHT: f64 = 54.0;
/// Room above the boxes for calls that skip a column.
const ARC_ROOM: f64 = 40.0;
const MARGIN: f64 = 4.0;
/// How far to the right of its box an arrow passes what stands below it.
pub(super) const BULGE: f64 = 26.0;

/// A box of the drawing.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) column: usize,
}

impl Place {
    pub(super) fn middle(&self) -> (f64, f64) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }

    pub(super) fn right(&self) -> (f64, f64) {
        (self.x + self.width, self.middle().1)
    }

    pub(super) fn left(&self) -> (f64, f64) {
        (self.x, self.middle().1)
    }

    pub(super) fn top(&self) -> (f64, f64) {
        (self.middle().0, self.y)
    }

    pub(super) fn bottom(&self) -> (f64, f64) {
        (self.middle().0, self.y + self.height)
    }
}

/// Every box of a topology.
pub(super) struct Layout<'a> {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) processes: Vec<(&'a Process, Place)>,
    pub(super) stores: Vec<(&'a Backing, Place)>,
}

impl<'a> Layout<'a> {
    pub(super) fn of(topology: &'a Topology) -> Self {
        let columns = columns(topology);
        let deepest = columns.iter().copied().max().unwrap_or(0);
        let top = MARGIN + if skips_a_column(topology, &columns) { ARC_ROOM } else { 0.0 };
        let mut bottoms = vec![top; deepest + 1];
        let (mut processes, mut stores) = (Vec::new(), Vec::new());
        for (process, &column) in topology.processes.iter().zip(&columns) {
            let x = MARGIN + CLIENT_WIDTH + CLIENT_GAP + column as f64 * (BOX_WIDTH + COLUMN_GAP);
            let y = bottoms[column];
            let place = Place { x, y, width: BOX_WIDTH, height: height_of(process), column };
            bottoms[column] = y + place.height + ROW_GAP;
            processes.push((process, place));
            for store in topology.backings.iter().filter(|store| store.used_by == [process.name.clone()]) {
                stores.push((store, store_place(place.middle().0, bottoms[column], column)));
                bottoms[column] += STORE_HEIGHT + ROW_GAP;
            }
        }
        let mut lowest = bottoms.iter().copied().fold(top, f64::max);
        if place_shared(topology, &processes, lowest, &mut stores) {
            lowest += STORE_HEIGHT + ROW_GAP;
        }
        let right = processes.iter().map(|(_, place)| place.right().0).fold(0.0, f64::max);
        let right = stores.iter().map(|(_, place)| place.right().0).fold(right, f64::max);
        let mut layout = Self { width: right + MARGIN, height: lowest - ROW_GAP + MARGIN, processes, stores };
        if layout.processes.iter().any(|(process, place)| layout.goes_round(process, *place)) {
            layout.width += BULGE;
        }
        layout
    }

    /// Whether a process uses a store of the bottom row and something stands between the two.
    fn goes_round(&self, process: &Process, from: Place) -> bool {
        let is_shared = |store: &Backing| store.used_by.len() > 1 && store.used_by.contains(&process.name);
        self.stores.iter().any(|(store, _)| is_shared(store)) && self.is_blocked_below(from)
    }

    /// Whether something stands between a box and the bottom row.
    pub(super) fn is_blocked_below(&self, from: Place) -> bool {
        let processes = self.processes.iter().map(|(_, place)| place);
        let own_stores =
            self.stores.iter().filter(|(store, _)| store.used_by.len() == 1).map(|(_, place)| place);
        processes.chain(own_stores).any(|place| place.column == from.column && place.y > from.y)
    }

    pub(super) fn process(&self, name: &str) -> Option<Place> {
        self.processes.iter().find(|(process, _)| process.name == name).map(|(_, place)| *place)
    }
}

/// Whether some call passes over a column.
fn skips_a_column(topology: &Topology, columns: &[usize]) -> bool {
    let ends = |link: &Link| Some((find(topology, &link.from)?, find(topology, &link.to)?));
    let mut calls = topology.links.iter().filter_map(ends);
    calls.any(|(from, to)| columns[to] > columns[from] + 1)
}

/// Stores that several processes use: a bottom row, each under the middle of its users and clear of its neighbour.
fn place_shared<'a>(
    topology: &'a Topology,
    processes: &[(&Process, Place)],
    y: f64,
    stores: &mut Vec<(&'a Backing, Place)>,
) -> bool {
    let mut free_from = MARGIN;
    let mut any = false;
    for store in topology.backings.iter().filter(|store| store.used_by.len() != 1) {
        let users: Vec<f64> = processes
            .iter()
            .filter(|(process, _)| store.used_by.contains(&process.name))
            .map(|(_, place)| place.middle().0)
            .collect();
        let wanted = if users.is_empty() { 0.0 } else { users.iter().sum::<f64>() / users.len() as f64 };
        let middle = wanted.max(free_from + STORE_WIDTH / 2.0);
        stores.push((store, store_place(middle, y, 0)));
        free_from = middle + STORE_WIDTH / 2.0 + ROW_GAP;
        any = true;
    }
    any
}

fn store_place(middle: f64, y: f64, column: usize) -> Place {
    Place { x: middle - STORE_WIDTH / 2.0, y, width: STORE_WIDTH, height: STORE_HEIGHT, column }
}

fn height_of(process: &Process) -> f64 {
    let chips = process.components.len() + usize::from(process.edge);
    NAME_HEIGHT + chips as f64 * CHIP_HEIGHT + 8.0
}

fn find(topology: &Topology, name: &str) -> Option<usize> {
    topology.processes.iter().position(|process| process.name == name)
}

/// The longest way to each process from one that nobody calls; calls in a circle end after as many steps as there are processes.
fn columns(topology: &Topology) -> Vec<usize> {
    let mut columns = vec![0; topology.processes.len()];
    for _ in 1..topology.processes.len() {
        for link in &topology.links {
            if let (Some(from), Some(to)) = (find(topology, &link.from), find(topology, &link.to)) {
                let column = (columns[from] + 1).min(topology.processes.len() - 1);
                columns[to] = columns[to].max(column);
            }
        }
    }
    columns
}
