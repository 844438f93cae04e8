//! The negative controls: what they lose, and that the sound ways do not.

use cart::{Idempotency, Orders, SagaQuery, SagaStanding, Status};

use super::shop::{Kind, POT, Shop, TEA};
use crate::{stores::Message, support::at_once};

/// A shop in which a checkout was committed, and the process was killed before anything else was sent.
fn killed_after_commit(kind: Kind) -> (Shop, cart::OrderId) {
    let shop = Shop::new(kind);
    shop.put(TEA, 1);
    let order = shop.checkout(&shop.request("a", 500)).unwrap().order;
    if kind == Kind::DualWrite {
        // What was sent past the outbox had not left the process.
        shop.lose(|message| matches!(message, Message::Command(_)));
    }
    (shop, order)
}

#[test]
fn a_dual_write_that_is_killed_in_between_leaves_an_order_pending_for_ever() {
    for (kind, expected) in [(Kind::Saga, Status::Paid), (Kind::DualWrite, Status::Pending)] {
        let (shop, order) = killed_after_commit(kind);
        shop.drain();
        for _ in 0..10 {
            shop.pass(60_000);
            at_once(shop.orders.tick()).unwrap();
            shop.drain();
        }
        assert_eq!(shop.order(order).status, expected, "{kind:?}");
        let query = SagaQuery { standing: SagaStanding::Stuck, after: None, limit: 10 };
        let stuck = at_once(shop.orders.sagas(query)).unwrap().0.len();
        assert_eq!(stuck, usize::from(kind == Kind::DualWrite), "it can be seen");
    }
}

#[test]
fn charging_first_takes_money_for_what_is_not_there() {
    let shop = Shop::new(Kind::ChargeFirst);
    shop.put(POT, 3);
    assert!(shop.checkout(&shop.request("a", 6_000)).is_err());
    shop.drain();
    assert_eq!(shop.provider.taken(), 6_000, "the customer has paid");
    assert!(shop.orders_made().is_empty(), "and there is no order");
}

#[test]
fn charging_first_is_right_as_long_as_nothing_goes_wrong() {
    let shop = Shop::new(Kind::ChargeFirst);
    shop.put(POT, 2);
    let checked_out = shop.checkout(&shop.request("a", 4_000)).unwrap();
    assert_eq!(checked_out.status, Status::Paid);
    shop.drain();
    shop.check_ledger();
}

#[test]
fn without_idempotency_a_retried_checkout_charges_twice() {
    for kind in [Kind::Transaction, Kind::Saga] {
        let shop = Shop::with(kind, Idempotency::Off);
        shop.put(TEA, 1);
        let request = shop.request("a", 500);
        shop.checkout(&request).unwrap();
        shop.checkout(&request).unwrap();
        shop.drain();
        assert_eq!(shop.provider.taken(), 1_000, "{kind:?}");
    }
}
