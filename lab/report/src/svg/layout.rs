//! The layout of a topology.
//!
//! Calls go from left to right: a process is one column to the right of its last caller, unless it is itself
//! an ancestor of that caller; such a call goes back, in an arc.
//! A store is below the process that uses it, or in a row at the bottom if several do.
//! Lines to stores keep clear of other stores: each store of the bottom row has a channel above the row.

use super::width_of;
use crate::model::{Backing, Link, Process, Topology};

const COLUMN_GAP: f64 = 50.0;
pub(super) const ROW_GAP: f64 = 30.0;
pub(super) const CLIENT_WIDTH: f64 = 48.0;
const CLIENT_GAP: f64 = 24.0;
pub(super) const NAME_HEIGHT: f64 = 28.0;
pub(super) const CHIP_HEIGHT: f64 = 24.0;
pub(super) const STORE_HEIGHT: f64 = 54.0;
/// The minimum width of a box; it grows with its text.
const NARROWEST: f64 = 112.0;
const WIDEST: f64 = 210.0;
/// The space above the boxes for calls that skip a column or go back.
const ARC_ROOM: f64 = 40.0;
const MARGIN: f64 = 4.0;
/// How far to the right of its box a line passes the boxes below.
const BULGE: f64 = 20.0;
/// The distance between lines to different stores.
const LANE: f64 = 8.0;
/// How far several stores of one process are to the right of it, so that a line reaches each from its side.
pub(super) const INDENT: f64 = 20.0;

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

/// The position of a store relative to the processes that use it.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Reached {
    /// Directly below the process.
    Below,
    /// Below the process, as one of several; reached from its side.
    Beside,
    /// In the bottom row, reached by the channel at this height; `lane` is the distance of its lines from
    /// those of other stores.
    Shared { channel: f64, lane: f64 },
}

/// Every box of a topology.
pub(super) struct Layout<'a> {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) processes: Vec<(&'a Process, Place)>,
    pub(super) stores: Vec<(&'a Backing, Place, Reached)>,
}

impl<'a> Layout<'a> {
    pub(super) fn of(topology: &'a Topology) -> Self {
        let columns = columns(topology);
        let box_width = box_width(topology);
        let deepest = columns.iter().copied().max().unwrap_or(0);
        let top = MARGIN + if needs_an_arc(topology, &columns) { ARC_ROOM } else { 0.0 };
        let mut bottoms = vec![top; deepest + 1];
        let (mut processes, mut stores) = (Vec::new(), Vec::new());
        for (process, &column) in topology.processes.iter().zip(&columns) {
            let x = MARGIN + CLIENT_WIDTH + CLIENT_GAP + column as f64 * (box_width + COLUMN_GAP);
            let y = bottoms[column];
            let place = Place { x, y, width: box_width, height: height_of(process), column };
            bottoms[column] = y + place.height + ROW_GAP;
            processes.push((process, place));
            let own = || topology.backings.iter().filter(|store| store.used_by == [process.name.clone()]);
            let (indent, reached) =
                if own().count() > 1 { (INDENT, Reached::Beside) } else { (0.0, Reached::Below) };
            for store in own() {
                let at = Place { x: x + indent, y: bottoms[column], height: STORE_HEIGHT, ..place };
                stores.push((store, at, reached));
                bottoms[column] += STORE_HEIGHT + ROW_GAP;
            }
        }
        let lowest = bottoms.iter().copied().fold(top, f64::max);
        let shared = place_shared(topology, &processes, lowest, box_width);
        let mut layout = Self { width: 0.0, height: 0.0, processes, stores };
        layout.stores.extend(shared);
        (layout.width, layout.height) = layout.size();
        layout
    }

    /// The size of the drawing: its boxes, and the lines beside its last column.
    fn size(&self) -> (f64, f64) {
        let of_processes = self.processes.iter().map(|(_, place)| place);
        let places = || of_processes.clone().chain(self.stores.iter().map(|(_, place, _)| place));
        let right = places().map(|place| place.right().0).fold(0.0, f64::max);
        let bottom = places().map(|place| place.bottom().1).fold(0.0, f64::max);
        let passing = self.stores.iter().flat_map(|(store, _, reached)| {
            let users = store.used_by.iter().filter_map(|user| self.process(user));
            users.filter_map(move |from| self.passes_at(from, *reached))
        });
        (passing.fold(right, f64::max) + MARGIN, bottom + MARGIN)
    }

    /// Where a line to a store of the bottom row passes the boxes below its process; `None` if there are
    /// none.
    pub(super) fn passes_at(&self, from: Place, reached: Reached) -> Option<f64> {
        let Reached::Shared { lane, .. } = reached else { return None };
        let own = self.stores.iter().filter(|(.., reached)| !matches!(reached, Reached::Shared { .. }));
        let places = self.processes.iter().map(|(_, place)| place).chain(own.map(|(_, place, _)| place));
        let below = places.filter(|place| place.column == from.column && place.y > from.y);
        let right = below.map(|place| place.right().0).reduce(f64::max)?;
        Some(right.max(from.right().0) + BULGE + lane)
    }

