//! A trace as text: one line per span, indented by depth, with a bar on the time axis.
//!
//! The axis ends with the reply. A bar that is cut there ends with `>`, and spans that began after the reply
//! are listed below.

use std::fmt::Write;

use report::{
    model::{Span, Trace},
    words::{count, three_digits},
};

/// Columns of the bars.
const WIDTH: f64 = 40.0;
/// Columns of a span's name with its indentation; a longer name has its own line.
const NAME: usize = 38;

/// One operation; the axis ends at `longest_us`, so that several operations share it.
pub(super) fn text(trace: &Trace, longest_us: f64) -> String {
    let axis = longest_us.max(trace.reply_us());
    let whole = |us: f64| format!("{} us", count(us.round() as u64));
    let mut text = format!("  {:NAME$} {:<10} {:>12}  0{:>39}\n", "", "process", "took", whole(axis));
    for span in trace.until_reply() {
        let _ = writeln!(text, "{}  {}", figures(span), bar(span, trace.reply_us(), axis));
    }
    let mut after = trace.after_reply().peekable();
    if after.peek().is_some() {
        text.push_str("  after the reply, so that nobody waited for it:\n");
    }
    for span in after {
        let _ = writeln!(text, "{}  {} later", figures(span), whole(span.start_us - trace.reply_us()));
    }
    text
}

/// The span's name, its process and its duration.
fn figures(span: &Span) -> String {
    let name = format!("{:indent$}{}", "", span.name, indent = span.depth as usize * 2);
    let name = if name.chars().count() > NAME {
        format!("{name}\n  {:NAME$}", "")
    } else {
        format!("{name:<NAME$}")
    };
    format!("  {name} {:<10} {:>9} us", span.process, three_digits(span.duration_us))
}

/// The span's bar, up to the reply.
fn bar(span: &Span, reply: f64, axis: f64) -> String {
    let column = |us: f64| (us / axis.max(1.0) * WIDTH).round() as usize;
    let start = column(span.start_us).min(WIDTH as usize - 1);
    let length = column(span.end_us().min(reply) - span.start_us).max(1);
    let mark = if span.end_us() > reply { ">" } else { "" };
    format!("{:start$}{}{mark}", "", "=".repeat(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(name: &str, start_us: f64, duration_us: f64, depth: u32) -> Span {
        Span {
            name: name.to_owned(),
            process: "gateway".to_owned(),
            component: None,
            kind: "internal".to_owned(),
            start_us,
            duration_us,
            depth,
        }
    }

    fn drawn(spans: Vec<Span>, longest_us: f64) -> String {
        let operation = spans[0].name.clone();
        text(&Trace { trace_id: "a".to_owned(), operation, spans }, longest_us)
    }

    #[test]
    fn what_happens_after_the_reply_makes_no_bar_shorter() {
        let spans = vec![
            span("GET /{code}", 0.0, 8.0, 0),
            span("clicks.publish", 4.0, 300.0, 1),
            span("clicks.record", 500_000.0, 90.0, 1),
        ];
        let text = drawn(spans, 0.0);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with(" 8 us"), "{text}");
        assert!(lines[1].ends_with(&format!("us  {}", "=".repeat(40))), "{text}");
        assert!(lines[2].ends_with(&format!("us  {}{}>", " ".repeat(20), "=".repeat(20))), "{text}");
        assert!(lines[3].starts_with("  after the reply"), "{text}");
        assert!(lines[4].contains("clicks.record") && lines[4].ends_with("499,992 us later"), "{text}");
    }

    #[test]
    fn a_child_is_indented_and_its_bar_lies_within_its_parents() {
        let spans = vec![span("GET /{code}", 0.0, 400.0, 0), span("links.resolve", 200.0, 100.0, 1)];
        let text = drawn(spans, 0.0);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].ends_with(&"=".repeat(40)), "{text}");
        assert!(
            lines[2].starts_with("    links.resolve")
                && lines[2].ends_with(&format!("  {}{}", " ".repeat(20), "=".repeat(10))),
            "{text}"
        );
    }

    #[test]
    fn a_name_that_is_too_long_moves_no_figure() {
        let long = "postgresql INSERT tallies INSERT click_counts SELECT fresh";
        let text = drawn(vec![span("GET /{code}", 0.0, 400.0, 0), span(long, 0.0, 400.0, 1)], 0.0);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[2], format!("    {long}"), "{text}");
        assert_eq!(lines[3].find("gateway"), lines[1].find("gateway"), "{text}");
        assert!(lines[3].ends_with(&"=".repeat(40)), "{text}");
    }

    #[test]
    fn operations_that_are_drawn_together_share_an_axis() {
        let text = drawn(vec![span("GET /{code}", 0.0, 100.0, 0)], 400.0);
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[0].ends_with(" 400 us") && lines[1].ends_with(&format!("  {}", "=".repeat(10))),
            "{text}"
        );
    }
}
