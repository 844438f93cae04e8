//! An honest history is accused of nothing, and each wrong one of what is wrong with it.

mod moving;
mod selling;

use std::{collections::BTreeSet, time::Duration};

use super::{
    super::{
        evidence::{Charge, Level, Order, Status},
        ledger_state::{Entry, History},
        mix::Mix,
        purchase::Shop,
    },
    *,
};
use crate::journeys::cart::id::Id;

/// Buyers whose orders are paid.
const PAID: std::ops::Range<u64> = 0..8;
/// The buyer whose order was paid and cancelled again, one who was refused, and one who got no reply.
const CANCELLED: u64 = 8;
const REFUSED: u64 = 9;
const IN_DOUBT: u64 = 10;

/// The order of a buyer.
fn order_of(buyer: u64) -> Id {
    Id(u128::MAX - u128::from(buyer))
}

fn order(shop: &Shop, buyer: u64, status: Status) -> Order {
    let purchase = shop.purchase(buyer);
    Order {
        cart: shop.id(buyer),
        lines: purchase.lines().iter().map(|line| (shop.id(line.product), line.quantity.into())).collect(),
        total: purchase.total(),
        status,
        has_voucher: purchase.has_voucher,
        refunded: 0,
        made_at_ms: 1_000,
        settled_after: Some(Duration::from_millis(500)),
    }
}

fn charge(id: &str, order: Id, captured: i64) -> Charge {
    Charge { id: id.to_owned(), order, held: 0, captured, refunded: 0 }
}

/// A run in which everything went well.
fn honest(mix: Mix) -> Evidence {
    // So many customers share the voucher that no two of these buyers are the same one.
    let shop = Shop::new(7, mix, 20, if mix == Mix::Vouchers { 1_000 } else { 10 });
    let mut history = History::default();
    for buyer in PAID.chain([CANCELLED]) {
        history.add(Entry::Ordered(buyer, order_of(buyer)));
    }
    history.add(Entry::Refused(REFUSED));
    history.add(Entry::InDoubt(IN_DOUBT, 2));
    history.add(Entry::Cancelled(order_of(CANCELLED)));
    let mut evidence = Evidence { charges: Some(Vec::new()), ..Evidence::of(shop.clone(), history) };
    for product in 0..shop.products {
        let pieces = shop.pieces();
        evidence.levels.insert(product, Level { stocked: pieces, left: pieces, ..Level::default() });
    }
    for buyer in PAID {
        sell(&mut evidence, buyer, order_of(buyer));
    }
    let cancelled = order(&shop, CANCELLED, Status::Cancelled);
    let refunded = cancelled.total;
    charges(&mut evidence).push(Charge { refunded, ..charge("cancelled", order_of(CANCELLED), refunded) });
    evidence.orders.insert(order_of(CANCELLED), Some(cancelled));
    evidence.voucher_used = (mix == Mix::Vouchers).then_some(PAID.end);
    evidence
}

fn charges(evidence: &mut Evidence) -> &mut Vec<Charge> {
    evidence.charges.as_mut().unwrap()
}

/// Makes an order of a buyer's cart, with its money and its goods.
fn sell(evidence: &mut Evidence, buyer: u64, id: Id) {
    let order = order(&evidence.shop, buyer, Status::Paid);
    charges(evidence).push(charge(&format!("of {id}"), id, order.total));
    for line in evidence.shop.purchase(buyer).lines() {
        let level = evidence.levels.get_mut(&line.product).unwrap();
        level.sold += u64::from(line.quantity);
        level.left = level.left.saturating_sub(line.quantity.into());
    }
    evidence.orders.insert(id, Some(order));
}

fn order_mut(evidence: &mut Evidence, buyer: u64) -> &mut Order {
    evidence.orders.get_mut(&order_of(buyer)).unwrap().as_mut().unwrap()
}

/// The first level of which pieces were sold.
fn sold_level(evidence: &mut Evidence) -> &mut Level {
    evidence.levels.values_mut().find(|level| level.sold > 0).unwrap()
}

/// Asserts that this is all that is wrong with a history which was honest.
#[track_caller]
fn only(mix: Mix, spoil: impl FnOnce(&mut Evidence), expected: &[(&str, u64)]) {
    let mut evidence = honest(mix);
    spoil(&mut evidence);
    let verdict = judge(&evidence);
    let found: BTreeSet<_> = verdict
        .facts
        .iter()
        .filter(|fact| fact.breach && fact.count > 0)
        .map(|fact| (fact.name.as_str(), fact.count))
        .collect();
    assert_eq!(found, expected.iter().copied().collect(), "{verdict:?}");
    assert_eq!(expected.is_empty(), verdict.examples.is_empty(), "each is told by an example: {verdict:?}");
}

