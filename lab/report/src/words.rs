//! The formatting of figures, the same in every form of a report.

pub use statistics::numbers::{count, three_digits, trimmed};

use super::model::{Arm, Capacity, Load, PartKind, UsedBacking, Validity};

/// The mark of a missing figure.
pub(crate) const NO_FIGURE: &str = "–";

impl Capacity {
    /// `21,000 [20,500, 21,600]`, `at least 61,000`.
    pub fn words(&self) -> String {
        let per_second = three_digits(self.per_s);
        match self.ends {
            _ if self.at_least => format!("at least {per_second}"),
            Some([low, high]) => format!("{per_second} [{}, {}]", three_digits(low), three_digits(high)),
            None => per_second,
        }
    }
}

/// Words without the backticks around code: for drawings, in which nothing is set as code.
pub(crate) fn plain(words: &str) -> String {
    words.replace('`', "")
}

/// A figure that may be absent.
pub(crate) fn maybe(value: Option<f64>) -> String {
    value.map_or_else(|| NO_FIGURE.to_owned(), three_digits)
}

/// Milliseconds with their unit.
pub(super) fn ms(value: f64) -> String {
    format!("{} ms", three_digits(value))
}

/// A figure whose decimals mean nothing.
pub(super) fn maybe_whole(value: Option<f64>) -> String {
    value.map_or_else(|| NO_FIGURE.to_owned(), |value| count(value.max(0.0).round() as u64))
}

/// A per cent: `14 %`, `2.2 %`, `0.35 %`, `95 %`.
pub(super) fn per_cent(value: f64) -> String {
    let steps = if value >= 10.0 {
        1.0
    } else if value >= 1.0 {
        10.0
    } else {
        100.0
    };
    format!("{} %", trimmed((value * steps).round() / steps))
}

/// A per cent that may be absent.
pub(super) fn maybe_per_cent(value: Option<f64>) -> String {
    value.map_or_else(|| NO_FIGURE.to_owned(), per_cent)
}

/// A mean count per operation: `1.95`, `0`, `0.0031`.
pub fn mean_count(value: Option<f64>) -> String {
    match value {
        None => NO_FIGURE.to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(value) if value >= 100.0 => three_digits(value),
        Some(value) if value < 0.005 => format!("{value:.4}"),
        Some(value) => format!("{value:.2}"),
    }
}

/// A tick of a time axis in milliseconds, in a readable unit: `50 us`, `2 ms`, `1 s`.
pub(super) fn duration_of_ms(ms: f64) -> String {
    if ms < 1.0 {
        format!("{} µs", trimmed(ms * 1_000.0))
    } else if ms < 1_000.0 {
        format!("{} ms", trimmed(ms))
    } else {
        format!("{} s", trimmed(ms / 1_000.0))
    }
}

/// A duration with three digits in a readable unit: `290 µs`, `2.55 ms`, `1.04 s`.
pub(super) fn took(us: f64) -> String {
    match us {
        ..999.5 => format!("{} µs", three_digits(us)),
        ..999_500.0 => ms(us / 1e3),
        _ => format!("{} s", three_digits(us / 1e6)),
    }
}

/// An arm's wiring as a sentence, in the words of its drawing.
pub(super) fn summary(arm: &Arm) -> String {
    arm.summary.replace("the edge", "the public API")
}

/// A place in a system as its drawing calls it; the code's `edge` is the public API.
pub(super) fn place(name: &str) -> String {
    let called = |part: &str| if part == "edge" { "public API".to_owned() } else { part.to_owned() };
    name.split(" + ").map(called).collect::<Vec<_>>().join(" + ")
}

/// A tick of an axis: `0.5`, `20`, `15,000`.
pub(crate) fn tick(value: f64) -> String {
    if value >= 1_000.0 { count(value.round() as u64) } else { trimmed(value) }
}

/// A percentile's name: `p50`, `p99.9`.
pub(super) fn percentile(quantile: f64) -> String {
    format!("p{}", trimmed(quantile * 100.0))
}

/// The generator's own share of every latency: `24.1 µs (p99 61.3 µs)`; `None` in older reports.
pub(super) fn generators_own(validity: &Validity) -> Option<String> {
    let floor = validity.generator_floor.as_ref()?;
    let p99 = floor.p99_us.map(|us| format!(" (p99 {} µs)", three_digits(us))).unwrap_or_default();
    Some(format!("{} µs{p99}", three_digits(floor.p50_us?)))
}

/// The distribution of operations over time.
pub(super) fn arrivals(kind: &str) -> &str {
    match kind {
        "poisson" => "at random times (Poisson)",
        "constant" => "evenly spaced",
        other => other,
    }
}

/// The things that exist before the load: `10,000 links`, `1 client`.
pub(super) fn things(load: &Load) -> String {
    let name = load.things_name.as_str();
    let name = if load.things == 1 { name.trim_end_matches('s') } else { name };
    format!("{} {name}", count(load.things))
}

/// A store or broker with its origin and version: `postgres, native, PostgreSQL 15.18`.
pub(super) fn store(backing: &UsedBacking) -> String {
    let says = backing.provider.replace("postgres (PostgreSQL)", "PostgreSQL");
    // The package version adds nothing.
    let says = says.split(" (Debian").next().unwrap_or_default();
    format!("{}, {says}", backing.version)
}

/// A list of processors: `0`, `0-3`, `0, 2`.
pub(super) fn processors(list: &[u32]) -> String {
    match list {
        [] => "not pinned".to_owned(),
        [from, .., to] if list.windows(2).all(|pair| pair[1] == pair[0] + 1) => {
            format!("{from}-{to}")
        }
        _ => list.iter().map(u32::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// The owner of a cost, as one word.
pub(super) fn part_kind(kind: PartKind) -> &'static str {
    match kind {
        PartKind::Component => "process",
        PartKind::Backing => "store or broker",
        PartKind::Proxy => "proxy on links",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_choose_their_unit() {
        assert_eq!(duration_of_ms(0.05), "50 µs");
        assert_eq!(duration_of_ms(2.0), "2 ms");
        assert_eq!(duration_of_ms(1_500.0), "1.5 s");
        assert_eq!(percentile(0.999), "p99.9");
        assert_eq!(processors(&[0, 1, 2]), "0-2");
        assert_eq!(processors(&[1]), "1");
        assert_eq!(per_cent(2.2374), "2.2 %");
        assert_eq!(per_cent(95.0), "95 %");
        assert_eq!([290.4, 2_553.0, 999_700.0].map(took), ["290 µs", "2.55 ms", "1.00 s"]);
        assert_eq!([0.0, 0.0031, 0.05].map(|mean| mean_count(Some(mean))), ["0", "0.0031", "0.05"]);
        assert_eq!(place("edge + links"), "public API + links");
    }
}
