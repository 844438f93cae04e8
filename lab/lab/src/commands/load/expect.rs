//! The conditions on a load: `p99 < 50ms`, `failed < 1%`. A failed condition makes the exit code 1, like a
//! threshold of k6.

use std::{fmt, str::FromStr};

use load::record::{SliceRecord, needed_samples};
use scenario::diagnostic::{Diagnostic, did_you_mean};
use serde::Serialize;

/// A condition on a figure of a load.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    /// The text as it was given.
    text: String,
    figure: Figure,
    relation: Relation,
    /// The bound in the figure's unit: microseconds, operations, per cent, operations a second.
    bound: f64,
}

/// The figure of a condition.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Figure {
    /// A quantile of the latency from the due time, in microseconds.
    Latency(f64),
    /// The operations with this end.
    Count(Ended),
    /// The same as a share of all due operations, in per cent: rounded once, like a parsed number.
    Share(Ended),
    /// Successful operations a second.
    Rate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Succeeded,
    Refused,
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Equal,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// The metrics of conditions. The quantile of `max` is 1.
const METRICS: [(&str, Figure); 9] = [
    ("p50", Figure::Latency(0.5)),
    ("p90", Figure::Latency(0.9)),
    ("p99", Figure::Latency(0.99)),
    ("p99.9", Figure::Latency(0.999)),
    ("max", Figure::Latency(1.0)),
    ("succeeded", Figure::Count(Ended::Succeeded)),
    ("refused", Figure::Count(Ended::Refused)),
    ("failed", Figure::Count(Ended::Failed)),
    ("rate", Figure::Rate),
];

/// The relations, those of two characters first.
const RELATIONS: [(&str, Relation); 5] = [
    ("==", Relation::Equal),
    ("<=", Relation::AtMost),
    (">=", Relation::AtLeast),
    ("<", Relation::Less),
    (">", Relation::More),
];

/// The units of time, in microseconds.
const TIMES: [(&str, f64); 4] = [("us", 1.0), ("µs", 1.0), ("ms", 1e3), ("s", 1e6)];

/// A condition with its result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Judged {
    condition: String,
    /// The figure with its unit, as text.
    found: String,
    pub(super) holds: bool,
}

impl Condition {
    /// The default condition: something succeeded.
    pub(super) fn something_succeeded() -> Self {
        Self {
            text: "succeeded > 0".to_owned(),
            figure: Figure::Count(Ended::Succeeded),
            relation: Relation::More,
            bound: 0.0,
        }
    }

    /// Compares with the record. If nothing was due, every condition fails, because nothing was tried. A
    /// condition on a percentile fails if there are too few operations for it; such a percentile is not
    /// printed either.
    pub(super) fn judge(&self, record: &SliceRecord) -> Judged {
        let found = self.figure.of(record);
        let holds = found.as_ref().is_ok_and(|&found| match self.relation {
            Relation::Equal => found.total_cmp(&self.bound).is_eq(),
            Relation::Less => found < self.bound,
            Relation::AtMost => found <= self.bound,
            Relation::More => found > self.bound,
            Relation::AtLeast => found >= self.bound,
        });
        let found = found.map_or_else(|why| why, |found| self.figure.told(found));
        Judged { condition: self.text.clone(), found, holds }
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.holds { "holds" } else { "FAILED" };
        write!(formatter, "expected {}: {verdict}, {}", self.condition, self.found)
    }
}

impl Figure {
    /// The figure of a load; or the reason why there is none.
    fn of(self, record: &SliceRecord) -> Result<f64, String> {
        if record.planned == 0 {
            return Err("nothing was measured".to_owned());
        }
        match self {
            Self::Latency(quantile) => latency(record, quantile),
            Self::Count(ended) => Ok(ended.of(record)),
            Self::Share(ended) => Ok(ended.of(record) * 100.0 / record.planned as f64),
            Self::Rate => Ok(record.rates().achieved),
        }
    }

    fn told(self, found: f64) -> String {
        match self {
            Self::Latency(_) => super::figures::said(found),
            Self::Count(_) => format!("{found:.0}"),
            Self::Share(_) => format!("{found:.2} %"),
            Self::Rate => format!("{found:.1} a second"),
        }
    }