#[test]
fn an_honest_history_is_accused_of_nothing() {
    for mix in [Mix::Shop, Mix::FlashSale, Mix::Vouchers, Mix::Browse] {
        // All of the few pieces are sold, or none: both are right.
        only(mix, |_| {}, &[]);
        let verdict = judge(&honest(mix));
        assert!(verdict.holds(), "{mix:?}: {verdict:?}");
        assert_eq!(verdict.count(facts::ACKNOWLEDGED), PAID.end + 1);
        assert_eq!(
            (verdict.count(facts::ORDERS_PAID), verdict.count(facts::ORDERS_CANCELLED)),
            (PAID.end, 1)
        );
        assert_eq!(verdict.count(facts::CHECKOUTS_INDETERMINATE), 1);
        assert_eq!(verdict.count(facts::SETTLED_LATE), 0, "half a second is in time");
    }
}

#[test]
fn an_order_that_settles_after_half_a_second_is_late_and_nothing_worse() {
    let mut evidence = honest(Mix::Shop);
    let order = evidence.orders.get_mut(&order_of(1)).and_then(Option::as_mut).unwrap();
    order.settled_after = Some(Duration::from_millis(501));
    let verdict = judge(&evidence);
    assert!(verdict.holds());
    assert_eq!(verdict.count(facts::SETTLED_LATE), 1);
}

#[test]
fn an_order_that_was_acknowledged_and_is_gone_is_lost_and_so_are_its_money_and_its_goods() {
    let gone = |evidence: &mut Evidence| {
        evidence.orders.insert(order_of(0), None);
        evidence.voucher_used = None;
        // Nobody is without a reply who may have bought the pieces.
        evidence.history.checkouts.remove(&IN_DOUBT);
    };
    only(Mix::Vouchers, gone, &[(facts::LOST, 1), (facts::PAID_FOR_NOTHING, 1), (facts::PIECES_LOST, 1)]);
}

#[test]
fn an_order_at_another_price_or_of_other_goods_or_of_another_buyer_is_wrong() {
    only(Mix::Shop, |evidence| order_mut(evidence, CANCELLED).total += 1, &[(facts::WRONG, 1)]);
    let other = |evidence: &mut Evidence| {
        order_mut(evidence, CANCELLED).lines.pop();
    };
    only(Mix::Shop, other, &[(facts::WRONG, 1)]);
    let anothers =
        |evidence: &mut Evidence| evidence.history.add(Entry::Ordered(REFUSED, order_of(CANCELLED)));
    only(Mix::Shop, anothers, &[(facts::WRONG, 1)]);
}

#[test]
fn a_further_order_of_a_checkout_is_doubled_and_so_is_its_charge() {
    let again = |evidence: &mut Evidence| sell(evidence, 0, Id(5));
    only(Mix::Shop, again, &[(facts::ORDERS_DOUBLED, 1), (facts::CHARGED_TWICE, 1)]);
    // One that was cancelled again does no harm.
    let undone = |evidence: &mut Evidence| {
        let order = order(&evidence.shop, 0, Status::Cancelled);
        evidence.orders.insert(Id(5), Some(order));
    };
    only(Mix::Shop, undone, &[]);
}

#[test]
fn a_key_that_gets_another_reply_is_forgotten() {
    let refused = |evidence: &mut Evidence| evidence.history.add(Entry::Forgotten(0));
    only(Mix::Shop, refused, &[(facts::KEYS_FORGOTTEN, 1)]);
    let another = |evidence: &mut Evidence| {
        sell(evidence, 0, Id(5));
        evidence.history.add(Entry::Ordered(0, Id(5)));
    };
    let expected = [(facts::KEYS_FORGOTTEN, 1), (facts::ORDERS_DOUBLED, 1), (facts::CHARGED_TWICE, 1)];
    only(Mix::Shop, another, &expected);
}

#[test]
fn a_second_charge_of_an_order_is_charged_twice() {
    let again = |evidence: &mut Evidence| charges(evidence).push(charge("again", order_of(0), 100));
    only(Mix::Shop, again, &[(facts::CHARGED_TWICE, 1)]);
    let returned = |evidence: &mut Evidence| {
        charges(evidence).push(Charge { refunded: 100, ..charge("again", order_of(CANCELLED), 100) });
    };
    only(Mix::Shop, returned, &[]);
}

#[test]
fn an_order_of_a_checkout_that_was_refused_is_one_too_many() {
    let made = |evidence: &mut Evidence| sell(evidence, REFUSED, Id(5));
    only(Mix::Shop, made, &[(facts::REFUSED_AND_ORDERED, 1)]);
}

