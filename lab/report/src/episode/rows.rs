//! The curves of an episode in rows: one panel for each arm, all panels of a row on one scale.
//!
//! A row in which nothing happened in any arm is left out.

use std::collections::BTreeSet;

use super::{
    Column, Episode,
    merge::{Merge, some},
};
use crate::model::{LatencyBand, LinkTimeline, ProcessTimeline, Timeline};

/// One value a bucket; a gap where nothing is known.
pub(crate) type Curve = Vec<Option<f64>>;

/// A row of panels.
pub(crate) struct Row {
    pub(crate) title: String,
    pub(crate) kind: Kind,
    /// The length of a bucket.
    pub(crate) bucket_ms: f64,
    /// The meaning of its marks.
    pub(crate) keys: Vec<Key>,
    /// For each arm its panel, or the reason why there is none.
    pub(crate) panels: Vec<Result<Panel, &'static str>>,
}

/// What a row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What became of the operations, the highest row.
    Operations,
    /// Milliseconds, on a logarithmic scale.
    Latency,
    /// Calls a second.
    Calls,
    /// Levels, or rarer counts.
    Amounts,
    /// The states of a circuit breaker.
    Breaker,
}

/// A mark with its meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) mark: String,
    pub(crate) words: String,
}

/// The curves of one arm, with their marks.
#[derive(Default)]
pub(crate) struct Panel {
    /// Areas on top of each other, from the bottom.
    pub(crate) stack: Vec<(String, Curve)>,
    /// The area between two curves.
    pub(crate) band: Option<(Curve, Curve)>,
    pub(crate) lines: Vec<(String, Curve)>,
}

impl Panel {
    /// The values of all curves, a stack's summed.
    pub(crate) fn values(&self) -> impl Iterator<Item = f64> + '_ {
        let stacked = (0..self.stack.iter().map(|(_, curve)| curve.len()).max().unwrap_or(0)).map(|at| {
            self.stack.iter().filter_map(|(_, curve)| curve.get(at).copied().flatten()).sum::<f64>()
        });
        let band = self.band.iter().flat_map(|(low, high)| low.iter().chain(high));
        let lines = self.lines.iter().flat_map(|(_, curve)| curve);
        stacked.chain(band.chain(lines).copied().flatten())
    }

    /// The bucket with the highest value, a stack's summed.
    pub(crate) fn highest(&self) -> Option<(usize, f64)> {
        let of = |curve: &Curve, at: usize| curve.get(at).copied().flatten();
        let buckets = self.stack.iter().chain(&self.lines).map(|(_, curve)| curve.len()).max()?;
        let value = |at: usize| {
            let stacked = self.stack.iter().filter_map(|(_, curve)| of(curve, at)).sum::<f64>();
            self.lines.iter().filter_map(|(_, curve)| of(curve, at)).fold(stacked, f64::max)
        };
        (0..buckets).map(|at| (at, value(at))).max_by(|one, other| one.1.total_cmp(&other.1))
    }
}

/// Causes with a pattern of their own; the rarer ones share the last.
const CAUSES: usize = 4;
/// The share of a link's calls from which on it has a row.
const NOTABLE: f64 = 0.01;
/// The mark of the area between two curves.
const BAND: &str = "band";
/// The most lines of a panel beside its first.
const LINES: usize = 3;

/// Every row in which something happened.
pub(crate) fn rows(episode: &Episode<'_>) -> Vec<Row> {
    let mut rows = vec![operations(episode)];
    rows.extend(latency(episode));
    rows.extend(beside(episode));
    // A breaker stands below the calls that it lets through.
    rows.extend(
        pairs(episode).iter().flat_map(|pair| [calls(episode, pair), breaker(episode, pair)]).flatten(),
    );
    rows.extend(in_flight(episode));
    rows.extend(shed(episode));
    rows.extend(lag(episode));
    rows
}

