//! The mean episode of an arm.

use std::{collections::BTreeMap, time::Duration};

use load::episode::{Episode, FINE, Latencies};
use report::model::{EndedCurve, LatencyBand, LevelCurve, LinkTimeline, ProcessTimeline, Timeline};
use scenario::plan::ArmPlan;

use super::{
    Watched,
    readings::{self, Counted, Curve, Link, Server},
};

/// The mean of an arm's episodes, of which there is at least one, in the buckets of its latencies.
pub(super) fn mean(arm: &ArmPlan, watched: &[Watched]) -> Timeline {
    let mut latencies = Latencies::default();
    for episode in watched {
        latencies.add(&episode.seen.latencies);
    }
    let (bucket, buckets) = (latencies.bucket, latencies.buckets());
    let counted: Vec<Counted> =
        watched.iter().map(|episode| Counted::of(arm, &episode.counted, bucket, buckets)).collect();
    let grid = Grid { by: super::buckets(bucket, FINE).max(1), episodes: watched.len() };
    let of = |counts: fn(&Episode) -> &[u32]| grid.mean(watched.iter().map(|episode| counts(&episode.seen)));
    Timeline {
        bucket_ms: bucket.as_secs_f64() * 1_000.0,
        offered: of(|seen| &seen.offered),
        good: of(|seen| &seen.good),
        ended: ended(watched, &grid),
        latency_ms: Some(band(&latencies)),
        in_flight: grid.last(watched.iter().map(|episode| episode.seen.in_flight())),
        links: links(&counted),
        processes: processes(&counted),
        lag: lag(&counted),
        goodput_ratio: None,
        amplification: None,
    }
}

/// How fine buckets become those of a drawing.
struct Grid {
    /// The number of fine buckets in one.
    by: usize,
    episodes: usize,
}

impl Grid {
    /// The mean of counts over the episodes.
    fn mean<'a>(&self, counts: impl Iterator<Item = &'a [u32]>) -> Vec<f64> {
        let mut sums: Vec<u64> = Vec::new();
        for counts in counts {
            let of_buckets =
                counts.chunks(self.by).map(|chunk| chunk.iter().map(|count| u64::from(*count)).sum());
            add(&mut sums, of_buckets);
        }
        self.rounded(&sums)
    }

    /// The mean of levels at the end of each bucket.
    fn last(&self, levels: impl Iterator<Item = Vec<u32>>) -> Vec<f64> {
        let mut sums: Vec<u64> = Vec::new();
        for levels in levels {
            let last = |chunk: &[u32]| chunk.last().copied().map_or(0, u64::from);
            add(&mut sums, levels.chunks(self.by).map(last));
        }
        self.rounded(&sums)
    }

    fn rounded(&self, sums: &[u64]) -> Vec<f64> {
        sums.iter().map(|sum| rounded(*sum as f64 / self.episodes.max(1) as f64)).collect()
    }
}

fn add(sums: &mut Vec<u64>, values: impl Iterator<Item = u64>) {
    for (place, value) in values.enumerate() {
        if place == sums.len() {
            sums.push(0);
        }
        sums[place] += value;
    }
}

/// The operations that did not end well, the most frequent cause first.
fn ended(watched: &[Watched], grid: &Grid) -> Vec<EndedCurve> {
    let mut causes: BTreeMap<(&str, bool), Vec<&[u32]>> = BTreeMap::new();
    for ended in watched.iter().flat_map(|episode| &episode.seen.ended) {
        causes.entry((ended.cause, ended.failed)).or_default().push(&ended.counts);
    }
    let curve = |((cause, failed), counts): ((&str, bool), Vec<&[u32]>)| EndedCurve {
        cause: cause.to_owned(),
        failed,
        counts: grid.mean(counts.into_iter()),
    };
    let mut curves: Vec<EndedCurve> = causes.into_iter().map(curve).collect();
    let all = |curve: &EndedCurve| curve.counts.iter().sum::<f64>();
    curves.retain(|curve| all(curve) > 0.0);
    curves.sort_by(|one, other| all(other).total_cmp(&all(one)));
    curves
}

fn band(latencies: &Latencies) -> LatencyBand {
    let ms = |time: Duration| rounded(time.as_secs_f64() * 1_000.0);
    let of = |quantile: f64| {
        (0..latencies.buckets()).map(|bucket| latencies.quantile(bucket, quantile).map(ms)).collect()
    };
    LatencyBand { p50: of(0.5), p90: of(0.9), p99: of(0.99) }
}

