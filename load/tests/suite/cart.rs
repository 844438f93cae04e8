//! The cart's journeys and ledger against a correct fake, and against each of its misdeeds.

use std::{collections::BTreeSet, time::Duration};

use load::{
    journeys::{
        Check, JourneyOptions,
        cart::{FEW, facts},
        for_system,
    },
    ledger::{Kept, LedgerVerdict},
    record::SliceRecord,
    sender::{Arm, Load, Sender, SlicePlan},
};

use crate::support::{
    Records, breaches,
    cart::{Fake, Misdeed},
    hasty, limits, system, target,
};

/// Prepares without a misdeed, runs a short load with one, and checks with it.
fn run(mix: &str, misdeed: Misdeed) -> (SliceRecord, LedgerVerdict) {
    let fake = Fake::start();
    let options = JourneyOptions { mix: Some(mix.to_owned()), things: 50, ..JourneyOptions::default() };
    let journeys = for_system("cart", &options.with(&FEW, "20")).unwrap();
    let is_silent = matches!(misdeed, Misdeed::IsSilent | Misdeed::IsSilentAndForgetsKeys);
    let limits = if is_silent { hasty(4) } else { limits(4) };
    let mut sender = Sender::new(vec![Arm { target: target(fake.address), journeys }], &limits).unwrap();
    sender.prepare(0, &mut |_| true).unwrap();
    fake.behave(misdeed);
    // Long enough for those without a reply to try again.
    let length = Duration::from_millis(if is_silent { 1_500 } else { 300 });
    let plan = SlicePlan { arms: 1, slice_length: length, rounds: 1, seed: 1 };
    let mut records = Records::default();
    sender.run(&plan, &Load::Closed { in_flight: 4 }, &mut records).unwrap();
    let check =
        Check { settle: Duration::from_millis(400), deadline: Duration::from_secs(4), ..Check::default() };
    (records.0.pop().unwrap().1, sender.check(0, &check))
}

/// The promises that a verdict says are broken.
fn broken(verdict: &LedgerVerdict) -> BTreeSet<&str> {
    let facts = verdict.facts.iter().filter(|fact| fact.breach && fact.count > 0);
    facts.map(|fact| fact.name.as_str()).collect()
}

#[test]
fn an_honest_shop_holds_what_it_acknowledged() {
    for mix in ["shop", "browse", "page", "flash-sale", "vouchers", "history"] {
        let (record, verdict) = run(mix, Misdeed::None);
        assert!(verdict.holds(), "{mix}: {verdict:?}");
        assert_eq!(breaches(&verdict), system("cart").breaches().collect(), "{mix}");
        assert!(record.succeeded > 0 && record.failed.total() == 0, "{mix}: {:?}", record.failed);
        let bought = record.by_kind.iter().find(|kind| kind.kind == "buy").map_or(0, |kind| kind.succeeded);
        assert_eq!(verdict.count(facts::ACKNOWLEDGED), bought, "{mix}: {verdict:?}");
        if mix == "flash-sale" {
            assert_eq!(bought, 20, "all that there are, and no more");
            assert_eq!(record.refused.get("out-of-stock"), record.refused.total());
        }
        if mix == "history" {
            assert!(verdict.count(facts::JUDGED) > bought, "checkouts and reads");
        }
        if mix == "shop" {
            assert!(
                verdict.count(facts::ORDERS_CANCELLED) > 0 && record.refused.get("insufficient-funds") > 0
            );
        }
    }
}

#[test]
fn a_checkout_without_a_reply_is_tried_again_with_its_key_and_makes_one_order() {
    let (record, verdict) = run("shop", Misdeed::IsSilent);
    let again = record.by_kind.iter().find(|kind| kind.kind == "try-again").map_or(0, |kind| kind.succeeded);
    assert!(again > 0 && record.failed.get("timeout") > 0, "{record:?}");
    assert!(verdict.holds(), "{verdict:?}");
    assert_eq!(verdict.count(facts::CHECKOUTS_INDETERMINATE), 0, "the check has asked again");
}

#[test]
fn a_shop_that_forgets_its_keys_orders_and_charges_twice() {
    let (_, verdict) = run("shop", Misdeed::IsSilentAndForgetsKeys);
    assert!(verdict.count(facts::ORDERS_DOUBLED) > 0, "{verdict:?}");
    assert!(verdict.count(facts::CHARGED_TWICE) > 0, "{verdict:?}");
}