    pub(super) fn process(&self, name: &str) -> Option<Place> {
        self.processes.iter().find(|(process, _)| process.name == name).map(|(_, place)| *place)
    }
}

/// The second line of a store: `postgres, native`. The version is below the drawing.
pub(super) fn kind_of(store: &Backing) -> String {
    let provider = store.provider.split(',').next().unwrap_or_default();
    if provider.is_empty() { store.kind.clone() } else { format!("{}, {provider}", store.kind) }
}

/// The width of the longest text in a box or a store.
fn box_width(topology: &Topology) -> f64 {
    let names = topology.processes.iter().map(|process| width_of(&process.name, 14.2) + 20.0);
    let components = topology.processes.iter().flat_map(|process| &process.components);
    let chips = components.map(|name| width_of(name, 11.5) + 34.0);
    let stores = topology
        .backings
        .iter()
        .map(|store| width_of(&store.name, 13.0).max(width_of(&kind_of(store), 11.5)) + 14.0);
    names.chain(chips).chain(stores).fold(NARROWEST, f64::max).min(WIDEST).ceil()
}

/// Whether a call skips a column, or goes back.
fn needs_an_arc(topology: &Topology, columns: &[usize]) -> bool {
    let ends = |link: &Link| Some((find(topology, &link.from)?, find(topology, &link.to)?));
    let mut calls = topology.links.iter().filter_map(ends);
    calls.any(|(from, to)| columns[to] != columns[from] + 1)
}

/// Places shared stores in a bottom row, each centred below its users and clear of its neighbour, with a
/// channel for each above the row.
fn place_shared<'a>(
    topology: &'a Topology,
    processes: &[(&Process, Place)],
    lowest: f64,
    width: f64,
) -> Vec<(&'a Backing, Place, Reached)> {
    let shared: Vec<&Backing> = topology.backings.iter().filter(|store| store.used_by.len() != 1).collect();
    let y = lowest + LANE * shared.len().saturating_sub(1) as f64;
    let mut free_from = MARGIN;
    let mut placed = Vec::new();
    for (nth, store) in shared.into_iter().enumerate() {
        let users: Vec<f64> = processes
            .iter()
            .filter(|(process, _)| store.used_by.contains(&process.name))
            .map(|(_, place)| place.x)
            .collect();
        let wanted = if users.is_empty() { 0.0 } else { users.iter().sum::<f64>() / users.len() as f64 };
        let x = wanted.max(free_from);
        let lane = LANE * nth as f64;
        let reached = Reached::Shared { channel: lowest - ROW_GAP / 2.0 + lane, lane };
        placed.push((store, Place { x, y, width, height: STORE_HEIGHT, column: 0 }, reached));
        free_from = x + width + ROW_GAP;
    }
    placed
}

fn height_of(process: &Process) -> f64 {
    let chips = process.components.len() + usize::from(process.edge);
    NAME_HEIGHT + chips as f64 * CHIP_HEIGHT + 8.0
}

fn find(topology: &Topology, name: &str) -> Option<usize> {
    topology.processes.iter().position(|process| process.name == name)
}

/// The longest path to each process from one without callers, ignoring calls that go back.
fn columns(topology: &Topology) -> Vec<usize> {
    let count = topology.processes.len();
    let ends = |link: &Link| Some((find(topology, &link.from)?, find(topology, &link.to)?));
    let links: Vec<(usize, usize)> = topology.links.iter().filter_map(ends).collect();
    let mut search = Search { links: &links, state: vec![State::Unseen; count], forward: Vec::new() };
    (0..count).for_each(|process| search.from(process));
    let mut columns = vec![0; count];
    for _ in 1..count {
        for (from, to) in &search.forward {
            columns[*to] = columns[*to].max(columns[*from] + 1);
        }
    }
    columns
}

/// A depth-first search over the calls that collects those which do not go back.
struct Search<'a> {
    links: &'a [(usize, usize)],
    state: Vec<State>,
    forward: Vec<(usize, usize)>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Unseen,
    OnTheWay,
    Done,
}

impl Search<'_> {
    fn from(&mut self, process: usize) {
        if self.state[process] != State::Unseen {
            return;
        }
        self.state[process] = State::OnTheWay;
        for &(from, to) in self.links.iter().filter(|(from, _)| *from == process) {
            if self.state[to] != State::OnTheWay {
                self.forward.push((from, to));
                self.from(to);
            }
        }
        self.state[process] = State::Done;
    }
}
