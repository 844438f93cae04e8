//! The limiter's journeys and ledger against an exact fake, and against each of its misdeeds.

use std::{sync::atomic::Ordering, time::Duration};

use load::{
    journeys::{Check, JourneyOptions, PolicyLine, for_system, limiter::facts},
    ledger::{Kept, LedgerVerdict},
    record::SliceRecord,
    schedule::{Arrivals, Profile},
    sender::{Arm, Limits, Load, Sender, SlicePlan},
    series::Series,
    steady::{Steady, run as run_steady},
};

use crate::support::{
    Records, breaches, hasty,
    limiter::{Fake, Misdeed},
    limits, system, target, undisturbed,
};

/// The results of one slice.
struct Seen {
    record: SliceRecord,
    verdict: LedgerVerdict,
    series: Series,
    refused_wrongly: u64,
}

impl Seen {
    fn kind(&self, name: &str) -> u64 {
        self.record.by_kind.iter().find(|kind| kind.kind == name).map_or(0, |kind| kind.succeeded)
    }

    fn count(&self, fact: &str) -> u64 {
        self.verdict.count(fact)
    }
}

/// Prepares without a misdeed, runs a short load with one, and checks.
fn run(mix: &str, misdeed: Misdeed, load: &Load, millis: u64) -> Seen {
    undisturbed(|| run_once(mix, misdeed, load, millis), |seen| &seen.record)
}

fn run_once(mix: &str, misdeed: Misdeed, load: &Load, millis: u64) -> Seen {
    let fake = Fake::start();
    let limits = if misdeed == Misdeed::AdmitsInSilence { hasty(4) } else { limits(4) };
    let mut sender = sender_within(&fake, mix, &limits);
    sender.prepare(0, &mut |_| true).unwrap();
    fake.behave(misdeed);
    let plan = SlicePlan { arms: 1, slice_length: Duration::from_millis(millis), rounds: 1, seed: 1 };
    let mut records = Records::default();
    sender.run(&plan, load, &mut records).unwrap();
    let record = records.0.pop().unwrap().1;
    let series = sender.series(0).unwrap();
    let verdict = sender.check(0, &Check::default());
    assert!(verdict.complete, "{verdict:?}");
    Seen { record, verdict, series, refused_wrongly: fake.refused_wrongly.load(Ordering::Relaxed) }
}

/// One client in closed loop, for less than the policy's window and with more requests than its limit;
/// repeats if the machine was too busy for that.
fn greedy(mix: &str, misdeed: Misdeed) -> Seen {
    let scene = || run_once(mix, misdeed, &Load::Closed { in_flight: 4 }, 300);
    // A closed loop without replies sends few requests.
    let least = if misdeed == Misdeed::AdmitsInSilence { 1 } else { 150 };
    let fits = |seen: &Seen| seen.record.sent >= least && seen.record.elapsed < Duration::from_millis(900);
    (0..20).map(|_| scene()).find(fits).expect("twenty scenes, and in each the machine was too busy")
}

fn sender(fake: &Fake, mix: &str) -> Sender {
    sender_within(fake, mix, &limits(4))
}

fn sender_within(fake: &Fake, mix: &str, limits: &Limits) -> Sender {
    let options =
        JourneyOptions { seed: 42, mix: Some(mix.to_owned()), things: 50, ..JourneyOptions::default() };
    let journeys = for_system("limiter", &options).unwrap();
    Sender::new(vec![Arm { target: target(fake.address), journeys }], limits).unwrap()
}

fn constant(rate: f64) -> Load {
    Load::Open { arrivals: Arrivals::Constant, profile: Profile::Steady { rate }, seed: 1 }
}

#[test]
fn an_exact_limiter_is_not_accused_and_its_refusals_are_right_answers() {
    let seen = greedy("one-client", Misdeed::None);
    assert!(seen.verdict.holds(), "{:?}", seen.verdict);
    assert_eq!((seen.kind("admitted"), seen.kind("refused")), (100, seen.record.sent - 100));
    assert_eq!(seen.record.succeeded, seen.record.sent);
    assert_eq!(seen.count(facts::DECISIONS), seen.record.sent);
    assert_eq!(seen.count(facts::ADMITTED), 100);
    assert_eq!((seen.count(facts::OVER_ADMITTED), seen.count(facts::FALSE_REFUSALS)), (0, 0));
    let listed = system("limiter").facts();
    assert_eq!(breaches(&seen.verdict), system("limiter").breaches().collect());
    assert!(seen.verdict.facts.iter().map(|fact| fact.name.as_str()).eq(listed.iter().map(|fact| fact.name)));
}

