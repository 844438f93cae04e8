//! The chain's journeys and ledger against a fake, and against each of its misdeeds.

use std::{sync::atomic::Ordering, time::Duration};

use load::{
    journeys::{
        Check, JourneyOptions,
        chain::{facts, mix},
        for_system,
    },
    ledger::LedgerVerdict,
    record::SliceRecord,
    sender::{Arm, Load, Sender, SlicePlan},
};

use crate::support::{
    Records, breaches,
    chain::{Fake, Misdeed},
    limits, system, target,
};

/// The results of one slice.
struct Seen {
    record: SliceRecord,
    verdict: LedgerVerdict,
    misbehaved: u64,
}

impl Seen {
    fn kind(&self, name: &str) -> u64 {
        self.record.by_kind.iter().find(|kind| kind.kind == name).map_or(0, |kind| kind.succeeded)
    }

    fn count(&self, fact: &str) -> u64 {
        self.verdict.count(fact)
    }
}

fn sender(fake: &Fake, mix: &str) -> Sender {
    let options = JourneyOptions { seed: 42, mix: Some(mix.to_owned()), ..JourneyOptions::default() };
    let journeys = for_system("chain", &options).unwrap();
    Sender::new(vec![Arm { target: target(fake.address), journeys }], &limits(4)).unwrap()
}

/// Prepares without a misdeed, runs a short load with one, and checks.
fn run(mix: &str, misdeed: Misdeed) -> Seen {
    let fake = Fake::start();
    let mut sender = sender(&fake, mix);
    sender.prepare(0, &mut |_| true).unwrap();
    fake.behave(misdeed);
    let plan = SlicePlan { arms: 1, slice_length: Duration::from_millis(300), rounds: 1, seed: 1 };
    let mut records = Records::default();
    sender.run(&plan, &Load::Closed { in_flight: 4 }, &mut records).unwrap();
    let record = records.0.pop().unwrap().1;
    let verdict = sender.check(0, &Check::default());
    let misbehaved = fake.misbehaved.load(Ordering::Relaxed);
    assert!(misdeed == Misdeed::None || misbehaved > 0, "{misdeed:?} did not happen");
    Seen { record, verdict, misbehaved }
}

#[test]
fn right_pages_previews_and_reviews_are_right_in_the_shares_of_their_mix() {
    for (name, _) in mix::NAMES {
        let seen = run(name, Misdeed::None);
        assert!(seen.verdict.holds(), "{name}: {:?}", seen.verdict);
        assert_eq!(seen.record.succeeded, seen.record.sent, "{name}");
        assert_eq!(seen.count(facts::CHECKED), seen.record.sent, "{name}");
        assert_eq!(breaches(&seen.verdict), system("chain").breaches().collect());
        for (kind, share) in system("chain").shares(name) {
            let found = seen.kind(kind) as f64 / seen.record.sent as f64;
            // Four standard deviations of a binomial share, and one operation.
            let most = 4.0 * (share * (1.0 - share) / seen.record.sent as f64).sqrt()
                + 1.0 / seen.record.sent as f64;
            let facts = [("page", facts::PAGES), ("preview", facts::PREVIEWS), ("review", facts::REVIEWS)];
            let fact = facts.iter().find(|(its, _)| *its == kind).unwrap().1;
            assert_eq!(seen.count(fact), seen.kind(kind), "{name}");
            assert!((found - share).abs() <= most, "{name}: {found} of {kind} where {share} is its share");
        }
    }
}

#[test]
fn a_page_that_lacks_a_part_is_a_breach() {
    let seen = run("pages", Misdeed::LeavesOut);
    assert_eq!(seen.count(facts::PARTS_MISSING), seen.misbehaved, "{:?}", seen.verdict);
    assert!(seen.verdict.is_broken() && !seen.verdict.examples.is_empty());
    assert_eq!(seen.record.succeeded, seen.record.sent - seen.misbehaved, "it is no success either");
}

#[test]
fn a_part_that_is_there_twice_is_a_breach() {
    let seen = run("pages", Misdeed::Doubles);
    assert_eq!(seen.count(facts::PARTS_DOUBLED), seen.misbehaved, "{:?}", seen.verdict);
    assert_eq!(seen.count(facts::PARTS_MISSING), seen.misbehaved, "another has no place then");
}

#[test]
fn a_part_of_another_page_is_a_breach_and_so_is_another_page() {
    let seen = run("pages", Misdeed::MixesUp);
    assert_eq!(seen.count(facts::PARTS_WRONG), seen.misbehaved, "{:?}", seen.verdict);
    for misdeed in [Misdeed::GivesAnother, Misdeed::Babbles] {
        let seen = run("pages-and-previews", misdeed);
        assert!(seen.count(facts::PARTS_WRONG) >= seen.misbehaved, "{misdeed:?}: {:?}", seen.verdict);
    }
}

#[test]
fn a_review_of_another_page_is_a_breach() {
    let seen = run("pages-and-reviews", Misdeed::MixesUpReviews);
    let found = seen.count(facts::REVIEWS_WRONG);
    assert!(found > 0 && found <= seen.misbehaved, "{:?}", seen.verdict);
    assert_eq!(seen.record.succeeded, seen.record.sent - found, "{:?}", seen.verdict);
}

#[test]
fn a_refusal_is_no_page_and_breaks_no_promise() {
    let seen = run("pages", Misdeed::Refuses);
    assert!(seen.verdict.holds(), "{:?}", seen.verdict);
    assert_eq!(seen.count(facts::ACKNOWLEDGED), seen.record.succeeded);
    assert_eq!(seen.record.sent - seen.record.succeeded, seen.misbehaved);
}

#[test]
fn without_the_number_of_parts_nothing_begins() {
    let fake = Fake::start();
    fake.behave(Misdeed::Conceals);
    let error = sender(&fake, "pages").prepare(0, &mut |_| true).unwrap_err().to_string();
    assert!(error.contains("`GET /pages`"), "{error}");
}
