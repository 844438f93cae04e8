//! The shortener's journeys and ledger against a correct fake, and against each of its misdeeds.

use std::{sync::atomic::Ordering, time::Duration};

use load::{
    journeys::{
        Check, JourneyOptions, SystemUnderTest, for_system,
        shortener::{DELETES, facts},
        systems,
    },
    ledger::{Kept, LedgerVerdict},
    record::SliceRecord,
    sender::{Load, Sender, SlicePlan},
};

use crate::support::{
    Records, breaches, hasty, limits,
    shortener::{Fake, LINKS, Misdeed, options, sender_of},
    system,
};

/// Prepares without a misdeed, runs a short load with one, and checks without.
fn run(mix: &str, misdeed: Misdeed) -> (SliceRecord, LedgerVerdict) {
    run_and_check(mix, misdeed, Check::default().deadline)
}

/// A sender of one arm, with a time-out that a busy machine does not reach.
fn sender(fake: &Fake, mix: &str) -> Sender {
    sender_of(fake, &options(mix), &limits(4))
}

fn run_and_check(mix: &str, misdeed: Misdeed, deadline: Duration) -> (SliceRecord, LedgerVerdict) {
    let fake = Fake::start();
    run_on(&fake, mix, misdeed, deadline)
}

fn run_on(fake: &Fake, mix: &str, misdeed: Misdeed, deadline: Duration) -> (SliceRecord, LedgerVerdict) {
    let is_silent = [Misdeed::StoresInSilence, Misdeed::ForgetsInSilence].contains(&misdeed);
    let limits = if is_silent { hasty(4) } else { limits(4) };
    let mut sender = sender_of(fake, &options(mix), &limits);
    sender.prepare(0, &mut |_| true).unwrap();
    fake.behave(misdeed);
    let record = drive(&mut sender);
    fake.behave(Misdeed::None);
    let check = Check { settle: Duration::from_millis(400), deadline, ..Check::default() };
    (record, sender.check(0, &check))
}

fn drive(sender: &mut Sender) -> SliceRecord {
    let plan = SlicePlan { arms: 1, slice_length: Duration::from_millis(300), rounds: 1, seed: 1 };
    let mut records = Records::default();
    sender.run(&plan, &Load::Closed { in_flight: 4 }, &mut records).unwrap();
    records.0.pop().unwrap().1
}

#[test]
fn an_honest_shortener_holds_what_it_acknowledged() {
    let (record, verdict) = run("follow-mostly", Misdeed::None);
    assert!(verdict.holds(), "{verdict:?}");
    assert_eq!(breaches(&verdict), system("shortener").breaches().collect());
    assert_eq!(record.succeeded, record.sent);
    assert_eq!(record.by_kind.iter().map(|kind| kind.succeeded).sum::<u64>(), record.succeeded);
    let creates = record.by_kind.iter().find(|kind| kind.kind == "create").unwrap().succeeded;
    assert_eq!(verdict.count(facts::ACKNOWLEDGED), LINKS as u64 + creates);
    assert_eq!(verdict.count("clicks-counted"), record.succeeded - creates);
    assert_eq!(verdict.count("clicks-expected-low"), verdict.count("clicks-expected-high"));
}

#[test]
fn a_redirect_to_another_target_is_a_failure_and_a_breach() {
    let (record, verdict) = run("follow-only", Misdeed::WrongTarget);
    assert!(record.failed.get("wrong-answer") > 0);
    assert_eq!(verdict.count("wrong-when-followed"), record.failed.get("wrong-answer"));
    assert!(!verdict.holds());
}

#[test]
fn a_link_that_is_gone_when_it_is_followed_is_missing() {
    let (record, verdict) = run("follow-only", Misdeed::MissesLinks);
    assert!(record.failed.get("missing") > 0);
    assert_eq!(verdict.count("missing-when-followed"), record.failed.get("missing"));
    assert_eq!(verdict.count(facts::LOST), 0, "it is there again");
    assert!(verdict.is_broken());
}

#[test]
fn a_link_that_was_acknowledged_and_not_stored_is_lost() {
    let (record, verdict) = run("create-only", Misdeed::LosesLinks);
    assert_eq!(record.failed.total(), 0, "the loss cannot be seen while it happens");
    let creates = record.succeeded;
    assert!(verdict.count(facts::LOST).abs_diff(creates / 10) <= 1, "{verdict:?}");
    assert!(!verdict.holds() && !verdict.examples.is_empty());
}

