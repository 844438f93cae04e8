//! Counters that were read now and then, as curves with a value a bucket.
//!
//! Walkthrough. What a counter grew by between two readings of one process is spread evenly over the time between them.
//! A process that was started again counts from zero, so its first reading is all growth, since the last reading that
//! failed. Buckets in which nothing is known of a process have no value: a gap is not a zero.
//! The curves of replicas are summed, and of breakers the mean is taken.

use std::{collections::BTreeMap, time::Duration};

use scenario::plan::ArmPlan;

use super::sampler::{Calls, Counts, EVERY, ProcessReadings};

/// A value a bucket; `None` where nothing is known.
pub(super) type Curve = Vec<Option<f64>>;

/// What the processes of an arm counted in one episode, replicas together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counted {
    pub(super) links: Vec<Link>,
    pub(super) processes: Vec<Server>,
    /// By name.
    pub(super) lag: BTreeMap<String, Curve>,
    /// The readings of each process and callee, for the time of the first call that failed.
    pub(super) signs: Vec<Vec<Sign>>,
}

/// The calls of a process to a callee.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Link {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) calls: Curve,
    pub(super) retries: Curve,
    pub(super) hedges: Curve,
    pub(super) rejected: Curve,
    pub(super) failed: Curve,
    pub(super) breaker: Curve,
}

/// The requests to a process.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Server {
    pub(super) process: String,
    pub(super) in_flight: Curve,
    pub(super) shed: Curve,
}

/// Calls that failed or were retried between two readings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sign {
    pub(super) from: Duration,
    pub(super) at: Duration,
    pub(super) calls: f64,
}

impl Link {
    /// Attempts that were sent.
    pub(super) fn sent(&self) -> Curve {
        let sent = |at: usize| {
            let value = |curve: &Curve| curve.get(at).copied().flatten();
            let begun = value(&self.calls)? + value(&self.retries)? + value(&self.hedges)?;
            Some((begun - value(&self.rejected)?).max(0.0))
        };
        (0..self.calls.len()).map(sent).collect()
    }
}

impl Counted {
    /// The curves of one episode of an arm, with so many buckets.
    pub(super) fn of(arm: &ArmPlan, readings: &[ProcessReadings], bucket: Duration, buckets: usize) -> Self {
        let mut counted = Self::default();
        let mut breakers: BTreeMap<(String, String), Vec<Curve>> = BTreeMap::new();
        let grid = Grid { bucket, buckets };
        for process in readings {
            let planned = arm.processes.iter().find(|planned| planned.name == process.process);
            let shape = planned.map_or(process.process.as_str(), |planned| planned.shape);
            let read = Readings::of(process);
            if read.0.iter().all(|reading| reading.counts.is_none()) {
                continue;
            }
            counted.add_server(shape, &read, &grid);
            for callee in read.callees() {
                counted.add_link(shape, &callee, &read, &grid);
                let breaker = read.levels(&grid, |counts| counts.callees.get(&callee)?.breaker);
                breakers.entry((shape.to_owned(), callee)).or_default().push(breaker);
            }
            for name in read.lags() {
                let lag = read.levels(&grid, |counts| counts.lag.get(&name).copied());
                add(counted.lag.entry(name).or_default(), &lag);
            }
        }
        for link in &mut counted.links {
            let of_replicas = breakers.remove(&(link.from.clone(), link.to.clone())).unwrap_or_default();
            link.breaker = mean(&of_replicas);
        }
        // A callee that is never called is none. A file is no callee either, although its statements are counted.
        let is_file = |link: &Link| link.to == "postgres" && !has_postgres(arm);
        let is_called = |link: &Link| link.calls.iter().flatten().any(|calls| *calls > 0.0);
        counted.links.retain(|link| is_called(link) && !is_file(link));
        counted
    }

