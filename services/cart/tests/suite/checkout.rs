//! Checkouts, by each way that keeps the promises.

use cart::{
    Discount, INBOX_KEPT_FOR, OrderError, Orders, PaymentToken, PercentOff, ProductIds, REMEMBERED_FOR,
    Refusal, Status, Version,
};
use contract::RemoteError;

use super::shop::{Kind, POT, SOUND, Shop, TEA};
use crate::{
    provider::Fault,
    support::{at_once, euro},
};

fn half() -> Discount {
    Discount::Percent(PercentOff::new(5_000).unwrap())
}

#[test]
fn a_checkout_sells_the_goods_takes_the_money_and_empties_the_cart() {
    for kind in SOUND {
        let shop = Shop::new(kind);
        shop.put(TEA, 3);
        shop.put(POT, 1);
        let checked_out = shop.checkout(&shop.request("a", 3_500)).unwrap();
        let at_first = if kind == Kind::Transaction { Status::Placed } else { Status::Pending };
        assert_eq!((checked_out.status, checked_out.total), (at_first, euro(3_500)), "{kind:?}");
        shop.drain();
        assert_eq!(shop.order(checked_out.order).status, Status::Paid);
        assert_eq!(shop.provider.taken(), 3_500);
        assert_eq!((shop.level(TEA).sold, shop.level(POT).left), (3, 1));
        assert_eq!(shop.cart().lines, []);
        let sales = at_once(shop.orders.sales(ProductIds(vec![TEA, POT]))).unwrap();
        assert!(sales.0.iter().all(|sales| sales.orders == [checked_out.order]));
        shop.check_ledger();
    }
}

#[test]
fn a_retried_checkout_charges_once() {
    for kind in SOUND {
        let shop = Shop::new(kind);
        shop.put(TEA, 1);
        let request = shop.request("a", 500);
        let first = shop.checkout(&request).unwrap();
        assert_eq!(shop.checkout(&request), Ok(first), "{kind:?}");
        shop.drain();
        assert_eq!(shop.checkout(&request), Ok(first), "the first reply, although the order is paid by now");
        shop.drain();
        assert_eq!(shop.provider.entries().len(), 1);
        assert_eq!((shop.provider.taken(), shop.level(TEA).sold), (500, 1));
        shop.check_ledger();
    }
}

#[test]
fn a_checkout_whose_authorisation_got_no_answer_is_retried_and_charges_once() {
    for fault in [Fault::ReplyLost, Fault::CallLost] {
        let shop = Shop::new(Kind::Transaction);
        shop.put(TEA, 1);
        shop.provider.plan(&[fault]);
        let request = shop.request("a", 500);
        assert!(matches!(shop.checkout(&request), Err(OrderError::Unavailable(_))));
        shop.checkout(&request).unwrap();
        shop.drain();
        assert_eq!(shop.provider.entries().len(), 1, "{fault:?}");
        shop.check_ledger();
    }
}

#[test]
fn a_replayed_key_with_other_parameters_is_refused() {
    for kind in SOUND {
        let shop = Shop::new(kind);
        shop.put(TEA, 1);
        let request = shop.request("a", 500);
        shop.checkout(&request).unwrap();
        let token = PaymentToken::parse("other").unwrap();
        let others = [
            cart::Checkout { token, ..request.clone() },
            cart::Checkout { expected_total: euro(501), ..request.clone() },
            cart::Checkout { version: Version(9), ..request.clone() },
        ];
        for other in others {
            assert_eq!(shop.checkout(&other), Err(OrderError::KeyReused), "{kind:?}");
        }
        shop.drain();
        shop.check_ledger();
    }
}

#[test]
fn a_refusal_is_stored_and_repeated_and_another_key_tries_again() {
    let shop = Shop::new(Kind::Transaction);
    shop.put(TEA, 11);
    let request = shop.request("a", 5_500);
    let refused = Err(OrderError::from(Refusal::OutOfStock { product: TEA, left: 10 }));
    assert_eq!(shop.checkout(&request), refused);
    shop.receive(3, TEA, 1);
    assert_eq!(shop.checkout(&request), refused, "the first reply");
    shop.drain();
    assert_eq!(shop.cart().lines.len(), 1, "the cart is as it was");
    shop.check_ledger();
    shop.checkout(&shop.request("b", 5_500)).unwrap();
    shop.drain();
    assert_eq!(shop.level(TEA).left, 0);
    shop.check_ledger();
}

