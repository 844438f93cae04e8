use super::*;

const SECOND: Nanos = 1_000_000_000;

/// Ten requests a second.
fn ten_a_second() -> Promise {
    let limit = PolicyLine { requests: 10, window: Duration::from_secs(1) };
    Promise {
        limit,
        at_most: 10,
        in_the_long_run: 10,
        refused_after: 10,
        refused_within: Duration::from_secs(1),
    }
}

/// One request at `at`, with its reply a millisecond later.
fn request(ledger: &LedgerState, at: Nanos, end: End) {
    ledger.asked(0, at);
    ledger.ended(0, at, at + SECOND / 1_000, end);
}

/// Five requests with this end during a freeze of the store; two seconds later five admissions and five
/// refusals.
fn refused_after_a_freeze(end: End) -> LedgerState {
    let ledger = LedgerState::new(1, &[ten_a_second()]);
    (0..5).for_each(|_| request(&ledger, SECOND, end));
    (0..5).for_each(|_| request(&ledger, 3 * SECOND, End::Admitted));
    (0..5).for_each(|_| request(&ledger, 3 * SECOND, End::Refused));
    ledger
}

/// The refusals that were certainly false, and those that certainly break the promise.
fn accused(ledger: &LedgerState) -> (u64, u64) {
    let client = ledger.client(0);
    (client.false_refusals, client.under_bound())
}

#[test]
fn what_was_given_up_on_may_be_counted_when_the_store_goes_on() {
    for end in [End::Unclear, End::Uncounted, End::Unanswered] {
        assert_eq!(accused(&refused_after_a_freeze(end)), (0, 0), "{end:?}");
    }
}

#[test]
fn it_explains_no_refusal_when_it_was_never_sent_or_is_long_past() {
    assert_eq!(accused(&refused_after_a_freeze(End::Unsent)), (5, 5));

    let ledger = refused_after_a_freeze(End::Unclear);
    request(&ledger, 3 * SECOND + 2 * SLOWEST, End::Refused);
    assert_eq!(accused(&ledger), (1, 1));
}