    fn add_server(&mut self, shape: &str, read: &Readings<'_>, grid: &Grid) {
        let place = self.processes.iter().position(|server| server.process == shape).unwrap_or_else(|| {
            self.processes.push(Server { process: shape.to_owned(), ..Server::default() });
            self.processes.len() - 1
        });
        let server = &mut self.processes[place];
        add(&mut server.in_flight, &read.levels(grid, |counts| Some(counts.in_flight)));
        add(&mut server.shed, &read.growth(grid, |counts| counts.shed));
    }

    fn add_link(&mut self, shape: &str, callee: &str, read: &Readings<'_>, grid: &Grid) {
        let is_it = |link: &Link| link.from == shape && link.to == callee;
        let place = self.links.iter().position(is_it).unwrap_or_else(|| {
            let (from, to) = (shape.to_owned(), callee.to_owned());
            self.links.push(Link { from, to, ..Link::default() });
            self.links.len() - 1
        });
        let link = &mut self.links[place];
        let of = |counts: &Counts| counts.callees.get(callee).copied().unwrap_or_default();
        let fields: [(&mut Curve, Field); 5] = [
            (&mut link.calls, |calls| calls.begun),
            (&mut link.retries, |calls| calls.retries),
            (&mut link.hedges, |calls| calls.hedges),
            (&mut link.rejected, |calls| calls.rejected),
            (&mut link.failed, |calls| calls.failed),
        ];
        for (curve, field) in fields {
            add(curve, &read.growth(grid, |counts| field(&of(counts))));
        }
        self.signs.push(read.signs(|counts| {
            let calls = of(counts);
            calls.failed + calls.retries
        }));
    }
}

/// One of the counters of a callee.
type Field = fn(&Calls) -> f64;

/// The buckets of a curve.
struct Grid {
    bucket: Duration,
    buckets: usize,
}

/// The readings of one process.
struct Readings<'a>(Vec<OneReading<'a>>);

struct OneReading<'a> {
    at: Duration,
    counts: Option<&'a Counts>,
    /// Whether the process was started since the reading before.
    anew: bool,
}

/// The growth of a counter between two readings.
struct Growth {
    from: Duration,
    at: Duration,
    grown: f64,
}

impl<'a> Readings<'a> {
    fn of(process: &'a ProcessReadings) -> Self {
        let mut last: Option<&Counts> = None;
        let reading = |reading: &'a super::sampler::Reading| {
            let counts = reading.counts.as_ref();
            let anew = last.zip(counts).is_some_and(|(last, now)| was_restarted(last, now));
            last = counts.or(last);
            OneReading { at: reading.at, counts, anew }
        };
        Self(process.readings.iter().map(reading).collect())
    }

    fn callees(&self) -> Vec<String> {
        self.names(|counts| counts.callees.keys())
    }

    fn lags(&self) -> Vec<String> {
        self.names(|counts| counts.lag.keys())
    }

    fn names<'b, I: Iterator<Item = &'b String>>(&'b self, of: impl Fn(&'b Counts) -> I) -> Vec<String> {
        let mut names: Vec<String> =
            self.0.iter().filter_map(|one| one.counts).flat_map(of).cloned().collect();
        names.sort();
        names.dedup();
        names
    }

    /// The growth of a counter, step by step.
    fn steps(&self, of: impl Fn(&Counts) -> f64) -> Vec<Growth> {
        let (mut last, mut failed) = (None::<(Duration, f64)>, None);
        let mut steps = Vec::new();
        for reading in &self.0 {
            let Some(counts) = reading.counts else {
                failed = Some(reading.at);
                continue;
            };
            let value = of(counts);
            if let Some((at, before)) = last {
                steps.push(if reading.anew {
                    Growth { from: failed.unwrap_or(at), at: reading.at, grown: value }
                } else {
                    Growth { from: at, at: reading.at, grown: (value - before).max(0.0) }
                });
            }
            (last, failed) = (Some((reading.at, value)), None);
        }
        steps
    }

    fn growth(&self, grid: &Grid, of: impl Fn(&Counts) -> f64) -> Curve {
        let mut curve = vec![None; grid.buckets];
        for Growth { from, at, grown } in self.steps(of) {
            grid.spread(&mut curve, from, at, |share| grown * share);
        }
        curve
    }

    fn signs(&self, of: impl Fn(&Counts) -> f64) -> Vec<Sign> {
        let sign = |Growth { from, at, grown }: Growth| Sign { from, at, calls: grown };
        self.steps(of).into_iter().map(sign).collect()
    }

    /// The mean of a level in each bucket: a level lasts from its reading to the next one.
    fn levels(&self, grid: &Grid, of: impl Fn(&Counts) -> Option<f64>) -> Curve {
        let (mut sum, mut time) = (vec![None; grid.buckets], vec![None; grid.buckets]);
        let nexts = self.0.iter().skip(1).map(Some).chain([None]);
        for (reading, next) in self.0.iter().zip(nexts) {
            let Some(level) = reading.counts.and_then(&of) else { continue };
            // One that is not followed by another does not last: a reading may take a second to fail.
            let answered = next.filter(|next| next.counts.is_some()).map(|next| next.at);
            let failed = next.map_or(Duration::MAX, |next| next.at);
            let end = answered.unwrap_or(failed.min(reading.at + EVERY));
            let length = end.saturating_sub(reading.at).as_secs_f64();
            grid.spread(&mut sum, reading.at, end, |share| level * share * length);
            grid.spread(&mut time, reading.at, end, |share| share * length);
        }
        let mean = |(sum, time): (Option<f64>, Option<f64>)| Some(sum? / time.filter(|time| *time > 0.0)?);
        sum.into_iter().zip(time).map(mean).collect()
    }
}