#[test]
fn what_is_let_pass_beyond_the_promise_is_a_breach() {
    let seen = greedy("one-client", Misdeed::AdmitsAll);
    assert_eq!(seen.kind("admitted"), seen.record.sent);
    assert_eq!(seen.count(facts::OVER_BOUND), seen.record.sent - 100);
    assert_eq!(seen.count(facts::OVER_ADMITTED), seen.record.sent - 100);
    assert!(!seen.verdict.holds() && !seen.verdict.examples.is_empty());
}

#[test]
fn a_refusal_while_there_was_room_is_a_breach() {
    let seen = greedy("one-client", Misdeed::RefusesWrongly);
    // Every tenth of the hundred that fit is refused; near the limit, requests in flight might have used the
    // room.
    assert!((10..=12).contains(&seen.refused_wrongly), "{}", seen.refused_wrongly);
    let found = seen.count(facts::FALSE_REFUSALS);
    assert!(found <= seen.refused_wrongly && found + 1 >= seen.refused_wrongly, "{:?}", seen.verdict);
    assert_eq!(seen.count(facts::UNDER_BOUND), found, "{:?}", seen.verdict);
    assert!(seen.verdict.is_broken() && !seen.verdict.examples.is_empty(), "{:?}", seen.verdict);
}

#[test]
fn a_limiter_that_lets_pass_half_of_its_limit_breaks_its_promise_and_one_that_keeps_it_does_not() {
    let seen = greedy("one-client", Misdeed::HalvesTheLimit);
    assert_eq!(seen.count(facts::ADMITTED), 50, "{:?}", seen.verdict);
    // Near the limit, requests in flight might have used the room.
    let (found, refused) = (seen.count(facts::UNDER_BOUND), seen.count(facts::REFUSED));
    assert!(found <= refused && found + 4 >= refused, "{:?}", seen.verdict);
    assert!(seen.verdict.is_broken(), "{:?}", seen.verdict);
    let seen = run("one-client", Misdeed::None, &constant(400.0), 2_500);
    assert!(seen.count(facts::REFUSED) > 300 && seen.verdict.holds(), "{:?}", seen.verdict);
}

#[test]
fn the_tighter_of_two_limits_decides_and_both_are_judged() {
    let seen = greedy("multi-limit", Misdeed::None);
    assert!(seen.verdict.holds(), "{:?}", seen.verdict);
    assert_eq!((seen.kind("admitted"), seen.count(facts::FALSE_REFUSALS)), (10, 0));
    let seen = greedy("multi-limit", Misdeed::AdmitsAll);
    assert_eq!(seen.count(facts::OVER_BOUND), seen.record.sent - 10);
}

#[test]
fn quiet_clients_are_refused_where_all_share_one_count() {
    let seen = run("abuser", Misdeed::SharesCount, &constant(400.0), 1_000);
    assert!(seen.count(facts::QUIET_REFUSED) > 50, "{:?}", seen.verdict);
    assert!(seen.count(facts::FALSE_REFUSALS) >= seen.count(facts::QUIET_REFUSED), "{:?}", seen.verdict);
    assert!(seen.count(facts::UNDER_BOUND) >= seen.count(facts::QUIET_REFUSED), "{:?}", seen.verdict);
    let seen = run("abuser", Misdeed::None, &constant(400.0), 1_000);
    assert_eq!((seen.count(facts::QUIET_REFUSED), seen.count(facts::FALSE_REFUSALS)), (0, 0));
    assert!(seen.count(facts::REFUSED) > 50, "the abuser is: {:?}", seen.verdict);
}

#[test]
fn a_hot_key_under_a_limit_that_nobody_reaches_is_never_refused() {
    let seen = greedy("hot-key", Misdeed::None);
    assert!(seen.verdict.holds(), "{:?}", seen.verdict);
    assert_eq!((seen.kind("admitted"), seen.series.line), (seen.record.sent, None));
}

#[test]
fn a_reply_that_does_not_tell_the_policy_is_a_failure_and_a_breach() {
    let seen = greedy("many-clients", Misdeed::WrongHeaders);
    assert!(seen.record.failed.get("wrong-answer") > 0);
    assert_eq!(seen.count(facts::HEADERS_WRONG), seen.record.failed.get("wrong-answer"));
    assert!(seen.verdict.examples.iter().any(|example| example.contains("RateLimit-Policy: none")));
}