#[test]
fn a_click_that_is_counted_twice_is_invented() {
    let (record, verdict) = run("follow-only", Misdeed::DoublesClicks);
    assert!(verdict.count("clicks-invented").abs_diff(record.succeeded / 10) <= 1, "{verdict:?}");
    assert!(!verdict.holds());
}

#[test]
fn a_click_that_is_not_counted_is_lost() {
    let (record, verdict) = run("hot-key", Misdeed::LosesClicks);
    assert!(verdict.count("clicks-lost").abs_diff(record.succeeded / 10) <= 1, "{verdict:?}");
    assert_eq!(verdict.count("clicks-invented"), 0);
}

#[test]
fn a_click_that_is_not_counted_is_lost_however_long_it_takes_to_look() {
    let (record, verdict) = run_and_check("hot-key", Misdeed::LosesClicks, Duration::ZERO);
    assert!(verdict.count("clicks-lost").abs_diff(record.succeeded / 10) <= 1, "{verdict:?}");
    assert!(verdict.complete && verdict.is_broken(), "{verdict:?}");
}

#[test]
fn clicks_that_stand_still_while_they_are_on_their_way_are_waited_for() {
    let (record, verdict) = run("hot-key", Misdeed::HoldsClicks);
    assert_eq!(verdict.count("clicks-counted"), record.succeeded, "{verdict:?}");
    assert!(verdict.holds() && verdict.is_settled(), "{verdict:?}");
}

#[test]
fn a_click_that_is_still_on_its_way_at_the_deadline_is_not_lost_and_not_found() {
    let late =
        [Misdeed::CountsLate, Misdeed::CountsLateUntold, Misdeed::HoldsClicksForGood, Misdeed::HidesClicks];
    for misdeed in late {
        let (record, verdict) = run_and_check("hot-key", misdeed, Duration::from_secs(1));
        let (counted, not_settled) =
            (verdict.count("clicks-counted"), verdict.count(facts::CLICKS_NOT_SETTLED));
        assert!(counted < record.succeeded, "{misdeed:?}: {verdict:?}");
        assert_eq!(counted + not_settled, record.succeeded, "{misdeed:?}: {verdict:?}");
        assert_eq!((verdict.count("clicks-lost"), verdict.count("clicks-invented")), (0, 0), "{misdeed:?}");
        assert!(!verdict.complete && !verdict.is_broken() && !verdict.is_settled(), "{misdeed:?}");
        assert!(verdict.examples.iter().any(|example| example.starts_with("not settled")), "{verdict:?}");
    }
}

#[test]
fn a_click_that_is_not_even_on_its_way_is_lost_though_others_are() {
    let (record, verdict) = run_and_check("hot-key", Misdeed::HoldsAndLosesClicks, Duration::from_secs(1));
    assert_eq!(verdict.count("clicks-lost"), record.succeeded / 2, "{verdict:?}");
    assert_eq!(verdict.count(facts::CLICKS_NOT_SETTLED), record.succeeded.div_ceil(2), "{verdict:?}");
    assert!(verdict.is_broken());
}

/// Runs a load with one misdeed, and checks with another.
fn asked_in_vain(driven: Misdeed, checked: Misdeed) -> (SliceRecord, LedgerVerdict) {
    let fake = Fake::start();
    let mut sender = sender(&fake, "follow-only");
    sender.prepare(0, &mut |_| true).unwrap();
    fake.behave(driven);
    let record = drive(&mut sender);
    fake.behave(checked);
    let check = Check {
        settle: Duration::from_millis(400),
        deadline: Duration::from_secs(1),
        patience: Duration::ZERO,
        ..Check::default()
    };
    (record, sender.check(0, &check))
}

