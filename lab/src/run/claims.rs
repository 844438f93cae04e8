//! What textbooks say, held against this run.

use load::ledger::facts;

use super::{
    compare::{self, Comparisons},
    gathered::{ArmData, Gathered},
};
use crate::{
    report::model::{Claim, ClaimVerdict},
    scenario::{Claim as Stated, Expectation, Metric, Relation},
};

/// The claims of a scenario with this run's verdicts; those about arms that could not be had say so.
pub(super) fn all(
    stated: &[Stated],
    gathered: &Gathered,
    comparisons: &Comparisons,
    verdict_possible: bool,
) -> Vec<Claim> {
    stated
        .iter()
        .map(|stated| {
            let (verdict, because) = judge(stated, gathered, comparisons, verdict_possible);
            Claim {
                text: stated.text.clone(),
                source: Some(stated.source.clone()),
                verdict,
                expected: match stated.expect {
                    Expectation::Holds => ClaimVerdict::Holds,
                    Expectation::DoesNotHold => ClaimVerdict::DoesNotHoldHere,
                },
                because,
            }
        })
        .collect()
}

fn judge(
    stated: &Stated,
    gathered: &Gathered,
    comparisons: &Comparisons,
    verdict_possible: bool,
) -> (ClaimVerdict, String) {
    let arm = |name: &str| gathered.arms.iter().find(|arm| arm.plan.label == name || arm.plan.name == name);
    let Some(subject) = arm(&stated.arm) else {
        return (ClaimVerdict::CannotTell, format!("`{}` is not in this run", stated.arm));
    };
    if !verdict_possible {
        return (ClaimVerdict::CannotTell, "this run has no verdict".to_owned());
    }
    let Some(against) = &stated.against else {
        return alone(stated, subject);
    };
    match arm(against) {
        Some(baseline) => pair(stated, subject, baseline, comparisons),
        None => (ClaimVerdict::CannotTell, format!("`{against}` is not in this run")),
    }
}

/// A count that is zero or is not.
fn alone(stated: &Stated, arm: &ArmData) -> (ClaimVerdict, String) {
    let label = &arm.plan.label;
    let name = stated.metric.name();
    let ledger = |fact: &str| arm.ledger.as_ref().map(|ledger| (ledger.count(fact), ledger.complete));
    let counted = match stated.metric {
        Metric::Failed => Some((arm.record.failed.total(), true)),
        Metric::Hops => Some((arm.counters[0] as u64, true)),
        Metric::Lost => ledger("lost").map(|(links, complete)| {
            let clicks = ledger("clicks-lost").map_or(0, |(clicks, _)| clicks);
            (links + clicks, complete)
        }),
        Metric::Duplicated | Metric::Wrong => ledger(name),
        // Only a check that deleted something can say.
        Metric::Stale | Metric::StaleForLong => {
            ledger(facts::DELETED).filter(|(deleted, _)| *deleted > 0).and_then(|_| ledger(name))
        }
        _ => None,
    };
    let Some((count, complete)) = counted else {
        return (ClaimVerdict::CannotTell, format!("{label}: nothing counts `{name}`"));
    };
    let because = format!("{label}: {count} {name}");
    let holds = match stated.is {
        Relation::AboveZero => count > 0,
        _ => count == 0,
    };
    match (holds, complete || count > 0) {
        (true, true) => (ClaimVerdict::Holds, because),
        (false, true) => (ClaimVerdict::DoesNotHoldHere, because),
        (_, false) => (ClaimVerdict::CannotTell, format!("{because}, but not everything could be asked")),
    }
}

