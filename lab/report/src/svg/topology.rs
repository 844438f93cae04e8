//! The processes of an arm and their calls.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::{
    Anchor, arm_class, fitted,
    layout::{CHIP_HEIGHT, CLIENT_WIDTH, INDENT, Layout, NAME_HEIGHT, Place, Reached, kind_of},
    px, text,
};
use crate::model::{Arm, Backing, Link, Process};

/// The radius of the corners of lines to stores.
const CORNER: f64 = 6.0;

/// The width of an arm's topology, in pixels.
pub(crate) fn topology_width(arm: &Arm) -> f64 {
    Layout::of(&arm.topology).width
}

/// An arm's processes as boxes, its components as chips in them, its stores as cylinders.
pub(crate) fn topology(arm: &Arm, place: usize) -> Markup {
    let layout = Layout::of(&arm.topology);
    let (width, height) = (px(layout.width), px(layout.height));
    html! {
        svg class={"topology " (arm_class(place))} viewBox={"0 0 " (width) " " (height)} width=(width) height=(height) role="img" {
            title { "The processes of " (arm.label) ", what they host, and what they call." }
            // An arrow to a further column would cross the boxes before it; there the name `public API` says it alone.
            @for (process, at) in &layout.processes {
                @if process.edge && at.column == 0 { (client(*at)) }
            }
            @for link in &arm.topology.links { (call(&layout, link)) }
            (call_names(&layout, &arm.topology.links))
            @for (store, at, reached) in &layout.stores {
                @for user in &store.used_by {
                    @if let Some(from) = layout.process(user) { (use_of_store(&layout, from, *at, *reached)) }
                }
            }
            @for (process, at) in &layout.processes { (process_box(process, *at)) }
            @for (store, at, _) in &layout.stores { (cylinder(store, *at)) }
        }
    }
}

fn client(edge: Place) -> Markup {
    let (x, y) = edge.left();
    html! {
        rect x="4" y=(px(y - 13.0)) width=(px(CLIENT_WIDTH)) height="26" rx="13" class="client" {}
        (text(4.0 + CLIENT_WIDTH / 2.0, y + 4.0, Anchor::Middle, "t-small", "client"))
        (arrow(&format!("M{} {} L{} {}", px(4.0 + CLIENT_WIDTH), px(y), px(x - 1.0), px(y))))
    }
}

/// A call between processes: straight to the next column, otherwise in an arc above the boxes.
fn call(layout: &Layout, link: &Link) -> Markup {
    let Some((from, to)) = ends(layout, link) else { return html! {} };
    let path = if to.column == from.column + 1 {
        let ((x1, y1), (x2, y2)) = (from.right(), to.left());
        let middle = px(f64::midpoint(x1, x2));
        format!("M{} {} C{middle} {} {middle} {} {} {}", px(x1), px(y1), px(y1), px(y2), px(x2 - 1.0), px(y2))
    } else {
        let ((x1, y1), (x2, y2)) = (from.top(), to.top());
        // A cubic curve reaches three quarters of the distance to its control points.
        let peak = px(y1.min(y2) - 42.0);
        let reach = if x2 >= x1 { 40.0 } else { -40.0 };
        format!(
            "M{} {} C{} {peak} {} {peak} {} {}",
            px(x1),
            px(y1),
            px(x1 + reach),
            px(x2 - reach),
            px(x2),
            px(y2 - 1.0)
        )
    };
    arrow(&path)
}

fn ends(layout: &Layout, link: &Link) -> Option<(Place, Place)> {
    Some((layout.process(&link.from)?, layout.process(&link.to)?))
}

/// The labels of calls, one for all equal ones between the same columns: at the highest.
fn call_names(layout: &Layout, links: &[Link]) -> Markup {
    let mut seen = Vec::new();
    let mut names = Vec::new();
    for link in links {
        let Some((from, to)) = ends(layout, link) else { continue };
        let called = between(from, to, link);
        if seen.contains(&called) {
            continue;
        }
        seen.push(called);
        let points = links.iter().filter_map(|other| {
            let (from, to) = ends(layout, other)?;
            (between(from, to, other) == called).then(|| name_place(from, to))
        });
        if let Some((x, y)) = points.reduce(|one, other| if other.1 < one.1 { other } else { one }) {
            names.push(text(x, y, Anchor::Middle, "t-link", &link.label));
        }
    }
    html! { @for name in names { (name) } }
}

/// What has one label: calls of one name between the same columns. Around other boxes a call and one back are one line.
fn between(from: Place, to: Place, link: &Link) -> (bool, usize, usize, &str) {
    let is_around = to.column != from.column + 1;
    (is_around, from.column.min(to.column), from.column.max(to.column), &link.label)
}

/// The position of a call's label.
fn name_place(from: Place, to: Place) -> (f64, f64) {
    if to.column == from.column + 1 {
        let ((x1, y1), (x2, y2)) = (from.right(), to.left());
        (f64::midpoint(x1, x2), f64::midpoint(y1, y2) - 7.0)
    } else {
        let ((x1, y1), (x2, y2)) = (from.top(), to.top());
        let crest = f64::midpoint(y1, y2) * 0.25 + (y1.min(y2) - 42.0) * 0.75;
        (f64::midpoint(x1, x2), crest + 14.0)
    }
}

