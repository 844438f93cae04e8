//! What happens to an order afterwards: cancelled, shipped, refunded; and sagas that wait for a person.

use cart::{
    FIRST_WAIT, LONGEST_WAIT, Notices, OrderError, OrderId, Orders, RefundId, RefundOrder, RefundState,
    RepairSaga, SENDS, SagaQuery, SagaStanding, Status,
};

use super::shop::{Kind, POT, SOUND, Shop, TEA};
use crate::support::{at_once, euro};

/// A shop with a paid order of 2 500.
fn paid(kind: Kind) -> (Shop, OrderId) {
    let shop = Shop::new(kind);
    shop.put(TEA, 1);
    shop.put(POT, 1);
    let order = shop.checkout(&shop.request("a", 2_500)).unwrap().order;
    shop.drain();
    (shop, order)
}

fn refund(shop: &Shop, order: OrderId, id: u128, minor: i64) -> Result<cart::Order, OrderError> {
    at_once(shop.orders.refund(RefundOrder { order, refund: RefundId(id), amount: euro(minor) }))
}

/// How many sagas the shop lists.
fn listed(shop: &Shop, standing: SagaStanding) -> usize {
    at_once(shop.orders.sagas(SagaQuery { standing, after: None, limit: 10 })).unwrap().0.len()
}

#[test]
fn a_paid_order_is_cancelled_with_its_money_and_its_goods_given_back() {
    for kind in SOUND {
        let (shop, order) = paid(kind);
        for _ in 0..2 {
            assert_eq!(at_once(shop.orders.cancel(order)).unwrap().status, Status::Cancelled);
            shop.drain();
        }
        assert_eq!((shop.provider.taken(), shop.level(TEA).left), (0, 10), "{kind:?}");
        shop.check_ledger();
    }
}

#[test]
fn an_order_is_cancelled_whenever_the_customer_does_so() {
    for messages in 0..20 {
        for kind in SOUND {
            let shop = Shop::new(kind);
            shop.put(TEA, 1);
            let order = shop.checkout(&shop.request("a", 500)).unwrap().order;
            shop.deliver_some(messages);
            at_once(shop.orders.cancel(order)).unwrap();
            shop.drain();
            assert_eq!((shop.provider.taken(), shop.level(TEA).left), (0, 10), "{kind:?} {messages}");
            shop.check_ledger();
        }
    }
}

#[test]
fn an_order_is_not_cancelled_after_shipping() {
    let (shop, order) = paid(Kind::Transaction);
    for _ in 0..2 {
        assert_eq!(at_once(shop.orders.ship(order)).unwrap().status, Status::Shipped);
    }
    assert_eq!(at_once(shop.orders.cancel(order)), Err(OrderError::Shipped));
    refund(&shop, order, 1, 2_500).unwrap();
    shop.drain();
    assert_eq!(shop.provider.taken(), 0, "but its money can be given back");
    shop.check_ledger();
}

#[test]
fn an_order_that_is_not_paid_is_neither_shipped_nor_refunded() {
    let shop = Shop::new(Kind::Saga);
    shop.put(TEA, 1);
    let order = shop.checkout(&shop.request("a", 500)).unwrap().order;
    assert_eq!(at_once(shop.orders.ship(order)), Err(OrderError::NotPaid));
    assert_eq!(refund(&shop, order, 1, 1), Err(OrderError::NotPaid));
    let unknown = OrderError::NotFound { id: OrderId(9) };
    assert_eq!(at_once(shop.orders.cancel(OrderId(9))), Err(unknown));
}

#[test]
fn refunds_are_idempotent_and_at_most_the_paid_sum() {
    for kind in SOUND {
        let (shop, order) = paid(kind);
        for _ in 0..2 {
            refund(&shop, order, 1, 2_000).unwrap();
            shop.drain();
        }
        assert_eq!(shop.order(order).refunds[0].state, RefundState::Done);
        assert_eq!(shop.provider.taken(), 500, "{kind:?}");
        assert_eq!(refund(&shop, order, 1, 1_999), Err(OrderError::RefundReused));
        assert_eq!(refund(&shop, order, 2, 501), Err(OrderError::ExceedsPayment));
        assert_eq!(refund(&shop, order, 2, 0), Err(OrderError::RefundAmount));
        refund(&shop, order, 2, 500).unwrap();
        shop.drain();
        shop.check_ledger();
    }
}

