//! The chat's journeys and ledger against a correct fake, and against each of its misdeeds.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use load::{
    journeys::{
        Check, JourneyOptions,
        chat::{DROPPED, MEMBERS, SESSIONS, facts},
        for_system,
    },
    ledger::{Kept, LedgerVerdict},
    record::SliceRecord,
    schedule::{Arrivals, Profile},
    sender::{Arm, Load, Observer, Sender, Slice, SlicePlan, Target},
    steady::{self, Steady},
};

use crate::support::{
    Records, breaches,
    chat::{Fake, Misdeed},
    limits, nobody, system, target,
};

/// The rooms of a test, and the members of each.
const ROOMS: usize = 3;
const FEW: u64 = 10;

fn options(mix: &str) -> JourneyOptions {
    let options = JourneyOptions { mix: Some(mix.to_owned()), things: ROOMS, ..JourneyOptions::default() };
    options.with(&MEMBERS, "12")
}

fn prepared(target: Target, options: &JourneyOptions) -> Sender {
    let journeys = for_system("chat", options).unwrap();
    let mut sender = Sender::new(vec![Arm { target, journeys }], &limits(8)).unwrap();
    sender.prepare(0, &mut |_| true).unwrap();
    sender
}

fn constant(rate: f64) -> Load {
    Load::Open { arrivals: Arrivals::Constant, profile: Profile::Steady { rate }, seed: 1 }
}

/// Slices of 200 ms.
fn slices(rounds: u32) -> SlicePlan {
    SlicePlan { arms: 1, slice_length: Duration::from_millis(200), rounds, seed: 1 }
}

/// A check that waits for little.
fn hasty() -> Check {
    Check { settle: Duration::from_millis(400), deadline: Duration::from_secs(1), ..Check::default() }
}

/// Runs two slices of a load, and adds up their records.
fn load(sender: &mut Sender, load: &Load) -> SliceRecord {
    let mut records = Records::default();
    sender.run(&slices(2), load, &mut records).unwrap();
    let (_, mut first) = records.0.remove(0);
    records.0.iter().for_each(|(_, record)| first.merge(record));
    first
}

/// Prepares without a misdeed, runs a short load with one, and checks with it.
fn run(mix: &str, misdeed: Misdeed) -> (SliceRecord, LedgerVerdict) {
    let fake = Fake::start();
    let mut sender = prepared(target(fake.address), &options(mix));
    fake.behave(misdeed);
    let record = load(&mut sender, &constant(200.0));
    (record, sender.check(0, &hasty()))
}

/// The promises that a verdict says are broken.
fn broken(verdict: &LedgerVerdict) -> BTreeSet<&str> {
    let facts = verdict.facts.iter().filter(|fact| fact.breach && fact.count > 0);
    facts.map(|fact| fact.name.as_str()).collect()
}

#[test]
fn an_honest_chat_holds_what_it_acknowledged_and_is_not_accused() {
    for mix in ["rooms", "one-room", "storm", "stalled", "churn", "idle"] {
        let (record, verdict) = run(mix, Misdeed::None);
        assert!(verdict.holds(), "{mix}: {verdict:?}");
        assert_eq!(breaches(&verdict), system("chat").breaches().collect(), "{mix}");
        // In a storm there is a moment in which nobody of a room is connected.
        assert_eq!(record.failed.total(), record.failed.get("connect"), "{mix}: {:?}", record.failed);
        assert!(mix == "storm" || record.failed.total() == 0, "{mix}: {:?}", record.failed);
        assert_eq!((record.planned, record.refused.total()), (80, 0), "{mix}");
        assert_eq!(record.latency.len(), record.succeeded, "{mix}");
        // The check sends one message in each room.
        let rooms = if mix == "one-room" { 1 } else { ROOMS as u64 };
        assert_eq!(verdict.count(facts::ACKNOWLEDGED), record.succeeded + rooms, "{mix}: {verdict:?}");
        assert!(verdict.count(facts::CHECKED) >= verdict.count(facts::ACKNOWLEDGED), "{mix}: {verdict:?}");
        assert!(verdict.count(facts::JUDGED) > 0, "{mix}: {verdict:?}");
        if mix == "rooms" {
            // The members who are removed do not get the last message; the others get their removal as well.
            let deliveries = record.succeeded * FEW + rooms * (FEW + FEW - 1);
            assert_eq!(verdict.count(facts::DELIVERIES), deliveries, "{verdict:?}");
        }
    }
}