    /// The figure in `unit`, and the factor that converts a number in `unit` to the figure's own unit.
    fn with_unit(self, name: &str, unit: &str) -> Result<(Self, f64), Diagnostic> {
        let wrong = |expected: &str| {
            let what = if unit.is_empty() {
                format!("`{name}` needs a unit")
            } else {
                format!("`{name}` has no unit `{unit}`")
            };
            Err(Diagnostic::new(what).hint(format!("expected {expected}")))
        };
        match self {
            Self::Latency(_) => match TIMES.iter().find(|(name, _)| *name == unit) {
                Some((_, factor)) => Ok((self, *factor)),
                None => wrong("a time in `us`, `ms` or `s`, such as `p99 < 50ms`"),
            },
            Self::Count(ended) if unit == "%" => Ok((Self::Share(ended), 1.0)),
            Self::Count(_) if unit.is_empty() => Ok((self, 1.0)),
            Self::Rate if matches!(unit, "" | "/s") => Ok((self, 1.0)),
            Self::Count(_) | Self::Share(_) => {
                wrong("a number of operations or a share of them, such as `failed < 10` or `failed < 1%`")
            }
            Self::Rate => wrong("operations a second, such as `rate > 100/s`"),
        }
    }
}

/// A quantile of the latency in microseconds, if there are enough operations; the maximum needs one.
fn latency(record: &SliceRecord, quantile: f64) -> Result<f64, String> {
    let (name, needed) = if quantile < 1.0 {
        (format!("p{}", quantile * 100.0), needed_samples(quantile))
    } else {
        ("max".to_owned(), 1)
    };
    let samples = record.latency.len();
    if samples < needed {
        return Err(format!("too few operations to tell {name}: {samples} of at least {needed}"));
    }
    Ok(record.latency.value_at_quantile(quantile) as f64 / 1e3)
}

impl Ended {
    fn of(self, record: &SliceRecord) -> f64 {
        let count = match self {
            Self::Succeeded => record.succeeded,
            Self::Refused => record.refused.total(),
            Self::Failed => record.failed.total(),
        };
        count as f64
    }
}

impl FromStr for Condition {
    type Err = Diagnostic;

