//! Links that end within a run, against a correct shortener, and against shorteners that end them wrongly.

use std::time::Duration;

use load::{
    journeys::{
        Check,
        shortener::{self, facts},
    },
    ledger::{Kept, LedgerVerdict},
};

use crate::support::{
    limits,
    shortener::{Fake, Misdeed, options, sender_of},
};

/// The number of links of each kind.
const EACH: u64 = 16;

/// How long a cache may hold a deleted link in these tests.
const CACHED_FOR: Duration = Duration::from_secs(6);

/// The verdict on a shortener with these misdeeds: one during the preparation, one after it.
fn verdict(before: Misdeed, after: Misdeed, patience: Duration) -> LedgerVerdict {
    let fake = Fake::start();
    fake.behave(before);
    let cached_for = CACHED_FOR.as_millis().to_string();
    let options = options("follow-only").with(&shortener::CACHED_FOR, cached_for);
    let mut sender = sender_of(&fake, &options, &limits(4));
    sender.prepare(0, &mut |_| true).unwrap();
    fake.behave(after);
    sender.check(0, &Check { patience, ..Check::default() })
}

fn of(misdeed: Misdeed) -> LedgerVerdict {
    verdict(misdeed, misdeed, Duration::ZERO)
}

/// The broken promises, with their counts.
fn broken(verdict: &LedgerVerdict) -> Vec<(&str, u64)> {
    let broken = verdict.facts.iter().filter(|fact| fact.breach && fact.count > 0);
    broken.map(|fact| (fact.name.as_str(), fact.count)).collect()
}

/// The findings about ends: early, expired and served, deleted and served.
fn ends(verdict: &LedgerVerdict) -> [u64; 3] {
    ["ended-early", "expired-served", "deleted-served"].map(|fact| verdict.count(fact))
}

#[test]
fn links_that_end_in_time_break_nothing_whatever_clock_they_end_by() {
    for misdeed in [Misdeed::None, Misdeed::ExpiresByTwoClocks] {
        let verdict = of(misdeed);
        assert!(verdict.holds(), "{misdeed:?}: {verdict:?}");
        assert_eq!((verdict.count("ended"), ends(&verdict)), (2 * EACH, [0, 0, 0]), "{misdeed:?}");
    }
}

#[test]
fn an_expired_link_that_still_redirects_breaks_a_promise() {
    for misdeed in [Misdeed::IgnoresExpiry, Misdeed::RedirectsExpired] {
        let verdict = of(misdeed);
        assert_eq!(broken(&verdict), [(facts::EXPIRED_SERVED, EACH)], "{misdeed:?}: {verdict:?}");
        assert!(verdict.is_broken() && !verdict.examples.is_empty(), "{verdict:?}");
    }
}

#[test]
fn a_link_that_is_gone_before_its_end_breaks_a_promise() {
    let verdict = verdict(Misdeed::ExpiresAtOnce, Misdeed::None, Duration::ZERO);
    assert_eq!(broken(&verdict), [(facts::ENDED_EARLY, EACH)], "{verdict:?}");
    assert!(verdict.is_broken());
}

#[test]
fn a_deleted_link_breaks_a_promise_only_when_no_cache_can_have_it_any_more() {
    let early = verdict(Misdeed::NeverDeletes, Misdeed::NeverDeletes, Duration::ZERO);
    assert!(!early.is_broken() && ends(&early) == [0, 0, 0], "{early:?}");
    assert_eq!(early.count(facts::DELETED_NOT_SETTLED), EACH, "{early:?}");
    assert_eq!((early.kept(), early.is_settled()), (Kept::NotSettled, false), "{early:?}");
    assert!(early.examples.iter().any(|example| example.starts_with("not settled")), "{early:?}");
    let late = verdict(Misdeed::DeletesLate, Misdeed::None, CACHED_FOR * 2);
    assert!(late.holds() && ends(&late) == [0, 0, 0], "{late:?}");
    assert_eq!(late.count(facts::DELETED_NOT_SETTLED), 0, "{late:?}");
    let never = verdict(Misdeed::NeverDeletes, Misdeed::NeverDeletes, CACHED_FOR * 2);
    assert_eq!(broken(&never), [(facts::DELETED_SERVED, EACH)], "{never:?}");
    assert!(never.is_broken());
}

#[test]
fn clicks_that_stay_with_a_code_break_a_promise() {
    let verdict = of(Misdeed::InheritsClicks);
    assert_eq!((verdict.count("clicks-inherited"), ends(&verdict)), (2, [0, 0, 0]), "{verdict:?}");
    assert!(verdict.is_broken() && verdict.examples.len() == 1, "{verdict:?}");
    assert_eq!(of(Misdeed::None).count("clicks-inherited"), 0);
}

#[test]
fn clicks_of_a_code_given_again_that_nobody_could_ask_for_leave_the_ledger_incomplete() {
    let verdict = verdict(Misdeed::None, Misdeed::HidesLinksGivenAgain, Duration::ZERO);
    assert!(!verdict.complete && !verdict.is_broken(), "{verdict:?}");
    assert_eq!(verdict.kept(), Kept::NotAllAsked, "{verdict:?}");
}

#[test]
fn what_was_not_acknowledged_while_it_was_prepared_is_not_kept() {
    let prepared_by = |misdeed| verdict(misdeed, Misdeed::None, Duration::ZERO);
    // Failed creates and deletes leave nothing that could end; the reused code needs a delete as well.
    for (misdeed, again) in [
        (Misdeed::RefusesSomeExpiry, 0),
        (Misdeed::FailsSomeDeletes, 1),
        (Misdeed::FailsDeletes, 1),
        (Misdeed::RefusesAliases, 1),
    ] {
        let verdict = prepared_by(misdeed);
        let never_ended = 2 * EACH - verdict.count("ended");
        assert_eq!(verdict.count("not-asked"), never_ended + again, "{misdeed:?}: {verdict:?}");
        assert!(never_ended + again > 0, "{misdeed:?}");
        assert_eq!(verdict.kept(), Kept::NotAllAsked, "{misdeed:?}: {verdict:?}");
    }
    assert_eq!(prepared_by(Misdeed::FailsDeletes).count("ended"), EACH);
}

#[test]
fn links_that_cannot_be_given_an_end_leave_the_ledger_incomplete() {
    let verdict = of(Misdeed::RefusesExpiry);
    assert!(!verdict.complete && !verdict.is_broken(), "{verdict:?}");
    assert!(verdict.examples.iter().any(|example| example.contains("could not be made")), "{verdict:?}");
}