impl Grid {
    /// Adds to each bucket its share of a stretch of time.
    fn spread(&self, curve: &mut Curve, from: Duration, until: Duration, value: impl Fn(f64) -> f64) {
        let (from, until, bucket) = (from.as_secs_f64(), until.as_secs_f64(), self.bucket.as_secs_f64());
        let first = (from / bucket) as usize;
        for (place, slot) in curve.iter_mut().enumerate().skip(first) {
            let start = place as f64 * bucket;
            if start >= until {
                break;
            }
            let overlap = until.min(start + bucket) - from.max(start);
            if overlap > 0.0 {
                *slot = Some(slot.unwrap_or(0.0) + value(overlap / (until - from)));
            }
        }
    }
}

fn has_postgres(arm: &ArmPlan) -> bool {
    arm.backings.iter().any(|need| need.kind == design::BackingKind::Postgres)
}

/// Whether a process was started between two readings: its start time differs by more than a clock that is set does, or
/// a counter fell.
fn was_restarted(before: &Counts, after: &Counts) -> bool {
    let fell = |(before, after): (f64, f64)| after < before;
    (after.started - before.started).abs() > 2.0
        || before.callees.keys().eq(after.callees.keys()) && before.counters().zip(after.counters()).any(fell)
}

/// Adds a curve to another; a gap in one of them is filled by the other.
pub(super) fn add(sum: &mut Curve, other: &Curve) {
    if sum.is_empty() {
        sum.clone_from(other);
        return;
    }
    for (sum, other) in sum.iter_mut().zip(other) {
        *sum = match (*sum, *other) {
            (Some(sum), Some(other)) => Some(sum + other),
            (one, other) => one.or(other),
        };
    }
}

/// The mean of the curves that have a value, bucket by bucket; empty if none has any.
pub(super) fn mean(curves: &[Curve]) -> Curve {
    let length = curves.iter().map(Vec::len).max().unwrap_or(0);
    let of_bucket = |at: usize| {
        let values: Vec<f64> = curves.iter().filter_map(|curve| curve.get(at).copied().flatten()).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let mean: Curve = (0..length).map(of_bucket).collect();
    if mean.iter().all(Option::is_none) { Vec::new() } else { mean }
}

#[cfg(test)]
mod tests;
