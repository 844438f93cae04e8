//! What passes and what is refused over time, one row an arm, all rows on one scale: as text and as SVG.
//!
//! A picture is drawn from counts in buckets, wherever they come from: a run, or a rehearsal that starts nothing.
//! The first curve of a row is what a limit is about. Where there is one, each row also has a trace: how many the
//! first curve counted in the window that ends there, which is what the limit speaks of.
//!
//! Read in this order: this file (the model, and what is worked out from it), [`text`]; it is drawn by
//! [`svg`](crate::svg) as well.

pub mod text;

use std::time::Duration;

/// Rows over one stretch of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// What is drawn.
    pub title: String,
    /// How long a bucket is.
    pub bucket: Duration,
    /// How long the whole is.
    pub length: Duration,
    /// What the first curve of each row is held against.
    pub limit: Option<Limit>,
    /// Where there is no limit: a level to read the curves against.
    pub level: Option<Level>,
    /// Stretches that have a name, in their order.
    pub phases: Vec<Stretch>,
    /// One an arm.
    pub rows: Vec<Row>,
}

/// So many in so long a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many.
    pub requests: u32,
    /// In any window of this length. A whole number of buckets.
    pub window: Duration,
}

/// A level to read curves against.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// What it is.
    pub label: String,
    /// How high it lies, in counts a bucket.
    pub per_bucket: f64,
}

/// A stretch of time with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// What it is called.
    pub name: String,
    /// Its start.
    pub start: Duration,
    /// How long it takes.
    pub length: Duration,
}

/// One arm.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its place among the arms, which gives it its colour.
    pub place: usize,
    /// Its label.
    pub name: String,
    /// What it does, in a sentence.
    pub sentence: String,
    /// What was counted in all, in words.
    pub figures: String,
    /// Its curves, the one that the limit is about first.
    pub curves: Vec<Curve>,
}

/// One thing that was counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// What was counted.
    pub name: String,
    /// How often in each bucket; a mean where several were drawn as one.
    pub counts: Vec<f64>,
}

impl Limit {
    /// `100 in any 1 s`.
    pub fn words(&self) -> String {
        format!("{} in any {}", self.requests, duration(self.window))
    }
}

impl Row {
    /// Buckets that the longest curve has.
    fn buckets(&self) -> usize {
        self.curves.iter().map(|curve| curve.counts.len()).max().unwrap_or(0)
    }

    /// How many its first curve counted in the window that ends with each bucket; none without a limit.
    pub fn trace(&self, picture: &Picture) -> Option<Vec<f64>> {
        let limit = picture.limit?;
        let counts = &self.curves.first()?.counts;
        let buckets = (limit.window.as_nanos() / picture.bucket.as_nanos().max(1)).max(1) as usize;
        let within = |end: usize| counts[(end + 1).saturating_sub(buckets)..=end].iter().sum();
        Some((0..counts.len()).map(within).collect())
    }
}

impl Picture {
    /// The buckets of its longest row.
    fn buckets(&self) -> usize {
        self.rows.iter().map(Row::buckets).max().unwrap_or(0)
    }

    /// The same with buckets so long that there are at most `most`; a window stays a whole number of them.
    #[must_use]
    pub fn coarser(&self, most: usize) -> Self {
        let nanos = self.bucket.as_nanos().max(1);
        let a_window = self.limit.map_or(0, |limit| (limit.window.as_nanos() / nanos) as usize);
        let by = merging(self.buckets(), most, a_window);
        let merged = |curve: &Curve| Curve {
            name: curve.name.clone(),
            counts: curve.counts.chunks(by).map(|chunk| chunk.iter().sum()).collect(),
        };
        let row = |row: &Row| Row { curves: row.curves.iter().map(merged).collect(), ..row.clone() };
        Self {
            bucket: self.bucket * u32::try_from(by).unwrap_or(1),
            level: self
                .level
                .clone()
                .map(|level| Level { per_bucket: level.per_bucket * by as f64, ..level }),
            rows: self.rows.iter().map(row).collect(),
            ..self.clone()
        }
    }
}

/// Leaves out what happened in no row, but for the first two: that nothing was refused is worth a word.
pub fn with_something(mut rows: Vec<Row>) -> Vec<Row> {
    let happened = |rows: &[Row], name: &str| {
        let mut curves = rows.iter().flat_map(|row| &row.curves).filter(|curve| curve.name == name);
        curves.any(|curve| curve.counts.iter().any(|count| *count > 0.0))
    };
    let curves = rows.iter().flat_map(|row| row.curves.iter().skip(2));
    let idle: Vec<String> =
        curves.filter(|curve| !happened(&rows, &curve.name)).map(|curve| curve.name.clone()).collect();
    for row in &mut rows {
        row.curves.retain(|curve| !idle.contains(&curve.name));
    }
    rows
}

/// How many buckets become one, so that at most `most` are left and a window of `a_window` buckets (none: 0) stays a
/// whole number of them. Where a window allows nothing else it becomes one bucket.
pub fn merging(buckets: usize, most: usize, a_window: usize) -> usize {
    let least = buckets.div_ceil(most.max(1)).max(1);
    if a_window == 0 {
        return least;
    }
    (least..a_window).find(|by| a_window.is_multiple_of(*by)).unwrap_or(a_window.max(1))
}

/// The most of these ascending times that lie in any window of that length.
pub fn most_within(times: &[Duration], window: Duration) -> usize {
    let mut first = 0;
    let within = |(last, time): (usize, &Duration)| {
        while time.saturating_sub(times[first]) >= window {
            first += 1;
        }
        last + 1 - first
    };
    times.iter().enumerate().map(within).max().unwrap_or(0)
}

/// A time in the unit that reads best: `1 s`, `250 ms`.
pub fn duration(time: Duration) -> String {
    let ms = time.as_millis();
    if ms >= 1_000 && ms.is_multiple_of(100) {
        format!("{} s", time.as_secs_f64())
    } else {
        format!("{ms} ms")
    }
}

#[cfg(test)]
mod tests;
