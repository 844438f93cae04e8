//! Tables for a terminal: one with a column per arm, split into several tables if needed to break no word;
//! and one with a row per item.

use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets::UTF8_FULL_CONDENSED,
};

/// The width at which the rows' names are wrapped.
const NAMES: usize = 38;
/// The width at which a cell is wrapped.
const CELL: usize = 24;
/// The width of a column's border and padding.
const FRAME: usize = 3;
/// The width of a listing in a file or pipe.
const LISTING: u16 = 120;

/// A table with a row per item, at most as wide as the terminal.
pub fn listing<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header);
    if table.width().is_none() {
        table.set_width(LISTING);
    }
    table
}

/// The table of these arms, within `width`.
pub(super) fn table(arms: &[String], rows: &[(String, Vec<String>)], width: usize) -> String {
    let names = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(NAMES);
    let columns: Vec<usize> = (0..arms.len()).map(|at| column(&arms[at], rows, at)).collect();
    let fits = |chunk: &[usize]| {
        1 + names + FRAME + chunk.iter().map(|column| column + FRAME).sum::<usize>() <= width
    };
    let arms_a_table = |tables: usize| arms.len().div_ceil(tables);
    let tables =
        (1..=arms.len().max(1)).find(|&tables| columns.chunks(arms_a_table(tables).max(1)).all(fits));
    let size = arms_a_table(tables.unwrap_or(arms.len()).max(1)).max(1);
    let drawn = (0..arms.len()).step_by(size).map(|from| {
        let upto = (from + size).min(arms.len());
        one(&arms[from..upto], rows, from, &columns[from..upto], width)
    });
    drawn.collect::<Vec<_>>().join("\n\n")
}

/// The width of an arm's column that breaks no word and no short cell.
fn column(arm: &str, rows: &[(String, Vec<String>)], at: usize) -> usize {
    let word = |text: &str| text.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0);
    let needs = |text: &str| word(text).max(text.chars().count().min(CELL));
    let cells = rows.iter().filter_map(|(_, cells)| cells.get(at)).map(|cell| needs(cell));
    cells.max().unwrap_or(0).max(needs(arm))
}

fn one(
    arms: &[String],
    rows: &[(String, Vec<String>)],
    from: usize,
    columns: &[usize],
    width: usize,
) -> String {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width as u16)
        .set_header(std::iter::once(&String::new()).chain(arms));
    for (name, cells) in rows {
        table.add_row(std::iter::once(name).chain(&cells[from..from + arms.len()]));
    }
    for (column, &needs) in table.column_iter_mut().skip(1).zip(columns) {
        column.set_cell_alignment(CellAlignment::Right);
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed((needs + 2) as u16)));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        text.split(|letter: char| letter.is_whitespace() || "│┆".contains(letter))
            .filter(|word| !word.is_empty())
            .collect()
    }

    #[test]
    fn no_word_of_a_table_is_broken_however_many_arms_there_are() {
        let labels = [
            "fixed-window",
            "sliding-counter",
            "split, calls over HTTP",
            "gcra",
            "a database for each service",
            "x",
        ];
        for arms in 1..=labels.len() {
            let arms: Vec<String> = labels[..arms].iter().map(|&label| label.to_owned()).collect();
            let cells = |cell: &str| arms.iter().map(|_| cell.to_owned()).collect::<Vec<_>>();
            let rows = [
                ("calls between processes per operation".to_owned(), cells("816 [766, 866]")),
                (
                    "refused although the limit had room (false-refusals)".to_owned(),
                    cells("BROKEN: 1,480 deleted-not-settled, 2 lost"),
                ),
            ];
            let drawn = table(&arms, &rows, 100);
            assert!(drawn.lines().all(|line| line.chars().count() <= 100), "{drawn}");
            let found = words(&drawn);
            let all =
                arms.iter().chain(rows.iter().flat_map(|(name, cells)| std::iter::once(name).chain(cells)));
            for word in all.flat_map(|text| words(text)) {
                assert!(found.contains(&word), "`{word}` is broken: {drawn}");
            }
        }
    }
}