#[test]
fn a_refund_whose_command_is_lost_is_sent_again_and_given_once() {
    for kind in SOUND {
        let (shop, order) = paid(kind);
        refund(&shop, order, 1, 600).unwrap();
        shop.lose(|_| true);
        refund(&shop, order, 1, 600).unwrap();
        shop.drain();
        assert_eq!(shop.provider.taken(), 2_500, "{kind:?}: the same request again sends nothing");
        shop.pass(FIRST_WAIT.as_millis() as u64);
        assert_eq!(at_once(shop.orders.tick()), Ok(1), "{kind:?}");
        shop.drain();
        assert_eq!((shop.order(order).refunds[0].state, shop.provider.taken()), (RefundState::Done, 1_900));
        shop.pass(60_000);
        assert_eq!(at_once(shop.orders.tick()), Ok(0), "{kind:?}: nothing is left to do");
        shop.check_ledger();
    }
}

#[test]
fn a_refund_that_stays_without_a_reply_is_parked_seen_and_repaired() {
    for kind in SOUND {
        let (shop, order) = paid(kind);
        refund(&shop, order, 1, 600).unwrap();
        for sent in 1..=SENDS {
            shop.lose(|_| true);
            assert_eq!(listed(&shop, SagaStanding::Parked), 0, "{kind:?}: sent {sent} times");
            assert_eq!(listed(&shop, SagaStanding::Running), 1, "{kind:?}: sent {sent} times");
            shop.pass(2 * LONGEST_WAIT.as_millis() as u64 + 1);
            assert_eq!(listed(&shop, SagaStanding::Stuck), 1, "{kind:?}: nothing has looked");
            at_once(shop.orders.tick()).unwrap();
        }
        assert_eq!((listed(&shop, SagaStanding::Parked), listed(&shop, SagaStanding::Running)), (1, 0));
        assert_eq!(shop.order(order).refunds[0].state, RefundState::Pending);
        at_once(shop.orders.repair(RepairSaga { order })).unwrap();
        shop.drain();
        assert_eq!((listed(&shop, SagaStanding::Parked), shop.provider.taken()), (0, 1_900), "{kind:?}");
        assert_eq!(at_once(shop.orders.repair(RepairSaga { order })), Err(OrderError::NotParked));
        shop.check_ledger();
    }
}

#[test]
fn an_order_that_was_refunded_in_part_is_cancelled_for_the_rest() {
    let (shop, order) = paid(Kind::Saga);
    refund(&shop, order, 1, 600).unwrap();
    shop.drain();
    at_once(shop.orders.cancel(order)).unwrap();
    shop.drain();
    assert_eq!(shop.provider.entries()[0].refunded, 2_500);
    shop.check_ledger();
}

#[test]
fn a_refund_and_a_cancellation_that_cross_give_everything_back_once() {
    let (shop, order) = paid(Kind::Saga);
    refund(&shop, order, 1, 600).unwrap();
    at_once(shop.orders.cancel(order)).unwrap();
    shop.drain();
    assert_eq!(shop.provider.entries()[0].refunded, 2_500);
    shop.check_ledger();
}

#[test]
fn a_saga_whose_compensation_is_refused_is_parked_seen_and_repaired() {
    let (shop, order) = paid(Kind::Saga);
    shop.provider.refuse_refunds(true);
    at_once(shop.orders.cancel(order)).unwrap();
    shop.drain();
    let parked = || listed(&shop, SagaStanding::Parked);
    assert_eq!(parked(), 1);
    assert_eq!(shop.level(TEA).left, 10, "the goods are back all the same");
    shop.provider.refuse_refunds(false);
    at_once(shop.orders.repair(RepairSaga { order })).unwrap();
    shop.drain();
    assert_eq!((parked(), shop.provider.taken()), (0, 0));
    assert_eq!(at_once(shop.orders.repair(RepairSaga { order })), Err(OrderError::NotParked));
    shop.check_ledger();
}

#[test]
fn a_page_of_sagas_is_neither_empty_nor_endless() {
    let shop = Shop::new(Kind::Saga);
    for limit in [0, 101, u32::MAX] {
        let query = SagaQuery { standing: SagaStanding::Stuck, after: None, limit };
        assert_eq!(at_once(shop.orders.sagas(query)), Err(OrderError::Limit));
    }
}

#[test]
fn the_customer_is_told_everything_once() {
    let (shop, order) = paid(Kind::Saga);
    at_once(shop.orders.cancel(order)).unwrap();
    shop.drain();
    let told = at_once(shop.notices.told(order)).unwrap().0;
    let texts: Vec<_> = told.iter().map(|notice| notice.text.as_str()).collect();
    assert!(told.is_sorted_by_key(|notice| notice.at));
    assert_eq!(
        texts,
        [
            "we have your order of 2 products for EUR 2500 (minor units)",
            "your order is paid: EUR 2500 (minor units)",
            "your order was cancelled, as you wished",
        ]
    );
}