fn pair(
    stated: &Stated,
    arm: &ArmData,
    baseline: &ArmData,
    comparisons: &Comparisons,
) -> (ClaimVerdict, String) {
    let factor = stated.by_at_least.unwrap_or(1.0);
    let exact = |of: fn(&ArmData) -> f64| {
        let (a, b) = (of(arm), of(baseline));
        let because = format!("{}: {a:.2}, {}: {b:.2}", arm.plan.label, baseline.plan.label);
        (verdict(stated.is, factor, a, a, b, b), because)
    };
    match stated.metric {
        Metric::Memory => exact(compare::resident),
        Metric::Hops => exact(compare::hops),
        Metric::Sql => exact(compare::sql),
        _ => estimated(stated, factor, arm, baseline, comparisons),
    }
}

/// A metric with an interval, in whichever direction the run compared the two.
fn estimated(
    stated: &Stated,
    factor: f64,
    arm: &ArmData,
    baseline: &ArmData,
    comparisons: &Comparisons,
) -> (ClaimVerdict, String) {
    let (a, b) = (&arm.plan.label, &baseline.plan.label);
    let metric = stated.metric.name();
    let find = |a: &str, b: &str| {
        let same =
            |c: &&crate::report::model::Comparison| c.metric == metric && c.arm == a && c.baseline == b;
        comparisons.list.iter().chain(&comparisons.for_claims).find(same)
    };
    let compared = find(a, b).and_then(|c| Some((c, c.interval?, false)));
    let Some((comparison, interval, turned)) =
        compared.or_else(|| find(b, a).and_then(|c| Some((c, c.interval?, true))))
    else {
        return (ClaimVerdict::CannotTell, format!("{a} and {b} were not compared in {metric}"));
    };
    let (low, high) =
        if turned { (1.0 / interval.high, 1.0 / interval.low) } else { (interval.low, interval.high) };
    (verdict(stated.is, factor, low, high, 1.0, 1.0), comparison.sentence.clone())
}

/// Whether `a` in `[low, high]` stands to `b` as stated; factors below tell how far at least.
fn verdict(is: Relation, factor: f64, low: f64, high: f64, b_low: f64, b_high: f64) -> ClaimVerdict {
    let margin = 1.0 + load::statistics::EQUIVALENCE_MARGIN;
    let (certainly, certainly_not) = match is {
        Relation::Higher => (low > b_high * factor, high < b_low * factor || high <= b_low),
        Relation::Lower => (high * factor < b_low, low * factor > b_high || low >= b_high),
        _ => {
            (low >= b_high / margin && high <= b_low * margin, high < b_low / margin || low > b_high * margin)
        }
    };
    match (certainly, certainly_not) {
        (true, _) => ClaimVerdict::Holds,
        (_, true) => ClaimVerdict::DoesNotHoldHere,
        _ => ClaimVerdict::CannotTell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_holds_only_when_the_whole_interval_says_so() {
        assert_eq!(verdict(Relation::Higher, 1.5, 1.6, 1.9, 1.0, 1.0), ClaimVerdict::Holds);
        assert_eq!(verdict(Relation::Higher, 1.5, 1.4, 1.9, 1.0, 1.0), ClaimVerdict::CannotTell);
        assert_eq!(verdict(Relation::Higher, 1.5, 1.1, 1.4, 1.0, 1.0), ClaimVerdict::DoesNotHoldHere);
        assert_eq!(verdict(Relation::Lower, 2.0, 0.3, 0.4, 1.0, 1.0), ClaimVerdict::Holds);
        assert_eq!(verdict(Relation::Lower, 1.0, 1.01, 1.2, 1.0, 1.0), ClaimVerdict::DoesNotHoldHere);
        assert_eq!(verdict(Relation::Same, 1.0, 0.98, 1.03, 1.0, 1.0), ClaimVerdict::Holds);
        assert_eq!(verdict(Relation::Same, 1.0, 0.9, 1.03, 1.0, 1.0), ClaimVerdict::CannotTell);
        assert_eq!(verdict(Relation::Same, 1.0, 1.2, 1.3, 1.0, 1.0), ClaimVerdict::DoesNotHoldHere);
    }
}