#[test]
fn an_order_of_a_checkout_without_a_reply_is_as_right_as_none() {
    only(Mix::Shop, |evidence| sell(evidence, IN_DOUBT, Id(5)), &[]);
}

#[test]
fn a_cancel_without_effect_is_lost() {
    let on = |evidence: &mut Evidence| {
        evidence.orders.remove(&order_of(CANCELLED));
        charges(evidence).retain(|charge| charge.id != "cancelled");
        sell(evidence, CANCELLED, order_of(CANCELLED));
    };
    only(Mix::Shop, on, &[(facts::CANCELS_LOST, 1)]);
    let unsure = |evidence: &mut Evidence| {
        on(evidence);
        evidence.history.cancels.insert(order_of(CANCELLED), false);
    };
    only(Mix::Shop, unsure, &[]);
}

#[test]
fn an_order_whose_money_was_not_taken_is_unpaid() {
    let none = |evidence: &mut Evidence| charges(evidence).retain(|charge| charge.order != order_of(0));
    only(Mix::Shop, none, &[(facts::UNPAID, 1)]);
    let less = |evidence: &mut Evidence| charges(evidence)[0].captured -= 1;
    only(Mix::Shop, less, &[(facts::UNPAID, 1)]);
    let held = |evidence: &mut Evidence| {
        let charge = &mut charges(evidence)[0];
        (charge.held, charge.captured) = (charge.captured, 0);
    };
    only(Mix::Shop, held, &[(facts::UNPAID, 1), (facts::HELD_FOR_NOTHING, 1)]);
}

#[test]
fn money_that_is_kept_without_an_order_is_paid_for_nothing() {
    let kept = |evidence: &mut Evidence| charges(evidence).last_mut().unwrap().refunded -= 1;
    only(Mix::Shop, kept, &[(facts::PAID_FOR_NOTHING, 1)]);
    let never = |evidence: &mut Evidence| {
        charges(evidence).push(charge("of none", Id(5), 100));
        evidence.orders.insert(Id(5), None);
    };
    only(Mix::Shop, never, &[(facts::PAID_FOR_NOTHING, 1)]);
}

#[test]
fn money_that_is_held_for_an_order_that_has_ended_is_held_for_nothing() {
    let held = |evidence: &mut Evidence| charges(evidence).last_mut().unwrap().held = 100;
    only(Mix::Shop, held, &[(facts::HELD_FOR_NOTHING, 1)]);
    // A checkout without a reply may have got that far; a second hold is nobody's.
    let of_none = |count: u128| {
        move |evidence: &mut Evidence| {
            for id in (0..count).map(Id) {
                charges(evidence).push(Charge { held: 100, ..charge("of none", id, 0) });
                evidence.orders.insert(id, None);
            }
        }
    };
    only(Mix::Shop, of_none(1), &[]);
    only(Mix::Shop, of_none(2), &[(facts::HELD_FOR_NOTHING, 1)]);
}

#[test]
fn refunds_that_the_books_do_not_have_or_have_alone_are_wrong() {
    only(Mix::Shop, |evidence| order_mut(evidence, 0).refunded = 1, &[(facts::REFUNDS_WRONG, 1)]);
    only(Mix::Shop, |evidence| charges(evidence)[0].refunded = 1, &[(facts::REFUNDS_WRONG, 1)]);
    let both = |evidence: &mut Evidence| {
        order_mut(evidence, 0).refunded = 1;
        charges(evidence)[0].refunded = 1;
    };
    only(Mix::Shop, both, &[]);
}

#[test]
fn the_money_of_another_run_is_no_business_of_this_one() {
    let foreign = |evidence: &mut Evidence| {
        let order = Order { cart: Id::of(8, 0), ..order(&evidence.shop, 0, Status::Paid) };
        evidence.orders.insert(Id(5), Some(order));
        charges(evidence).push(charge("foreign", Id(5), 1));
    };
    only(Mix::Shop, foreign, &[]);
}

#[test]
fn pieces_that_were_ordered_and_never_came_in_are_oversold() {
    // Ten pieces came in, of which eight are sold.
    let three = |evidence: &mut Evidence| {
        for buyer in 20..23 {
            sell(evidence, buyer, Id(buyer.into()));
        }
    };
    let clamped = |evidence: &mut Evidence| {
        three(evidence);
        evidence.levels.get_mut(&0).unwrap().sold = 10;
    };
    only(Mix::FlashSale, clamped, &[(facts::OVERSOLD, 1)]);
    only(Mix::FlashSale, three, &[(facts::OVERSOLD, 1), (facts::STOCK_WRONG, 1)]);
}