#[test]
fn clicks_of_a_link_that_nobody_could_ask_for_are_not_lost() {
    for misdeed in [Misdeed::FailsLookUps, Misdeed::DropsLookUps] {
        let (_, verdict) = asked_in_vain(Misdeed::None, misdeed);
        assert_eq!(verdict.count("clicks-lost"), 0, "{misdeed:?}: {verdict:?}");
        assert_eq!(verdict.count(facts::CLICKS_NOT_SETTLED), 0, "{misdeed:?}: {verdict:?}");
        assert_eq!(verdict.kept(), Kept::NothingAsked, "{misdeed:?}: {verdict:?}");
        assert!(!verdict.complete && verdict.count(facts::NOT_ASKED) > 0, "{misdeed:?}: {verdict:?}");
    }
    let (record, verdict) = asked_in_vain(Misdeed::None, Misdeed::FailsSomeLookUps);
    let counted = verdict.count("clicks-counted");
    assert!(counted > 0 && counted < record.succeeded, "{verdict:?}");
    assert_eq!(verdict.count("clicks-expected-low"), counted, "only what was read is compared: {verdict:?}");
    assert_eq!((verdict.kept(), verdict.count("clicks-lost")), (Kept::NotAllAsked, 0), "{verdict:?}");
}

#[test]
fn clicks_of_links_that_could_be_asked_for_are_lost_though_others_could_not() {
    let (_, verdict) = asked_in_vain(Misdeed::LosesClicks, Misdeed::FailsSomeLookUps);
    let missing = verdict.count("clicks-expected-low") - verdict.count("clicks-counted");
    assert!(missing > 0 && verdict.count("clicks-lost") == missing, "{verdict:?}");
    assert_eq!((verdict.kept(), verdict.complete), (Kept::Broken, false));
}

#[test]
fn what_is_on_its_way_does_not_hide_what_nobody_could_ask_for() {
    let (_, verdict) = asked_in_vain(Misdeed::HoldsClicksForGood, Misdeed::FailsSomeLookUps);
    assert!(verdict.count(facts::CLICKS_NOT_SETTLED) > 0, "{verdict:?}");
    assert_eq!(verdict.kept(), Kept::NotAllAsked, "{verdict:?}");
}

/// A sender whose check deletes so many links.
fn deleting(fake: &Fake, links: usize) -> Sender {
    sender_of(fake, &options("follow-only").with(&DELETES, links.to_string()), &limits(4))
}

#[test]
fn a_link_whose_delete_was_not_acknowledged_is_not_stale() {
    let fake = Fake::start();
    let mut sender = deleting(&fake, LINKS);
    sender.prepare(0, &mut |_| true).unwrap();
    fake.behave(Misdeed::FailsSomeDeletes);
    let verdict = sender.check(0, &Check::default());
    let deleted = verdict.count(facts::DELETED);
    assert!(deleted > 0 && deleted < LINKS as u64, "{verdict:?}");
    assert_eq!((verdict.count(facts::STALE), verdict.count(facts::STALE_FOR_LONG)), (0, 0), "{verdict:?}");
    assert_eq!(verdict.kept(), Kept::NotAllAsked, "{verdict:?}");
}

#[test]
fn a_code_that_is_handed_out_twice_is_a_duplicate_and_a_wrong_link() {
    let (_, verdict) = run("create-only", Misdeed::ReusesCodes);
    assert!(verdict.count(facts::DUPLICATED) > 0);
    assert_eq!(verdict.count(facts::DUPLICATED), verdict.count(facts::WRONG));
}

#[test]
fn a_follow_that_was_sent_twice_may_have_been_counted_twice() {
    let (record, verdict) = run("follow-only", Misdeed::HangsUp);
    assert!(record.resent > 0 && record.failed.total() == 0, "{:?}", record.failed);
    assert_eq!(verdict.count("clicks-counted"), record.succeeded + record.resent);
    assert!(verdict.holds(), "{verdict:?}");
}

#[test]
fn a_create_that_was_stored_and_not_answered_is_indeterminate_and_present() {
    let (record, verdict) = run("create-only", Misdeed::StoresInSilence);
    assert!(record.indeterminate > 0);
    assert_eq!(record.indeterminate, record.failed.get("timeout"));
    assert_eq!(verdict.count(facts::INDETERMINATE_PRESENT), record.indeterminate);
    assert_eq!(verdict.count(facts::INDETERMINATE_ABSENT), 0);
    assert!(verdict.holds(), "an operation of unknown fate breaks no promise: {verdict:?}");
}