#[test]
fn a_key_is_forgotten_after_a_day() {
    let shop = Shop::new(Kind::Transaction);
    shop.put(TEA, 1);
    let first = shop.checkout(&shop.request("a", 500)).unwrap();
    shop.drain();
    shop.pass(cart::REMEMBERED_FOR.as_millis() as u64);
    shop.put(TEA, 1);
    let second = shop.checkout(&shop.request("a", 500)).unwrap();
    assert_ne!(first.order, second.order);
}

#[test]
fn a_request_whose_key_is_claimed_waits_until_the_claim_ends() {
    let shop = Shop::new(Kind::Transaction);
    shop.put(TEA, 1);
    let request = shop.request("a", 500);
    // The process that had the claim was killed while it called the provider.
    shop.provider.plan(&[Fault::ReplyLost]);
    drop(shop.checkout(&request));
    let order = shop.provider.entries()[0].order;
    shop.claim(&request);
    assert_eq!(shop.checkout(&request), Err(OrderError::InFlight));
    shop.pass(31_000);
    assert_eq!(shop.checkout(&request).unwrap().order, order, "the order of the first attempt");
    shop.drain();
    shop.check_ledger();
}

#[test]
fn a_refused_checkout_leaves_the_cart_as_it_was() {
    for kind in SOUND {
        let shop = Shop::new(kind);
        shop.put(TEA, 11);
        drop(shop.checkout(&shop.request("a", 5_500)));
        shop.drain();
        assert_eq!(shop.cart().lines.len(), 1, "{kind:?}");
        let request = shop.request("b", 5_500);
        shop.receive(3, TEA, 1);
        shop.checkout(&request).unwrap();
        shop.drain();
        assert_eq!(shop.cart().lines, [], "{kind:?}: it is paid");
    }
}

#[test]
fn keys_are_deleted_when_they_are_past_their_time_and_inboxes_a_week_later() {
    for kind in SOUND {
        let shop = Shop::new(kind);
        shop.voucher("HALF", half(), 1, 1);
        shop.put(TEA, 1);
        shop.apply("HALF");
        shop.checkout(&shop.request("a", 250)).unwrap();
        shop.drain();
        let forgotten = || {
            let of_others = [
                at_once(shop.stock.forget()).unwrap(),
                at_once(shop.vouchers.forget()).unwrap(),
                at_once(shop.payments.forget()).unwrap(),
            ];
            (at_once(shop.orders.forget()).unwrap(), of_others.iter().sum::<u64>())
        };
        shop.pass(REMEMBERED_FOR.as_millis() as u64 - 1);
        assert_eq!(forgotten(), (0, 0), "{kind:?}");
        shop.pass(1);
        assert_eq!(forgotten(), (1, 0), "{kind:?}: the key");
        shop.pass(INBOX_KEPT_FOR.as_millis() as u64);
        let (replies, commands) = forgotten();
        assert!(replies > 0 && commands > 0, "{kind:?}: {replies} replies, {commands} commands");
        assert_eq!(forgotten(), (0, 0), "{kind:?}");
        shop.check_ledger();
    }
}

#[test]
fn a_cart_that_is_empty_or_not_what_the_customer_saw_is_not_checked_out() {
    for kind in SOUND {
        let shop = Shop::new(kind);
        assert_eq!(shop.checkout(&shop.request("a", 0)), Err(OrderError::EmptyCart));
        shop.put(TEA, 1);
        let stale = cart::Checkout { version: Version(0), ..shop.request("b", 500) };
        assert_eq!(shop.checkout(&stale), Err(OrderError::StaleCart { current: Version(1) }));
        let unknown = cart::Checkout { cart: cart::CartId(99), ..shop.request("c", 500) };
        assert_eq!(shop.checkout(&unknown), Err(OrderError::UnknownCart { id: cart::CartId(99) }));
        assert!(shop.provider.entries().is_empty(), "nobody was charged");
    }
}

