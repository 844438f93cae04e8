//! Claims with known figures, and with every breach that a ledger can report.

use std::time::Duration;

use design::Wiring;
use load::{
    ledger::{Breach, Kept, LedgerVerdict},
    record::RateBasis,
};
use scenario::{plan::ArmPlan, systems};

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

#[test]
fn two_counts_differ_only_when_chance_does_not_explain_it() {
    let judged = |is, a, b| {
        let [[a_low, a_high], [b_low, b_high]] =
            [a, b].map(|count| sum_of_counts(&[count], compare::CONFIDENCE));
        verdict(is, 1.0, a_low, a_high, b_low, b_high)
    };
    assert_eq!(judged(Relation::Higher, 900, 0), ClaimVerdict::Holds);
    assert_eq!(judged(Relation::Higher, 3, 2), ClaimVerdict::CannotTell);
    assert_eq!(judged(Relation::Higher, 400, 900), ClaimVerdict::DoesNotHoldHere);
    assert_eq!(judged(Relation::Higher, 0, 0), ClaimVerdict::DoesNotHoldHere);
    assert_eq!(judged(Relation::Same, 0, 0), ClaimVerdict::Holds);
    assert_eq!(judged(Relation::Same, 40_000, 40_100), ClaimVerdict::Holds);
    assert_eq!(judged(Relation::Same, 40_000, 50_000), ClaimVerdict::DoesNotHoldHere);
}

fn claim(metric: Metric, is: Relation) -> Stated {
    Stated {
        text: String::new(),
        source: String::new(),
        metric,
        arm: String::new(),
        against: None,
        is,
        by_at_least: None,
        than: None,
        expect: Expectation::Holds,
    }
}

#[test]
fn what_is_said_of_latency_is_said_with_the_arms_that_are_saturated() {
    let system = systems::find("shortener").unwrap();
    let arm = |name: &str, answered| {
        let mut arm = ArmData::new(ArmPlan::new(name.to_owned(), Wiring::defaults(system)), &[]);
        let second = Duration::from_secs(1);
        arm.record.basis = RateBasis {
            span: second,
            answered,
            succeeded: answered,
            after_span: 0.0,
            due: 500.0,
            window: second,
            slices: 1,
        };
        arm
    };
    let (fast, slow) = (arm("fast", 500.0), arm("slow", 49.0));
    let told = "; slow was saturated: it completed 49.0 of 500 per second";
    assert_eq!(caveats(&Metric::P99, &slow, &fast), told);
    assert_eq!(caveats(&Metric::P50, &fast, &slow), told);
    assert_eq!(caveats(&Metric::P99, &fast, &fast), "");
    assert_eq!(caveats(&Metric::Cpu, &slow, &fast), "", "what an operation costs does not grow");
}

#[test]
fn what_is_said_of_operations_that_ended_well_is_said_with_how_many_did_not() {
    let system = systems::find("limiter").unwrap();
    let arm = |name: &str, refused: u64| {
        let mut arm = ArmData::new(ArmPlan::new(name.to_owned(), Wiring::defaults(system)), &[]);
        arm.record.succeeded = 5_355 - refused;
        (0..refused).for_each(|_| arm.record.refused.add("unavailable"));
        arm
    };
    let (open, closed) = (arm("open", 0), arm("closed", 1_580));
    let told =
        "; only of operations that ended well: closed refused or failed 1,580 of 5,355, open 0 of 5,355";
    for metric in [Metric::P50, Metric::P99, Metric::Cpu] {
        assert_eq!(caveats(&metric, &closed, &open), told, "{metric:?}");
        assert_eq!(caveats(&metric, &closed, &closed), "", "{metric:?}: of both alike");
    }
    assert_eq!(caveats(&Metric::Memory, &closed, &open), "");
}

/// An arm with this ledger verdict.
fn arm_with(system: &str, ledger: LedgerVerdict) -> ArmData {
    let system = systems::find(system).expect("a system");
    let mut arm = ArmData::new(ArmPlan::new("one".to_owned(), Wiring::defaults(system)), &[]);
    arm.add_ledger(1, ledger);
    arm
}

#[test]
fn claims_and_a_check_judge_by_the_same_books() {
    let verdicts =
        |arm: &ArmData| Breach::ALL.map(|kind| alone(&claim(Metric::Broken(kind), Relation::Zero), arm).0);
    for system in systems::names() {
        let breaches = systems::breaches(system);
        let kept = |complete: bool| {
            let mut ledger = LedgerVerdict { complete, ..LedgerVerdict::default() };
            for breach in &breaches {
                ledger.breach(breach, 0);
            }
            ledger
        };
        assert_eq!(kept(true).kept(), Kept::All);
        assert!(!verdicts(&arm_with(system, kept(true))).contains(&ClaimVerdict::DoesNotHoldHere));
        assert!(!verdicts(&arm_with(system, kept(false))).contains(&ClaimVerdict::Holds), "nothing is sure");
        for breach in &breaches {
            let mut broken = kept(true);
            broken.breach(breach, 1);
            assert_eq!(broken.kept(), Kept::Broken);
            let found = verdicts(&arm_with(system, broken));
            let contradicted = found.iter().filter(|&&verdict| verdict == ClaimVerdict::DoesNotHoldHere);
            assert_eq!(contradicted.count(), 1, "`{breach}` of the {system} contradicts one word: {found:?}");
        }
    }
}

#[test]
fn what_nobody_asked_for_is_not_nought() {
    let arm = arm_with("shortener", LedgerVerdict { complete: true, ..LedgerVerdict::default() });
    let stale = Metric::Fact("stale".to_owned());
    assert!(counted(&stale, &arm).is_none());
    assert_eq!(alone(&claim(stale, Relation::Zero), &arm).0, ClaimVerdict::CannotTell);
}

#[test]
fn what_was_counted_is_a_fact_although_the_generator_was_late() {
    let over = |is| claim(Metric::Ledger("over-admitted".to_owned()), is);
    assert_eq!(Ground::Late.lacks(&over(Relation::AboveZero), Some(687)), None);
    assert_eq!(Ground::Late.lacks(&over(Relation::Zero), Some(0)), None);
    assert_eq!(Ground::Late.lacks(&claim(Metric::Hops, Relation::Zero), Some(0)), None);
    assert_eq!(Ground::Late.lacks(&claim(Metric::Failed, Relation::Zero), Some(0)), None);
    for (metric, found) in [(Metric::P99, None), (Metric::Cpu, None), (Metric::Failed, Some(3))] {
        assert!(Ground::Late.lacks(&claim(metric.clone(), Relation::Higher), found).is_some(), "{metric:?}");
    }
}

#[test]
fn what_did_not_happen_before_a_run_broke_off_may_have_come_later() {
    let lost = |is| claim(Metric::Broken(Breach::Lost), is);
    assert_eq!(Ground::Unfinished.lacks(&lost(Relation::AboveZero), Some(3)), None);
    assert!(Ground::Unfinished.lacks(&lost(Relation::AboveZero), Some(0)).is_some());
    assert!(Ground::Unfinished.lacks(&lost(Relation::Zero), Some(0)).is_some());
    assert!(Ground::Unfinished.lacks(&lost(Relation::Zero), None).is_some());
}