/// A row with a panel of each arm.
fn row(
    (title, kind): (String, Kind),
    episode: &Episode<'_>,
    keys: Vec<Key>,
    panel: impl Fn(&Column<'_>, Merge) -> Result<Panel, &'static str>,
) -> Row {
    let merge = merging(episode, kind);
    let panels: Vec<_> = episode.arms.iter().map(|column| panel(column, merge)).collect();
    let keys =
        if matches!(kind, Kind::Latency | Kind::Calls | Kind::Amounts) { used(keys, &panels) } else { keys };
    Row { title, kind, bucket_ms: merge.bucket_ms(), keys, panels }
}

/// The keys of marks that are somewhere above zero.
fn used(keys: Vec<Key>, panels: &[Result<Panel, &'static str>]) -> Vec<Key> {
    let curves = || panels.iter().flatten().flat_map(|panel| panel.stack.iter().chain(&panel.lines));
    let is_used = |key: &Key| {
        if key.mark == BAND {
            let bands = panels.iter().flatten().filter_map(|panel| panel.band.as_ref());
            return bands.flat_map(|(_, high)| high).any(Option::is_some);
        }
        let mut same = curves().filter(|(mark, _)| *mark == key.mark);
        same.any(|(_, curve)| curve.iter().flatten().any(|value| *value > 0.0))
    };
    keys.into_iter().filter(is_used).collect()
}

fn merging(episode: &Episode<'_>, kind: Kind) -> Merge {
    let timelines = || episode.arms.iter().map(|column| column.timeline);
    let bucket_ms = timelines().map(|timeline| timeline.bucket_ms).fold(0.0, f64::max);
    let buckets = timelines().map(|timeline| timeline.offered.len()).max().unwrap_or(0);
    let merge = Merge::new(bucket_ms, buckets, episode.arms.len());
    if !matches!(kind, Kind::Operations | Kind::Calls) {
        return merge;
    }
    let all = timelines().flat_map(|timeline| &timeline.offered);
    merge.steadier(all.sum::<f64>() / (buckets * episode.arms.len()).max(1) as f64, buckets)
}

fn key(mark: impl Into<String>, words: impl Into<String>) -> Key {
    Key { mark: mark.into(), words: words.into() }
}

fn operations(episode: &Episode<'_>) -> Row {
    let causes = causes(episode);
    let mark = |at: usize| format!("{}{at}", if causes[at].1 { "failure" } else { "refusal" });
    let place = |cause: &str, failed| causes.iter().position(|known| *known == (cause.to_owned(), failed));
    let mut keys = vec![key("good", "ended well: the goodput")];
    keys.extend(causes.iter().enumerate().take(CAUSES).map(|(at, (cause, failed))| {
        let how = if *failed { "failed" } else { "refused" };
        let others = if at + 1 == CAUSES && causes.len() > CAUSES { ", and rarer causes" } else { "" };
        key(mark(at), format!("{how}: {cause}{others}"))
    }));
    keys.push(key("offered", "offered"));
    row(("operations a second".to_owned(), Kind::Operations), episode, keys, |column, merge| {
        let timeline = column.timeline;
        let mut stack = vec![("good".to_owned(), merge.rate(&timeline.good))];
        let mut ended: Vec<_> = timeline.ended.iter().collect();
        ended.sort_by_key(|curve| place(&curve.cause, curve.failed));
        stack.extend(ended.into_iter().map(|curve| {
            let at = place(&curve.cause, curve.failed).unwrap_or(0).min(CAUSES - 1);
            (mark(at), merge.rate(&curve.counts))
        }));
        let lines = vec![("offered".to_owned(), merge.rate(&timeline.offered))];
        Ok(Panel { stack, lines, band: None })
    })
}

/// The causes of all arms, refusals before failures, the most frequent first.
fn causes(episode: &Episode<'_>) -> Vec<(String, bool)> {
    let ended = || episode.arms.iter().flat_map(|column| &column.timeline.ended);
    let names: BTreeSet<(String, bool)> = ended().map(|curve| (curve.cause.clone(), curve.failed)).collect();
    let total = |(cause, failed): &(String, bool)| -> f64 {
        let same = ended().filter(|curve| curve.cause == *cause && curve.failed == *failed);
        same.flat_map(|curve| &curve.counts).sum()
    };
    let mut causes: Vec<(String, bool)> = names.into_iter().collect();
    causes.sort_by(|one, other| one.1.cmp(&other.1).then(total(other).total_cmp(&total(one))));
    causes
}

/// The band reaches up to p99, or only to p90 where most buckets have too few operations for more.
fn latency(episode: &Episode<'_>) -> Option<Row> {
    let bands = || episode.arms.iter().filter_map(|column| column.timeline.latency_ms.as_ref());
    let known = |of: fn(&LatencyBand) -> &Curve| bands().flat_map(of).flatten().count();
    let has_p99 = known(|band| &band.p99) * 2 > known(|band| &band.p50);
    let mut keys =
        vec![key(BAND, if has_p99 { "from p50 to p99" } else { "from p50 to p90" }), key("p50", "p50")];
    if has_p99 {
        keys.push(key("p90", "p90"));
    }
    let row = row(("latency".to_owned(), Kind::Latency), episode, keys, |column, merge| {
        let band = column.timeline.latency_ms.as_ref().ok_or("not measured")?;
        let (p50, p90) = (merge.level(&band.p50), merge.greatest(&band.p90));
        let mut lines = vec![("p50".to_owned(), p50.clone())];
        let high = if has_p99 {
            lines.insert(0, ("p90".to_owned(), p90));
            merge.greatest(&band.p99)
        } else {
            p90
        };
        Ok(Panel { stack: Vec::new(), band: Some((p50, high)), lines })
    });
    happened(row)
}

/// What journeys count beside their operations.
fn beside(episode: &Episode<'_>) -> Option<Row> {
    let first = episode.arms.iter().find_map(|column| column.arm.series_beside_operations())?;
    let names: Vec<String> = first.curves.iter().take(LINES).map(|curve| curve.name.clone()).collect();
    let keys = named(&names, "");
    let row = row((first.title.clone(), Kind::Amounts), episode, keys, |column, merge| {
        let counted = column.arm.series_beside_operations().ok_or("not counted")?;
        let line = |(at, name): (usize, &String)| {
            let curve = counted.curves.iter().find(|curve| curve.name == *name)?;
            Some((format!("line{at}"), merge.rate_of(&curve.counts, counted.bucket_ms)))
        };
        Ok(Panel { lines: names.iter().enumerate().filter_map(line).collect(), ..Panel::default() })
    });
    happened(row)
}

/// Every caller with its callee, in the order of the arms' timelines.
fn pairs(episode: &Episode<'_>) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for link in episode.arms.iter().flat_map(|column| &column.timeline.links) {
        let pair = (link.from.clone(), link.to.clone());
        if !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    pairs
}

fn link<'a>(timeline: &'a Timeline, pair: &(String, String)) -> Option<&'a LinkTimeline> {
    timeline.links.iter().find(|link| (&link.from, &link.to) == (&pair.0, &pair.1))
}

