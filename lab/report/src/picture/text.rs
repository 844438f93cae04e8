//! A picture as text: block characters, one group of lines per arm, at most 100 columns.
//!
//! The border between the two upper lines of a group is the limit: blocks in the upper line are above it.

use std::fmt::Write as _;

use super::{Picture, Row};
use crate::words::plain;

/// The widest line.
pub const WIDEST: usize = 100;
/// The narrowest readable width.
const NARROWEST: usize = 50;
/// The width of a line's label, left of its blocks.
const NAMES: usize = 19;
/// Empty, then eight heights.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The whole picture, in lines of at most `width` columns.
pub fn render(picture: &Picture, width: usize) -> String {
    let columns = width.clamp(NARROWEST, WIDEST) - NAMES - 1;
    let highest = full_height(picture.rows.iter().flat_map(|row| stacked(row, columns)).collect());
    let mut text = format!("{}\n", picture.title);
    for row in &picture.rows {
        text.push('\n');
        group(&mut text, picture, row, columns, highest);
    }
    text.push('\n');
    text.push_str(&axis(picture, columns));
    text
}

/// The height of a full block: the highest column, or twice what nine columns in ten stay below. What was held up
/// arrives at once when a fault ends, and would make everything else flat.
fn full_height(mut columns: Vec<f64>) -> f64 {
    columns.sort_by(f64::total_cmp);
    let most = columns.last().copied().unwrap_or_default();
    let usual = columns.get(columns.len() * 9 / 10).copied().unwrap_or_default();
    if usual > 0.0 { most.min(usual * 2.0) } else { most }
}

/// One arm: its name and description, its lines, its sums.
fn group(text: &mut String, picture: &Picture, row: &Row, columns: usize, highest: f64) {
    // Writing to a string cannot fail.
    for (at, sentence) in wrapped(&row.sentence, columns).iter().enumerate() {
        let name = if at == 0 { row.name.as_str() } else { "" };
        let _ = writeln!(text, "{}{sentence}", fitted(name, NAMES));
    }
    if let Some((limit, trace)) = picture.limit.zip(row.trace(picture)) {
        let requests = f64::from(limit.requests);
        let most = most(&trace, columns);
        let over = most.iter().map(|count| (count - requests) / requests);
        line(text, "  over the limit", over);
        let up_to = most.iter().map(|count| (count / requests).min(1.0));
        line(text, &format!("  in the last {}", super::duration(limit.window)), up_to);
    }
    for curve in &row.curves {
        let sums = sums(&curve.counts, columns);
        line(text, &format!("  {}", curve.name), sums.iter().map(|sum| sum / highest));
    }
    for figures in wrapped(&row.figures, columns).iter().filter(|figures| !figures.is_empty()) {
        let _ = writeln!(text, "{:NAMES$}{figures}", "");
    }
}

/// A line of blocks for shares of the full height, without trailing blanks.
fn line(text: &mut String, name: &str, shares: impl Iterator<Item = f64>) {
    let blocks: String = shares.map(block).collect();
    let line = format!("{}{blocks}", fitted(name, NAMES));
    let _ = writeln!(text, "{}", line.trim_end());
}

/// The block for a share of the full height; anything above zero is visible.
fn block(share: f64) -> char {
    // A mean over buckets is inexact; less than a thousandth of a block is zero.
    if !share.is_finite() || share < 0.001 {
        return BLOCKS[0];
    }
    let height = (share * 8.0).round().clamp(1.0, 8.0) as usize;
    BLOCKS[height]
}

/// The sum of all curves of a row in each column.
fn stacked(row: &Row, columns: usize) -> Vec<f64> {
    let mut total = vec![0.0; columns];
    for curve in &row.curves {
        for (sum, counts) in total.iter_mut().zip(sums(&curve.counts, columns)) {
            *sum += counts;
        }
    }
    total
}

/// The range of buckets of each column.
fn shares(buckets: usize, columns: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..columns).map(move |column| column * buckets / columns..(column + 1) * buckets / columns)
}

