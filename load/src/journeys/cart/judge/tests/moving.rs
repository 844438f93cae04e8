//! Orders that have not ended, and those that are paid or cancelled and whose goods or money are still on their way.

use super::*;

#[test]
fn an_order_that_nothing_moves_on_is_stuck_and_one_that_waits_for_a_person_is_parked() {
    let open = |evidence: &mut Evidence| order_mut(evidence, 0).status = Status::Placed;
    let stuck = |evidence: &mut Evidence| {
        open(evidence);
        evidence.stuck.insert(order_of(0));
    };
    only(Mix::Shop, stuck, &[(facts::ORDERS_STUCK, 1)]);
    let mut evidence = honest(Mix::Shop);
    open(&mut evidence);
    evidence.parked.insert(order_of(0));
    let verdict = judge(&evidence);
    assert_eq!((verdict.count(facts::ORDERS_PARKED), verdict.count(facts::ORDERS_NOT_SETTLED)), (1, 0));
    assert!(!verdict.is_broken(), "{verdict:?}");
}

#[test]
fn a_paid_or_cancelled_order_that_nothing_moves_on_is_stuck_and_one_that_waits_for_a_person_is_parked() {
    for buyer in [0, CANCELLED] {
        let stuck = |evidence: &mut Evidence| {
            evidence.running.insert(order_of(buyer));
            evidence.stuck.insert(order_of(buyer));
        };
        only(Mix::Shop, stuck, &[(facts::ORDERS_STUCK, 1)]);
        let mut evidence = honest(Mix::Shop);
        evidence.parked.insert(order_of(buyer));
        let verdict = judge(&evidence);
        assert_eq!((verdict.count(facts::ORDERS_PARKED), verdict.is_broken()), (1, false), "{verdict:?}");
    }
}

/// A paid order whose goods are reserved still, and a cancelled one whose goods and money are not back yet.
#[test]
fn what_still_runs_is_named_and_neither_it_nor_its_goods_and_money_are_judged() {
    let unfinished = |evidence: &mut Evidence| {
        let level = evidence.levels.get_mut(&0).unwrap();
        (level.sold, level.reserved, level.left) = (level.sold - 1, 2, level.left - 1);
        charges(evidence).last_mut().unwrap().refunded = 0;
    };
    let mut evidence = honest(Mix::FlashSale);
    unfinished(&mut evidence);
    assert!(judge(&evidence).is_broken(), "nothing runs");
    evidence.running.extend([order_of(0), order_of(CANCELLED), Id(3)]);
    let verdict = judge(&evidence);
    assert_eq!(
        (verdict.count(facts::SAGAS_RUNNING), verdict.complete),
        (2, false),
        "of this run: {verdict:?}"
    );
    assert!(!verdict.is_broken(), "{verdict:?}");
}