    fn from_str(text: &str) -> Result<Self, Diagnostic> {
        let relation = RELATIONS.iter().find_map(|&(sign, relation)| {
            let (name, value) = text.split_once(sign)?;
            Some((name.trim(), relation, value.trim()))
        });
        let Some((name, relation, value)) = relation else {
            return Err(Diagnostic::new("expected a metric, one of `<`, `<=`, `>`, `>=`, `==`, and a value")
                .hint("such as `p99 < 50ms` or `failed < 1%`"));
        };
        let known = METRICS.iter().find(|(metric, _)| *metric == name);
        let Some((_, figure)) = known else {
            return Err(Diagnostic::new(format!("there is no metric `{name}`"))
                .hint(did_you_mean(name, METRICS.map(|(metric, _)| metric))));
        };
        let digits = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
        let (number, unit) = value.split_at(digits);
        let Ok(number) = number.parse::<f64>() else {
            return Err(Diagnostic::new(format!("`{value}` does not begin with a number"))
                .hint("such as `p99 < 50ms` or `failed < 1%`"));
        };
        let (figure, factor) = figure.with_unit(name, unit.trim())?;
        let bound = number * factor;
        Ok(Self { text: text.trim().to_owned(), figure, relation, bound })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1000 operations of 1, 2, ... 1000 ms; 9 of them failed, and 100 more were refused.
    fn record() -> SliceRecord {
        let mut record = SliceRecord { planned: 1_109, succeeded: 1_000, ..SliceRecord::default() };
        for ms in 1..=1_000 {
            record.latency.record(ms * 1_000_000).unwrap();
        }
        (0..9).for_each(|_| record.failed.add("timeout"));
        (0..100).for_each(|_| record.refused.add("rate-limited"));
        record
    }

    fn holds(text: &str, record: &SliceRecord) -> bool {
        text.parse::<Condition>().unwrap_or_else(|error| panic!("{text}: {error}")).judge(record).holds
    }

    #[test]
    fn a_condition_is_held_against_what_was_measured() {
        let record = record();
        for kept in [
            "p50 < 510ms",
            "p99<=1s",
            "p99 > 980ms",
            "max < 1.01s",
            "failed < 10",
            "failed < 1%",
            "failed <= 9",
            "failed == 9",
            "refused > 9 %",
            "succeeded >= 1000",
            "succeeded > 90%",
            "rate >= 0/s",
        ] {
            assert!(holds(kept, &record), "{kept}");
        }
        for missed in [
            "p50 < 490ms",
            "p99 < 900 ms",
            "failed < 9",
            "failed == 0",
            "failed < 0.5%",
            "succeeded > 91%",
            "rate > 1",
        ] {
            assert!(!holds(missed, &record), "{missed}");
        }
    }

    #[test]
    fn a_share_that_is_exactly_as_expected_is_neither_less_nor_more() {
        // In hundredths and in thousandths, as they are parsed.
        for (planned, digits) in [(100, 0), (1_000, 1)] {
            for succeeded in 0..=planned {
                let record = SliceRecord { planned, succeeded, ..SliceRecord::default() };
                let share = format!("{:.digits$}%", succeeded as f64 * 100.0 / planned as f64);
                for (sign, expected) in [(">=", true), ("<=", true), ("==", true), ("<", false), (">", false)]
                {
                    let condition = format!("succeeded {sign} {share}");
                    assert_eq!(holds(&condition, &record), expected, "{condition}: {succeeded} of {planned}");
                }
            }
        }
    }

    #[test]
    fn a_percentile_that_too_few_operations_carry_is_told_by_no_condition() {
        let of = |samples: u64| {
            let mut record = SliceRecord { planned: samples, succeeded: samples, ..SliceRecord::default() };
            (0..samples).for_each(|_| record.latency.record(1_000_000).unwrap());
            record
        };
        for (name, needed) in [("p50", 20), ("p90", 100), ("p99", 1_000), ("p99.9", 10_000), ("max", 1)] {
            let few = of(needed - 1);
            // One failed, so that something was due.
            let few = SliceRecord { planned: needed, ..few };
            for condition in [format!("{name} < 1s"), format!("{name} > 0us")] {
                let judged = condition.parse::<Condition>().unwrap().judge(&few);
                let told = format!("too few operations to tell {name}: {} of at least {needed}", needed - 1);
                assert_eq!((judged.holds, judged.found), (false, told));
                assert!(holds(&condition, &of(needed)), "{condition}");
            }
        }
    }

    #[test]
    fn nothing_tried_is_nothing_kept() {
        for text in ["succeeded > 0", "failed < 1%", "failed < 1", "p99 < 50ms", "rate >= 0"] {
            assert!(!holds(text, &SliceRecord::default()), "{text}");
        }
        assert!(!Condition::something_succeeded().judge(&SliceRecord::default()).holds);
        assert!(Condition::something_succeeded().judge(&record()).holds);
    }

    #[test]
    fn what_is_misspelt_is_answered_with_what_there_is() {
        for (wrong, words) in [
            ("p98 < 50ms", &["`p98`", "did you mean `p9", "`p99.9`"][..]),
            ("faild < 1%", &["`faild`", "did you mean `failed`"]),
            ("p99 < 50", &["`p99` needs a unit", "`ms`"]),
            ("p99 < 50m", &["`p99` has no unit `m`", "`ms`"]),
            ("p99 < 5%", &["no unit `%`"]),
            ("failed < 1ms", &["`failed` has no unit `ms`", "`failed < 1%`"]),
            ("rate > 10/m", &["no unit `/m`", "rate > 100/s"]),
            ("p99 < fast", &["`fast`", "number"]),
            ("p99 < -5ms", &["`-5ms`", "number"]),
            ("p99 < 1.2.3ms", &["number"]),
            ("p99 = 50ms", &["`<=`", "such as `p99 < 50ms`"]),
            ("p99", &["such as `p99 < 50ms`"]),
            ("", &["such as"]),
        ] {
            let told = wrong.parse::<Condition>().unwrap_err().to_string();
            for word in words {
                assert!(told.contains(word), "{wrong}: no {word} in {told}");
            }
            assert!(told.contains("\nhint: "), "{told}");
        }
    }
}