fn links(counted: &[Counted]) -> Vec<LinkTimeline> {
    let mut ends: Vec<(&str, &str)> = Vec::new();
    for link in counted.iter().flat_map(|counted| &counted.links) {
        let both = (link.from.as_str(), link.to.as_str());
        if !ends.contains(&both) {
            ends.push(both);
        }
    }
    let timeline = |(from, to): (&str, &str)| {
        let same = |link: &&Link| link.from == from && link.to == to;
        let links: Vec<&Link> =
            counted.iter().filter_map(|counted| counted.links.iter().find(same)).collect();
        let mean = |of: fn(&Link) -> Curve| mean_of(&links.iter().map(|link| of(link)).collect::<Vec<_>>());
        LinkTimeline {
            from: from.to_owned(),
            to: to.to_owned(),
            calls: mean(|link| link.calls.clone()),
            sent: mean(Link::sent),
            retries: mean(|link| link.retries.clone()),
            hedges: mean(|link| link.hedges.clone()),
            rejected: mean(|link| link.rejected.clone()),
            failed: mean(|link| link.failed.clone()),
            breaker: mean(|link| link.breaker.clone()),
        }
    };
    ends.into_iter().map(timeline).collect()
}

fn processes(counted: &[Counted]) -> Vec<ProcessTimeline> {
    let mut names: Vec<&str> = Vec::new();
    for server in counted.iter().flat_map(|counted| &counted.processes) {
        if !names.contains(&server.process.as_str()) {
            names.push(&server.process);
        }
    }
    let timeline = |name: &str| {
        let same = |server: &&Server| server.process == name;
        let servers: Vec<&Server> =
            counted.iter().filter_map(|counted| counted.processes.iter().find(same)).collect();
        let mean = |of: fn(&Server) -> &Curve| {
            mean_of(&servers.iter().map(|server| of(server).clone()).collect::<Vec<_>>())
        };
        ProcessTimeline {
            process: name.to_owned(),
            in_flight: mean(|server| &server.in_flight),
            shed: mean(|server| &server.shed),
        }
    };
    names.into_iter().map(timeline).collect()
}

fn lag(counted: &[Counted]) -> Vec<LevelCurve> {
    let mut by_name: BTreeMap<&str, Vec<Curve>> = BTreeMap::new();
    for (name, curve) in counted.iter().flat_map(|counted| &counted.lag) {
        by_name.entry(name).or_default().push(curve.clone());
    }
    let curve =
        |(name, curves): (&str, Vec<Curve>)| LevelCurve { name: name.to_owned(), levels: mean_of(&curves) };
    by_name.into_iter().map(curve).collect()
}

fn mean_of(curves: &[Curve]) -> Curve {
    let mean = readings::mean(curves);
    mean.into_iter().map(|value| value.map(rounded)).collect()
}

/// Two decimals: less than a hundredth of a request is meaningless.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use load::episode::Ended;
    use scenario::systems;

    use super::*;

    /// 100 ms in fine buckets with so many operations due in each, one of which ends well at once.
    fn watched(offered: u32, causes: &[(&'static str, u32)]) -> Watched {
        let ended = causes.iter().map(|(cause, count)| Ended {
            cause,
            failed: true,
            counts: (0..10).map(|bucket| if bucket == 7 { *count } else { 0 }).collect(),
        });
        let latencies = Latencies::of(Duration::from_millis(100));
        let seen =
            Episode { offered: vec![offered; 10], good: vec![1; 10], ended: ended.collect(), latencies };
        Watched { seen, counted: Vec::new(), faults: Vec::new() }
    }

    #[test]
    fn the_mean_episode_has_the_means_of_counts_and_the_last_levels_of_its_buckets() {
        let system = systems::find("shortener").expect("the shortener");
        let arm = ArmPlan::new("one".to_owned(), design::Wiring::defaults(system));
        let two = [watched(1, &[("reset", 2)]), watched(4, &[("timeout", 9), ("reset", 1)])];
        let mean = mean(&arm, &two);
        assert!((mean.bucket_ms - 50.0).abs() < f64::EPSILON);
        assert_eq!((mean.offered, mean.good), (vec![12.5, 12.5], vec![5.0, 5.0]));
        // In the second, 3 more are in flight after each bucket, and ten have failed by the end; the first fails what it
        // does not have.
        assert_eq!(mean.in_flight, [7.5, 10.0]);
        let ended: Vec<_> = mean.ended.iter().map(|ended| (ended.cause.as_str(), ended.counts[1])).collect();
        assert_eq!(ended, [("timeout", 4.5), ("reset", 1.5)]);
        assert!(mean.links.is_empty() && mean.processes.is_empty() && mean.lag.is_empty());
    }
}
