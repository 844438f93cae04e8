//! Stock and vouchers: reservations that end, commands that come twice, late or in the wrong order.

use cart::{
    CommandKey, CustomerId, Delivery, DeliveryId, Discount, Level, MAX_STOCKED, MAX_USES, OrderId,
    OrderedLine, Outcome, ProductIds, Purpose, RESERVED_FOR, Refusal, Step, Stock, StockAction, StockCommand,
    StockError, Voucher, VoucherAction, VoucherCommand, VoucherError, Vouchers,
};

use super::shop::{Kind, POT, Shop, TEA};
use crate::support::{START, at_once, code, euro, pieces};

fn shop() -> Shop {
    Shop::new(Kind::Saga)
}

fn key(order: u128, purpose: Purpose) -> CommandKey {
    CommandKey { order: OrderId(order), purpose }
}

fn reserve(shop: &Shop, order: u128, number: u32) -> Outcome {
    let lines = vec![OrderedLine { product: TEA, quantity: pieces(number) }];
    let action = StockAction::Reserve { lines, until: START.plus(RESERVED_FOR) };
    perform(shop, key(order, Purpose::Do(Step::Reserve)), action)
}

fn commit(shop: &Shop, order: u128) -> Outcome {
    perform(shop, key(order, Purpose::Do(Step::Commit)), StockAction::Commit)
}

fn release(shop: &Shop, order: u128, round: u32) -> Outcome {
    perform(shop, key(order, Purpose::Undo(Step::Reserve, round)), StockAction::Release)
}

fn perform(shop: &Shop, key: CommandKey, action: StockAction) -> Outcome {
    at_once(shop.stock.perform(StockCommand { key, action })).unwrap().outcome
}

fn places(shop: &Shop) -> (u64, u64, u64) {
    let Level { reserved, sold, left, .. } = shop.level(TEA);
    (reserved, sold, left)
}

#[test]
fn goods_are_reserved_sold_and_given_back_once() {
    let shop = shop();
    for _ in 0..2 {
        assert_eq!((reserve(&shop, 1, 4), places(&shop)), (Outcome::Done, (4, 0, 6)));
    }
    for _ in 0..2 {
        assert_eq!((commit(&shop, 1), places(&shop)), (Outcome::Done, (0, 4, 6)));
    }
    for round in [0, 0, 1] {
        assert_eq!((release(&shop, 1, round), places(&shop)), (Outcome::Done, (0, 0, 10)));
    }
}

#[test]
fn more_than_is_left_is_not_reserved() {
    let shop = shop();
    reserve(&shop, 1, 8);
    let refused = Outcome::Refused(Refusal::OutOfStock { product: TEA, left: 2 });
    assert_eq!((reserve(&shop, 2, 3), places(&shop)), (refused, (8, 0, 2)));
    let commit = commit(&shop, 2);
    assert_eq!(commit, Outcome::Refused(Refusal::NotReserved));
}

#[test]
fn a_command_that_comes_after_its_compensation_takes_nothing() {
    let shop = shop();
    assert_eq!(release(&shop, 1, 0), Outcome::Done);
    assert_eq!(reserve(&shop, 1, 4), Outcome::Refused(Refusal::Cancelled));
    assert_eq!(commit(&shop, 1), Outcome::Refused(Refusal::Cancelled));
    assert_eq!(places(&shop), (0, 0, 10));
}

#[test]
fn reservations_of_abandoned_checkouts_return() {
    let shop = shop();
    reserve(&shop, 1, 4);
    shop.pass(RESERVED_FOR.as_millis() as u64 - 1);
    assert_eq!(at_once(shop.stock.expire()), Ok(0));
    shop.pass(1);
    assert_eq!(at_once(shop.stock.expire()), Ok(1));
    assert_eq!(places(&shop), (0, 0, 10));
    assert_eq!(release(&shop, 1, 0), Outcome::Done);
    assert_eq!(places(&shop), (0, 0, 10), "they return once");
}

#[test]
fn a_paid_order_whose_reservation_has_ended_gets_what_is_left() {
    for (others, expected, held) in [
        (6, Outcome::Done, (6, 4, 0)),
        (7, Outcome::Refused(Refusal::OutOfStock { product: TEA, left: 3 }), (7, 0, 3)),
    ] {
        let shop = shop();
        reserve(&shop, 1, 4);
        shop.pass(RESERVED_FOR.as_millis() as u64);
        at_once(shop.stock.expire()).unwrap();
        reserve(&shop, 2, others);
        assert_eq!((commit(&shop, 1), places(&shop)), (expected, held));
    }
}

