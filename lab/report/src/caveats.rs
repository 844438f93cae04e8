//! Notes beside figures, against wrong conclusions.
//!
//! Latencies and per-operation figures cover successful operations. If many failed, the figures are those of
//! the others; if an arm was saturated, its latencies are those of a growing queue.

use super::{
    model::{Arm, CauseCount, Comparison, Report},
    words::{count, ms, per_cent, three_digits},
};

/// From this share on, many operations failed. If two arms' shares differ by more than this, their figures
/// cover different operations.
const MANY: f64 = 0.02;

/// The mark of a figure that covers only successful operations while many failed.
pub(super) const OF_THE_OTHERS: &str = " *";
/// The mark of a latency of a saturated arm.
pub(super) const OF_A_QUEUE: &str = " †";

/// The subject of a figure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// The arm as a whole.
    Arm,
    /// A response time.
    Latency,
    /// A mean over successful operations.
    PerOperation,
}

/// The mark of a figure of an arm; empty without a caveat.
pub(super) fn mark(arm: &Arm, about: About) -> &'static str {
    match about {
        About::Latency if arm.saturated => OF_A_QUEUE,
        About::Latency | About::PerOperation if Ended::of(arm).many_badly() => OF_THE_OTHERS,
        About::Arm | About::Latency | About::PerOperation => "",
    }
}

/// The notes for a table of figures: that the run has no verdict, and the meaning of each arm's marks, one
/// sentence each.
pub(super) fn notes(report: &Report) -> Vec<String> {
    let void = (!report.validity.verdict_possible).then(|| {
        "No verdict: what was timed is shown as it was measured, and may say more about the machine than about an arm"
            .to_owned()
    });
    let lacking = report.arms.iter().filter(|arm| arm.operations > 0 && Ended::of(arm).many_badly());
    let others = lacking.map(|arm| {
        format!(
            "* {} of {} operations of {} were refused or failed: its latencies, and what it takes per operation, are those of the others only",
            count(Ended::of(arm).badly),
            count(Ended::of(arm).all),
            arm.label,
        )
    });
    let queues = report.arms.iter().filter_map(|arm| Some(format!("† {}", saturated(report, arm)?)));
    void.into_iter().chain(others).chain(queues).collect()
}

/// The numbers of operations of an arm by their end.
pub struct Ended {
    /// Refused or failed.
    pub badly: u64,
    /// All operations.
    pub all: u64,
}

impl Ended {
    fn of(arm: &Arm) -> Self {
        let sum = |causes: &[CauseCount]| causes.iter().map(|cause| cause.count).sum::<u64>();
        let badly = sum(&arm.refused) + sum(&arm.failed);
        Self { badly, all: arm.operations + badly }
    }

    fn share(&self) -> f64 {
        self.badly as f64 / self.all.max(1) as f64
    }

    fn many_badly(&self) -> bool {
        self.share() > MANY
    }

    /// The note if one arm refused or failed many more operations than the other: then their figures cover
    /// different operations.
    pub fn differ((arm, of_arm): (&str, &Self), (baseline, of_baseline): (&str, &Self)) -> Option<String> {
        ((of_arm.share() - of_baseline.share()).abs() > MANY).then(|| {
            format!(
                "only of operations that ended well: {arm} refused or failed {} of {}, {baseline} {} of {}",
                count(of_arm.badly),
                count(of_arm.all),
                count(of_baseline.badly),
                count(of_baseline.all),
            )
        })
    }
}

/// The note about an arm that answered less than it was offered.
pub(super) fn saturated(report: &Report, arm: &Arm) -> Option<String> {
    let offered = arm.offered_per_s.filter(|_| arm.saturated)?;
    let achieved = three_digits(arm.throughput_per_s);
    let answered = format!(
        "{} completed {achieved} of the {} operations per second that it was offered",
        arm.label,
        three_digits(offered)
    );
    Some(if report.load.faults.is_empty() {
        format!(
            "{answered}: the others waited, in a queue that grew, so its latencies say how long that queue was"
        )
    } else {
        format!("{answered}, the time of the fault included")
    })
}

/// The note about a comparison, if there is one.
pub(super) fn of_comparison(report: &Report, comparison: &Comparison) -> Option<String> {
    let (arm, baseline) = (report.arm(&comparison.arm)?, report.arm(&comparison.baseline)?);
    let first = match comparison.metric.as_str() {
        "cpu" => busy(arm, baseline),
        metric => values(report, metric, arm, baseline),
    };
    let caveats: Vec<String> =
        first.into_iter().chain(meaningless(&comparison.metric, arm, baseline)).collect();
    (!caveats.is_empty()).then(|| caveats.join("; "))
}