#[test]
fn what_fails_open_is_uncounted_and_breaks_no_promise() {
    let seen = greedy("one-client", Misdeed::FailsOpen);
    assert!(seen.verdict.holds(), "{:?}", seen.verdict);
    assert_eq!(seen.count(facts::UNCOUNTED), seen.kind("uncounted"));
    let beyond = seen.count(facts::ADMITTED) - 100;
    assert!(beyond > 0 && seen.count(facts::OVER_ADMITTED) == beyond, "{:?}", seen.verdict);
}

#[test]
fn what_fails_closed_is_refused_as_unavailable_and_no_decision() {
    let seen = greedy("one-client", Misdeed::FailsClosed);
    assert!(seen.verdict.holds(), "{:?}", seen.verdict);
    let unavailable = seen.record.refused.get("unavailable");
    assert!(unavailable > 0);
    assert_eq!(seen.count(facts::DECISIONS), seen.record.sent - unavailable);
    let outcomes: Vec<_> =
        seen.record.outcomes.iter().map(|outcome| (outcome.outcome, outcome.latency.len())).collect();
    assert!(outcomes.contains(&("unavailable", unavailable)), "{outcomes:?}");
    assert!(outcomes.contains(&("admitted", seen.kind("admitted"))), "{outcomes:?}");
    assert_eq!(
        outcomes.iter().map(|(_, count)| count).sum::<u64>(),
        seen.record.sent,
        "each has one outcome"
    );
}

#[test]
fn an_admission_that_was_not_answered_explains_a_refusal() {
    let seen = greedy("one-client", Misdeed::AdmitsInSilence);
    assert!(seen.record.indeterminate > 0);
    assert_eq!(seen.count(facts::FALSE_REFUSALS), 0, "{:?}", seen.verdict);
    assert!(seen.verdict.holds(), "{:?}", seen.verdict);
}

#[test]
fn a_request_that_was_sent_twice_may_have_been_charged_twice() {
    let seen = greedy("one-client", Misdeed::AdmitsAndHangsUp);
    assert!(seen.record.resent > 0 && seen.record.failed.total() == 0, "{:?}", seen.record.failed);
    assert_eq!(seen.count(facts::FALSE_REFUSALS), 0, "{:?}", seen.verdict);
    assert!(seen.verdict.holds(), "{:?}", seen.verdict);
}

#[test]
fn a_policy_that_was_acknowledged_and_is_gone_is_lost() {
    let seen = greedy("one-client", Misdeed::ForgetsPolicies);
    assert_eq!(seen.count(facts::LOST), 1);
    assert!(!seen.verdict.holds());
}

#[test]
fn a_policy_that_nobody_could_ask_for_is_neither_lost_nor_kept() {
    let fake = Fake::start();
    let mut sender = sender(&fake, "one-client");
    sender.prepare(0, &mut |_| true).unwrap();
    let verdict = sender.check(0, &Check::default());
    assert_eq!((verdict.kept(), verdict.count(facts::CHECKED)), (Kept::All, 1), "{verdict:?}");
    fake.behave(Misdeed::HidesPolicies);
    let verdict = sender.check(0, &Check::default());
    assert_eq!((verdict.kept(), verdict.count(facts::LOST)), (Kept::NothingAsked, 0), "{verdict:?}");
}

#[test]
fn a_policy_that_is_turned_down_cannot_be_prepared() {
    let fake = Fake::start();
    fake.behave(Misdeed::TurnsDown);
    let message = sender(&fake, "one-client").prepare(0, &mut |_| true).err().unwrap().to_string();
    assert!(message.contains("`PUT /policies` was answered with 422 and `no such limit`"), "{message}");
}

#[test]
fn the_series_shows_the_busiest_client_against_the_policy() {
    let seen = run("one-client", Misdeed::None, &constant(400.0), 500);
    let line = seen.series.line.unwrap();
    assert_eq!((line.label.as_str(), line.per_bucket as u64), ("the policy: 100 in 1 s", 10));
    let [admitted, refused, ..] = &seen.series.curves[..] else { panic!("no curves") };
    assert_eq!((admitted.name.as_str(), refused.name.as_str()), ("admitted", "refused"));
    assert_eq!((admitted.counts.len(), refused.counts.len()), (5, 5));
    // A hundred pass within a quarter of a second; the last replies may come after the slice.
    assert_eq!((admitted.counts.iter().sum::<u64>(), refused.counts[0]), (100, 0));
    let refusals: u64 = refused.counts.iter().sum();
    assert!(refusals <= 100 && refusals > 60 && refused.counts[4] > 0, "{refused:?}");
}