#[test]
fn a_stock_that_does_not_add_up_is_wrong() {
    only(Mix::Shop, |evidence| sold_level(evidence).left -= 1, &[(facts::STOCK_WRONG, 1)]);
    let more = |evidence: &mut Evidence| {
        let level = sold_level(evidence);
        (level.stocked, level.left) = (level.stocked + 1, level.left + 1);
    };
    only(Mix::Shop, more, &[(facts::STOCK_WRONG, 1)]);
}

#[test]
fn pieces_that_were_ordered_and_are_still_for_sale_are_not_taken() {
    let not = |evidence: &mut Evidence| {
        let level = sold_level(evidence);
        (level.sold, level.left) = (level.sold - 1, level.left + 1);
    };
    only(Mix::Shop, not, &[(facts::PIECES_NOT_TAKEN, 1)]);
}

#[test]
fn pieces_that_are_gone_without_an_order_are_lost_but_for_those_of_a_checkout_without_a_reply() {
    let gone = |evidence: &mut Evidence| {
        let level = evidence.levels.get_mut(&0).unwrap();
        (level.sold, level.left) = (level.sold + 2, level.left - 2);
    };
    only(Mix::FlashSale, gone, &[(facts::PIECES_LOST, 1)]);
}

#[test]
fn pieces_that_stay_reserved_are_held_back() {
    let reserved = |evidence: &mut Evidence| {
        let level = evidence.levels.get_mut(&0).unwrap();
        (level.sold, level.reserved) = (level.sold - 3, 3);
    };
    only(Mix::FlashSale, reserved, &[(facts::PIECES_HELD_BACK, 2)]);
}

#[test]
fn an_order_in_progress_has_its_pieces_reserved_and_its_money_held() {
    let open = |evidence: &mut Evidence| {
        order_mut(evidence, 0).status = Status::Pending;
        let charge = &mut charges(evidence)[0];
        (charge.held, charge.captured) = (charge.captured, 0);
        let level = evidence.levels.get_mut(&0).unwrap();
        (level.sold, level.reserved) = (level.sold - 1, 1);
    };
    only(Mix::FlashSale, open, &[]);
    let mut evidence = honest(Mix::FlashSale);
    open(&mut evidence);
    let verdict = judge(&evidence);
    assert_eq!((verdict.count(facts::ORDERS_NOT_SETTLED), verdict.complete), (1, false));
    assert!(!verdict.is_settled() && !verdict.is_broken(), "{verdict:?}");
}

#[test]
fn a_voucher_that_is_used_beyond_a_limit_is_overused() {
    let mut evidence = honest(Mix::Vouchers);
    evidence.shop.few = PAID.end - 1;
    let verdict = judge(&evidence);
    assert!(verdict.count(facts::VOUCHER_OVERUSED) >= 1, "{verdict:?}");
}

#[test]
fn a_voucher_that_a_customer_uses_again_is_overused() {
    let shop = honest(Mix::Vouchers).shop;
    let customer = shop.purchase(0).customer;
    let other = (20..1_000_000).find(|buyer| shop.purchase(*buyer).customer == customer).unwrap();
    let again = |evidence: &mut Evidence| {
        sell(evidence, other, Id(5));
        evidence.voucher_used = evidence.voucher_used.map(|used| used + 1);
    };
    let mut evidence = honest(Mix::Vouchers);
    let before = judge(&evidence).count(facts::VOUCHER_OVERUSED);
    again(&mut evidence);
    assert_eq!(judge(&evidence).count(facts::VOUCHER_OVERUSED), before + 1);
}

#[test]
fn a_use_that_is_not_counted_or_never_made_is_miscounted() {
    let more = |by: u64| move |evidence: &mut Evidence| evidence.voucher_used = Some(PAID.end + by);
    only(Mix::Vouchers, more(1), &[]);
    only(Mix::Vouchers, more(2), &[(facts::VOUCHER_MISCOUNTED, 1)]);
    let less = |evidence: &mut Evidence| evidence.voucher_used = Some(PAID.end - 1);
    only(Mix::Vouchers, less, &[(facts::VOUCHER_MISCOUNTED, 1)]);
}

#[test]
fn what_could_not_be_read_is_not_judged() {
    let books = |evidence: &mut Evidence| evidence.charges = None;
    only(Mix::Shop, books, &[]);
    let orders = |evidence: &mut Evidence| {
        evidence.orders.remove(&order_of(0));
        evidence.are_all_known = false;
    };
    only(Mix::Shop, orders, &[]);
}