#[test]
fn a_checkout_that_is_sent_twice_has_one_order_or_the_key_was_forgotten() {
    let repeats = |record: &SliceRecord| {
        let kinds = record.by_kind.iter();
        kinds.filter(|kind| kind.kind == "repeat").map(|kind| kind.succeeded).sum::<u64>()
    };
    let (record, verdict) = run("shop", Misdeed::None);
    assert!(repeats(&record) > 0 && verdict.holds(), "{verdict:?}");
    let (record, verdict) = run("shop", Misdeed::ForgetsKeys);
    assert_eq!(repeats(&record), 0);
    assert_eq!(verdict.count(facts::KEYS_FORGOTTEN), record.failed.get("wrong-answer"), "{verdict:?}");
    assert!(verdict.count(facts::ORDERS_DOUBLED) > 0, "{verdict:?}");
}

#[test]
fn a_shop_whose_sales_are_read_from_a_copy_that_lags_has_an_anomaly() {
    let (_, verdict) = run("history", Misdeed::ShowsOldSales);
    assert_eq!(broken(&verdict), [facts::ANOMALIES].into(), "{verdict:?}");
    let is_named = verdict.examples.iter().any(|example| example.starts_with("G-single"));
    assert!(is_named, "the example is the anomaly with its witness: {:?}", verdict.examples);
}

#[test]
fn an_order_that_was_acknowledged_and_not_stored_is_lost() {
    let (_, verdict) = run("shop", Misdeed::LosesOrders);
    assert!(verdict.count(facts::LOST) > 0, "{verdict:?}");
    assert_eq!(verdict.count(facts::PAID_FOR_NOTHING), verdict.count(facts::LOST), "{verdict:?}");
    assert!(verdict.count(facts::PIECES_LOST) > 0, "{verdict:?}");
}

#[test]
fn a_charge_without_an_order_is_paid_for_nothing() {
    let (_, verdict) = run("shop", Misdeed::ChargesFirst);
    assert_eq!(broken(&verdict), [facts::PAID_FOR_NOTHING].into(), "{verdict:?}");
}

#[test]
fn an_order_without_a_charge_is_unpaid() {
    let (_, verdict) = run("flash-sale", Misdeed::GivesAway);
    assert_eq!(broken(&verdict), [facts::UNPAID].into(), "{verdict:?}");
}

#[test]
fn an_order_that_stands_still_is_stuck_and_one_that_is_slow_is_waited_for() {
    let (_, verdict) = run("flash-sale", Misdeed::StandsStill);
    assert_eq!(broken(&verdict), [facts::ORDERS_STUCK].into(), "{verdict:?}");
    let (_, verdict) = run("flash-sale", Misdeed::IsSlow);
    assert!(verdict.holds() && verdict.count(facts::ORDERS_PAID) == 20, "{verdict:?}");
}

#[test]
fn a_shop_that_takes_what_is_there_and_says_nothing_oversells() {
    let (_, verdict) = run("flash-sale", Misdeed::Clamps);
    assert_eq!(broken(&verdict), [facts::OVERSOLD].into(), "{verdict:?}");
    assert_eq!(verdict.count(facts::OVERSOLD), verdict.count(facts::ACKNOWLEDGED) - 20, "{verdict:?}");
}

#[test]
fn a_voucher_without_limits_is_overused() {
    let (_, verdict) = run("vouchers", Misdeed::IsGenerous);
    assert_eq!(broken(&verdict), [facts::VOUCHER_OVERUSED].into(), "{verdict:?}");
}

#[test]
fn a_cancel_without_effect_is_lost() {
    let (_, verdict) = run("shop", Misdeed::IgnoresCancels);
    assert_eq!(broken(&verdict), [facts::CANCELS_LOST].into(), "{verdict:?}");
}

#[test]
fn a_customer_who_is_never_told_how_an_order_ended_is_missed() {
    let (_, verdict) = run("shop", Misdeed::IsSilentToCustomers);
    assert_eq!(broken(&verdict), [facts::CUSTOMERS_NOT_TOLD].into(), "{verdict:?}");
    assert!(verdict.count(facts::CUSTOMERS_NOT_TOLD) < verdict.count(facts::ACKNOWLEDGED), "{verdict:?}");
}

#[test]
fn a_page_at_another_price_and_a_list_that_skips_are_wrong() {
    let (browse, page) = ("browse", "page");
    for (mix, misdeed) in
        [(browse, Misdeed::ShowsOtherPrices), (browse, Misdeed::Skips), (page, Misdeed::ShowsOtherPrices)]
    {
        let (record, verdict) = run(mix, misdeed);
        assert_eq!(broken(&verdict), [facts::WRONG_WHEN_READ].into(), "{verdict:?}");
        assert_eq!(verdict.count(facts::WRONG_WHEN_READ), record.failed.get("wrong-answer"), "{misdeed:?}");
    }
}

#[test]
fn money_whose_books_cannot_be_read_is_not_judged() {
    let (_, verdict) = run("flash-sale", Misdeed::HidesBooks);
    assert_eq!(verdict.kept(), Kept::NotAllAsked, "{verdict:?}");
}