/// The sums of the curves, by name.
fn sums(series: &Series) -> Vec<(&str, u64)> {
    series.curves.iter().map(|curve| (curve.name.as_str(), curve.counts.iter().sum())).collect()
}

#[test]
fn whatever_becomes_of_a_request_it_is_in_one_curve() {
    let ends = [
        (Misdeed::None, limits(4), "refused"),
        (Misdeed::FailsClosed, limits(4), "unavailable"),
        (Misdeed::WrongHeaders, limits(4), "failed"),
        // Timed out, some of them after the slice.
        (Misdeed::AdmitsInSilence, hasty(60), "failed"),
        (Misdeed::AdmitsInSilence, hasty(60), "late"),
        // The connections' requests get no reply, and the others are never sent.
        (Misdeed::AdmitsInSilence, Limits { waiting: 0, ..hasty(1) }, "failed"),
    ];
    for (misdeed, limits, seen_in) in ends {
        let fake = Fake::start();
        let mut sender = sender_within(&fake, "one-client", &limits);
        sender.prepare(0, &mut |_| true).unwrap();
        fake.behave(misdeed);
        let plan = SlicePlan { arms: 1, slice_length: Duration::from_millis(500), rounds: 1, seed: 1 };
        let mut records = Records::default();
        sender.run(&plan, &constant(400.0), &mut records).unwrap();
        let planned = records.0.pop().unwrap().1.planned;
        let series = sender.series(0).unwrap();
        let sums = sums(&series);
        assert_eq!(sums.iter().map(|(_, sum)| sum).sum::<u64>(), planned, "{misdeed:?}: {sums:?}");
        let some = sums.iter().any(|(name, sum)| *name == seen_in && *sum > 0);
        assert!(some, "{misdeed:?}: nothing {seen_in}: {sums:?}");
    }
}

#[test]
fn threads_share_the_books() {
    let length = Duration::from_millis(500);
    let scene = || {
        let fake = Fake::start();
        let mut sender = sender(&fake, "one-client");
        sender.prepare(0, &mut |_| true).unwrap();
        let steady = Steady { load: constant(400.0), length, threads: 2, limits: limits(8), traced: false };
        let record = run_steady(&mut sender, &steady, &mut |_| true).unwrap();
        (record, sender.check(0, &Check::default()))
    };
    let (record, verdict) = undisturbed(scene, |(record, _)| record);
    assert!(verdict.holds(), "{verdict:?}");
    assert_eq!((verdict.count(facts::DECISIONS), verdict.count(facts::ADMITTED)), (record.sent, 100));
}

#[test]
fn a_mix_tells_its_limit_without_a_run() {
    let line = PolicyLine { requests: 100, window: Duration::from_secs(1) };
    for (mix, _) in system("limiter").mixes() {
        let asks_for_decisions = !mix.starts_with("read-");
        assert_eq!(system("limiter").client_limit(mix).is_some(), asks_for_decisions, "{mix}");
    }
    assert_eq!(system("limiter").client_limit("one-client"), Some(line));
    assert_eq!(system("limiter").client_limit("follow-mostly"), None);
    assert_eq!(system("shortener").client_limit("follow-mostly"), None);
}

#[test]
fn reads_find_the_policies_that_were_put_or_say_that_they_did_not() {
    for (mix, bytes) in [("read-1k", 1_024), ("read-64k", 64 * 1_024)] {
        let fake = Fake::start();
        let mut sender = sender(&fake, mix);
        sender.prepare(0, &mut |_| true).unwrap();
        let plan = SlicePlan { arms: 1, slice_length: Duration::from_millis(100), rounds: 1, seed: 1 };
        let mut records = Records::default();
        sender.run(&plan, &Load::Closed { in_flight: 2 }, &mut records).unwrap();
        let record = records.0.pop().unwrap().1;
        let each = record.bytes_in as f64 / record.succeeded as f64;
        assert!((0.9..1.5).contains(&(each / f64::from(bytes))), "{mix}: {each} bytes a read");
        let verdict = sender.check(0, &Check::default());
        assert!(verdict.holds() && verdict.count(facts::CHECKED) >= record.succeeded, "{verdict:?}");

        fake.behave(Misdeed::ForgetsPolicies);
        sender.run(&plan, &Load::Closed { in_flight: 2 }, &mut records).unwrap();
        let record = records.0.pop().unwrap().1;
        assert_eq!(record.succeeded, 0, "{mix}");
        assert!(record.failed.total() > 0, "{mix}");
        let verdict = sender.check(0, &Check::default());
        assert_eq!(verdict.count(facts::LOST), record.failed.total() + 1, "{verdict:?}");
    }
}