#[test]
fn a_delivery_comes_in_once_and_has_a_limit() {
    let shop = shop();
    let receive =
        |id, quantity| at_once(shop.stock.receive(Delivery { id: DeliveryId(id), product: TEA, quantity }));
    for _ in 0..2 {
        assert_eq!(receive(9, 5).unwrap().stocked, 15);
    }
    for quantity in [0, MAX_STOCKED, MAX_STOCKED + 1, u64::MAX] {
        assert_eq!(receive(10, quantity), Err(StockError::Quantity));
    }
    let many = ProductIds(vec![TEA; 101]);
    assert_eq!(at_once(shop.stock.levels(many)), Err(StockError::TooManyProducts));
}

#[test]
fn an_id_of_a_delivery_that_is_used_for_other_goods_is_refused() {
    let shop = shop();
    let receive = |product, quantity| {
        at_once(shop.stock.receive(Delivery { id: DeliveryId(9), product, quantity }))
            .map(|level| level.stocked)
    };
    assert_eq!(receive(TEA, 5), Ok(15));
    for (product, quantity) in [(TEA, 6), (POT, 5)] {
        assert_eq!(receive(product, quantity), Err(StockError::DeliveryReused), "{product}: {quantity}");
    }
    assert_eq!(receive(TEA, 5), Ok(15), "the same again");
    assert_eq!(shop.level(POT).stocked, 2);
}

#[test]
fn a_reservation_names_each_product_once() {
    let shop = shop();
    let line = OrderedLine { product: TEA, quantity: pieces(1) };
    for lines in [vec![], vec![line, line], vec![line; 101]] {
        let action = StockAction::Reserve { lines, until: START };
        let command = StockCommand { key: key(1, Purpose::Do(Step::Reserve)), action };
        assert_eq!(at_once(shop.stock.perform(command)), Err(StockError::Lines));
    }
}

fn redeem(shop: &Shop, order: u128, customer: u128) -> Outcome {
    let action = VoucherAction::Redeem { code: code("FIVE"), customer: CustomerId(customer) };
    let key = key(order, Purpose::Do(Step::Redeem));
    at_once(shop.vouchers.perform(VoucherCommand { key, action })).unwrap().outcome
}

fn restore(shop: &Shop, order: u128) -> Outcome {
    let key = key(order, Purpose::Undo(Step::Redeem, 0));
    at_once(shop.vouchers.perform(VoucherCommand { key, action: VoucherAction::Restore })).unwrap().outcome
}

#[test]
fn a_voucher_has_limits_by_use_and_by_customer_and_a_use_comes_back() {
    let shop = shop();
    assert_eq!(redeem(&shop, 1, 1), Outcome::Refused(Refusal::VoucherUnknown));
    shop.voucher("FIVE", Discount::Amount(euro(5)), 3, 2);
    for order in [10, 10, 11] {
        assert_eq!(redeem(&shop, order, 1), Outcome::Done);
    }
    assert_eq!(redeem(&shop, 12, 1), Outcome::Refused(Refusal::VoucherUsedByCustomer));
    assert_eq!(redeem(&shop, 13, 2), Outcome::Done);
    assert_eq!(redeem(&shop, 14, 2), Outcome::Refused(Refusal::VoucherUsedUp));
    for _ in 0..2 {
        assert_eq!(restore(&shop, 10), Outcome::Done);
    }
    assert_eq!(at_once(shop.vouchers.voucher(code("FIVE"))).unwrap().used, 2);
    assert_eq!(redeem(&shop, 15, 2), Outcome::Done);
    assert_eq!(restore(&shop, 16), Outcome::Done, "before it is used: a tombstone");
    assert_eq!(redeem(&shop, 16, 1), Outcome::Refused(Refusal::Cancelled));
}

#[test]
fn a_voucher_is_issued_once_and_within_its_limits() {
    let shop = shop();
    let voucher = |uses, minor| Voucher {
        code: code("FIVE"),
        discount: Discount::Amount(euro(minor)),
        uses,
        uses_by_customer: 1,
    };
    for _ in 0..2 {
        assert_eq!(at_once(shop.vouchers.issue(voucher(1, 5))), Ok(voucher(1, 5)));
    }
    let taken = VoucherError::Taken { code: code("FIVE") };
    assert_eq!(at_once(shop.vouchers.issue(voucher(2, 5))), Err(taken));
    for uses in [0, MAX_USES + 1] {
        assert_eq!(at_once(shop.vouchers.issue(voucher(uses, 5))), Err(VoucherError::Uses));
    }
    for minor in [0, -5, i64::MAX] {
        assert_eq!(at_once(shop.vouchers.issue(voucher(1, minor))), Err(VoucherError::Discount));
    }
    let unknown = VoucherError::NotFound { code: code("NONE") };
    assert_eq!(at_once(shop.vouchers.voucher(code("NONE"))), Err(unknown));
}