/// The mean count per bucket of each column, because columns have different numbers of buckets.
fn sums(counts: &[f64], columns: usize) -> Vec<f64> {
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len().max(1) as f64;
    shares(counts.len(), columns).map(|range| mean(&counts[nearest(range, counts.len())])).collect()
}

/// The maximum of each column.
fn most(values: &[f64], columns: usize) -> Vec<f64> {
    let highest = |of: &[f64]| of.iter().copied().fold(0.0, f64::max);
    shares(values.len(), columns).map(|range| highest(&values[nearest(range, values.len())])).collect()
}

/// A column narrower than a bucket shows the bucket that contains it.
fn nearest(range: std::ops::Range<usize>, buckets: usize) -> std::ops::Range<usize> {
    if range.is_empty() && buckets > 0 { range.start..range.start + 1 } else { range }
}

/// The phases' starts, and the seconds.
fn axis(picture: &Picture, columns: usize) -> String {
    let seconds = picture.length.as_secs_f64();
    let column = |at: f64| ((at / seconds * columns as f64).round() as usize).min(columns);
    let mut text = String::new();
    if !picture.phases.is_empty() {
        let mut marks = vec![' '; columns];
        let mut names = Vec::new();
        for phase in &picture.phases {
            let start = column(phase.start.as_secs_f64());
            let end = column((phase.start + phase.length).as_secs_f64());
            if start < columns {
                marks[start] = '└';
            }
            for mark in marks.iter_mut().take(end).skip(start + 1) {
                *mark = '─';
            }
            names.push((start, plain(&phase.name)));
        }
        let _ = writeln!(text, "{:NAMES$}{}", "", marks.into_iter().collect::<String>().trim_end());
        text.push_str(&placed(&names, columns));
    }
    let ticks = ticks(seconds).map(|tick| (column(tick), format!("{tick} s"))).collect::<Vec<_>>();
    text.push_str(&placed(&ticks, columns));
    text
}

/// Whole seconds from zero to the end, at most about ten of them.
fn ticks(seconds: f64) -> impl Iterator<Item = f64> {
    let step = [1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0].into_iter().find(|step| seconds / step <= 10.0);
    let step = step.unwrap_or(300.0);
    (0..=(seconds / step).floor() as u32).map(move |tick| f64::from(tick) * step)
}

/// Words at their columns; a word that would touch the previous one moves to another line.
fn placed(words: &[(usize, String)], columns: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for (at, word) in words {
        let length = word.chars().count();
        let at = (*at).min(columns.saturating_sub(length));
        let free = |line: &String| line.is_empty() || line.chars().count() < at;
        let place = lines.iter().position(free).unwrap_or_else(|| {
            lines.push(String::new());
            lines.len() - 1
        });
        let line = &mut lines[place];
        let before = at - line.chars().count();
        line.extend(std::iter::repeat_n(' ', before));
        line.push_str(word);
    }
    let mut text = String::new();
    for line in lines {
        let _ = writeln!(text, "{:NAMES$}{line}", "");
    }
    text
}

/// Words wrapped to a number of columns; at least one line.
fn wrapped(words: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words.split_whitespace() {
        let line = lines
            .last_mut()
            .filter(|line| line.is_empty() || line.chars().count() + 1 + word.chars().count() <= columns);
        match line {
            Some(line) if line.is_empty() => line.push_str(&cut(word, columns)),
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(cut(word, columns)),
        }
    }
    lines
}

/// Words padded or cut to exactly this number of columns.
fn fitted(words: &str, columns: usize) -> String {
    format!("{:columns$}", cut(words, columns - 1))
}

/// Words cut to at most this number of columns.
fn cut(words: &str, columns: usize) -> String {
    if words.chars().count() <= columns {
        return words.to_owned();
    }
    let mut kept: String = words.chars().take(columns - 1).collect();
    kept.push('…');
    kept
}
