//! The wording of a figure.

use super::numbers::count;

/// A metric, with its words in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    noun: String,
    more: String,
    less: String,
}

impl Metric {
    /// A cost of an arm: `needs more CPU per operation than`.
    pub fn spent(noun: &str) -> Self {
        Self {
            noun: noun.to_owned(),
            more: format!("needs more {noun} than"),
            less: format!("needs less {noun} than"),
        }
    }

    /// A property of an arm: `has a higher p99 latency than`.
    pub fn shown(noun: &str) -> Self {
        Self {
            noun: noun.to_owned(),
            more: format!("has a higher {noun} than"),
            less: format!("has a lower {noun} than"),
        }
    }

    pub(super) fn noun(&self) -> &str {
        &self.noun
    }

    pub(super) fn more(&self) -> &str {
        &self.more
    }

    pub(super) fn less(&self) -> &str {
        &self.less
    }
}

/// Shares as per cents with a common number of digits: `18 % [15, 21]`.
///
/// The fewest digits with which the lower end does not read as zero and the two ends differ.
pub(super) fn per_cents(by: f64, low: f64, high: f64) -> String {
    let [by, low, high] = [by, low, high].map(|share| share * 100.0);
    let narrow = high - low;
    let digits = if narrow >= 2.0 && low >= 1.0 {
        0
    } else if narrow >= 0.2 && low >= 0.1 {
        1
    } else {
        2
    };
    format!("{by:.digits$} % [{low:.digits$}, {high:.digits$}]")
}

/// A ratio: `2.41`, `24.1`, and from a hundred on, where digits mean nothing, `about 900`.
pub fn factor(by: f64) -> String {
    let digits = digits_of_factor(by);
    if by < 100.0 { format!("{by:.digits$}") } else { format!("about {}", rounded(by, 1)) }
}

/// Ratios with a common number of digits, `2.41 [2.36, 2.46]`; if one of them reaches a hundred, digits mean
/// nothing: `about 900 [610, 1,300]`.
pub(super) fn factors(by: f64, low: f64, high: f64) -> String {
    if high < 100.0 {
        let digits = digits_of_factor(by);
        format!("{by:.digits$} [{low:.digits$}, {high:.digits$}]")
    } else {
        format!("about {} [{}, {}]", rounded(by, 1), rounded(low, 2), rounded(high, 2))
    }
}

fn digits_of_factor(factor: f64) -> usize {
    if factor < 10.0 { 2 } else { 1 }
}

/// A number above one, rounded to this many significant digits, with thousands separators: `1.7`, `1,300`.
fn rounded(value: f64, digits: i32) -> String {
    if digits > 1 && value < 10.0 {
        return format!("{value:.1}");
    }
    let step = 10_f64.powi((value.abs().log10().floor() as i32 + 1 - digits).max(0));
    count(((value / step).round() * step) as u64)
}

/// A bound in per cent, rounded up so that it still bounds: `3 %`, `1.4 %`.
pub(super) fn bound(share: f64) -> String {
    let tenths = (share * 1_000.0 - 1e-6).ceil().max(1.0);
    if tenths >= 30.0 || tenths % 10.0 == 0.0 {
        format!("{:.0} %", (tenths / 10.0).ceil())
    } else {
        format!("{:.1} %", tenths / 10.0)
    }
}

/// A duration rounded for planning: `40 s`, `7 min`, `3 h`.
pub(super) fn about(seconds: f64) -> String {
    if seconds < 100.0 {
        format!("{:.0} s", (seconds / 5.0).ceil().max(1.0) * 5.0)
    } else if seconds < 100.0 * 60.0 {
        format!("{:.0} min", (seconds / 60.0).ceil())
    } else {
        format!("{:.0} h", (seconds / 3_600.0).ceil())
    }
}
