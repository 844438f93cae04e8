//! Admissions and refusals over time, one row per arm, all rows on one scale: as text and as SVG.
//!
//! A picture is drawn from counts in buckets, of a run or of a simulation.
//! A limit applies to the first curve of a row. With a limit, each row also has a trace: the first curve's
//! count in the window that ends at each bucket.
//!
//! Read in this order: this file (the model and its calculations), [`text`]; [`svg`](crate::svg) draws it as
//! well.

pub mod text;

use std::time::Duration;

/// Rows over one span of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// The title.
    pub title: String,
    /// The length of a bucket.
    pub bucket: Duration,
    /// The total length.
    pub length: Duration,
    /// The limit of each row's first curve.
    pub limit: Option<Limit>,
    /// A reference level for the curves, if there is no limit.
    pub level: Option<Level>,
    /// Named phases, in order.
    pub phases: Vec<Stretch>,
    /// One row per arm.
    pub rows: Vec<Row>,
}

/// A number in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The number.
    pub requests: u32,
    /// In any window of this length, which is a whole number of buckets.
    pub window: Duration,
}

/// A reference level for curves.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Its label.
    pub label: String,
    /// Its height, in counts a bucket.
    pub per_bucket: f64,
}

/// A named phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The name.
    pub name: String,
    /// Its start.
    pub start: Duration,
    /// Its length.
    pub length: Duration,
}

/// One arm.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its index among the arms, which determines its colour.
    pub place: usize,
    /// Its label.
    pub name: String,
    /// Its description, one sentence.
    pub sentence: String,
    /// Its sums, as text.
    pub figures: String,
    /// Its curves; the limited one first.
    pub curves: Vec<Curve>,
}

/// One counted event.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// Its count in each bucket; a mean if buckets were merged.
    pub counts: Vec<f64>,
}

impl Limit {
    /// `100 in any 1 s`.
    pub fn words(&self) -> String {
        format!("{} in any {}", self.requests, duration(self.window))
    }
}

impl Row {
    /// The length of the longest curve, in buckets.
    fn buckets(&self) -> usize {
        self.curves.iter().map(|curve| curve.counts.len()).max().unwrap_or(0)
    }

    /// The first curve's count in the window that ends with each bucket; `None` without a limit.
    pub fn trace(&self, picture: &Picture) -> Option<Vec<f64>> {
        let limit = picture.limit?;
        let counts = &self.curves.first()?.counts;
        let buckets = (limit.window.as_nanos() / picture.bucket.as_nanos().max(1)).max(1) as usize;
        let within = |end: usize| counts[(end + 1).saturating_sub(buckets)..=end].iter().sum();
        Some((0..counts.len()).map(within).collect())
    }
}

impl Picture {
    /// The length of its longest row, in buckets.
    fn buckets(&self) -> usize {
        self.rows.iter().map(Row::buckets).max().unwrap_or(0)
    }

    /// The same with longer buckets, at most `most`; a window stays a whole number of them.
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

/// Drops curves that are zero in all rows, except the first two: that nothing was refused is information.
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

/// The number of buckets to merge into one, so that at most `most` remain and a window of `a_window` buckets
/// (0 for none) stays a whole number of them. If the window permits nothing else, it becomes one bucket.
pub fn merging(buckets: usize, most: usize, a_window: usize) -> usize {
    let least = buckets.div_ceil(most.max(1)).max(1);
    if a_window == 0 {
        return least;
    }
    (least..a_window).find(|by| a_window.is_multiple_of(*by)).unwrap_or(a_window.max(1))
}

/// The most of these ascending times within any window of that length.
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

/// A time in a readable unit: `1 s`, `250 ms`.
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