/// A line from a process to a store, around everything else.
fn use_of_store(layout: &Layout, from: Place, to: Place, reached: Reached) -> Markup {
    let (x, bottom) = from.bottom();
    let points = match reached {
        Reached::Below => vec![(x, bottom), (to.middle().0, to.y - 1.0)],
        Reached::Beside => {
            let down = from.x + INDENT / 2.0;
            let (side, middle) = to.left();
            vec![(down, bottom), (down, middle), (side - 1.0, middle)]
        }
        Reached::Shared { channel, lane } => {
            // To the right and down if there are boxes below the process; otherwise straight down.
            let start = match layout.passes_at(from, reached) {
                Some(past) => {
                    let (side, middle) = from.right();
                    let out = middle + 8.0 + lane;
                    vec![(side, out), (past, out), (past, channel)]
                }
                None => vec![(x + lane, bottom), (x + lane, channel)],
            };
            let above = to.middle().0;
            [start, vec![(above, channel), (above, to.y - 1.0)]].concat()
        }
    };
    arrow(&rounded(&points))
}

/// A line through points, horizontal or vertical between them, with round corners.
fn rounded(points: &[(f64, f64)]) -> String {
    let mut points = points.to_vec();
    points.dedup();
    let Some(((x, y), rest)) = points.split_first() else { return String::new() };
    let mut path = format!("M{} {}", px(*x), px(*y));
    let mut before = (*x, *y);
    for (at, point) in rest.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = if let Some(after) = rest.get(at + 1) {
            let (begin, end) = (toward(*point, before), toward(*point, *after));
            let pair = |at: (f64, f64)| format!("{} {}", px(at.0), px(at.1));
            write!(path, " L{} Q{} {}", pair(begin), pair(*point), pair(end))
        } else {
            write!(path, " L{} {}", px(point.0), px(point.1))
        };
        before = *point;
    }
    path
}

/// The point at a corner's radius from `corner` towards `other`, at most halfway.
fn toward(corner: (f64, f64), other: (f64, f64)) -> (f64, f64) {
    let (dx, dy) = (other.0 - corner.0, other.1 - corner.1);
    let length = dx.hypot(dy).max(f64::MIN_POSITIVE);
    let share = (CORNER / length).min(0.5);
    (corner.0 + dx * share, corner.1 + dy * share)
}

fn arrow(path: &str) -> Markup {
    html! { path d=(path) class="call" marker-end="url(#arrow)" {} }
}

fn process_box(process: &Process, at: Place) -> Markup {
    let edge = process.edge.then_some("public API");
    let chips: Vec<&str> = edge.into_iter().chain(process.components.iter().map(String::as_str)).collect();
    html! {
        g {
            title {
                (process.name)
                @if let Some(url) = &process.url { " at " (url) }
            }
            rect x=(px(at.x)) y=(px(at.y)) width=(px(at.width)) height=(px(at.height)) rx="8" class="process" {}
            (text(at.x + 10.0, at.y + 19.0, Anchor::Start, "t-name", &fitted(&process.name, at.width - 16.0, 14.2)))
            @for (row, chip) in chips.iter().enumerate() {
                (component_chip(chip, at, at.y + NAME_HEIGHT + row as f64 * CHIP_HEIGHT))
            }
        }
    }
}

fn component_chip(name: &str, within: Place, y: f64) -> Markup {
    html! {
        rect x=(px(within.x + 8.0)) y=(px(y)) width=(px(within.width - 16.0)) height="20" rx="4" class="chip" {}
        (text(within.x + 16.0, y + 14.0, Anchor::Start, "t-small", &fitted(name, within.width - 32.0, 11.5)))
    }
}

fn cylinder(store: &Backing, at: Place) -> Markup {
    let (left, right, top, bottom) = (at.x, at.x + at.width, at.y + 7.0, at.y + at.height - 7.0);
    let half = px(at.width / 2.0);
    let body = format!(
        "M{l} {t} A{half} 7 0 0 1 {r} {t} L{r} {b} A{half} 7 0 0 1 {l} {b} Z",
        l = px(left),
        r = px(right),
        t = px(top),
        b = px(bottom)
    );
    let rim = format!("M{} {} A{half} 7 0 0 0 {} {}", px(left), px(top), px(right), px(top));
    let middle = at.middle().0;
    html! {
        g {
            title { (store.name) ": " (store.kind) ", " (store.provider) }
            path d=(body) class="store" {}
            path d=(rim) class="store-rim" {}
            (text(middle, at.y + 28.0, Anchor::Middle, "t-store", &fitted(&store.name, at.width - 8.0, 13.0)))
            (text(middle, at.y + 42.0, Anchor::Middle, "t-small t-soft", &fitted(&kind_of(store), at.width - 8.0, 11.5)))
        }
    }
}
