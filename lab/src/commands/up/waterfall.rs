//! A trace as text: one line a span, indented by depth, with a bar where its time lies.

use std::fmt::Write;

use crate::traces::Row;

/// Columns of the bars.
const WIDTH: f64 = 40.0;

/// The rows of one operation.
pub(super) fn text(rows: &[Row]) -> String {
    let whole = rows.iter().map(|row| row.start_us + row.duration_us).fold(1.0, f64::max);
    let mut text = String::new();
    for row in rows {
        let column = |us: f64| (us / whole * WIDTH).round() as usize;
        let start = column(row.start_us).min(WIDTH as usize - 1);
        let length = column(row.duration_us).max(1);
        let name = format!("{:indent$}{}", "", row.name, indent = row.depth * 2);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "  {name:<34} {:<10} {:>9.0} us  {:start$}{}",
            row.process,
            row.duration_us,
            "",
            "=".repeat(length)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::SpanKind;

    #[test]
    fn a_child_is_indented_and_its_bar_lies_within_its_parents() {
        let row = |name: &str, start_us, duration_us, depth| Row {
            name: name.to_owned(),
            process: "gateway".to_owned(),
            component: None,
            kind: SpanKind::Internal,
            start_us,
            duration_us,
            depth,
        };
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
