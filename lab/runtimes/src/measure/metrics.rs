//! The counters that a process publishes at `/metrics` in the Prometheus text format.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use crate::http;

/// The time limit of one page, which is requested outside the measured slices.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// One page of metrics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scrape {
    samples: Vec<Sample>,
}

#[derive(Clone, Debug, PartialEq)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// The reasons why a page could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ScrapeFault {
    /// There is no response.
    #[error("`http://{address}/metrics` does not answer: {source}")]
    Unreachable {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The response is not a page of metrics.
    #[error("`http://{address}/metrics` answers {status}")]
    Refused {
        /// The address.
        address: SocketAddr,
        /// The status code.
        status: u16,
    },
}

impl Scrape {
    /// Requests the metrics of a process's internal server.
    pub fn of(address: SocketAddr) -> Result<Self, ScrapeFault> {
        Ok(Self::parse(&page(address, ANSWER_WITHIN)?))
    }

    /// The same with a time limit for each step, and of these metrics only: what is not needed is not parsed.
    pub fn some_of(address: SocketAddr, names: &[&str], limit: Duration) -> Result<Self, ScrapeFault> {
        let page = page(address, limit)?;
        let is_named = |line: &&str| {
            let name = line.split(['{', ' ']).next().unwrap_or_default();
            names.contains(&name)
        };
        Ok(Self { samples: page.lines().filter(is_named).filter_map(Sample::parse).collect() })
    }

    /// Parses the text format; skips lines that are not samples.
    pub fn parse(text: &str) -> Self {
        Self { samples: text.lines().filter_map(Sample::parse).collect() }
    }

    /// The sum of all samples with this name and these labels; 0 if there are none.
    pub fn total(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.samples
            .iter()
            .filter(|sample| sample.name == name && sample.has(labels))
            .map(|sample| sample.value)
            .sum()
    }

    /// The increase of a total since an earlier page. A counter that decreased was reset: then its whole
    /// value.
    pub fn since(&self, earlier: &Self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let now = self.total(name, labels);
        let before = earlier.total(name, labels);
        if now >= before { now - before } else { now }
    }

    /// The values of a label among the samples of this name, sorted.
    pub fn label_values(&self, name: &str, label: &str) -> Vec<String> {
        let mut values: Vec<_> = self
            .samples
            .iter()
            .filter(|sample| sample.name == name)
            .filter_map(|sample| sample.labels.get(label).cloned())
            .collect();
        values.sort();
        values.dedup();
        values
    }
}

fn page(address: SocketAddr, limit: Duration) -> Result<String, ScrapeFault> {
    let reply = http::get(address, "/metrics", limit)
        .map_err(|source| ScrapeFault::Unreachable { address, source })?;
    if reply.status != 200 {
        return Err(ScrapeFault::Refused { address, status: reply.status });
    }
    Ok(reply.body)
}

impl Sample {
    /// `name{label="value",other="value"} 3.5`.
    fn parse(line: &str) -> Option<Self> {
        if line.starts_with('#') {
            return None;
        }
        let (name, labels, rest) = if let Some((name, after)) = line.split_once('{') {
            let close = closing(after)?;
            (name, &after[..close], &after[close + 1..])
        } else {
            let (name, rest) = line.split_once(' ')?;
            (name, "", rest)
        };
        Some(Self {
            name: name.to_owned(),
            labels: pairs(labels),
            value: rest.split_whitespace().next()?.parse().ok()?,
        })
    }

    fn has(&self, labels: &[(&str, &str)]) -> bool {
        labels.iter().all(|(key, value)| self.labels.get(*key).is_some_and(|own| own == value))
    }
}

/// The end of the label set: the first `}` outside quotation marks.
fn closing(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    for (index, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '}' if !quoted => return Some(index),
            _ => {}
        }
    }
    None
}

/// `key="value"` pairs; `\"`, `\\` and `\n` are escapes.
fn pairs(mut text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    while let Some((key, after)) = text.split_once("=\"") {
        let mut value = String::new();
        let mut rest = after.chars();
        while let Some(c) = rest.next() {
            match c {
                '"' => break,
                '\\' => match rest.next() {
                    Some('n') => value.push('\n'),
                    Some(other) => value.push(other),
                    None => break,
                },
                other => value.push(other),
            }
        }
        found.insert(key.trim_start_matches([',', ' ']).to_owned(), value);
        text = rest.as_str();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
# HELP hops_total Calls to other processes.
# TYPE hops_total counter
hops_total{to=\"links\",transport=\"http\"} 7
hops_total{to=\"clicks\",transport=\"http\"} 3
odd_total{path=\"/a}b\\\"c\",x=\"y\"} 1.5
plain_total 4 1700000000
# EOF
";

    #[test]
    fn totals_are_summed_over_the_labels_that_are_not_named() {
        let page = Scrape::parse(PAGE);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(close(page.total("hops_total", &[]), 10.0));
        assert!(close(page.total("hops_total", &[("to", "links")]), 7.0));
        assert!(close(page.total("plain_total", &[]), 4.0));
        assert!(close(page.total("odd_total", &[("path", "/a}b\"c"), ("x", "y")]), 1.5));
        assert!(close(page.total("none_total", &[]), 0.0));
        assert_eq!(page.label_values("hops_total", "to"), ["clicks", "links"]);
    }

    #[test]
    fn a_counter_that_began_anew_counts_from_nothing() {
        let earlier = Scrape::parse("a_total 10\n");
        let later = Scrape::parse("a_total 4\n");
        assert!((later.since(&earlier, "a_total", &[]) - 4.0).abs() < 1e-9);
        assert!((earlier.since(&later, "a_total", &[]) - 6.0).abs() < 1e-9);
    }
}