#[test]
fn the_connections_of_a_storm_come_back_with_their_positions() {
    let (_, verdict) = run("storm", Misdeed::None);
    let both_slices = 2 * ROOMS as u64 * FEW;
    assert!(verdict.count(facts::RECONNECTS) >= both_slices, "{verdict:?}");
    assert_eq!(verdict.count(facts::RECOVERIES_REFUSED), 0, "{verdict:?}");
    let fake = Fake::start();
    let mut sender = prepared(target(fake.address), &options("storm").with(&DROPPED, "30"));
    let record = load(&mut sender, &constant(200.0));
    let drawn: Vec<String> = sender.series(0).unwrap().curves.into_iter().map(|curve| curve.name).collect();
    assert_eq!(drawn, ["ready", "ended, or not opened"]);
    let verdict = sender.check(0, &hasty());
    assert!(verdict.holds(), "{verdict:?}");
    assert!(record.succeeded > 0 && verdict.count(facts::RECONNECTS) < both_slices, "{verdict:?}");
}

#[test]
fn messages_that_are_acknowledged_and_not_in_the_history_are_lost() {
    let (_, verdict) = run("rooms", Misdeed::LosesMessages);
    assert!(verdict.count(facts::MESSAGES_LOST) > 0, "{verdict:?}");
}

#[test]
fn a_delivery_that_is_left_out_is_missing() {
    let (record, verdict) = run("rooms", Misdeed::SkipsDeliveries);
    assert!(verdict.count(facts::DELIVERIES_MISSING) > 0, "{verdict:?}");
    assert!(record.failed.get("missing") > 0 && record.indeterminate == 0, "{:?}", record.failed);
    assert!(record.latency.max() >= 4_900_000_000, "users waited in vain: {}", record.latency.max());
}

#[test]
fn a_message_that_is_delivered_to_nobody_is_lost_or_missing() {
    let (record, verdict) = run("rooms", Misdeed::KeepsMessages);
    let lacking = verdict.count(facts::MESSAGES_LOST) + verdict.count(facts::DELIVERIES_MISSING);
    assert!(lacking > 0 && record.failed.get("missing") > 0, "{verdict:?}");
}

#[test]
fn a_delivery_that_comes_twice_is_doubled() {
    let (record, verdict) = run("rooms", Misdeed::DoublesDeliveries);
    assert_eq!(broken(&verdict), [facts::DELIVERIES_DOUBLED].into(), "{verdict:?}");
    assert_eq!(record.succeeded, 80, "every message has arrived");
}

#[test]
fn a_message_that_is_stored_twice_is_doubled() {
    let (_, verdict) = run("rooms", Misdeed::StoresTwice);
    assert_eq!(broken(&verdict), [facts::MESSAGES_DOUBLED, facts::ANOMALIES].into(), "{verdict:?}");
}

#[test]
fn a_delivery_that_another_overtakes_is_out_of_order() {
    let (_, verdict) = run("rooms", Misdeed::ReordersDeliveries);
    assert!(verdict.count(facts::DELIVERIES_OUT_OF_ORDER) > 0, "{verdict:?}");
    assert!(verdict.count(facts::DELIVERIES_UNKNOWN) == 0, "{verdict:?}");
}

#[test]
fn readers_who_get_other_orders_under_the_same_numbers_are_an_anomaly() {
    let (_, verdict) = run("rooms", Misdeed::SwapsNumbers);
    assert!(verdict.count(facts::DELIVERIES_UNKNOWN) > 0, "the history has another order: {verdict:?}");
    assert!(verdict.count(facts::ANOMALIES) > 0, "{verdict:?}");
}

#[test]
fn what_is_delivered_and_not_stored_or_stored_otherwise_is_unknown() {
    for misdeed in [Misdeed::DeliversUnstored, Misdeed::ChangesTexts] {
        let (_, verdict) = run("rooms", misdeed);
        assert!(verdict.count(facts::DELIVERIES_UNKNOWN) > 0, "{misdeed:?}: {verdict:?}");
    }
}

#[test]
fn an_acknowledgement_with_the_wrong_position_is_wrong() {
    let (_, verdict) = run("rooms", Misdeed::MovesMessages);
    assert_eq!(broken(&verdict), [facts::WRONG].into(), "{verdict:?}");
}

#[test]
fn a_connection_that_comes_back_and_gets_nothing_lacks_what_was_acknowledged() {
    let (_, verdict) = run("storm", Misdeed::StopsAfterReconnect);
    assert!(verdict.count(facts::MESSAGES_LOST) > 0, "{verdict:?}");
}

