//! A trace as text: one line a span, indented by depth, with a bar where its time lies.
//!
//! The bars end with the reply. One that is cut there ends with `>`, and what began after the reply stands below.

use std::fmt::Write;

use crate::traces::Row;

/// Columns of the bars.
const WIDTH: f64 = 40.0;

/// The rows of one operation, of which the first is the operation itself.
pub(super) fn text(rows: &[Row]) -> String {
    let Some((root, others)) = rows.split_first() else { return String::new() };
    let reply = root.start_us + root.duration_us;
    let (until, after): (Vec<&Row>, Vec<&Row>) = others.iter().partition(|row| row.start_us < reply);
    let mut text = String::new();
    for row in std::iter::once(root).chain(until) {
        let _ = writeln!(text, "{}  {}", figures(row), bar(row, reply));
    }
    if !after.is_empty() {
        text.push_str("  after the reply\n");
    }
    for row in after {
        let _ = writeln!(text, "{}  {:.0} us after the reply", figures(row), row.start_us - reply);
    }
    text
}

/// What was done, where, and how long it took.
fn figures(row: &Row) -> String {
    let name = format!("{:indent$}{}", "", row.name, indent = row.depth * 2);
    format!("  {name:<34} {:<10} {:>9.0} us", row.process, row.duration_us)
}

/// Where its time lies until the reply.
fn bar(row: &Row, reply: f64) -> String {
    let end = row.start_us + row.duration_us;
    let column = |us: f64| (us / reply.max(1.0) * WIDTH).round() as usize;
    let start = column(row.start_us).min(WIDTH as usize - 1);
    let length = column(end.min(reply) - row.start_us).max(1);
    let mark = if end > reply { ">" } else { "" };
    format!("{:start$}{}{mark}", "", "=".repeat(length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::SpanKind;

    fn row(name: &str, start_us: f64, duration_us: f64, depth: usize) -> Row {
        Row {
            name: name.to_owned(),
            process: "gateway".to_owned(),
            component: None,
            kind: SpanKind::Internal,
            start_us,
            duration_us,
            depth,
        }
    }

    #[test]
    fn what_happens_after_the_reply_makes_no_bar_shorter() {
        let text = text(&[
            row("GET /{code}", 0.0, 8.0, 0),
            row("clicks.publish", 4.0, 300.0, 1),
            row("clicks.record", 500_000.0, 90.0, 1),
        ]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with(&format!("us  {}", "=".repeat(40))), "{text}");
        assert!(lines[1].ends_with(&format!("us  {}{}>", " ".repeat(20), "=".repeat(20))), "{text}");
        assert_eq!(lines[2], "  after the reply");
        assert!(
            lines[3].contains("clicks.record") && lines[3].ends_with("499992 us after the reply"),
            "{text}"
        );
    }

    #[test]
    fn a_child_is_indented_and_its_bar_lies_within_its_parents() {
        let text = text(&[row("GET /{code}", 0.0, 400.0, 0), row("links.resolve", 200.0, 100.0, 1)]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with(&"=".repeat(40)), "{text}");
        assert!(
            lines[1].starts_with("    links.resolve")
                && lines[1].ends_with(&format!("  {}{}", " ".repeat(20), "=".repeat(10))),
            "{text}"
        );
    }
}
