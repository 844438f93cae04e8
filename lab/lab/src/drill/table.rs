//! A drill as text: a table a wiring, what was broken or skipped, and the negative controls.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table};
use statistics::numbers::count;

use super::result::{CellResult, DrillResult, Verdict};
use crate::output;

/// The columns.
const HEADER: [&str; 9] = [
    "fault",
    "acked",
    "failed",
    "lost",
    "doubled",
    "goodput during",
    "detected in",
    "recovered in",
    "promises",
];
const NONE: &str = "–";

/// The text.
pub(super) fn text(result: &DrillResult) -> String {
    let mut text = String::new();
    for cells in result.cells.chunk_by(|one, other| one.wiring == other.wiring) {
        let control = cells[0].negative_control.as_ref().map(|why| format!(" (negative control: {why})"));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}{}\n{}", cells[0].wiring, control.unwrap_or_default(), table(cells));
        for told in told(cells) {
            let _ = writeln!(text, "  {told}");
        }
        text.push('\n');
    }
    text.push_str(&conclusion(result));
    text
}

fn table(cells: &[CellResult]) -> Table {
    let mut table = output::table(HEADER);
    for cell in cells {
        table.add_row(row(cell));
    }
    for column in table.column_iter_mut().skip(1).take(HEADER.len() - 2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn row(cell: &CellResult) -> [String; 9] {
    let none = || NONE.to_owned();
    let figures = cell.figures.as_ref();
    let counted = |value: Option<u64>| value.map_or_else(none, count);
    let ms = |value: Option<f64>| value.map_or_else(none, |ms| format!("{} ms", count(ms.round() as u64)));
    let late = if figures.is_some_and(|figures| figures.late) { " *" } else { "" };
    let goodput = figures.and_then(|figures| figures.goodput_percent);
    [
        format!("{}{late}", cell.fault),
        counted(figures.map(|figures| figures.acknowledged)),
        counted(figures.map(|figures| figures.failed)),
        counted(figures.map(|figures| figures.lost)),
        counted(figures.map(|figures| figures.doubled)),
        goodput.map_or_else(none, |percent| format!("{percent:.0} %")),
        ms(figures.and_then(|figures| figures.detect_ms)),
        ms(figures.and_then(|figures| figures.recover_ms)),
        cell.verdict.words().to_owned(),
    ]
}

/// What a row has no room for: broken promises, and why something was not run. Each reason once.
fn told(cells: &[CellResult]) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for cell in cells {
        let Some(why) = &cell.why else { continue };
        let line = match cell.verdict {
            Verdict::Skipped => format!("skipped: {}", why.replace('\n', "\n  ")),
            _ => format!("{}: {}", cell.fault, why.replace('\n', "\n  ")),
        };
        if !told.contains(&line) {
            told.push(line);
        }
    }
    if cells.iter().any(|cell| cell.figures.as_ref().is_some_and(|figures| figures.late)) {
        told.push("*: the generator was late, so these times may be the machine's".to_owned());
    }
    told
}

fn conclusion(result: &DrillResult) -> String {
    let durable = || result.cells.iter().filter(|cell| cell.negative_control.is_none());
    let figures = || durable().filter_map(|cell| cell.figures.as_ref());
    let sum = |of: fn(&super::figures::Figures) -> u64| count(figures().map(of).sum());
    let mut text = format!(
        "durable wirings: {} drills, {} operations acknowledged, {} lost, {} doubled, {} wrong\n",
        figures().count(),
        sum(|figures| figures.acknowledged),
        sum(|figures| figures.lost),
        sum(|figures| figures.doubled),
        sum(|figures| figures.wrong),
    );
    for (wiring, caught, ran) in result.controls() {
        let line = match caught {
            0 => format!(
                "negative control `{wiring}`: NOT caught in {ran} drills; kill it more often: `--operations N`"
            ),
            _ => format!("negative control `{wiring}`: caught in {caught} of {ran} drills"),
        };
        text.push_str(&(line + "\n"));
    }
    let skipped = result.cells.iter().filter(|cell| cell.verdict == Verdict::Skipped).count();
    if skipped > 0 {
        let _ = writeln!(text, "skipped: {skipped} of {} drills", result.cells.len());
    }
    if result.cells.len() < result.planned {
        let _ = writeln!(text, "interrupted: {} of {} drills ended", result.cells.len(), result.planned);
    }
    text
}