#[test]
fn a_connection_that_comes_back_to_the_end_of_the_log_lacks_what_lies_between() {
    let fake = Fake::start();
    let mut sender = prepared(target(fake.address), &options("storm").with(&DROPPED, "50"));
    fake.behave(Misdeed::ForgetsPositions);
    // Half of the connections go on sending while the others are away, in many slices.
    sender.run(&slices(10), &Load::Closed { in_flight: 8 }, &mut Records::default()).unwrap();
    let verdict = sender.check(0, &hasty());
    assert!(verdict.count(facts::DELIVERIES_MISSING) > 0, "{verdict:?}");
}

#[test]
fn a_connection_that_is_sent_to_the_history_is_counted_and_nothing_is_lost() {
    let (_, verdict) = run("storm", Misdeed::RefusesRecovery);
    assert!(verdict.count(facts::RECOVERIES_REFUSED) > 0, "{verdict:?}");
    assert!(verdict.holds(), "{verdict:?}");
}

#[test]
fn a_message_without_an_acknowledgement_is_sent_again_with_its_id_and_stored_once() {
    let (record, verdict) = run("rooms", Misdeed::Restarts);
    assert!(verdict.count(facts::RECONNECTS) > 0 && verdict.holds(), "{verdict:?}");
    assert_eq!(record.succeeded + record.failed.get("connect"), 80, "{:?}", record.failed);
    let (_, verdict) = run("rooms", Misdeed::RestartsAndForgetsIds);
    assert!(verdict.count(facts::MESSAGES_DOUBLED) > 0, "{verdict:?}");
}

#[test]
fn a_message_that_is_refused_is_no_loss() {
    for (misdeed, cause) in [(Misdeed::SlowsDown, "rate-limited"), (Misdeed::IsUnavailable, "unavailable")] {
        let (record, verdict) = run("rooms", misdeed);
        assert!(verdict.holds(), "{misdeed:?}: {verdict:?}");
        let refused = record.refused.get(cause);
        assert!(refused > 0 && record.refused.total() == refused, "{:?}", record.refused);
        assert_eq!(record.succeeded + refused, 80, "{:?}", record.failed);
    }
}

#[test]
fn a_message_that_is_never_acknowledged_may_be_there_or_not() {
    let (record, verdict) = run("rooms", Misdeed::IsSilent);
    assert_eq!((record.failed.get("timeout"), record.indeterminate), (80, 80), "{:?}", record.failed);
    assert!(verdict.holds(), "{verdict:?}");
    assert_eq!(verdict.count(facts::ACKNOWLEDGED), ROOMS as u64, "those of the check: {verdict:?}");
}

#[test]
fn whoever_was_removed_gets_nothing_more() {
    for mix in ["rooms", "churn"] {
        let (_, verdict) = run(mix, Misdeed::KeepsRemoved);
        assert_eq!(broken(&verdict), [facts::DELIVERED_AFTER_REMOVAL].into(), "{mix}: {verdict:?}");
    }
}

#[test]
fn who_is_online_is_shown_and_who_has_left_is_not() {
    for misdeed in [Misdeed::HidesPresence, Misdeed::KeepsPresence] {
        let (_, verdict) = run("rooms", misdeed);
        assert_eq!(broken(&verdict), [facts::PRESENCE_WRONG].into(), "{misdeed:?}: {verdict:?}");
    }
}

#[test]
fn a_chat_whose_histories_cannot_be_read_is_not_judged() {
    let (_, verdict) = run("rooms", Misdeed::HidesHistories);
    assert_eq!((broken(&verdict), verdict.kept()), (BTreeSet::new(), Kept::NotAllAsked), "{verdict:?}");
}

#[test]
fn members_come_and_go_while_others_write() {
    let fake = Fake::start();
    let mut sender = prepared(target(fake.address), &options("churn"));
    let plan = SlicePlan { slice_length: Duration::from_millis(1_500), ..slices(1) };
    let mut records = Records::default();
    sender.run(&plan, &constant(100.0), &mut records).unwrap();
    assert_eq!(records.0[0].1.succeeded, 150, "{:?}", records.0[0].1.failed);
    let verdict = sender.check(0, &hasty());
    assert!(verdict.holds(), "{verdict:?}");
    assert!(verdict.count(facts::RECONNECTS) > 3, "{verdict:?}");
    let removals = verdict.count(facts::CHECKED) - verdict.count(facts::ACKNOWLEDGED);
    assert!(removals > 3 + ROOMS as u64, "{verdict:?}");
}