#[test]
fn a_price_that_has_changed_is_refused_with_the_new_one_and_can_be_agreed_to() {
    for kind in SOUND {
        let shop = Shop::new(kind);
        shop.put(TEA, 2);
        shop.offer(TEA, "Green tea", 600);
        match shop.checkout(&shop.request("a", 1_000)) {
            Err(OrderError::PriceChanged { total, lines }) => {
                assert_eq!((total, lines[0].price), (euro(1_200), euro(600)));
            }
            other => panic!("{other:?}"),
        }
        shop.checkout(&shop.request("b", 1_200)).unwrap();
        shop.drain();
        shop.check_ledger();
    }
}

#[test]
fn a_declined_payment_leaves_no_order_and_keeps_no_goods() {
    for (token, reason) in
        [("declined", Refusal::PaymentDeclined), ("insufficient-funds", Refusal::InsufficientFunds)]
    {
        for kind in SOUND {
            let shop = Shop::new(kind);
            shop.put(TEA, 2);
            let token = PaymentToken::parse(token).unwrap();
            let request = cart::Checkout { token, ..shop.request("a", 1_000) };
            match shop.checkout(&request) {
                Err(error) => assert_eq!((kind, error), (Kind::Transaction, OrderError::Refused { reason })),
                Ok(checked_out) => {
                    shop.drain();
                    let order = shop.order(checked_out.order);
                    assert_eq!((order.status, order.reason), (Status::Cancelled, Some(reason)));
                }
            }
            shop.drain();
            assert_eq!(shop.level(TEA).left, 10);
            shop.check_ledger();
        }
    }
}

#[test]
fn a_voucher_is_used_within_its_limits() {
    for kind in SOUND {
        let shop = Shop::new(kind);
        shop.voucher("HALF", half(), 2, 1);
        for (key, customers_uses) in [("a", 0), ("b", 1)] {
            shop.put(TEA, 1);
            shop.apply("HALF");
            let result = shop.checkout(&shop.request(key, 250));
            shop.drain();
            let refusal = match result {
                Ok(checked_out) => shop.order(checked_out.order).reason,
                Err(OrderError::Refused { reason }) => Some(reason),
                Err(error) => panic!("{error}"),
            };
            let expected = (customers_uses > 0).then_some(Refusal::VoucherUsedByCustomer);
            assert_eq!(refusal, expected, "{kind:?}");
        }
        assert_eq!(shop.provider.taken(), 250);
        shop.check_ledger();
    }
}

#[test]
fn an_order_that_costs_nothing_is_paid_without_a_provider() {
    for kind in SOUND {
        let shop = Shop::new(kind);
        shop.voucher("GIFT", Discount::Amount(euro(10_000)), 1, 1);
        shop.put(POT, 1);
        shop.apply("GIFT");
        let order = shop.checkout(&shop.request("a", 0)).unwrap().order;
        shop.drain();
        assert_eq!(shop.order(order).status, Status::Paid, "{kind:?}");
        assert!(shop.provider.entries().is_empty());
        assert_eq!(shop.level(POT).sold, 1);
    }
}

#[test]
fn an_authorisation_that_ends_before_the_money_is_taken_cancels_the_order() {
    let shop = Shop::new(Kind::Transaction);
    shop.put(POT, 2);
    let order = shop.checkout(&shop.request("a", 4_000)).unwrap().order;
    shop.provider.expire();
    shop.drain();
    let order = shop.order(order);
    assert_eq!((order.status, order.reason), (Status::Cancelled, Some(Refusal::AuthorisationExpired)));
    assert_eq!(shop.level(POT).left, 2, "the goods are back");
    shop.check_ledger();
}

#[test]
fn every_error_of_a_checkout_tells_the_client_whose_turn_it_is() {
    use contract::Kind::{Conflict, Invalid, NotFound};
    let refused = OrderError::from(Refusal::PaymentDeclined);
    let unknown = OrderError::UnknownCart { id: cart::CartId(1) };
    for (error, kind) in [
        (OrderError::EmptyCart, Invalid),
        (OrderError::InFlight, Conflict),
        (OrderError::KeyReused, Conflict),
        (refused, Conflict),
        (unknown, NotFound),
    ] {
        assert_eq!(error.kind(), kind, "{error}");
    }
}
