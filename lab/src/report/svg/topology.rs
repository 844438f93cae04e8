//! What runs where, and who calls whom.

use maud::{Markup, html};

use super::layout::{BULGE, CHIP_HEIGHT, CLIENT_WIDTH, Layout, NAME_HEIGHT, Place, ROW_GAP};
use super::{Anchor, arm_class, fitted, px, text};
use crate::report::model::{Arm, Backing, Link, Process};

/// An arm's processes as boxes, its components as chips in them, its stores as cylinders.
pub(in crate::report) fn topology(arm: &Arm, place: usize) -> Markup {
    let layout = Layout::of(&arm.topology);
    let (width, height) = (px(layout.width), px(layout.height));
    html! {
        svg class={"topology " (arm_class(place))} viewBox={"0 0 " (width) " " (height)} width=(width) height=(height) role="img" {
            title { "The processes of " (arm.label) ", what they host, and what they call." }
            @for (process, at) in &layout.processes {
                @if process.edge { (client(*at)) }
            }
            @for link in &arm.topology.links { (call(&layout, link)) }
            @for (store, at) in &layout.stores {
                @for user in &store.used_by {
                    @if let Some(from) = layout.process(user) { (use_of_store(&layout, store, from, *at)) }
                }
            }
            @for (process, at) in &layout.processes { (process_box(process, *at)) }
            @for (store, at) in &layout.stores { (cylinder(store, *at)) }
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

/// A call between processes: straight to the next column, in an arc above the boxes to a later one.
fn call(layout: &Layout, link: &Link) -> Markup {
    let (Some(from), Some(to)) = (layout.process(&link.from), layout.process(&link.to)) else {
        return html! {};
    };
    if to.column == from.column + 1 {
        let ((x1, y1), (x2, y2)) = (from.right(), to.left());
        let middle = f64::midpoint(x1, x2);
        let path = format!(
            "M{} {} C{} {} {} {} {} {}",
            px(x1),
            px(y1),
            px(middle),
            px(y1),
            px(middle),
            px(y2),
            px(x2 - 1.0),
            px(y2)
        );
        html! {
            (arrow(&path))
            (text(middle, f64::midpoint(y1, y2) - 7.0, Anchor::Middle, "t-link", &link.label))
        }
    } else {
        let ((x1, y1), (x2, y2)) = (from.top(), to.top());
        // A cubic curve reaches three quarters of the way to its control points.
        let peak = y1.min(y2) - 42.0;
        let path = format!(
            "M{} {} C{} {} {} {} {} {}",
            px(x1),
            px(y1),
            px(x1 + 40.0),
            px(peak),
            px(x2 - 40.0),
            px(peak),
            px(x2),
            px(y2 - 1.0)
        );
        let crest = f64::midpoint(y1, y2) * 0.25 + peak * 0.75;
        html! {
            (arrow(&path))
            (text(f64::midpoint(x1, x2), crest + 14.0, Anchor::Middle, "t-link", &link.label))
        }
    }
}

/// From a process down to a store; past its column if something else stands below it.
fn use_of_store(layout: &Layout, store: &Backing, from: Place, to: Place) -> Markup {
    if store.used_by.len() > 1 && layout.is_blocked_below(from) {
        return round_the_column(from, to);
    }
    let (x2, y2) = to.top();
    let (x1, y1) = from.bottom();
    // Straight down, and sideways only in the gap above the store, where nothing stands.
    arrow(&format!(
        "M{x1} {} L{x1} {} C{x1} {} {x2} {} {x2} {}",
        px(y1),
        px(y2 - ROW_GAP),
        px(y2 - 6.0),
        px(y2 - 24.0),
        px(y2 - 1.0),
        x1 = px(x1),
        x2 = px(x2)
    ))
}

/// Out to the right, straight down, and in from the side; from above if the store stands further right.
fn round_the_column(from: Place, to: Place) -> Markup {
    let (x, y) = (from.right().0, from.right().1 + 12.0);
    let past = x + BULGE;
    let out = format!(
        "M{} {} C{past} {} {past} {} {past} {}",
        px(x),
        px(y),
        px(y),
        px(y),
        px(y + 20.0),
        past = px(past)
    );
    let (side, middle) = to.right();
    let end = if side < past {
        let turn = px(to.y + 4.0);
        format!(
            "L{past} {turn} C{past} {m} {past} {m} {} {m}",
            px(side + 1.0),
            past = px(past),
            m = px(middle)
        )
    } else {
        let (top_x, top_y) = to.top();
        let (begin, bend) = (px(top_y - 26.0), px(top_y - 6.0));
        format!(
            "L{past} {begin} C{past} {bend} {x} {begin} {x} {}",
            px(top_y - 1.0),
            past = px(past),
            x = px(top_x)
        )
    };
    arrow(&format!("{out} {end}"))
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
            (text(at.x + 10.0, at.y + 19.0, Anchor::Start, "t-name", &fitted(&process.name, at.width - 16.0, 14.0)))
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
            (text(middle, at.y + 28.0, Anchor::Middle, "t-store", &fitted(&store.name, at.width - 10.0, 13.0)))
            (text(middle, at.y + 42.0, Anchor::Middle, "t-small t-soft", &fitted(&format!("{}, {}", store.kind, store.provider), at.width - 10.0, 11.0)))
        }
    }
}