/// The attempts on a link, if in an arm at least one in a hundred calls was sent again or rejected.
fn calls(episode: &Episode<'_>, pair: &(String, String)) -> Option<Row> {
    let sum = |curve: &Curve| curve.iter().flatten().sum::<f64>();
    let is_notable = |link: &LinkTimeline| {
        sum(&link.retries) + sum(&link.hedges) + sum(&link.rejected) > NOTABLE * sum(&link.calls)
    };
    if !episode.arms.iter().filter_map(|column| link(column.timeline, pair)).any(is_notable) {
        return None;
    }
    let keys = vec![
        key("first", "first attempts"),
        key("retry", "retries"),
        key("hedge", "hedges"),
        key("rejected", "rejected by the caller: not sent"),
    ];
    let title = format!("calls a second, {} to {}", pair.0, pair.1);
    Some(row((title, Kind::Calls), episode, keys, |column, merge| {
        let link = link(column.timeline, pair).ok_or("no such calls")?;
        let first: Curve = (0..link.sent.len())
            .map(|at| {
                let of = |curve: &Curve| curve.get(at).copied().flatten();
                let more = of(&link.retries).unwrap_or(0.0) + of(&link.hedges).unwrap_or(0.0);
                Some((of(&link.sent)? - more).max(0.0))
            })
            .collect();
        let curves = [
            ("first", &first),
            ("retry", &link.retries),
            ("hedge", &link.hedges),
            ("rejected", &link.rejected),
        ];
        let stack = curves.map(|(mark, curve)| (mark.to_owned(), merge.sampled_rate(curve))).to_vec();
        Ok(Panel { stack, ..Panel::default() })
    }))
}