#[test]
fn a_check_may_be_followed_by_more_load_and_another_check() {
    let fake = Fake::start();
    let mut sender = prepared(target(fake.address), &options("rooms"));
    for _ in 0..2 {
        let record = load(&mut sender, &Load::Closed { in_flight: 4 });
        assert!(record.succeeded > 0 && record.failed.total() == 0, "{record:?}");
        assert_eq!(fake.open(), ROOMS * FEW as usize, "everybody is back");
        let verdict = sender.check(0, &hasty());
        assert!(verdict.holds(), "{verdict:?}");
    }
}

/// Has the server restart in the middle of a slice.
struct Restarting<'a> {
    fake: &'a Fake,
    is_done: AtomicBool,
    records: Records,
}

impl Observer for Restarting<'_> {
    fn progress(&mut self, _: &Slice, _: &SliceRecord) {
        if !self.is_done.swap(true, Ordering::Relaxed) {
            self.fake.restart();
        }
    }

    fn slice_ended(&mut self, slice: &Slice, record: &SliceRecord) {
        self.records.slice_ended(slice, record);
    }
}

#[test]
fn after_a_restart_everybody_comes_back_and_lacks_nothing() {
    let fake = Fake::start();
    let mut sender = prepared(target(fake.address), &options("rooms"));
    let plan = SlicePlan { slice_length: Duration::from_millis(2_500), ..slices(1) };
    let mut restarting =
        Restarting { fake: &fake, is_done: AtomicBool::new(false), records: Records::default() };
    sender.run(&plan, &constant(60.0), &mut restarting).unwrap();
    let (_, record) = &restarting.records.0[0];
    assert_eq!(record.succeeded + record.failed.get("connect"), 150, "{:?}", record.failed);
    let verdict = sender.check(0, &hasty());
    assert!(verdict.holds(), "{verdict:?}");
    assert!(verdict.count(facts::RECONNECTS) >= ROOMS as u64 * FEW, "{verdict:?}");
    assert!(verdict.count(facts::AWAY_MS) > 0, "{verdict:?}");
}

#[test]
fn threads_have_connections_of_their_own_and_one_ledger() {
    let fake = Fake::start();
    let mut sender = prepared(target(fake.address), &options("rooms"));
    let length = Duration::from_millis(400);
    let steady = Steady { load: constant(200.0), length, threads: 2, limits: limits(8), traced: false };
    let record = steady::run(&mut sender, &steady, &mut |_| true).unwrap();
    assert_eq!((record.planned, record.succeeded), (80, 80), "{:?}", record.failed);
    let verdict = sender.check(0, &hasty());
    assert!(verdict.holds(), "{verdict:?}");
    assert_eq!(verdict.count(facts::ACKNOWLEDGED), 80 + ROOMS as u64, "{verdict:?}");
    assert!(verdict.count(facts::DELIVERIES) >= 80 * FEW, "{verdict:?}");
}

#[test]
fn connections_go_to_all_gateways_and_come_back_to_theirs_or_to_the_next() {
    for (sessions, is_turned) in [("sticky", false), ("any", true)] {
        let fake = Fake::start();
        let further = fake.further();
        let mut sender =
            prepared(target(fake.address).beside(further), &options("storm").with(&SESSIONS, sessions));
        load(&mut sender, &constant(200.0));
        let visits = fake.visits();
        assert_eq!(visits.len(), ROOMS * FEW as usize);
        let first_ones = visits.values().filter(|visits| visits[0] == further).count();
        assert_eq!(first_ones, ROOMS * FEW as usize / 2, "half of them to each");
        let pairs = || visits.values().flat_map(|visits| visits.windows(2));
        assert!(pairs().count() > 0 && pairs().all(|pair| (pair[0] != pair[1]) == is_turned), "{visits:?}");
        let verdict = sender.check(0, &hasty());
        assert!(verdict.holds(), "{verdict:?}");
    }
}

#[test]
fn a_gateway_that_cannot_be_reached_is_left_for_the_next() {
    let fake = Fake::start();
    let mut sender = prepared(target(fake.address).beside(nobody()), &options("rooms"));
    let record = load(&mut sender, &constant(200.0));
    assert_eq!((record.succeeded, fake.open()), (80, ROOMS * FEW as usize), "{:?}", record.failed);
}