#[test]
fn a_create_that_was_neither_stored_nor_answered_is_indeterminate_and_absent() {
    let fake = Fake::start();
    let (record, verdict) =
        run_on(&fake, "create-only", Misdeed::ForgetsInSilence, Check::default().deadline);
    // On a busy machine the reply to another one may have been late as well.
    let forgotten = fake.forgotten.load(Ordering::Relaxed);
    assert!(forgotten > 0 && record.indeterminate >= forgotten);
    assert_eq!(verdict.count(facts::INDETERMINATE_ABSENT), forgotten);
    assert_eq!(verdict.count(facts::INDETERMINATE_PRESENT), record.indeterminate - forgotten);
    assert!(verdict.holds(), "{verdict:?}");
}

#[test]
fn a_create_without_an_answer_that_nobody_can_date_is_neither_present_nor_absent() {
    let fake = Fake::start();
    let mut sender = sender_of(&fake, &options("create-only"), &hasty(4));
    sender.prepare(0, &mut |_| true).unwrap();
    fake.behave(Misdeed::StoresInSilence);
    assert!(drive(&mut sender).indeterminate > 0);
    fake.behave(Misdeed::FailsMarker);
    let verdict = sender.check(0, &Check::default());
    let found = [facts::INDETERMINATE_PRESENT, facts::INDETERMINATE_ABSENT].map(|fact| verdict.count(fact));
    assert_eq!((found, verdict.kept()), ([0, 0], Kept::NotAllAsked), "{verdict:?}");
}

#[test]
fn a_shed_follow_is_refused_and_not_failed() {
    let (record, verdict) = run("cold-cache", Misdeed::Sheds);
    assert!(record.refused.get("unavailable") > 0);
    assert_eq!(record.failed.total(), 0);
    assert_eq!(record.succeeded + record.refused.total(), record.sent);
    assert!(verdict.holds(), "{verdict:?}");
}

/// The number of deleted links that still redirect at once, and two seconds later.
fn stale(misdeed: Misdeed) -> (u64, u64) {
    let fake = Fake::start();
    let mut sender = deleting(&fake, 10);
    sender.prepare(0, &mut |_| true).unwrap();
    fake.behave(misdeed);
    let verdict = sender.check(0, &Check::default());
    assert!(verdict.holds(), "staleness has a price and breaks no promise: {verdict:?}");
    assert_eq!(verdict.count(facts::DELETED), 10);
    (verdict.count(facts::STALE), verdict.count(facts::STALE_FOR_LONG))
}

#[test]
fn a_deleted_link_that_still_redirects_is_stale_for_as_long_as_it_does() {
    assert_eq!(stale(Misdeed::None), (0, 0));
    assert_eq!(stale(Misdeed::DeletesLate), (10, 0));
    assert_eq!(stale(Misdeed::NeverDeletes), (10, 10));
}

#[test]
fn a_traced_sender_marks_every_request() {
    let fake = Fake::start();
    let mut sender = sender(&fake, "follow-only");
    sender.prepare(0, &mut |_| true).unwrap();
    assert_eq!(fake.traced.load(Ordering::Relaxed), 0);
    sender.traced(true);
    let record = drive(&mut sender);
    assert_eq!(fake.traced.load(Ordering::Relaxed), record.requests);
}

#[test]
fn an_unknown_name_is_answered_with_the_names_that_there_are() {
    let message = for_system("shortner", &JourneyOptions::default()).err().unwrap().to_string();
    for name in systems().map(SystemUnderTest::name) {
        assert!(message.contains(&format!("`{name}`")), "{message}");
    }
    let options = JourneyOptions { mix: Some("hot".to_owned()), ..JourneyOptions::default() };
    let message = for_system("shortener", &options).err().unwrap().to_string();
    assert!(message.contains("`hot-key`"), "{message}");
}

#[test]
fn an_option_that_the_system_does_not_declare_or_cannot_read_is_an_error() {
    let message = |name, options: JourneyOptions| for_system(name, &options).err().unwrap().to_string();
    let deletes = |value: &str| JourneyOptions::default().with(&DELETES, value);
    assert_eq!(message("limiter", deletes("3")), "the journeys of `limiter` have no option `deletes`");
    for value in ["many", "1001"] {
        let what = format!("`{value}` is no value of the option `deletes`: expected 0 to 1000");
        assert_eq!(message("shortener", deletes(value)), what);
    }
}
