//! The vocabulary of these tests.

use cart::{
    CartId, Currency, CustomerId, Money, Order, OrderId, OrderLine, PaymentToken, ProductId, Quantity,
    Status, VoucherCode,
};
use contract::Timestamp;

pub(crate) use crate::ground::at_once;

/// The moment at which everything begins.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub(crate) fn euro(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").unwrap())
}

pub(crate) fn pieces(number: u32) -> Quantity {
    Quantity::new(number).unwrap()
}

pub(crate) fn code(text: &str) -> VoucherCode {
    VoucherCode::parse(text).unwrap()
}

pub(crate) fn card() -> PaymentToken {
    PaymentToken::parse("card").unwrap()
}

/// A pending order of two pieces, with a voucher or without, that costs so much.
pub(crate) fn order(minor: i64, has_voucher: bool) -> Order {
    let line = OrderLine {
        product: ProductId(1),
        quantity: pieces(2),
        price: euro(minor),
        discount: euro(minor),
        net: euro(minor),
    };
    Order {
        id: OrderId(7),
        customer: CustomerId(3),
        cart: CartId(5),
        lines: vec![line],
        voucher: has_voucher.then(|| code("HALF")),
        total: euro(minor),
        status: Status::Pending,
        reason: None,
        refunds: Vec::new(),
        made_at: START,
        settled_at: None,
    }
}
