//! By how much calls multiply on their way, because they are sent again.
//!
//! Attempts and calls are both counted from the beginning of a disturbance. A second by itself would have the retries of the
//! calls before it: where a call is sent three times, some second has more than three attempts for each of its calls.

use std::{collections::BTreeMap, time::Duration};

use scenario::plan::ArmPlan;

use super::{
    super::{buckets, readings::Counted},
    BIN,
};

/// The shortest time over which attempts are compared with calls, in bins: a second.
const WINDOW: usize = 10;
/// A link needs so much of the calls that it had before in a second: of few calls any ratio can come.
const ENOUGH: f64 = 0.5;

/// The links between the processes of an arm, as every path from the edge.
pub(super) struct Paths {
    links: Vec<Sums>,
    /// Each path as indices of links, the first at a process that users call.
    all: Vec<Vec<usize>>,
    bins: usize,
}

/// The calls and attempts of one link up to each bin.
struct Sums {
    calls: Vec<f64>,
    sent: Vec<f64>,
    /// The calls in a window before any disturbance; in all of the episode if there is none.
    usual: f64,
}

impl Paths {
    /// The paths of an arm through its processes, in an episode that was undisturbed for a time, if it was disturbed.
    pub(super) fn of(arm: &ArmPlan, counted: &Counted, undisturbed: Option<Duration>) -> Self {
        let bins = counted.links.iter().map(|link| link.calls.len()).max().unwrap_or(0);
        let before = undisturbed.map_or(bins, |until| buckets(until, BIN)).min(bins);
        let links = counted.links.iter().map(|link| {
            let (calls, sent) = (up_to_each(&link.calls), up_to_each(&link.sent()));
            let usual = calls[before] / before.max(1) as f64 * WINDOW as f64;
            Sums { calls, sent, usual }
        });
        let links = links.collect();
        let ends: Vec<(&str, &str)> =
            counted.links.iter().map(|link| (link.from.as_str(), link.to.as_str())).collect();
        Self { links, all: paths(arm, &ends), bins }
    }

    /// The highest amplification of any path from `from` on, up to any bin at least a second later; `None` if there are too
    /// few calls throughout.
    pub(super) fn highest(&self, from: Duration, until: Duration) -> Option<f64> {
        let (first, last) = (buckets(from, BIN), buckets(until, BIN).min(self.bins));
        // A time that is shorter has the second that begins with it.
        let ends = (first + WINDOW)..=last.max((first + WINDOW).min(self.bins));
        let up_to = |end: usize| {
            self.all.iter().filter_map(move |path| {
                let of_link = |link: &usize| self.links[*link].amplification(first, end);
                path.iter().map(of_link).product::<Option<f64>>()
            })
        };
        ends.flat_map(up_to).max_by(f64::total_cmp)
    }
}

impl Sums {
    /// Attempts by calls between two bins.
    fn amplification(&self, first: usize, end: usize) -> Option<f64> {
        let within = |sums: &[f64]| Some(sums.get(end)? - sums.get(first)?);
        let (calls, sent) = (within(&self.calls)?, within(&self.sent)?);
        (calls > 0.0 && calls >= ENOUGH * self.usual).then(|| sent / calls)
    }
}

/// The sum of all values before each bin, and of all; a gap adds nothing.
fn up_to_each(curve: &[Option<f64>]) -> Vec<f64> {
    let mut sum = 0.0;
    let mut sums = vec![0.0];
    sums.extend(curve.iter().map(|value| {
        sum += value.unwrap_or(0.0);
        sum
    }));
    sums
}

