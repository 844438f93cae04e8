//! Checkouts that end without a reply: repeated, they go on; abandoned, they are refused and leave no hold.

use cart::{ABANDONED_AFTER, Decision, Order, OrderError, Purchase, Refusal, Status};

use super::shop::{Kind, Shop, TEA};
use crate::{
    provider::Fault,
    support::{START, at_once, card, order},
};

#[test]
fn a_checkout_that_nobody_repeats_is_refused_and_its_hold_is_given_back() {
    for fault in [Fault::ReplyLost, Fault::CallLost] {
        let shop = Shop::new(Kind::Transaction);
        shop.put(TEA, 1);
        shop.provider.plan(&[fault]);
        let request = shop.request("a", 500);
        assert!(matches!(shop.checkout(&request), Err(OrderError::Unavailable(_))));
        shop.pass(ABANDONED_AFTER.as_millis() as u64 - 1);
        assert_eq!(at_once(shop.orders.tick()), Ok(0), "{fault:?}: it may still be repeated");
        shop.pass(1);
        assert_eq!(at_once(shop.orders.tick()), Ok(1), "{fault:?}");
        assert_eq!(at_once(shop.orders.tick()), Ok(0), "once");
        shop.drain();
        assert_eq!((shop.provider.held(), shop.provider.taken()), (0, 0), "{fault:?}");
        let late = shop.checkout(&request);
        assert_eq!(late, Err(OrderError::from(Refusal::TimedOut)), "its hold cannot be used any more");
        shop.drain();
        assert!(shop.orders_made().is_empty());
        shop.check_ledger();
        shop.checkout(&shop.request("b", 500)).unwrap();
        shop.drain();
        shop.check_ledger();
    }
}

#[test]
fn a_checkout_that_is_repeated_goes_on_and_is_never_taken_for_abandoned() {
    let shop = Shop::new(Kind::Transaction);
    shop.put(TEA, 1);
    let request = shop.request("a", 500);
    for _ in 0..3 {
        shop.provider.plan(&[Fault::ReplyLost]);
        assert!(shop.checkout(&request).is_err());
        shop.pass(ABANDONED_AFTER.as_millis() as u64 - 1);
        assert_eq!(at_once(shop.orders.tick()), Ok(0));
    }
    let order = shop.checkout(&request).unwrap().order;
    shop.drain();
    shop.pass(10 * ABANDONED_AFTER.as_millis() as u64);
    assert_eq!(at_once(shop.orders.tick()), Ok(0));
    assert_eq!(shop.order(order).status, Status::Paid);
    shop.check_ledger();
}

#[test]
fn a_checkout_that_failed_before_it_held_anything_is_tried_anew_at_any_time() {
    let shop = Shop::new(Kind::Transaction);
    shop.put(TEA, 1);
    let request = shop.request("a", 500);
    shop.offer(TEA, "Green tea", 600);
    assert!(matches!(shop.checkout(&request), Err(OrderError::PriceChanged { .. })));
    shop.pass(3_600_000);
    assert_eq!(at_once(shop.orders.tick()), Ok(0));
    shop.offer(TEA, "Green tea", 500);
    shop.checkout(&request).unwrap();
    shop.drain();
    shop.check_ledger();
}

#[test]
fn an_attempt_that_is_slower_than_its_claim_stores_nothing_once_it_is_abandoned() {
    let shop = Shop::new(Kind::Transaction);
    shop.put(TEA, 1);
    let request = shop.request("a", 500);
    shop.claim(&request);
    shop.pass(30_000 + ABANDONED_AFTER.as_millis() as u64);
    assert_eq!(at_once(shop.orders.tick()), Ok(1));
    // What the attempt has in its hands comes too late, in whatever order.
    let placed = Purchase::placed(Order { lines: Vec::new(), ..order(500, false) }, card(), START);
    let refuse = |_| -> Decision { panic!("nothing is taken") };
    let reply = at_once(shop.stores.shop.place(&request.key, &placed, &refuse)).unwrap();
    assert_eq!(reply, Err(Refusal::TimedOut));
    assert_eq!(at_once(shop.stores.orders.begin(&request.key, &placed, true)).unwrap(), reply);
    shop.drain();
    assert!(at_once(shop.stores.orders.find(placed.purchase.order.id)).unwrap().is_none());
}

#[test]
fn a_client_that_gave_up_at_its_deadline_may_try_again_at_once() {
    let shop = Shop::new(Kind::Transaction);
    shop.put(TEA, 1);
    let request = shop.request("a", 500);
    shop.give_up(&request, 800);
    let order = shop.checkout(&request).unwrap().order;
    assert_eq!(shop.provider.entries().len(), 1, "with the hold of the first attempt");
    shop.drain();
    assert_eq!(shop.order(order).status, Status::Paid);
    shop.check_ledger();
}

#[test]
fn a_client_that_gave_up_for_good_leaves_no_hold() {
    let shop = Shop::new(Kind::Transaction);
    shop.put(TEA, 1);
    shop.give_up(&shop.request("a", 500), 800);
    assert_eq!(shop.provider.held(), 500);
    shop.pass(ABANDONED_AFTER.as_millis() as u64);
    assert_eq!(at_once(shop.orders.tick()), Ok(1));
    shop.drain();
    shop.check_ledger();
}
