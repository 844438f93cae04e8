//! One traced operation as a waterfall up to its reply: a row per span, time to the right.

use std::borrow::Cow;

use maud::{Markup, html};

use super::{
    Anchor, arm_class, fitted, line, px,
    scale::{Scale, linear_ticks},
    text, width_of,
};
use crate::{
    model::{Span, Trace},
    words::{duration_of_ms, took},
};

/// The positions of a drawing's parts.
#[derive(Clone, Copy)]
struct Layout {
    class: &'static str,
    width: f64,
    /// The left and right end of the bars.
    bars: (f64, f64),
    row: f64,
    /// The distances from the top of a row to its name's base line, to its bar, and to its figure's base
    /// line.
    down: [f64; 3],
    bar: f64,
}

/// For a wide screen: names on the left, bars on the right.
const WIDE: Layout = Layout {
    class: "plot",
    width: 1000.0,
    bars: (320.0, 985.0),
    row: 26.0,
    down: [16.0, 4.0, 16.0],
    bar: 17.0,
};
/// For a narrow screen: each name above its bar.
const NARROW: Layout = Layout {
    class: "plot-narrow",
    width: 420.0,
    bars: (0.0, 416.0),
    row: 40.0,
    down: [13.0, 19.0, 30.0],
    bar: 14.0,
};
const TOP: f64 = 24.0;
const INDENT: f64 = 14.0;

/// The most drawn rows; a longer trace ends with the number of the others.
const MOST_SPANS: usize = 40;

/// The spans of a trace that began before its reply; the axis ends at `longest_us`, so that the traces of two
/// arms share it. A span that continues after the reply is cut there, with a mark.
pub(crate) fn trace(trace: &Trace, place: usize, longest_us: f64) -> Markup {
    drawn(trace, place, &linear_ticks(longest_us, 5.0), &WIDE)
}

/// The same for a narrow screen.
pub(crate) fn narrow_trace(trace: &Trace, place: usize, longest_us: f64) -> Markup {
    drawn(trace, place, &linear_ticks(longest_us, 3.0), &NARROW)
}

fn drawn(trace: &Trace, place: usize, ticks: &[f64], layout: &Layout) -> Markup {
    let end = ticks.last().copied().unwrap_or(1.0);
    let scale = Scale { low: 0.0, high: end, start: layout.bars.0, end: layout.bars.1 };
    let spans = trace.until_reply().count();
    let drawn = spans.min(MOST_SPANS);
    let bottom = TOP + drawn as f64 * layout.row;
    html! {
        svg class={(layout.class) " " (arm_class(place))} viewBox={"0 0 " (px(layout.width)) " " (px(bottom + 8.0))} role="img" {
            title { "One " (trace.operation) " operation, span by span." }
            @for tick in ticks {
                @let x = scale.linear(*tick);
                (line((x, TOP - 6.0), (x, bottom), "grid"))
                (text(x, TOP - 11.0, anchor_of(x, layout), "t-tick", &duration_of_ms(tick / 1_000.0)))
            }
            @for (row, span) in trace.until_reply().take(MOST_SPANS).enumerate() {
                (span_row(span, TOP + row as f64 * layout.row, (&scale, layout), trace.reply_us()))
            }
        }
        @if spans > drawn {
            p class="read" { "… and " (spans - drawn) " more spans." }
        }
    }
}

/// A tick label at an edge of the drawing is aligned inwards.
fn anchor_of(x: f64, layout: &Layout) -> Anchor {
    if x < 20.0 {
        Anchor::Start
    } else if x >= layout.bars.1 - 0.1 {
        Anchor::End
    } else {
        Anchor::Middle
    }
}