/// All paths along links from the processes that users call, each once through a process.
fn paths(arm: &ArmPlan, links: &[(&str, &str)]) -> Vec<Vec<usize>> {
    let hosts: BTreeMap<&str, &str> = arm
        .processes
        .iter()
        .flat_map(|process| process.components.iter().map(|component| (*component, process.shape)))
        .collect();
    let mut open: Vec<_> = arm.public().map(|process| (process.shape, Vec::new())).collect();
    let mut found = Vec::new();
    while let Some((process, path)) = open.pop() {
        for (place, (from, to)) in links.iter().enumerate() {
            let is_new = !path.iter().any(|before: &usize| links[*before].0 == *from);
            if *from != process || !is_new {
                continue;
            }
            let longer: Vec<usize> = path.iter().copied().chain([place]).collect();
            if let Some(host) = hosts.get(to) {
                open.push((host, longer.clone()));
            }
            found.push(longer);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use scenario::systems;

    use super::{super::super::readings::Link, *};

    fn arm() -> ArmPlan {
        let system = systems::find("shortener").expect("the shortener");
        let mut wiring = design::Wiring::defaults(system);
        wiring.set("placement", "microservices").expect("a placement");
        ArmPlan::new("services".to_owned(), wiring)
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A link with so many calls and retries in each of 40 bins, from each bin on.
    fn link(from: &str, to: &str, steps: &[(usize, f64, f64)]) -> Link {
        let of = |value: fn(&(usize, f64, f64)) -> f64| {
            (0..40).map(|bin| steps.iter().rev().find(|step| step.0 <= bin).map(value)).collect::<Vec<_>>()
        };
        Link {
            from: from.to_owned(),
            to: to.to_owned(),
            calls: of(|step| step.1),
            retries: of(|step| step.2),
            hedges: vec![Some(0.0); 40],
            rejected: vec![Some(0.0); 40],
            ..Link::default()
        }
    }

    #[track_caller]
    fn highest(links: Vec<Link>, from: u64, until: u64) -> Option<f64> {
        let counted = Counted { links, ..Counted::default() };
        Paths::of(&arm(), &counted, Some(ms(1_000))).highest(ms(from), ms(until))
    }

    fn is(found: Option<f64>, expected: f64) {
        assert!(found.is_some_and(|found| (found - expected).abs() < 1e-9), "{found:?} {expected}");
    }

    #[test]
    fn retries_at_each_level_multiply() {
        let upper = || link("gateway", "links", &[(0, 10.0, 0.0), (10, 10.0, 20.0), (25, 10.0, 0.0)]);
        let lower = || link("links", "clicks", &[(0, 10.0, 0.0), (10, 30.0, 60.0), (25, 10.0, 0.0)]);
        is(highest(vec![upper()], 1_000, 4_000), 3.0);
        is(highest(vec![lower(), upper()], 1_000, 4_000), 9.0);
        is(highest(vec![upper()], 0, 1_000), 1.0);
        // What the edge does not reach is on no path.
        assert_eq!(highest(vec![lower()], 1_000, 4_000), None);
    }

    #[test]
    fn of_few_calls_no_ratio_is_taken_and_of_short_times_the_second_that_begins_with_them() {
        // All but a tenth of the calls cease, and what was begun before is still sent again.
        let fading = link("gateway", "links", &[(0, 10.0, 0.0), (20, 1.0, 20.0)]);
        assert_eq!(highest(vec![fading], 3_000, 4_000), None);
        let short = link("gateway", "links", &[(0, 10.0, 0.0), (20, 10.0, 10.0)]);
        is(highest(vec![short], 2_000, 2_100), 2.0);
        let at_the_end = link("gateway", "links", &[(0, 10.0, 0.0)]);
        assert_eq!(highest(vec![at_the_end], 3_500, 4_000), None, "less than a second");
    }

    #[test]
    fn a_call_that_is_sent_three_times_never_counts_as_more_whenever_its_retries_come() {
        // The calls of each second are sent again a second later, and two; the rate goes down as they are.
        let steps = [(0, 10.0, 0.0), (10, 20.0, 0.0), (20, 10.0, 20.0), (30, 5.0, 30.0)];
        let slow = link("gateway", "links", &steps);
        let found = highest(vec![slow], 1_000, 4_000);
        // 350 calls and 500 retries.
        is(found, 850.0 / 350.0);
    }

    #[test]
    fn calls_that_are_rejected_are_not_sent() {
        let mut open = link("gateway", "links", &[(0, 10.0, 0.0)]);
        open.rejected = vec![Some(9.0); 40];
        is(highest(vec![open], 2_000, 4_000), 0.1);
    }
}