/// The breaker of a link, if it left the closed state in an arm.
fn breaker(episode: &Episode<'_>, pair: &(String, String)) -> Option<Row> {
    let keys = vec![
        key("open", "open: no call is sent"),
        key("half-open", "half-open: probes only, or open in some episodes"),
    ];
    let title = format!("circuit breaker, {} to {}", pair.0, pair.1);
    let row = row((title, Kind::Breaker), episode, keys, |column, merge| {
        let link = link(column.timeline, pair).ok_or("no such calls")?;
        if link.breaker.is_empty() {
            return Err("no breaker");
        }
        let lines = vec![("state".to_owned(), merge.level(&link.breaker))];
        Ok(Panel { lines, ..Panel::default() })
    });
    happened(row)
}

fn in_flight(episode: &Episode<'_>) -> Option<Row> {
    let deepest = processes(episode, |process| &process.in_flight);
    let mut keys = vec![key("whole", "at the generator")];
    keys.extend(named(&deepest, "at "));
    let row = row(("in flight".to_owned(), Kind::Amounts), episode, keys, |column, merge| {
        let whole = merge.level(&some(&column.timeline.in_flight));
        let mut lines = of_processes(column, &deepest, |process| merge.level(&process.in_flight));
        lines.push(("whole".to_owned(), whole));
        Ok(Panel { lines, ..Panel::default() })
    });
    happened(row)
}

fn shed(episode: &Episode<'_>) -> Option<Row> {
    let most = processes(episode, |process| &process.shed);
    let keys = named(&most, "refused because it was full: ");
    let title = "requests shed a second".to_owned();
    let row = row((title, Kind::Amounts), episode, keys, |column, merge| {
        let lines = of_processes(column, &most, |process| merge.sampled_rate(&process.shed));
        Ok(Panel { lines, ..Panel::default() })
    });
    happened(row)
}

/// The processes with the highest peaks, which are above zero.
fn processes(episode: &Episode<'_>, of: impl Fn(&ProcessTimeline) -> &Curve) -> Vec<String> {
    let all = || episode.arms.iter().flat_map(|column| &column.timeline.processes);
    let peak = |name: &str| {
        let same = all().filter(|process| process.process == name);
        same.flat_map(|process| of(process).iter().copied().flatten()).fold(0.0, f64::max)
    };
    let names: BTreeSet<&str> = all().map(|process| process.process.as_str()).collect();
    let mut names: Vec<&str> = names.into_iter().filter(|name| peak(name) > 0.0).collect();
    names.sort_by(|one, other| peak(other).total_cmp(&peak(one)));
    names.into_iter().take(LINES).map(str::to_owned).collect()
}

/// The lines of these processes in one arm.
fn of_processes(
    column: &Column<'_>,
    names: &[String],
    curve: impl Fn(&ProcessTimeline) -> Curve,
) -> Vec<(String, Curve)> {
    let process = |name: &String| column.timeline.processes.iter().find(|process| process.process == *name);
    let line = |(at, name): (usize, &String)| Some((format!("line{at}"), curve(process(name)?)));
    names.iter().enumerate().filter_map(line).collect()
}

fn named(names: &[String], before: &str) -> Vec<Key> {
    names.iter().enumerate().map(|(at, name)| key(format!("line{at}"), format!("{before}{name}"))).collect()
}

fn lag(episode: &Episode<'_>) -> Option<Row> {
    let all: BTreeSet<&str> = episode
        .arms
        .iter()
        .flat_map(|column| &column.timeline.lag)
        .map(|curve| curve.name.as_str())
        .collect();
    let names: Vec<String> = all.into_iter().take(LINES).map(str::to_owned).collect();
    let row =
        row(("events that wait".to_owned(), Kind::Amounts), episode, named(&names, ""), |column, merge| {
            let lag = &column.timeline.lag;
            let line = |(at, name): (usize, &String)| {
                let curve = lag.iter().find(|curve| curve.name == *name)?;
                Some((format!("line{at}"), merge.level(&curve.levels)))
            };
            let lines: Vec<_> = names.iter().enumerate().filter_map(line).collect();
            if lines.is_empty() { Err("no events") } else { Ok(Panel { lines, ..Panel::default() }) }
        });
    happened(row)
}

/// The row, if it has a value above zero.
fn happened(row: Row) -> Option<Row> {
    let is_there = row.panels.iter().flatten().flat_map(Panel::values).any(|value| value > 0.0);
    is_there.then_some(row)
}