fn span_row(span: &Span, y: f64, (scale, layout): (&Scale, &Layout), reply_us: f64) -> Markup {
    let goes_on = span.end_us() > reply_us;
    let (left, right) = layout.bars;
    let (start, end) = (scale.linear(span.start_us), scale.linear(span.end_us().min(reply_us)));
    let figure = format!("{}{}", took(span.duration_us), if goes_on { ", beyond the reply" } else { "" });
    // Right of the bar, or left of it if the plot ends there.
    let fits_right = end + 8.0 + width_of(&figure, 11.5) <= right;
    let (x, anchor) = if fits_right { (end + 8.0, Anchor::Start) } else { (start - 6.0, Anchor::End) };
    let inside = !fits_right && start - 8.0 - width_of(&figure, 11.5) < left;
    let [_, bar, words] = layout.down;
    let tip = f64::midpoint(layout.bar, 2.0);
    html! {
        g {
            title { (span.name) " in " (span.process) " (" (span.kind) "): " (took(span.start_us)) " + " (figure) }
            (names(span, y + layout.down[0], layout))
            rect x=(px(start)) y=(px(y + bar)) width=(px((end - start).max(1.5))) height=(px(layout.bar)) rx="2" class={"span " (class_of(span))} {}
            @if goes_on {
                path d={"M" (px(end - 3.0)) " " (px(y + bar - 1.0)) " l6 " (px(tip)) " l-6 " (px(tip))} class="goes-on" {}
            }
            @if inside {
                (text(end - 6.0, y + words, Anchor::End, "t-part", &figure))
            } @else {
                (text(x, y + words, anchor, "t-small", &figure))
            }
        }
    }
}

/// A span's name and process: left of the bars, or above them; the process where there is room for all of it.
fn names(span: &Span, y: f64, layout: &Layout) -> Markup {
    let end = if layout.bars.0 > 0.0 { layout.bars.0 - 10.0 } else { layout.width };
    let indent = f64::from(span.depth) * INDENT;
    let name = without_package(&span.name);
    let process_room = end - indent - width_of(&name, 12.5) - 8.0;
    html! {
        (text(indent, y, Anchor::Start, "t-part", &whole_words(&name, end - indent - 6.0)))
        @if width_of(&span.process, 11.0) <= process_room {
            (text(end, y, Anchor::End, "t-small t-soft", &span.process))
        }
    }
}

/// A name, or as many of its words as there is room for: a statement on several tables has a long one.
fn whole_words(name: &str, room: f64) -> Cow<'_, str> {
    if width_of(name, 12.5) <= room {
        return name.into();
    }
    let mut ends = name.match_indices(' ').map(|(at, _)| format!("{} and more", &name[..at]));
    let most = ends.rfind(|shorter| width_of(shorter, 12.5) <= room);
    most.map_or_else(|| fitted(name, room, 12.5).into(), Cow::from)
}

/// The name of a gRPC method without its package, which is long and the same in all rows:
/// `LinksService/Resolve`. Other names stay.
fn without_package(name: &str) -> Cow<'_, str> {
    let method = name.rsplit_once('/').filter(|(service, _)| service.contains('.'));
    match method {
        Some((service, method)) => {
            let service = service.rsplit('.').next().unwrap_or(service);
            format!("{service}/{method}").into()
        }
        None => name.into(),
    }
}

/// A call that waits for another process is outlined; a span's own work is filled.
fn class_of(span: &Span) -> &'static str {
    if matches!(span.kind.as_str(), "client" | "producer") { "span-waits" } else { "span-works" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_ends_with_a_whole_word() {
        let name = "postgresql INSERT tallies INSERT click_counts SELECT fresh";
        assert_eq!(whole_words(name, 1_000.0), name);
        assert_eq!(whole_words(name, 260.0), "postgresql INSERT tallies and more");
        assert_eq!(whole_words(name, 40.0), "post…");
    }

    #[test]
    fn the_name_of_a_grpc_method_is_drawn_without_its_package() {
        assert_eq!(without_package("lab.limiter.v1.PoliciesService/Current"), "PoliciesService/Current");
        for other in
            ["GET /quotes/{number}", "policies.current", "redis EVALSHA take/sliding-log", "GET /a.b"]
        {
            assert_eq!(without_package(other), other);
        }
    }
}
