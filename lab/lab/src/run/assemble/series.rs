//! The journeys' counts over time, as the mean episode.
use report::{
    model::{Series, SeriesCurve, SeriesLevel, SeriesLimit},
    picture::merging,
};
use scenario::{plan::Plan, systems};

/// The buckets that a report keeps at most.
const MOST_BUCKETS: usize = 600;

/// The mean of `episodes` summed episodes of an arm.
pub(super) fn mean(plan: &Plan, summed: &load::series::Series, episodes: u64) -> Series {
    let bucket = summed.bucket.as_secs_f64();
    let line = systems::line(plan.scenario.system.name, &plan.load.mix);
    // A mix limits each client; the curves can be compared with a limit only if their level is that of one
    // client.
    let limit = line.filter(|line| {
        let of_one = f64::from(line.requests) * bucket / line.window.as_secs_f64();
        let is_of_one = |drawn: &load::series::Line| (drawn.per_bucket / of_one - 1.0).abs() < 0.01;
        summed.line.as_ref().is_some_and(is_of_one)
    });
    let a_window = limit.map_or(0, |limit| (limit.window.as_secs_f64() / bucket).round() as usize);
    let buckets = summed.curves.iter().map(|curve| curve.counts.len()).max().unwrap_or(0);
    let by = merging(buckets, MOST_BUCKETS, a_window);
    // Two decimals: less than a hundredth of a request is meaningless.
    let rounded = |sum: u64| (sum as f64 / episodes.max(1) as f64 * 100.0).round() / 100.0;
    Series {
        title: summed.title.clone(),
        is_of_operations: summed.is_of_operations,
        bucket_ms: bucket * by as f64 * 1_000.0,
        limit: limit.map(|limit| SeriesLimit {
            requests: limit.requests,
            window_ms: limit.window.as_secs_f64() * 1_000.0,
        }),
        level: summed
            .line
            .as_ref()
            .filter(|_| limit.is_none())
            .map(|line| SeriesLevel { label: line.label.clone(), per_bucket: line.per_bucket * by as f64 }),
        curves: summed
            .curves
            .iter()
            .map(|curve| SeriesCurve {
                name: curve.name.clone(),
                counts: curve.counts.chunks(by).map(|chunk| rounded(chunk.iter().sum())).collect(),
            })
            .collect(),
    }
}
