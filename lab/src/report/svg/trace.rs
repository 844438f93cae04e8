//! One traced operation as a waterfall until its reply: a row a span, time to the right.

use maud::{Markup, html};

use super::scale::{Scale, linear_ticks};
use super::{Anchor, arm_class, fitted, line, px, text, width_of};
use crate::report::model::{Span, Trace};
use crate::report::words::{duration_of_ms, took};

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 300.0;
const RIGHT: f64 = 985.0;
const TOP: f64 = 24.0;
const ROW: f64 = 26.0;
const INDENT: f64 = 14.0;

/// Rows that are drawn; a longer trace ends with how many are left out.
const MOST_SPANS: usize = 40;

/// The spans of a trace that began before its reply; `longest_us` is the end of the axis, so that the traces of two arms
/// share it. What goes on beyond the reply is cut there, and bears a mark.
pub(in crate::report) fn trace(trace: &Trace, place: usize, longest_us: f64) -> Markup {
    let ticks = linear_ticks(longest_us, 5.0);
    let end = ticks.last().copied().unwrap_or(longest_us);
    let scale = Scale { low: 0.0, high: end, start: LEFT, end: RIGHT };
    let spans = trace.until_reply().count();
    let drawn = spans.min(MOST_SPANS);
    let bottom = TOP + drawn as f64 * ROW;
    html! {
        svg class={"plot " (arm_class(place))} viewBox={"0 0 " (px(WIDTH)) " " (px(bottom + 8.0))} role="img" {
            title { "One " (trace.operation) " operation, span by span." }
            @for tick in &ticks {
                @let x = scale.linear(*tick);
                (line((x, TOP - 6.0), (x, bottom), "grid"))
                (text(x, TOP - 11.0, if *tick >= end { Anchor::End } else { Anchor::Middle }, "t-tick", &duration_of_ms(tick / 1_000.0)))
            }
            @for (row, span) in trace.until_reply().take(MOST_SPANS).enumerate() {
                (span_row(span, TOP + row as f64 * ROW, &scale, trace.reply_us()))
            }
        }
        @if spans > drawn {
            p class="read" { "… and " (spans - drawn) " more spans." }
        }
    }
}

fn span_row(span: &Span, y: f64, scale: &Scale, reply_us: f64) -> Markup {
    let goes_on = span.end_us() > reply_us;
    let (start, end) = (scale.linear(span.start_us), scale.linear(span.end_us().min(reply_us)));
    let indent = f64::from(span.depth) * INDENT;
    let figure = format!("{}{}", took(span.duration_us), if goes_on { ", beyond the reply" } else { "" });
    // Beside the bar on the right; on its left if the plot ends there.
    let fits_right = end + 8.0 + width_of(&figure, 11.5) <= RIGHT;
    let (x, anchor) = if fits_right { (end + 8.0, Anchor::Start) } else { (start - 6.0, Anchor::End) };
    let inside = !fits_right && start - 8.0 - width_of(&figure, 11.5) < LEFT;
    let process_room = LEFT - indent - width_of(&span.name, 12.5) - 18.0;
    html! {
        g {
            title { (span.name) " in " (span.process) " (" (span.kind) "): " (took(span.start_us)) " + " (figure) }
            (text(indent, y + 16.0, Anchor::Start, "t-part", &fitted(&span.name, LEFT - indent - 16.0, 12.5)))
            @if process_room > 30.0 {
                (text(LEFT - 10.0, y + 16.0, Anchor::End, "t-small t-soft", &fitted(&span.process, process_room, 11.0)))
            }
            rect x=(px(start)) y=(px(y + 4.0)) width=(px((end - start).max(1.5))) height=(px(ROW - 9.0)) rx="2" class={"span " (class_of(span))} {}
            @if goes_on {
                path d={"M" (px(end - 3.0)) " " (px(y + 3.0)) " l6 " (px((ROW - 7.0) / 2.0)) " l-6 " (px((ROW - 7.0) / 2.0))} class="goes-on" {}
            }
            @if inside {
                (text(end - 6.0, y + 16.0, Anchor::End, "t-part", &figure))
            } @else {
                (text(x, y + 16.0, anchor, "t-small", &figure))
            }
        }
    }
}

/// A call that waits for someone else is outlined; work of its own is filled.
fn class_of(span: &Span) -> &'static str {
    if matches!(span.kind.as_str(), "client" | "producer") { "span-waits" } else { "span-works" }
}