/// The reason why the ratio of two arms in a metric is meaningless because of another figure; `None` if it is
/// not.
pub fn meaningless(metric: &str, arm: &Arm, baseline: &Arm) -> Option<String> {
    let others = || {
        Ended::differ((arm.label.as_str(), &Ended::of(arm)), (baseline.label.as_str(), &Ended::of(baseline)))
    };
    let found = match metric {
        "cpu" => [None, others()],
        latency if latency.starts_with('p') => [queues(arm, baseline), others()],
        _ => [None, None],
    };
    let found: Vec<String> = found.into_iter().flatten().collect();
    (!found.is_empty()).then(|| found.join("; "))
}

/// The two figures of a ratio of latencies.
fn values(report: &Report, metric: &str, arm: &Arm, baseline: &Arm) -> Option<String> {
    let of = |arm: &Arm| match metric {
        "p50" => arm.latency_ms.p50,
        "p90" => arm.latency_ms.p90,
        "p99" => arm.latency_ms.p99,
        "p999" => arm.latency_ms.p999,
        _ => None,
    };
    let (of_arm, of_baseline) = (of(arm)?, of(baseline)?);
    let floor = report.validity.generator_floor.as_ref();
    let own = match metric {
        "p50" => floor.and_then(|floor| floor.p50_us),
        "p99" => floor.and_then(|floor| floor.p99_us),
        _ => None,
    };
    // On a machine where waking a process costs more than the system's work, the floor is about as high as a
    // latency.
    let is_part = |us: f64| us / 1_000.0 < of_arm.min(of_baseline);
    let own = own.map(|us| match three_digits(us) {
        own if is_part(us) => format!(", of which {own} µs are the load generator’s own"),
        own => format!(
            "; a server that does nothing took {own} µs in its second after the run, so these two do not show the system’s share"
        ),
    });
    let (of_arm, of_baseline) = (ms(of_arm), ms(of_baseline));
    Some(format!("{of_arm} against {of_baseline} from when each was due{}", own.unwrap_or_default()))
}

/// How busy both arms were, on which the cost of an operation depends.
fn busy(arm: &Arm, baseline: &Arm) -> Option<String> {
    let (of_arm, of_baseline) = (share_of_capacity(arm)?, share_of_capacity(baseline)?);
    let (arm, baseline) = (&arm.label, &baseline.label);
    Some(format!("the load was {of_arm} of the capacity of {arm} and {of_baseline} of that of {baseline}"))
}

/// The load of an arm as a share of its capacity: `3 %`, `at most 3 %`.
pub(super) fn share_of_capacity(arm: &Arm) -> Option<String> {
    let at_most = if arm.capacity?.at_least { "at most " } else { "" };
    Some(format!("{at_most}{}", per_cent(arm.load_of_capacity()? * 100.0)))
}

/// The note that the latencies of a saturated arm grow with the length of the run.
fn queues(arm: &Arm, baseline: &Arm) -> Option<String> {
    let saturated: Vec<&str> =
        [arm, baseline].into_iter().filter(|arm| arm.saturated).map(|arm| arm.label.as_str()).collect();
    (!saturated.is_empty()).then(|| format!("saturated, so that a queue grew: {}", saturated.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{html, markdown, model::GeneratorFloor, terminal};

    #[test]
    fn a_ratio_of_latencies_says_what_it_is_of_and_what_of_it_is_the_generators() {
        let mut report: Report = serde_json::from_str(include_str!("fixtures/placement.json")).unwrap();
        let p50 = report.comparison("microservices", "p50").unwrap().clone();
        assert_eq!(of_comparison(&report, &p50).unwrap(), "0.893 ms against 0.412 ms from when each was due");
        report.validity.generator_floor =
            Some(GeneratorFloor { operations: 1_100, p50_us: Some(25.4), p99_us: Some(81.0) });
        let words =
            "0.893 ms against 0.412 ms from when each was due, of which 25.4 µs are the load generator’s own";
        assert_eq!(of_comparison(&report, &p50).unwrap(), words);
        let mut busy = report.clone();
        busy.validity.generator_floor =
            Some(GeneratorFloor { operations: 1_100, p50_us: Some(412.0), p99_us: Some(900.0) });
        let all_of_it = "0.893 ms against 0.412 ms from when each was due; a server that does nothing took 412 µs in its second after \
                         the run, so these two do not show the system’s share";
        assert_eq!(of_comparison(&busy, &p50).unwrap(), all_of_it);
        let terminal = anstream::adapter::strip_str(&terminal::render(&report)).to_string();
        for form in [terminal, markdown::render(&report), html::render(&report)] {
            let form = form.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(form.contains(words), "{form}");
        }
    }
}
