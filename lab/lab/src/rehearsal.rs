//! A picture (`report::picture`) of a simulation: each arm's pure logic with the arrivals that a run would
//! send.

use std::time::Duration;

use design::Arrivals;
use load::{
    schedule::Schedule,
    sender::{Slice, SlicePlan},
};
use report::{
    picture::{self, Curve, Limit, Picture, Row, Stretch, most_within},
    words::count,
};
use scenario::{
    phases::{Phase, Span, spans},
    plan::{ArmPlan, Plan},
    systems,
};

/// Buckets per window: fine enough for any width of a drawing.
const BUCKETS_A_WINDOW: u32 = 100;

/// The picture of a plan; `None` if its system cannot be simulated, if the mix has no limit on clients, or if
/// the load has no phases.
pub fn picture(plan: &Plan) -> Option<Picture> {
    let rules = plan.scenario.system.rules;
    let line = systems::line(plan.scenario.system.name, &plan.load.mix)?;
    if plan.load.phases.is_empty() {
        return None;
    }
    let limit = Limit { requests: line.requests, window: line.window };
    let at = arrivals(plan);
    let arrivals = Arrivals { requests: limit.requests, window: limit.window, at: &at };
    let rehearsed: Option<Vec<_>> =
        plan.arms.iter().map(|arm| rules.rehearse(&arm.wiring, &arrivals)).collect();
    let rows = plan.arms.iter().enumerate().zip(rehearsed?);
    let drawing = Drawing { limit, length: plan.load.slice, bucket: limit.window / BUCKETS_A_WINDOW };
    Some(Picture {
        title: format!(
            "what the logic alone does with the arrivals of one client, {} in any {} at most (nothing is started)",
            limit.requests,
            picture::duration(limit.window)
        ),
        bucket: drawing.bucket,
        length: drawing.length,
        limit: Some(limit),
        level: None,
        phases: stretches(&plan.load.phases),
        rows: picture::with_something(alike(
            rows.map(|((place, arm), passed)| drawing.row(plan, place, arm, &at, &passed)).collect(),
        )),
    })
}

/// The arrivals of a run's first episode, which are those of every episode.
fn arrivals(plan: &Plan) -> Vec<Duration> {
    let slices = SlicePlan { arms: 1, slice_length: plan.load.slice, rounds: 1, seed: plan.seed };
    let seed = slices.slices().next().map_or(plan.seed, |slice: Slice| slice.seed(plan.seed));
    let load = &plan.load;
    Schedule::new(load.spread(), &load.profile(load.rate), seed, load.slice).collect()
}

/// Phases as named stretches of time.
pub fn stretches(phases: &[Phase]) -> Vec<Stretch> {
    let stretch =
        |span: Span<'_>| Stretch { name: span.name.to_owned(), start: span.start, length: span.length };
    spans(phases).into_iter().map(stretch).collect()
}

/// Merges arms with equal rows into one row.
fn alike(rows: Vec<Row>) -> Vec<Row> {
    match rows.as_slice() {
        [first, others @ ..] if !others.is_empty() && others.iter().all(|row| row.curves == first.curves) => {
            vec![Row {
                name: "every arm".to_owned(),
                sentence: "the logic alone does not tell them apart; a run does".to_owned(),
                ..first.clone()
            }]
        }
        _ => rows,
    }
}

/// The parts that all rows share.
struct Drawing {
    limit: Limit,
    length: Duration,
    bucket: Duration,
}

impl Drawing {
    fn row(
        &self,
        plan: &Plan,
        place: usize,
        arm: &ArmPlan,
        at: &[Duration],
        passed: &[Option<Duration>],
    ) -> Row {
        let mut admitted: Vec<Duration> = passed.iter().flatten().copied().collect();
        admitted.sort_unstable();
        let (mut refused, mut late) = (Vec::new(), Vec::new());
        for (asked, passed) in at.iter().zip(passed) {
            match passed {
                None => refused.push(*asked),
                // A request that passes after the end is drawn at its arrival.
                Some(passed) if self.bucket_of(*passed) >= self.buckets() => late.push(*asked),
                Some(_) => {}
            }
        }
        let most = most_within(&admitted, self.limit.window);
        let requests = self.limit.requests as usize;
        let over = match most.checked_sub(requests) {
            None | Some(0) => "never over the limit".to_owned(),
            Some(over) => format!("{} over the limit", count(over as u64)),
        };
        let after = match late.len() as u64 {
            0 => String::new(),
            late => format!(" ({} of them after the end)", count(late)),
        };
        Row {
            place,
            name: arm.label.clone(),
            sentence: plan.chosen(arm),
            figures: format!(
                "{} admitted{after}, {} refused; most in any {}: {}, {over}",
                count(admitted.len() as u64),
                count(refused.len() as u64),
                picture::duration(self.limit.window),
                count(most as u64),
            ),
            curves: [("admitted", admitted), ("refused", refused), ("late", late)]
                .map(|(name, times)| Curve { name: name.to_owned(), counts: self.counts(&times) })
                .into(),
        }
    }

    fn buckets(&self) -> usize {
        self.length.as_nanos().div_ceil(self.bucket.as_nanos().max(1)) as usize
    }

    fn bucket_of(&self, time: Duration) -> usize {
        (time.as_nanos() / self.bucket.as_nanos().max(1)) as usize
    }

    /// The number of times in each bucket; times after the end are dropped.
    fn counts(&self, times: &[Duration]) -> Vec<f64> {
        let mut counts = vec![0.0; self.buckets()];
        for time in times {
            if let Some(count) = counts.get_mut(self.bucket_of(*time)) {
                *count += 1.0;
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests;
